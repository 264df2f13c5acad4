/** Asking the reader for the recorder's token. */

import { keepToken } from "./api.js";
import { byId, say } from "./dom.js";

const TOKEN = /^[\x21-\x7e]+$/; // what a header can carry

/** Wire the dialog; `given` is called once a token was entered.  Returns `open(refused)`. */
export function wireToken(given) {
  const [dialog, input, wrong] = [byId("token"), byId("token-input"), byId("token-wrong")];
  byId("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const value = input.value.trim();
    if (!TOKEN.test(value)) {
      say(wrong, "A token has no spaces, and plain letters, digits and signs only.");
      input.select();
      return;
    }
    keepToken(value);
    input.value = "";
    dialog.close();
    given();
  });
  byId("token-cancel").addEventListener("click", () => dialog.close());
  return (refused) => {
    if (refused) keepToken(null);
    say(wrong, refused ? "The recorder did not accept this token." : "");
    if (!dialog.open) dialog.showModal();
  };
}
