/** The prices of a symbol's last trades, as a line with a mark for each trade.

A buy is a triangle that points up, a sale one that points down, so that colour is not needed to tell
them apart.  Invariant: drawn at the size of its place, so that texts are never stretched.
*/

import { CHAR_WIDE, MARGIN, gridOf, widened } from "./axes.js";
import { h, mark, reveal, say, svg } from "./dom.js";
import { amount, clock, decimals, known } from "./words.js";

const SIDES = ["buy", "sell", "unknown"];

/** A chart; `update(trades)` draws rows of [time_secs, price, size, side, id], newest last. */
export function priceChart() {
  const grid = svg("g", { class: "grid" });
  const line = svg("path", { class: "price-line" });
  const level = svg("path", { class: "price-level" });
  const marks = Object.fromEntries(SIDES.map((side) => [side, svg("path", { class: `trade ${side}` })]));
  const tag = svg("g", { class: "price-tag" });
  const pointer = svg("path", { class: "price-pointer" });
  const drawing = svg("svg", { class: "prices", role: "img" }, grid, level, line, ...Object.values(marks), tag, pointer);
  const readout = h("p", { class: "readout" });
  const empty = h("p", { class: "empty", text: "No trade has been recorded today." });
  const keys = h(
    "p",
    { class: "keys" },
    h("span", { class: "key buy", text: "▲ buy" }),
    h("span", { class: "key sell", text: "▼ sell" }),
    h("span", { class: "key unknown", text: "● side not told" }),
  );
  const node = h("figure", { class: "price-chart" }, h("figcaption", {}, keys, readout), drawing, empty);
  let trades = [];
  let frame = null;
  let pointed = null;

  function draw() {
    reveal(empty, trades.length === 0);
    drawing.classList.toggle("none", trades.length === 0);
    frame = trades.length ? frameOf(trades, drawing.clientWidth, drawing.clientHeight) : null;
    if (!frame) return;
    mark(drawing, "viewBox", `0 0 ${frame.width} ${frame.height}`);
    mark(drawing, "aria-label", alternative(trades, frame.places));
    grid.replaceChildren(...gridOf(frame));
    mark(line, "d", `M${trades.map((trade) => place(frame, trade)).join("L")}`);
    mark(level, "d", `M0 ${frame.y(trades.at(-1)[1]).toFixed(1)}H${frame.right}`);
    tag.replaceChildren(...tagOf(frame, trades.at(-1)[1]));
    for (const side of SIDES) mark(marks[side], "d", marksOf(frame, trades, side));
    point();
  }

  function point() {
    const trade = frame && pointed !== null ? nearest(frame, trades, pointed) : null;
    mark(pointer, "d", trade ? `M${frame.x(trade[0]).toFixed(1)} ${MARGIN.top}V${frame.bottom}` : "");
    const told = trade ?? trades.at(-1);
    if (!told) return;
    const places = decimals(trades.map((each) => each[2]));
    say(readout, `${clock(told[0], 3)}  ${amount(told[1], frame.places)} × ${amount(told[2], places)}`);
  }

  drawing.addEventListener("pointermove", (event) => {
    pointed = event.clientX - drawing.getBoundingClientRect().left;
    point();
  });
  drawing.addEventListener("pointerleave", () => {
    pointed = null;
    point();
  });
  new ResizeObserver(draw).observe(drawing);

  return {
    node,
    update(rows) {
      trades = rows.filter(([time, price]) => known(time) && known(price));
      draw();
    },
  };
}

function frameOf(trades, width, height) {
  const prices = trades.map((trade) => trade[1]);
  const places = decimals(prices);
  const [low, high] = widened(Math.min(...prices), Math.max(...prices), 1e-4);
  const [first, last] = widened(trades[0][0], trades.at(-1)[0], 1e-8);
  const labels = Math.max(amount(low, places).length, amount(high, places).length) * CHAR_WIDE;
  const right = width - labels - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  if (right < 40 || bottom < 40) return null; // not laid out yet
  return {
    ...{ width, height, right, bottom, places, low, high, first, last },
    x: (time) => 6 + ((time - first) / (last - first)) * (right - 12),
    y: (price) => bottom - 6 - ((price - low) / (high - low)) * (bottom - MARGIN.top - 12),
  };
}

/** The last price, at its height, over the labels of the axis. */
function tagOf(frame, price) {
  const text = amount(price, frame.places);
  const y = frame.y(price);
  const box = { x: frame.right + 1, y: (y - 9).toFixed(1), width: frame.width - frame.right - 1, height: 18, rx: 4 };
  return [svg("rect", box), svg("text", { x: frame.right + 6, y: y.toFixed(1), dy: "0.35em", text })];
}

const place = (frame, [time, price]) => `${frame.x(time).toFixed(1)} ${frame.y(price).toFixed(1)}`;

function marksOf(frame, trades, side) {
  const largest = Math.max(...trades.map((trade) => trade[2]).filter(known), 0);
  return trades
    .filter((trade) => (SIDES.includes(trade[3]) ? trade[3] : "unknown") === side)
    .map((trade) => markOf(frame, trade, side, largest))
    .join("");
}

/** A mark whose area grows with the size of the trade. */
function markOf(frame, [time, price, size], side, largest) {
  const reach = 2.4 + (largest > 0 && known(size) ? 3.2 * Math.sqrt(size / largest) : 0);
  const [x, y, r] = [frame.x(time), frame.y(price), reach].map((each) => Number(each.toFixed(1)));
  if (side === "buy") return `M${x - r} ${y + r}h${2 * r}l${-r} ${-2 * r}Z`;
  if (side === "sell") return `M${x - r} ${y - r}h${2 * r}l${-r} ${2 * r}Z`;
  return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
}

function nearest(frame, trades, x) {
  const distance = (trade) => Math.abs(frame.x(trade[0]) - x);
  return trades.reduce((best, trade) => (distance(trade) <= distance(best) ? trade : best));
}

function alternative(trades, places) {
  const prices = trades.map((trade) => trade[1]);
  const told = (price) => amount(price, places);
  const span = `${clock(trades[0][0])} to ${clock(trades.at(-1)[0])} UTC`;
  const range = `lowest ${told(Math.min(...prices))}, highest ${told(Math.max(...prices))}`;
  return `Prices of the last ${trades.length} trades, ${span}: first ${told(prices[0])}, last ${told(prices.at(-1))}, ${range}. The trades are listed below.`;
}
