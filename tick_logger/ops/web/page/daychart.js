/** A stretch of a day: how prices went, bid and ask, volume, and holes as shaded bands.

The server says the least and the greatest value of each bucket, so that a day of a million rows is
drawn from as many numbers as there are pixels.  Arrow keys move the pointer, + and - change the
stretch, Escape shows all of the day; dragging chooses a stretch.
*/

import { CHAR_WIDE, MARGIN, gridOf, timesOf, widened } from "./axes.js";
import { byId, h, mark, reveal, say, svg } from "./dom.js";
import { CAUSES, RECORDED, list, meaning } from "./meaning.js";
import { amount, clock, decimals, duration, known, plural } from "./words.js";

const VOLUME_SHARE = 0.2; // of the height, below the prices
const LEAST_DRAG = 6; // pixels; less is a click
const HELP = "Arrow keys move the pointer, plus and minus change the stretch, Escape shows the whole day.";

/** A chart; `ask(range)` wants a range of ns as texts, or null for the whole day.

`rest(moment)` is told at which moment, a text of ns, the pointer is, or null.
*/
export function dayChart(ask, rest) {
  const layers = Object.fromEntries(
    ["grid", "holes", "volume", "bid", "ask", "range", "line", "chosen", "pointer"].map((name) => [name, svg(name === "grid" || name === "holes" ? "g" : "path", { class: `day-${name}` })]),
  );
  layers.grid.classList.add("grid");
  const drawing = svg("svg", { class: "prices day", role: "img", tabindex: "0" }, ...Object.values(layers));
  const readout = h("p", { class: "readout", role: "status" });
  const empty = h("p", { class: "empty", text: "No price was recorded in this stretch." });
  const tools = [
    ["−", "Show more", () => zoom(2)],
    ["+", "Show less", () => zoom(0.5)],
    ["‹", "Earlier", () => shift(-0.5)],
    ["›", "Later", () => shift(0.5)],
    ["all", "The whole day", () => ask(null)],
  ].map(([text, label, act]) => {
    const button = h("button", { type: "button", class: "tool", "aria-label": label, title: label, text });
    button.addEventListener("click", act);
    return button;
  });
  const keys = h("p", { class: "keys" }, h("span", { class: "key last", text: "━ price" }), h("span", { class: "key bid", text: "━ bid" }), h("span", { class: "key ask", text: "━ ask" }), h("span", { class: "key hole", text: "▨ hole" }));
  const caption = h("figcaption", {}, keys, h("div", { class: "tools", role: "group", "aria-label": "Stretch shown" }, ...tools));
  const node = h("figure", { class: "price-chart" }, caption, readout, drawing, empty);
  let [found, frame, pointed, held] = [null, null, null, null];

  function draw() {
    frame = found?.grid ? frameOf(found, drawing.clientWidth, drawing.clientHeight) : null;
    reveal(empty, Boolean(found) && !found.prices?.at.length && !found.spread?.at.length);
    if (!frame) return;
    mark(drawing, "viewBox", `0 0 ${frame.width} ${frame.height}`);
    mark(drawing, "aria-label", alternative(found, frame));
    layers.grid.replaceChildren(...(frame.priced ? gridOf(frame) : timesOf(frame)));
    layers.holes.replaceChildren(...bandsOf(frame, found));
    for (const [name, path] of Object.entries(pathsOf(frame, found))) mark(layers[name], "d", path);
    point();
  }

  function point() {
    const at = pointed === null ? null : Math.min(found.grid.many - 1, Math.max(0, pointed));
    const time = at === null ? null : found.grid.start + (at + 0.5) * found.grid.step;
    mark(layers.pointer, "d", time === null ? "" : `M${frame.x(time).toFixed(1)} ${MARGIN.top}V${frame.bottom}`);
    say(readout, at === null ? spanWords(found) : bucketWords(found, frame, at));
    rest(at === null ? null : endOf(found, at));
  }

  /** The bucket under an event. */
  function bucketAt(event) {
    const share = (event.clientX - drawing.getBoundingClientRect().left) / frame.right;
    return Math.floor(share * found.grid.many);
  }
  function zoom(by) {
    if (!found?.range) return;
    const { start, step, many } = found.grid;
    const middle = pointed === null ? (found.range.from + found.range.to) / 2 : start + (pointed + 0.5) * step;
    const half = ((found.range.to - found.range.from) * by) / 2;
    choose(middle - half, middle + half);
  }
  function shift(by) {
    if (!found?.range) return;
    const length = found.range.to - found.range.from;
    choose(found.range.from + by * length, found.range.to + by * length);
  }
  /** Ask for a stretch; all of the day where it is as long. */
  function choose(from, to) {
    const { from: first, to: last } = found.extent;
    pointed = null;
    if (from <= first && to >= last) return ask(null);
    const [begin, end] = [Math.max(from, first), Math.min(to, last)];
    if (end > begin) ask({ from_ns: nanos(begin), to_ns: nanos(end) });
  }

  drawing.addEventListener("pointermove", (event) => {
    if (!frame) return;
    pointed = bucketAt(event);
    point();
    if (held === null) return;
    const [left, right] = [held, event.offsetX].sort((a, b) => a - b).map((x) => Math.min(frame.right, Math.max(0, x)));
    mark(layers.chosen, "d", `M${left} ${MARGIN.top}H${right}V${frame.bottom}H${left}Z`);
  });
  drawing.addEventListener("pointerdown", (event) => {
    if (!frame) return;
    if (event.pointerType === "touch") {
      pointed = bucketAt(event); // a finger does not hover: where it tapped the pointer stays
      return point();
    }
    held = event.offsetX;
    drawing.setPointerCapture(event.pointerId);
  });
  drawing.addEventListener("pointerup", (event) => {
    const begun = held;
    held = null;
    mark(layers.chosen, "d", "");
    if (begun === null || Math.abs(event.offsetX - begun) < LEAST_DRAG) return;
    const time = (x) => found.grid.start + (x / frame.right) * found.grid.step * found.grid.many;
    choose(time(Math.min(begun, event.offsetX)), time(Math.max(begun, event.offsetX)));
  });
  drawing.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "touch") return;
    pointed = null;
    if (frame) point();
  });
  drawing.addEventListener("keydown", (event) => {
    if (!frame) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -found.grid.many / 10, PageDown: found.grid.many / 10 };
    const acts = { "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), Escape: () => ask(null) };
    if (Object.hasOwn(steps, event.key)) pointed = Math.round((pointed ?? found.grid.many / 2) + steps[event.key]);
    else if (Object.hasOwn(acts, event.key)) acts[event.key]();
    else return;
    event.preventDefault();
    if (pointed !== null) pointed = Math.min(found.grid.many - 1, Math.max(0, pointed));
    point();
  });
  new ResizeObserver(draw).observe(drawing);

  return {
    node,
    /** How many buckets are worth asking for. */
    buckets: () => Math.min(1200, Math.max(50, Math.round(drawing.clientWidth || byId("content").clientWidth || 600))),
    update(newest) {
      found = newest;
      draw();
    },
  };
}

