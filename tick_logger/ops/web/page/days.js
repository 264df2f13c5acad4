/** What was recorded: a calendar of each exchange's days, and below it the symbols.

Asks again while symbols are still being looked at, and seldom after that.
*/

import { Answered, askJson } from "./api.js";
import { buildCalendar } from "./calendar.js";
import { byId, h, mark, reveal, say } from "./dom.js";
import { CONDITIONS } from "./meaning.js";
import { buildRecorded } from "./recorded.js";
import { count, date } from "./words.js";

const AT_WORK_MS = 500; // until all symbols were looked at
const EVERY_MS = 10_000;
const GIVE_UP_MS = 20_000; // on one question; others may wait for the disk too

/** Show all days, or the symbols of one, until `stop` of what is returned is called. */
export function showDays(day = null, exchange = null) {
  const leave = new AbortController();
  const signal = () => AbortSignal.any([leave.signal, AbortSignal.timeout(GIVE_UP_MS)]);
  const problem = h("p", { class: "problem", role: "status" });
  const progress = h("p", { class: "note", role: "status" });
  const calendar = buildCalendar(day, exchange);
  const symbols = buildRecorded({ day, exchange }, signal, fail);
  const all = h("a", { href: "#/days", text: "all days" });
  const chosen = [day && date(day), exchange !== null && `on ${exchange || "the only exchange"}`].filter(Boolean).join(" ");
  const title = h("h2", {}, chosen ? `Symbols, ${chosen} ` : "Symbols, all days ");
  if (chosen) title.append(h("small", {}, all));
  reveal(problem, false);
  byId("recorded").replaceChildren(
    h("section", {}, h("h2", { text: "Recorded days" }), problem, h("div", { class: "panel padded" }, calendar.node, legend(), progress)),
    h("section", {}, title, symbols.node),
  );

  function fail(error) {
    if (leave.signal.aborted) return;
    const words = error instanceof Answered ? error.reason || error.message : error.message;
    say(problem, `What was recorded could not be had: ${words}.`);
    reveal(problem, true);
  }

  async function refresh() {
    const found = await askJson("api/recorded/days", {}, signal());
    reveal(problem, false);
    calendar.update(found);
    const atWork = found.looked < found.of;
    say(progress, atWork ? `${count(found.looked)} of ${count(found.of)} symbols are counted so far.` : "");
    reveal(progress, atWork);
    await symbols.refresh();
    return atWork ? AT_WORK_MS : EVERY_MS;
  }
  async function forever() {
    while (!leave.signal.aborted) {
      const pause = document.hidden ? EVERY_MS : await refresh().catch((error) => (fail(error), EVERY_MS));
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  forever();
  return { stop: () => leave.abort() };
}

function legend() {
  const items = Object.entries(CONDITIONS).map(([word, [sign, name, meaning]]) => {
    const box = h("span", { class: "cell", "aria-hidden": "true", text: sign });
    mark(box, "data-condition", word);
    return h("li", {}, box, h("span", {}, h("b", { text: name }), `: ${meaning}`));
  });
  return h("ul", { class: "conditions" }, ...items);
}
