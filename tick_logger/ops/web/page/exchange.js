/** One exchange: a card with what matters, and inside it everything that is known. */

import { sparkline } from "./charts.js";
import { buildDetails } from "./details.js";
import { fact, follow, h, mark, reveal, say } from "./dom.js";
import { CAUSES, CONDITIONS, DOUBTS, FEEDS, PLANNED, PROOFS, cardId, condition, list, meaning, fillingOf, openHolesOf, pairs, reasonsOf, silenceOf, stoppedOf } from "./meaning.js";
import { UNKNOWN, ago, count, date, duration, known, plural, rate } from "./words.js";

/** A card; `update({exchange, status})` brings the newest figures into it. */
export function buildCard({ exchange }) {
  const name = h("bdi");
  const sign = h("span", { class: "sign", "aria-hidden": "true" });
  const state = h("span", { class: "state-words" });
  const extent = h("p", { class: "extent" });
  const reasons = h("ul", { class: "reasons" });
  const advice = h("p", { class: "advice" });
  const troubles = h("ul", { class: "troubles" });
  const proofs = h("ul", { class: "proofs", "aria-label": "What the recording can prove" });
  const messages = charted("Messages per second", "messages/s");
  const rows = charted("Rows per second", "rows/s");
  const facts = buildFacts();
  const stopped = h("p", { class: "note stopped" });
  const details = buildDetails();
  const node = h(
    "article",
    { class: "card panel", id: cardId(exchange.name), tabindex: "-1" },
    h("header", {}, h("h3", {}, name), h("p", { class: "state" }, sign, state), extent),
    reasons,
    advice,
    h("div", { class: "pair" }, messages.node, rows.node),
    facts.node,
    troubles,
    stopped,
    proofs,
    details.node,
  );
  say(name, exchange.name);

  return {
    node,
    update({ exchange: now, status }) {
      const own = reasonsOf(status, now.name);
      const how = condition(now, own);
      mark(node, "data-level", how.level);
      say(sign, how.sign);
      say(state, how.words);
      const open = `${count(now.connections_up)}/${count(now.connections_wanted)} connections`;
      say(extent, `${open} · ${plural(now.symbols, "symbol")}`);
      follow(reasons, own, (reason, index) => index, textItem);
      reveal(reasons, own.length > 0);
      const todo = now.unreachable?.what_to_do ?? "";
      say(advice, `What to do: ${todo}.`);
      reveal(advice, todo !== "");
      const step = status.history?.step_secs ?? 5;
      messages.update(now.messages_per_second, now.history?.messages_per_second, step);
      rows.update(now.rows_per_second, now.history?.rows_per_second, step);
      facts.update(now);
      const found = troublesOf(now);
      follow(troubles, found, (each, index) => index, textItem);
      reveal(troubles, found.length > 0);
      const planned = stoppedOf(now);
      say(stopped, `${planned}.`);
      reveal(stopped, planned !== "");
      follow(proofs, pairs(now.proof), ([feed]) => feed, proofItem);
      details.update(now, status.now);
    },
  };
}

function charted(name, unit) {
  const value = h("span", { class: "value" });
  const chart = sparkline(name, rate);
  const figure = h("p", { class: "figure" }, value, h("span", { class: "unit", text: unit }));
  return {
    node: h("div", {}, figure, chart.node),
    update(now, history, step) {
      say(value, rate(now));
      chart.update(history, step);
    },
  };
}