/** A time in seconds as a text of ns; a double has no more than its first digits. */
const nanos = (secs) => `${BigInt(Math.round(secs * 1e6)) * 1000n}`;

/** The last moment of a bucket, whose bid and ask are its last ones: exact, as a text of ns. */
function endOf({ range, grid }, at) {
  const end = BigInt(range.from_ns) + BigInt(at + 1) * BigInt(Math.round(grid.step * 1e9));
  const last = BigInt(range.to_ns);
  return `${(end < last ? end : last) - 1n}`;
}

function frameOf(found, width, height) {
  const values = [found.prices, found.spread?.bid, found.spread?.ask].flatMap((each) => (each ? [...each.low, ...each.high] : [])).filter(known);
  const priced = values.length > 0;
  const places = decimals(values);
  const least = values.reduce((all, each) => Math.min(all, each), Infinity);
  const most = values.reduce((all, each) => Math.max(all, each), -Infinity);
  const [low, high] = priced ? widened(least, most, 1e-4) : [0, 1];
  const labels = priced ? Math.max(amount(low, places).length, amount(high, places).length) * CHAR_WIDE : 24;
  const right = width - labels - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  if (right < 40 || bottom < 40) return null; // not laid out yet
  const { start: first, step, many } = found.grid;
  const last = first + step * many;
  const floor = bottom - (bottom - MARGIN.top) * VOLUME_SHARE;
  return {
    ...{ width, height, right, bottom, floor, places, low, high, first, last, priced },
    x: (time) => ((time - first) / (last - first)) * right,
    y: (price) => floor - 4 - ((price - low) / (high - low)) * (floor - MARGIN.top - 8),
  };
}

function pathsOf(frame, found) {
  const middle = (at) => frame.x(timeOf(found, at)).toFixed(1);
  const { prices, spread } = found;
  const holes = (table) => list(found.holes).filter((hole) => hole.table === table).map((hole) => hole.shown);
  const lined = (of, at, table, to = LINES) => {
    const points = of ? at.map((bucket, index) => ({ time: timeOf(found, bucket), price: of.last[index] })) : [];
    return runsOf(frame, points.filter(({ price }) => known(price)), holes(table), to);
  };
  const bars = () => {
    const most = prices.volume.reduce((all, each) => Math.max(all, each), 0) || 1;
    const tall = (volume) => Math.max(1, (volume / most) * (frame.bottom - frame.floor - 4)).toFixed(1);
    return prices.at.map((at, index) => `M${middle(at)} ${frame.bottom}v-${tall(prices.volume[index])}`).join("");
  };
  const reach = (at, index) => `M${middle(at)} ${frame.y(prices.low[index]).toFixed(1)}V${(frame.y(prices.high[index]) - 0.5).toFixed(1)}`;
  return {
    volume: prices ? bars() : "",
    bid: lined(spread?.bid, spread?.at, spread?.table, STEPS),
    ask: lined(spread?.ask, spread?.at, spread?.table, STEPS),
    range: prices ? prices.at.map((at, index) => (known(prices.low[index]) ? reach(at, index) : "")).join("") : "",
    line: lined(prices, prices?.at, prices?.table),
  };
}

