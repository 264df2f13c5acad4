/** What charts share: nice steps of prices and times, and the lines and labels of a grid. */

import { svg } from "./dom.js";
import { amount, clock } from "./words.js";

export const MARGIN = { top: 14, right: 12, bottom: 26 };
export const CHAR_WIDE = 7.2; // of the axis labels
const STEPS_SECS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];

/** Two ends that are apart, so that one price or one time is a line in the middle. */
export function widened(low, high, share) {
  const half = Math.abs(low) * share || 0.5;
  return high > low ? [low, high] : [low - half, high + half];
}

/** Lines and labels of a frame: `x`, `y`, `low`, `high`, `first`, `last`, `right`, `bottom`, `height`, `places`. */
export function gridOf(frame) {
  const parts = [];
  const priceStep = niceStep((frame.high - frame.low) / 4);
  const places = Math.max(frame.places, Math.ceil(-Math.log10(priceStep)));
  for (const price of ticks(frame.low, frame.high, priceStep)) {
    const y = frame.y(price).toFixed(1);
    parts.push(svg("path", { d: `M0 ${y}H${frame.right}` }));
    const text = amount(price, places);
    parts.push(svg("text", { x: frame.right + 6, y, dy: "0.35em", text }));
  }
  return [...parts, ...timesOf(frame)];
}

/** The lines and labels of the times alone. */
export function timesOf(frame) {
  const parts = [];
  const apart = frame.right < 500 ? 60 : 110;
  const wanted = (frame.last - frame.first) / Math.max(2, Math.floor(frame.right / apart));
  const step = STEPS_SECS.find((secs) => secs >= wanted) ?? STEPS_SECS.at(-1);
  for (const time of ticks(frame.first, frame.last, step)) {
    const x = frame.x(time);
    if (x < 24 || x > frame.right - 24) continue; // its label would be cut
    parts.push(svg("path", { d: `M${x.toFixed(1)} ${MARGIN.top}V${frame.bottom}` }));
    const text = step < 1 ? clock(time, 1) : step < 60 ? clock(time) : clock(time).slice(0, 5);
    parts.push(svg("text", { x: x.toFixed(1), y: frame.height - 8, class: "middle", text }));
  }
  return parts;
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].find((each) => each * power >= rough * 0.999) * power;
}

function ticks(low, high, step) {
  const found = [];
  for (let index = Math.ceil(low / step); index * step <= high && found.length < 24; index += 1) {
    found.push(index * step);
  }
  return found;
}
