/** Small charts: what a figure did over the last minutes.

Invariant: drawn from numbers only; the scale begins at zero; a chart says in words what it shows.
*/

import { h, mark, say, svg } from "./dom.js";
import { duration, known } from "./words.js";

const WIDE = 100;
const HIGH = 30;
const HEADROOM = 3; // above the highest value, so that its line is not cut
const SLOTS = 120; // values at most; the newest is at the right edge

/** A chart of a figure called `name`; `tell(value)` says a value in words. */
export function sparkline(name, tell) {
  const area = svg("path", { class: "spark-area" });
  const line = svg("path", { class: "spark-line" });
  const dot = svg("path", { class: "spark-dot" });
  const pointer = svg("path", { class: "spark-pointer" });
  const drawing = svg(
    "svg",
    { class: "spark", viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", role: "img" },
    area,
    line,
    pointer,
    dot,
  );
  const left = h("span");
  const right = h("span");
  const node = h("div", { class: "chart" }, drawing, h("p", { class: "scale" }, left, right));
  const shown = { values: [], step: 1, at: null };

  function words() {
    const { values, step, at } = shown;
    const value = at === null ? undefined : values[values.length - 1 - at];
    if (known(value)) {
      say(left, at === 0 ? "now" : `${duration(at * step)} ago`);
      say(right, tell(value));
      mark(pointer, "d", `M${across(at)} 0V${HIGH}`);
      return;
    }
    mark(pointer, "d", "");
    const there = values.filter(known);
    say(left, there.length > 1 ? `last ${duration((values.length - 1) * step)}` : "");
    say(right, there.length > 1 ? `peak ${tell(Math.max(...there))}` : "");
  }
  drawing.addEventListener("pointermove", (event) => {
    const box = drawing.getBoundingClientRect();
    const share = 1 - (event.clientX - box.left) / box.width;
    shown.at = Math.min(SLOTS - 1, Math.max(0, Math.round(share * (SLOTS - 1))));
    words();
  });
  drawing.addEventListener("pointerleave", () => {
    shown.at = null;
    words();
  });

  return {
    node,
    /** Draw these values, newest last, `step` seconds apart. */
    update(values, step) {
      shown.values = Array.isArray(values) ? values.slice(-SLOTS) : [];
      shown.step = step;
      const highest = Math.max(...shown.values.filter(known), 0);
      const runs = runsOf(shown.values, highest);
      mark(line, "d", runs.map((run) => `M${run.map((each) => each.join(" ")).join("L")}`).join(""));
      mark(area, "d", runs.map(areaOf).join(""));
      mark(dot, "d", runs.length ? `M${runs.at(-1).at(-1).join(" ")}h0` : "");
      mark(drawing, "aria-label", alternative(name, shown.values, step, tell));
      words();
    },
  };
}

/** Values of a figure as they come in each second, for a chart of them; seconds may be missed. */
export function remembered() {
  const values = [];
  let before = null;
  return (value, now) => {
    const missed = before === null ? 0 : Math.round(now - before) - 1;
    for (let count = 0; count < Math.min(missed, SLOTS); count += 1) values.push(null);
    values.push(known(value) ? value : null);
    values.splice(0, values.length - SLOTS);
    before = now;
    return values;
  };
}

/** How full something is, as a bar. */
export function meter(name) {
  const bar = h("div", { class: "meter-bar" });
  const node = h("div", { class: "meter", role: "img" }, bar);
  return {
    node,
    update(share, tellShare) {
      const width = known(share) ? Math.min(1, Math.max(0, share)) * 100 : 0;
      bar.style.width = `${width}%`;
      mark(node, "aria-label", `${name}: ${tellShare}`);
    },
  };
}

const across = (fromRight) => (WIDE * (1 - fromRight / (SLOTS - 1))).toFixed(2);

function down(value, highest) {
  const share = highest > 0 ? Math.max(0, value) / highest : 0;
  return (HIGH - 1 - share * (HIGH - 1 - HEADROOM)).toFixed(2);
}

/** The points of the line, in runs between which values are missing. */
function runsOf(values, highest) {
  const runs = [[]];
  values.forEach((value, index) => {
    if (!known(value)) runs.push([]);
    else runs.at(-1).push([across(values.length - 1 - index), down(value, highest)]);
  });
  return runs.filter((run) => run.length > 0);
}

function areaOf(run) {
  const top = run.map((point) => point.join(" ")).join("L");
  return `M${run[0][0]} ${HIGH}L${top}L${run.at(-1)[0]} ${HIGH}Z`;
}

function alternative(name, values, step, tell) {
  const there = values.filter(known);
  if (there.length < 2) return `${name}: no history yet`;
  const span = duration((values.length - 1) * step);
  const [low, high] = [Math.min(...there), Math.max(...there)];
  return `${name} over the last ${span}: now ${tell(there.at(-1))}, between ${tell(low)} and ${tell(high)}`;
}
