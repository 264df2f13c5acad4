/** One day of a symbol as it was recorded: its chart, what there is of it, its holes. */

import { Answered, askPatiently } from "./api.js";
import { dayBook } from "./daybook.js";
import { dayChart } from "./daychart.js";
import { byId, fact, follow, h, mark, reveal, say } from "./dom.js";
import { CAUSES, CONDITIONS, PROOFS, RECORDED, list, meaning, pairs } from "./meaning.js";
import { dayHash, otherName, symbolHash } from "./search.js";
import { clock, count, date, duration, id, known, plural } from "./words.js";

const EVERY_MS = 10_000; // while the day may grow

/** Show a day until `stop` of what is returned is called. */
export function showDay(exchange, symbol, day, atRest) {
  const leave = new AbortController();
  const view = buildView(exchange, symbol, day, atRest(), refresh, leave.signal);
  let [range, again, asking] = [null, 0, null];
  byId("recorded").replaceChildren(...view.nodes);

  /** Ask for a range of ns as texts, or for all of the day. */
  async function refresh(wanted = range) {
    range = wanted;
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    clearTimeout(again);
    const parameters = { exchange, symbol, day, buckets: view.buckets() };
    if (range) Object.assign(parameters, range);
    try {
      const signal = AbortSignal.any([leave.signal, mine.signal]);
      const found = await askPatiently("api/recorded/day", parameters, signal, view.wait);
      if (mine !== asking || leave.signal.aborted) return;
      view.update(found, range !== null);
      if (!found.over) again = setTimeout(() => (document.hidden ? null : refresh()), EVERY_MS);
    } catch (error) {
      if (!leave.signal.aborted && mine === asking) view.fail(error);
    }
  }
  refresh();
  return {
    stop() {
      leave.abort();
      clearTimeout(again);
    },
  };
}

function buildView(exchange, symbol, day, atRest, ask, left) {
  const back = h("a", { class: "back", href: "#/days", text: "← Recorded days" });
  const place = exchange ? h("span", { class: "dim" }, " on ", h("bdi", { text: exchange })) : "";
  const pair = h("bdi", { class: "dim pair" });
  const title = h("h2", {}, h("bdi", { text: symbol }), " ", pair, place, `, ${date(day)}`);
  const [before, after] = [h("a", { class: "back" }), h("a", { class: "back" })];
  const now = h("a", { class: "back", href: symbolHash(exchange, symbol), text: "Last trades" });
  const ways = h("nav", { class: "ways", "aria-label": "Other days" }, back, before, after, ...(atRest ? [] : [now]));
  const problem = h("p", { class: "problem", role: "status" });
  const nothing = h("p", { class: "panel padded empty" });
  const damaged = h("ul", { class: "reasons" });
  const facts = buildFacts();
  const book = dayBook(exchange, symbol, left);
  const chart = dayChart(ask, book.rest);
  const tables = buildTables();
  const holes = buildHoles();
  const figures = [
    facts.node,
    h("section", { class: "panel" }, h("h3", { text: "Prices, spread and volume" }), chart.node),
    h("div", { class: "columns" }, h("div", { class: "stack" }, book.node, holes.node), tables.node),
  ];
  const show = (shown) => figures.forEach((each) => reveal(each, shown));
  for (const each of [problem, nothing, damaged, before, after]) reveal(each, false);
  show(false);
  const lead = (link, to, words) => {
    mark(link, "href", to ? dayHash(exchange, symbol, to) : null);
    say(link, to ? words(date(to)) : "");
    reveal(link, Boolean(to));
  };
  return {
    nodes: [h("div", { class: "symbol-head" }, ways, title, problem, damaged), nothing, ...figures],
    buckets: chart.buckets,
    update(found, isPart) {
      const tablesThere = pairs(found.tables);
      reveal(problem, false);
      say(pair, otherName(symbol, found.pair));
      lead(before, found.before, (text) => `‹ ${text}`);
      lead(after, found.after, (text) => `${text} ›`);
      follow(damaged, list(found.damaged), (each, index) => index, damagedItem);
      reveal(damaged, list(found.damaged).length > 0);
      say(nothing, tablesThere.length ? "" : nothingWords(found));
      reveal(nothing, tablesThere.length === 0);
      show(tablesThere.length > 0 || list(found.holes).length > 0);
      facts.update(found);
      chart.update(found, isPart);
      tables.update(tablesThere);
      holes.update(found);
    },
    wait(error) {
      say(problem, `This day takes a while: ${error.reason || error.message}. It is asked for again.`);
      reveal(problem, true);
    },
    fail(error) {
      const words = error instanceof Answered ? error.reason || error.message : error.message;
      say(problem, error.status === 404 ? `There is no such symbol: ${words}.` : `This day could not be had: ${words}.`);
      reveal(problem, true);
      if (error.status === 404 || error.status === 400) show(false);
    },
  };
}