function buildFacts() {
  const latency = fact("Latency", "From the exchange's time to receipt here: half are faster; one in a hundred is slower");
  const silence = fact("Last data");
  const gaps = fact("Gaps today", "Known holes in the recording that began today, by cause");
  const late = fact("Late today", "Rows that came too late to be sorted in; kept in files of their own, as are those set aside because their time cannot be right");
  const doubtful = fact("Doubtful today", "Rows that look wrong: crossed quotes, impossible moves, prices apart from other exchanges, times that go back; recorded as they were sent, and marked beside the data");
  const sealed = fact("Last sealed day", "The newest day to which nothing is added any more: what there is of it is certified");
  doubtful.node.classList.add("wide");
  sealed.node.classList.add("wide");
  const node = h("dl", { class: "facts" }, latency.node, silence.node, gaps.node, late.node, doubtful.node, sealed.node);
  return {
    node,
    update(now) {
      const { p50, p99 } = now.latency_ms ?? {};
      latency.update(now.latency_ms ? duration(p50 / 1000) : "not known", now.latency_ms ? `p99 ${duration(p99 / 1000)}` : "", "");
      const quiet = silenceOf(now);
      const last = now.seconds_since_data === null ? "never" : ago(now.seconds_since_data);
      silence.update(last, quiet, quiet ? "warn" : "");
      const causes = pairs(now.gaps_today).filter(([cause, many]) => many && cause !== PLANNED);
      const total = causes.reduce((sum, [, many]) => sum + many, 0);
      const open = list(now.open_holes).reduce((sum, hole) => sum + (hole.streams || 0), 0);
      const over = causes.map(([cause, many]) => `${count(many)} ${cause}`);
      const filling = now.backfill ?? {};
      const healing = [[filling.holes_waiting, "being filled"], [filling.holes_filled, "filled"]];
      const healed = healing.filter(([many]) => many).map(([many, word]) => `${count(many)} ${word}`);
      const notes = [...(open ? [`${count(open)} open`] : []), ...over, ...healed];
      gaps.update(count(total), notes.join(", "), total || open ? "warn" : "");
      const told = causes.map(([cause, many]) => `${count(many)} × ${meaning(CAUSES, cause) ?? cause}`);
      const known = [...openHolesOf(now), ...told, ...fillingOf(now)].join("; ");
      const stopped = stoppedOf(now);
      mark(gaps.node, "title", [known, stopped].filter(Boolean).join("; ") || "No hole is known in what was recorded today");
      const aside = now.aside_rows_today ? `${count(now.aside_rows_today)} set aside` : "";
      const apart = now.late_rows_today + now.aside_rows_today;
      late.update(count(now.late_rows_today), aside || (now.late_rows_today ? "rows" : ""), apart ? "warn" : "");
      const doubts = pairs(now.doubtful_rows_today).filter(([, many]) => many);
      const looked = doubts.reduce((sum, [, many]) => sum + many, 0);
      doubtful.update(count(looked), doubts.map(([kind, many]) => `${count(many)} ${meaning(DOUBTS, kind) ?? kind}`).join(", "), looked ? "warn" : "");
      sealed.update(...sealedOf(now.sealed ?? null));
    },
  };
}

/** The newest day that is certified: its date, what is said of it, and whether that is good. */
function sealedOf(sealed) {
  if (sealed === null) return ["none yet", "", ""];
  const [, word] = meaning(CONDITIONS, sealed.condition) ?? ["", sealed.condition];
  const level = ["degraded", "missing"].includes(sealed.condition) ? "warn" : "";
  return [date(sealed.day), `${word}, ${shareOf(sealed.coverage)} covered`, level];
}

/** Rounded down, so that nothing less than all is called all. */
const shareOf = (coverage) =>
  known(coverage) ? `${(Math.floor(coverage * 1e4) / 100).toFixed(2)}\u202f%` : UNKNOWN;

/** What should be zero and is not. */
function troublesOf(now) {
  const told = [
    [now.dropped, "message dropped", "messages dropped"],
    [now.parse_errors, "message not understood", "messages not understood"],
    [now.ids_missing, "id missing", "ids missing"],
    [now.symbols_left_out, "symbol left out", "symbols left out"],
    [list(now.not_listed).length, "configured symbol not listed", "configured symbols not listed"],
    [now.subscriptions_silent, "subscription silent", "subscriptions silent"],
  ];
  const troubles = told.filter(([many]) => many > 0).map(([many, one, more]) => plural(many, one, more));
  return [...openHolesOf(now), ...troubles];
}

function proofItem([feed]) {
  const sign = h("span", { class: "sign", "aria-hidden": "true" });
  const word = h("b");
  const node = h("li", {}, sign, " ", h("bdi", { text: meaning(FEEDS, feed) ?? feed }), " ", word);
  return {
    node,
    update([, proof]) {
      const [glyph, explained] = meaning(PROOFS, proof) ?? ["·", ""];
      say(sign, glyph);
      say(word, proof);
      mark(node, "data-proof", proof);
      mark(node, "title", explained || null);
    },
  };
}

function textItem() {
  const words = h("bdi");
  return { node: h("li", {}, words), update: (text) => say(words, text) };
}
