/** The order book at the moment of a day at which the pointer rests, or why there is none.

Invariant: one question is on its way at a time, and the newest moment wins; what is shown stays until
another is known, and says of which moment it is.
*/

import { askPatiently } from "./api.js";
import { follow, h, mark, reveal, say } from "./dom.js";
import { CAUSES, list, meaning } from "./meaning.js";
import { amount, clock, decimals, plural, when } from "./words.js";

const PAUSE_MS = 150; // a pointer that rests, not one that passes
const DEPTH = 10; // levels of each side
const NO_SNAPSHOT = "no snapshot"; // the cause before the first one
const HEADS = ["Bid size", "Bid", "Ask", "Ask size"];

/** A panel; `rest(moment)` wants the book of a moment, a text of ns, until `left` is aborted. */
export function dayBook(exchange, symbol, left) {
  const view = buildView();
  let [wanted, asking, waiting] = [null, false, 0];

  async function ask() {
    if (asking) return; // the newest moment is asked for behind it
    asking = true;
    mark(view.node, "aria-busy", true);
    let at = null;
    do {
      at = wanted;
      try {
        const parameters = { exchange, symbol, at_ns: at, depth: DEPTH };
        const found = await askPatiently("api/recorded/book", parameters, left, (error) => {
          if (at !== wanted) throw error; // another moment is asked for
          view.wait(at, error);
        });
        if (at === wanted) view.update(found);
      } catch (error) {
        if (at !== wanted || left.aborted) continue;
        view.fail(at, error);
        wanted = null; // so that it can be asked for again
      }
    } while (wanted !== null && wanted !== at && !left.aborted);
    mark(view.node, "aria-busy", null);
    asking = false;
  }
  return {
    node: view.node,
    rest(moment) {
      clearTimeout(waiting);
      if (moment === null || moment === wanted) return;
      waiting = setTimeout(() => {
        wanted = moment;
        ask();
      }, PAUSE_MS);
    },
  };
}

function buildView() {
  const head = h("p", { class: "readout", role: "status", text: "Point at a moment of the chart to see the order book of it." });
  const reason = h("p", { class: "reasons", role: "status" });
  const body = h("tbody");
  const heads = h("tr", {}, ...HEADS.map((name) => h("th", { scope: "col", text: name })));
  const table = h("table", { class: "ladder", "aria-label": "The best levels" }, h("thead", {}, heads), body);
  for (const each of [reason, table]) reveal(each, false);
  const tell = (why) => {
    say(reason, why);
    reveal(reason, why !== "");
  };
  /** Once there was a level, rows stay: the page does not jump under the pointer. */
  const fill = (bids, asks) => {
    const places = [0, 1].map((at) => decimals([...bids, ...asks].map((level) => level[at])));
    const levels = Array.from({ length: DEPTH }, (_, index) => ({ bid: bids[index], ask: asks[index], places }));
    follow(body, levels, (_, index) => index, levelRow);
    if (bids.length || asks.length) reveal(table, true);
  };
  return {
    node: h("section", { class: "panel book" }, h("h3", { text: "Order book" }), head, reason, table),
    update(found) {
      const [bids, asks] = [list(found.bids), list(found.asks)];
      say(head, headWords(found, bids, asks));
      tell(brokenWords(found.cause));
      fill(bids, asks);
    },
    wait(at, error) {
      tell(`The order book of ${clock(Number(at) / 1e9, 3)} takes a while: ${error.reason || error.message}. It is asked for again.`);
    },
    fail(at, error) {
      say(head, clock(Number(at) / 1e9, 3));
      tell(`The order book could not be had: ${error.reason || error.message}.`);
      fill([], []);
    },
  };
}

function headWords({ at, as_of: last, levels }, bids, asks) {
  if (last === null) return clock(at, 3);
  const [bid, ask] = [bids[0]?.[0], asks[0]?.[0]];
  const spread = amount(ask - bid, decimals([bid, ask]));
  const sameDay = when(last, at) === clock(last);
  const many = `${plural(levels[0], "bid")}, ${plural(levels[1], "ask")}`;
  return [clock(at, 3), `spread ${spread}`, `as of ${sameDay ? clock(last, 3) : when(last, at)}`, many].join("  ·  ");
}

function brokenWords(cause) {
  if (cause === NO_SNAPSHOT) return "There is no order book: no snapshot was recorded up to this moment.";
  return cause ? `Not known to be right: ${meaning(CAUSES, cause) ?? cause}.` : "";
}

function levelRow() {
  const cells = ["size", "bid", "ask", "size"].map((name) => h("td", { class: name }));
  return {
    node: h("tr", {}, ...cells),
    update({ bid, ask, places: [ofPrice, ofSize] }) {
      const told = (level) => (level ? [amount(level[1], ofSize), amount(level[0], ofPrice)] : ["\u00a0", ""]);
      const texts = [...told(bid), ...told(ask).reverse()];
      cells.forEach((cell, index) => say(cell, texts[index]));
    },
  };
}