function nothingWords(found) {
  const hole = list(found.holes)[0];
  const other = found.before ?? found.after;
  if (hole) return `No row is there of this day; it lies in a hole: ${meaning(CAUSES, hole.cause) ?? hole.cause}.`;
  if (!other) return "Nothing was recorded of this symbol, on this day or on any other.";
  return `Nothing was recorded of this symbol on this day. The nearest day of which there is anything is ${date(other)}.`;
}

function damagedItem() {
  const words = h("bdi");
  return { node: h("li", {}, "Damaged: ", words), update: (text) => say(words, text) };
}

function buildFacts() {
  const condition = fact("Condition");
  const span = fact("Recorded", "From the first row or hole to the last");
  const rows = fact("Rows");
  const holes = fact("Holes");
  return {
    node: h("dl", { class: "facts panel lead" }, condition.node, span.node, rows.node, holes.node),
    update(found) {
      const [sign, name, words] = meaning(CONDITIONS, found.condition) ?? ["?", found.condition, ""];
      const level = found.condition === "degraded" || found.condition === "missing" ? "warn" : "";
      condition.update(level ? name : `${sign} ${name}`, words, level);
      const { from, to } = found.extent ?? {};
      span.update(found.extent ? `${clock(from)} – ${clock(to)}` : "–", found.extent ? duration(to - from) : "");
      const tables = pairs(found.tables).map(([, each]) => each);
      const sum = (name) => tables.reduce((all, each) => all + (each[name] || 0), 0);
      rows.update(count(sum("rows")), sum("late") ? `${count(sum("late"))} came late` : "");
      const missing = list(found.holes).map(({ shown }) => shown[1] - shown[0]);
      holes.update(count(found.holes_in_all), missing.length ? `the longest ${duration(Math.max(...missing))}` : "none is known");
    },
  };
}

function buildTables() {
  const lines = h("dl", { class: "lines" });
  const empty = h("p", { class: "empty", text: "No row has been recorded on this day." });
  return {
    node: h("section", { class: "panel" }, h("h3", { text: "Rows" }), lines, empty),
    update(tables) {
      follow(lines, tables, ([name]) => name, tableLine);
      reveal(empty, tables.length === 0);
    },
  };
}

function tableLine([name]) {
  const value = h("dd", { class: "value" });
  const proof = h("dd", { class: "note" });
  return {
    node: h("div", {}, h("dt", { text: meaning(RECORDED, name) ?? name }), value, proof),
    update([, { rows, proof: word }]) {
      const [glyph, explained] = meaning(PROOFS, word) ?? ["", ""];
      say(value, count(rows));
      say(proof, `${glyph} ${word}`);
      mark(proof, "title", explained || null);
    },
  };
}

function buildHoles() {
  const items = h("ol", { class: "gaps" });
  const note = h("p", { class: "empty" });
  return {
    node: h("section", { class: "panel" }, h("h3", { text: "Holes" }), items, note),
    update(found) {
      const holes = list(found.holes);
      follow(items, holes, (hole) => `${hole.table} ${hole.from} ${hole.to} ${hole.from_id} ${hole.cause}`, holeItem);
      const more = found.holes_in_all > holes.length;
      say(note, more ? `The ${count(holes.length)} longest of ${count(found.holes_in_all)}.` : "No hole is known on this day.");
      reveal(note, more || holes.length === 0);
    },
  };
}

function holeItem() {
  const [head, span, ids] = [h("p"), h("p", { class: "note" }), h("p", { class: "note" })];
  return {
    node: h("li", {}, head, span, ids),
    update({ table, cause, from, to, shown, from_id: first, to_id: last }) {
      say(head, `${meaning(RECORDED, table) ?? table}: ${meaning(CAUSES, cause) ?? cause}`);
      const [begin, end] = shown;
      const length = `${duration(end - begin)} of this day`;
      const whole = known(from) && known(to) ? duration(to - from) : length;
      say(span, known(to) ? `${clock(begin, 3)} to ${clock(end, 3)}, ${begin > from || end < to ? length : whole}` : `open since ${clock(begin, 3)}, ${length}`);
      const many = first !== null && last !== null ? BigInt(last) - BigInt(first) + 1n : null;
      say(ids, many === null ? "ids not known" : `ids ${id(first)} to ${id(last)}, ${plural(Number(many), "id")}`);
    },
  };
}
