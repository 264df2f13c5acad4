/** Finding a symbol: answers appear as links while one types. */

import { askJson } from "./api.js";
import { byId, follow, h, mark, reveal, say } from "./dom.js";
import { list } from "./meaning.js";

const PAUSE_MS = 150; // after the last key, so that a word is one question
const MOST = 30;

/** The address of a symbol's view. */
export function symbolHash(exchange, symbol) {
  return `#/symbol/${encodeURIComponent(exchange)}/${encodeURIComponent(symbol)}`;
}

/** The address of a day of a symbol. */
export function dayHash(exchange, symbol, day) {
  return `#/day/${[exchange, symbol, day].map(encodeURIComponent).join("/")}`;
}

/** What a symbol is called everywhere, where its exchange spells it otherwise; else nothing. */
export function otherName(symbol, pair) {
  return typeof pair === "string" && pair !== symbol ? pair : "";
}

/** What stands beside a symbol that was found. */
function beside(exchange, symbol, pair) {
  return [otherName(symbol, pair), exchange].filter(Boolean).join(" · ");
}

/** Wire the search field; `close` of what is returned hides its answers.

`atRest()` tells whether there is no recorder: symbols are then looked for among those recorded.
*/
export function wireSearch(atRest) {
  const [form, query, found] = [byId("search"), byId("query"), byId("found")];
  let waiting = 0;
  let asking = new AbortController();

  /** Whether the answers shown are those to what is in the field. */
  async function search() {
    clearTimeout(waiting);
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    try {
      const words = query.value.trim();
      const path = atRest() ? "api/recorded/symbols" : "api/symbols";
      const answer = await askJson(path, { q: words, limit: MOST }, signal);
      const found = list(answer.symbols);
      show(found, Boolean(answer.more) || answer.total > found.length);
      return true;
    } catch (error) {
      if (!signal.aborted) show([], false, `The search failed: ${error.message}.`);
      return false;
    }
  }

  function show(symbols, more, problem = "") {
    follow(byId("found-list"), symbols, (each) => `${each.exchange}\n${each.symbol}\n${each.pair}\n${each.last_day}`, foundItem);
    const many = more ? `The first ${symbols.length}; type on for fewer.` : `${symbols.length} found.`;
    say(byId("found-note"), problem || (symbols.length ? many : "No symbol matches."));
    reveal(found, true);
  }

  function close() {
    clearTimeout(waiting);
    asking.abort();
    reveal(found, false);
  }

  query.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, PAUSE_MS);
  });
  query.addEventListener("focus", search);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await search()) found.querySelector("a")?.click();
  });
  found.addEventListener("click", (event) => {
    if (event.target.closest("a")) close();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      close();
      query.focus({ preventScroll: true });
      close(); // focus had opened it again
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(query, found, event.key === "ArrowDown" ? 1 : -1);
    }
  });
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) close();
  });
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, dialog");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    query.focus();
    query.select();
  });
  return { close };
}

function step(query, found, by) {
  const stops = [query, ...found.querySelectorAll("a")];
  const next = stops.indexOf(document.activeElement) + by;
  stops[Math.min(stops.length - 1, Math.max(0, next))].focus();
}

function foundItem({ exchange, symbol, pair, last_day: day }) {
  const href = day ? dayHash(exchange, symbol, day) : symbolHash(exchange, symbol);
  const link = h("a", { href }, h("bdi", { text: symbol }), h("bdi", { class: "dim", text: beside(exchange, symbol, pair) }));
  mark(link, "draggable", "false");
  return { node: h("li", {}, link), update: () => {} };
}
