/** A calendar: a row of days for each exchange, all rows from the same day on.

A day is a link, coloured by how complete it is, with a sign beside its number.  One day is in the
order of the Tab key; arrows move among the others.
*/

import { follow, h, mark, reveal, say } from "./dom.js";
import { CONDITIONS, list, meaning } from "./meaning.js";
import { count, date, duration, plural } from "./words.js";

const DAY_MS = 86_400_000;

/** `update(found)` draws the exchanges of a calendar; the day and exchange that are chosen are marked. */
export function buildCalendar(day, exchange) {
  const rows = h("div", { class: "calendar" });
  const empty = h("p", { class: "empty", text: "Nothing has been recorded here yet." });
  const readout = h("p", { class: "readout", "aria-hidden": "true" });
  const node = h("div", {}, rows, empty, readout);
  for (const each of [empty, readout]) reveal(each, false); // nothing is claimed before the first answer
  let stop = null; // what Tab comes to: an exchange and a day

  const tell = (event) => {
    const cell = event.target.closest?.("a.cell");
    if (cell) say(readout, cell.getAttribute("aria-label"));
  };
  rows.addEventListener("pointerover", tell);
  rows.addEventListener("focusin", (event) => {
    tell(event);
    stop = event.target.dataset.stop ?? stop;
    restop();
  });
  rows.addEventListener("keydown", (event) => {
    const next = neighbour(rows, event.target.closest("a.cell"), event.key);
    if (!next) return;
    event.preventDefault();
    next.focus();
  });

  function restop() {
    const cells = [...rows.querySelectorAll("a.cell")];
    const chosen = cells.find((cell) => cell.dataset.stop === stop) ?? cells.at(-1);
    for (const cell of cells) mark(cell, "tabindex", cell === chosen ? 0 : -1);
  }

  return {
    node,
    update(found) {
      const exchanges = list(found.exchanges);
      const first = exchanges.flatMap((each) => list(each.days).slice(0, 1).map((one) => one.day)).sort()[0];
      const chosen = { day, exchange };
      follow(rows, exchanges.map((each) => ({ each, first, chosen })), ({ each }) => each.name, exchangeRow);
      reveal(empty, exchanges.length === 0 && found.looked === found.of);
      if (!readout.textContent) say(readout, "Point at a day, or go to it with Tab and the arrow keys.");
      reveal(readout, exchanges.length > 0);
      restop();
    },
  };
}

function exchangeRow({ each }) {
  const days = h("div", { class: "cells", role: "group" });
  const extent = h("span", { class: "note" });
  mark(days, "aria-label", `Days of ${each.name || "the recording"}`);
  const node = h("div", { class: "calendar-row" }, h("p", { class: "calendar-name" }, h("bdi", { text: each.name || "symbols" }), extent), days);
  return {
    node,
    update({ each: now, first, chosen }) {
      say(extent, plural(now.symbols, "symbol"));
      const its = list(now.days);
      const before = its.length ? Math.round((Date.parse(its[0].day) - Date.parse(first)) / DAY_MS) : 0;
      const blank = Array.from({ length: Math.min(before, 366) }, () => null);
      const items = [...blank, ...its].map((one) => ({ one, exchange: now.name, chosen }));
      follow(days, items, ({ one }, index) => one?.day ?? `before ${index}`, dayCell);
    },
  };
}

function dayCell({ one, exchange }) {
  if (one === null) return { node: h("span", { class: "cell none", "aria-hidden": "true" }), update() {} };
  const [, month, day] = date(one.day).match(/^(\d+) (\S+)/) ?? [];
  const sign = h("span", { class: "sign" });
  const node = h(
    "a",
    { class: "cell", href: `#/days/${one.day}/${encodeURIComponent(exchange)}` },
    h("span", { class: "month", text: day ?? "" }),
    h("span", { class: "number", text: month ?? one.day }),
    sign,
  );
  node.dataset.stop = `${exchange}\n${one.day}`;
  return {
    node,
    update({ one: now, chosen }) {
      const [glyph] = meaning(CONDITIONS, now.condition) ?? ["?"];
      const words = dayWords(exchange, now);
      say(sign, glyph);
      mark(node, "data-condition", now.condition);
      mark(node, "aria-label", words);
      mark(node, "title", words);
      mark(node, "aria-current", chosen.day === now.day && (chosen.exchange ?? exchange) === exchange ? "date" : null);
    },
  };
}

function dayWords(exchange, now) {
  const lead = `${exchange ? `${exchange}, ` : ""}${date(now.day)}: ${now.condition}`;
  if (!now.rows) return `${lead}, nothing was recorded`;
  const of = now.degraded ? `, ${count(now.degraded)} of ${plural(now.symbols, "symbol")} with a hole` : `, ${plural(now.symbols, "symbol")}`;
  const missing = now.holes ? `, ${plural(now.holes, "hole")}, up to ${duration(now.missing_secs)} missing` : ", no hole";
  const broken = now.damaged ? `, ${plural(now.damaged, "damaged file")}` : "";
  return `${lead}${of}, ${plural(now.rows, "row")}${missing}${broken}`;
}

/** The cell that a key leads to: along a row, or to the same day of the next exchange. */
function neighbour(rows, cell, key) {
  if (!cell) return null;
  const row = [...cell.parentElement.querySelectorAll("a.cell")];
  const at = row.indexOf(cell);
  const ends = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: row.length - 1 };
  if (Object.hasOwn(ends, key)) return row[ends[key]] ?? null;
  if (key !== "ArrowDown" && key !== "ArrowUp") return null;
  const groups = [...rows.querySelectorAll(".cells")].filter((each) => each.querySelector("a.cell"));
  const next = groups[groups.indexOf(cell.parentElement) + (key === "ArrowDown" ? 1 : -1)];
  const day = cell.dataset.stop.split("\n")[1];
  const cells = [...(next?.querySelectorAll("a.cell") ?? [])];
  return cells.find((each) => each.dataset.stop.endsWith(day)) ?? cells.at(-1) ?? null;
}
