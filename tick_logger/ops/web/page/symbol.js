/** One symbol: its last trades as a chart and a list, what was recorded of it today, and its gaps. */

import { Answered, askJson } from "./api.js";
import { byId, fact, follow, h, mark, reveal, say } from "./dom.js";
import { CAUSES, PROOFS, TABLES, list, meaning, pairs } from "./meaning.js";
import { priceChart } from "./pricechart.js";
import { dayHash, otherName } from "./search.js";
import { amount, clock, count, decimals, duration, id, known, plural, when } from "./words.js";

const EVERY_MS = 2_000;
const GIVE_UP_MS = 10_000; // on one question
const MOST_TRADES = 100; // in the list; the chart shows all
const SIDES = { buy: "▲ buy", sell: "▼ sell" };

/** Show a symbol until `stop` of what is returned is called. */
export function showSymbol(exchange, symbol) {
  const view = buildView(exchange, symbol);
  const leave = new AbortController();
  byId("symbol").replaceChildren(...view.nodes);

  async function refresh() {
    if (document.hidden) return;
    try {
      const signal = AbortSignal.any([leave.signal, AbortSignal.timeout(GIVE_UP_MS)]);
      view.update(await askJson("api/symbol", { exchange, symbol }, signal));
    } catch (error) {
      if (leave.signal.aborted) return;
      if (error instanceof Answered && error.status === 404) view.unknown(error.reason);
      else view.fail(`Its figures could not be had: ${error.message}.`);
    }
  }
  async function forever() {
    while (!leave.signal.aborted) {
      await refresh();
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }
  forever();
  return { stop: () => leave.abort() };
}

function buildView(exchange, symbol) {
  const back = h("a", { class: "back", href: "#/", text: "← All exchanges" });
  const pair = h("bdi", { class: "dim pair" });
  const title = h("h2", {}, h("bdi", { text: symbol }), " ", pair, " ", h("span", { class: "dim" }, "on ", h("bdi", { text: exchange })));
  const days = h("a", { class: "back", href: dayHash(exchange, symbol, utcDay()), text: "The whole day" });
  const problem = h("p", { class: "problem", role: "status" });
  reveal(problem, false);
  const summary = buildSummary();
  const chart = priceChart();
  const trades = buildTrades();
  const today = buildToday();
  const gaps = buildGaps();
  const aside = h("div", { class: "stack" }, today.node, gaps.node);
  const figures = [
    summary.node,
    h("section", { class: "panel" }, h("h3", { text: "Price" }), chart.node),
    h("div", { class: "columns" }, trades.node, aside),
  ];
  const show = (shown) => figures.forEach((each) => reveal(each, shown));
  show(false); // of a symbol that nobody knows nothing is claimed
  return {
    nodes: [h("div", { class: "symbol-head" }, back, title, days, problem), ...figures],
    update(found) {
      const rows = list(found.trades).filter(Array.isArray);
      say(problem, `It is not recorded now: ${found.absent}.`);
      reveal(problem, Boolean(found.absent));
      show(true);
      say(pair, otherName(symbol, found.pair));
      summary.update(rows);
      chart.update(rows);
      trades.update(rows);
      today.update(found);
      gaps.update(list(found.gaps_today), pairs(found.rows_today).length > 0);
    },
    unknown(reason) {
      say(problem, `Nothing is recorded under this name${reason ? `: ${reason}` : ""}.`);
      reveal(problem, true);
      show(false);
    },
    fail(words) {
      say(problem, words);
      reveal(problem, true);
    },
  };
}

const utcDay = () => new Date().toISOString().slice(0, 10);

function buildSummary() {
  const last = fact("Last price");
  const range = fact("Range shown");
  const volume = fact("Bought / sold", "Sizes of the trades shown, by the side that took the price");
  const span = fact("Trades shown");
  return {
    node: h("dl", { class: "facts panel lead" }, last.node, range.node, volume.node, span.node),
    update(rows) {
      const prices = rows.map((row) => row[1]).filter(known);
      if (!prices.length) {
        for (const each of [last, range, volume, span]) each.update("–");
        return;
      }
      const places = decimals(prices);
      const change = prices.at(-1) - prices[0];
      const way = change > 0 ? "▲" : change < 0 ? "▼" : "=";
      last.update(amount(prices.at(-1), places), `${way} ${amount(Math.abs(change), places)} since ${clock(rows[0][0])}`);
      range.update(`${amount(Math.min(...prices), places)} – ${amount(Math.max(...prices), places)}`);
      const sum = (side) => rows.reduce((all, row) => all + (row[3] === side && known(row[2]) ? row[2] : 0), 0);
      volume.update(`${total(sum("buy"))} / ${total(sum("sell"))}`);
      span.update(count(rows.length), `in ${duration(rows.at(-1)[0] - rows[0][0])}`);
    },
  };
}

const total = (value) => amount(value, value >= 1000 ? 0 : value >= 1 ? 2 : 6);

function buildTrades() {
  const heads = ["Time", "Side", "Price", "Size", "Id"];
  const body = h("tbody");
  const head = h("thead", {}, h("tr", {}, ...heads.map((name) => h("th", { scope: "col", text: name }))));
  const table = h("table", { class: "trades" }, head, body);
  const empty = h("p", { class: "empty", text: "No trade has been recorded today." });
  const scroll = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Last trades" }, table);
  return {
    node: h("section", { class: "panel" }, h("h3", { text: "Last trades" }), scroll, empty),
    update(rows) {
      const shown = rows.slice(-MOST_TRADES).reverse();
      const places = { price: decimals(shown.map((row) => row[1])), size: decimals(shown.map((row) => row[2])) };
      follow(body, shown.map((row) => ({ row, places })), (each, index) => index, tradeRow);
      reveal(empty, shown.length === 0);
      reveal(scroll, shown.length > 0);
    },
  };
}

function tradeRow() {
  const cells = ["time", "side", "price", "size", "trade-id"].map((name) => h("td", { class: name }));
  return {
    node: h("tr", {}, ...cells),
    update({ row: [time, price, size, side, trade], places }) {
      const texts = [clock(time, 3), meaning(SIDES, side) ?? "● unknown", amount(price, places.price), amount(size, places.size), trade];
      cells.forEach((cell, index) => say(cell, texts[index]));
      mark(cells[1], "data-side", side);
    },
  };
}

function buildToday() {
  const table = h("dl", { class: "lines" });
  const empty = h("p", { class: "empty", text: "No row has been recorded today." });
  const node = h("section", { class: "panel" }, h("h3", { text: "Rows today" }), table, empty);
  return {
    node,
    update(found) {
      const proofs = new Map(pairs(found.proof));
      const rows = pairs(found.rows_today);
      follow(table, rows.map(([name, many]) => ({ name, many, proof: proofs.get(name) })), ({ name }) => name, rowsLine);
      reveal(empty, rows.length === 0);
    },
  };
}

function rowsLine({ name }) {
  const value = h("dd", { class: "value" });
  const proof = h("dd", { class: "note" });
  const node = h("div", {}, h("dt", { text: meaning(TABLES, name) ?? name }), value, proof);
  return {
    node,
    update({ many, proof: word }) {
      const [glyph, explained] = meaning(PROOFS, word) ?? ["", ""];
      say(value, count(many));
      say(proof, word ? `${glyph} ${word}` : "");
      mark(proof, "title", explained || null);
    },
  };
}

function buildGaps() {
  const items = h("ol", { class: "gaps" });
  const empty = h("p", { class: "empty" });
  const node = h("section", { class: "panel" }, h("h3", { text: "Gaps today" }), items, empty);
  return {
    node,
    update(gaps, recorded) {
      say(empty, recorded ? "No hole is known in what was recorded today." : "Nothing was recorded today that could have holes.");
      const newestFirst = [...gaps].reverse();
      follow(items, newestFirst, (gap) => `${gap.table} ${gap.from_ns} ${gap.from_id} ${gap.cause} ${gap.healed}`, gapItem);
      reveal(empty, gaps.length === 0);
    },
  };
}

function gapItem() {
  const head = h("p");
  const span = h("p", { class: "note" });
  const ids = h("p", { class: "note" });
  return {
    node: h("li", {}, head, span, ids),
    update(gap) {
      const [from, to] = [secs(gap.from_ns), secs(gap.to_ns)];
      const isOpen = known(from) && !known(to);
      const state = isOpen ? "● open" : gap.healed ? `✓ healed${gap.healed === true ? "" : ` (${gap.healed})`}` : "✕ not healed";
      say(head, `${meaning(TABLES, gap.table) ?? gap.table ?? "all tables"}: ${meaning(CAUSES, gap.cause) ?? gap.cause}`);
      const now = Date.now() / 1000;
      const spanWords = isOpen ? `since ${when(from, now)}, ${duration(now - from)}` : `${when(from, to)} to ${clock(to)}, ${duration(to - from)}`;
      say(span, known(from) ? spanWords : "its times are not known");
      const [first, last] = [gap.from_id, gap.to_id];
      const told = first !== null && first !== undefined;
      const many = known(first) && known(last) ? `, ${plural(last - first + 1, "id")}` : "";
      say(ids, `${state}; ${told ? `ids ${id(first)} to ${id(last)}${many}` : "ids not known"}`);
    },
  };
}

const secs = (nanos) => (nanos === null || nanos === undefined ? null : Number(nanos) / 1e9);