const LINES = (x, y) => `L${x} ${y}`;
const STEPS = (x, y) => `H${x}V${y}`; // a quote stands until the next one

const timeOf = (found, bucket) => found.grid.start + (bucket + 0.5) * found.grid.step;

/** A line through the last values of buckets, broken where a hole lies between two of them. */
function runsOf(frame, points, holes, to) {
  let before = null;
  return points
    .map(({ time, price }) => {
      const [x, y] = [frame.x(time).toFixed(1), frame.y(price).toFixed(1)];
      const apart = before === null || holes.some(([from, until]) => from < time && until > before);
      before = time;
      return apart ? `M${x} ${y}h0.1` : to(x, y);
    })
    .join("");
}

/** A band for each hole, as wide as can be seen; holes of several tables that overlap share one. */
function bandsOf(frame, found) {
  return bandsTogether(list(found.holes).filter(({ shown: [from, to] }) => to >= frame.first && from <= frame.last)).map(({ span, words }) => {
    const [from, to] = span.map((time) => Math.min(frame.right, Math.max(0, frame.x(time))));
    const wide = Math.max(2, to - from);
    const band = svg("rect", { x: Math.min(from, frame.right - 2).toFixed(1), y: MARGIN.top, width: wide.toFixed(1), height: frame.bottom - MARGIN.top });
    band.append(svg("title", { text: [...words].join("; ") }));
    return band;
  });
}

/** The server gives holes in order of time. */
function bandsTogether(holes) {
  const bands = [];
  for (const hole of holes) {
    const [from, to] = hole.shown;
    const band = bands.at(-1);
    if (band && from <= band.span[1]) band.span[1] = Math.max(band.span[1], to);
    else bands.push({ span: [from, to], words: new Set() });
    bands.at(-1).words.add(holeWords(hole));
  }
  return bands;
}

const holeWords = (hole) => `${meaning(RECORDED, hole.table) ?? hole.table}: ${meaning(CAUSES, hole.cause) ?? hole.cause}`;

function spanWords({ range, prices }) {
  if (!range) return "";
  const rows = prices ? prices.rows.reduce((all, each) => all + each, 0) : 0;
  const what = prices?.table === "trades" ? plural(rows, "trade") : plural(rows, "price");
  return `${clock(range.from)} to ${clock(range.to)}, ${duration(range.to - range.from)}, ${what}`;
}

function bucketWords(found, frame, at) {
  const { start, step } = found.grid;
  const [from, to] = [start + at * step, start + (at + 1) * step];
  const told = [clock(from, step < 10 ? 3 : 0)];
  const index = found.prices?.at.indexOf(at) ?? -1;
  const price = (value) => amount(value, frame.places);
  if (index >= 0) {
    const { low, high, last, volume, rows } = found.prices;
    told.push(low[index] === high[index] ? price(last[index]) : `${price(low[index])} – ${price(high[index])}`);
    told.push(`volume ${amount(volume[index], decimals([volume[index]]))}`, plural(rows[index], found.prices.table === "trades" ? "trade" : "row"));
  }
  const quote = lastAtOrBefore(found.spread, at);
  if (quote >= 0) told.push(`bid ${price(found.spread.bid.last[quote])}, ask ${price(found.spread.ask.last[quote])}`);
  const holes = list(found.holes).filter(({ shown }) => shown[0] < to && shown[1] > from).map(holeWords);
  if (holes.length) told.push(`in a hole (${[...new Set(holes)].join("; ")})`);
  return told.join("  ·  ");
}

function lastAtOrBefore(spread, at) {
  return spread ? spread.at.findLastIndex((each) => each <= at) : -1;
}

function alternative(found, frame) {
  const words = [`Chart of ${spanWords(found)}.`];
  if (frame.priced) words.push(`Lowest ${amount(frame.low, frame.places)}, highest ${amount(frame.high, frame.places)}.`);
  if (found.holes_in_all) words.push(`${plural(found.holes_in_all, "hole")}, listed below.`);
  return `${words.join(" ")} ${HELP}`;
}
