/** Numbers, times and durations as people read them.

Invariant: every function takes anything at all and gives a short text; what is not a finite number
is a dash.  Times are seconds since 1970 and are shown in UTC.  Nothing here touches the page.
*/

export const UNKNOWN = "–";
const THIN_SPACE = "\u202f"; // narrow and unbreakable
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const LATEST_SECS = 8.64e12; // a Date ends here
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

export const known = (value) => typeof value === "number" && Number.isFinite(value);

/** A number of things: 1 234 567. */
export function count(value) {
  return known(value) ? grouped(value.toFixed(0)) : UNKNOWN;
}

/** A number that may be too large for a double: ids, as numbers or as texts of digits. */
export function id(value) {
  if (known(value)) return grouped(String(value));
  return typeof value === "string" && /^\d+$/.test(value) ? grouped(value) : String(value ?? UNKNOWN);
}

/** Something per second: 0.3, 31.2, 1 234. */
export function rate(value) {
  if (!known(value)) return UNKNOWN;
  if (value > 0 && value < 0.05) return "<0.1";
  return value === 0 || value >= 1000 ? count(value) : value.toFixed(1);
}

/** Bytes in decimal units with three digits: 4.10 kB, 268 MB. */
export function bytes(value) {
  if (!known(value)) return UNKNOWN;
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let step = 0;
  let rest = value;
  while (Math.abs(rest) >= 999.5 && step < units.length - 1) {
    rest /= 1000;
    step += 1;
  }
  return `${step === 0 ? count(rest) : digits(rest)}${THIN_SPACE}${units[step]}`;
}

/** A share between 0 and 1 as per cent. */
export function percent(share) {
  if (!known(share)) return UNKNOWN;
  const value = share * 100;
  return `${value > 0 && value < 0.1 ? "<0.1" : value >= 10 || value === 0 ? value.toFixed(0) : value.toFixed(1)}${THIN_SPACE}%`;
}

/** How long something lasts: 4 ms, 1.2 s, 45 s, 3 min, 2 h 46 min, 3 days 4 h. */
export function duration(secs) {
  if (!known(secs)) return UNKNOWN;
  const value = Math.max(0, secs);
  if (value < 0.9995) return unit(value * 1000, value < 0.01 && value > 0 ? 1 : 0, "ms");
  if (value < 9.95) return unit(value, Number.isInteger(value) ? 0 : 1, "s");
  if (value < 90) return unit(value, 0, "s");
  if (value < 90 * MINUTE) return unit(value / MINUTE, 0, "min");
  if (value < 36 * HOUR) return two(value, HOUR, "h", MINUTE, "min");
  return value < 14 * DAY ? two(value, DAY, "days", HOUR, "h") : unit(value / DAY, 0, "days");
}

/** How long ago: 0.2 s ago, 3 min ago. */
export function ago(secs) {
  if (!known(secs)) return UNKNOWN;
  return secs < 0.05 ? "just now" : `${secs < 1 ? unit(secs, 1, "s") : duration(secs)} ago`;
}

/** How long the disk lasts at the present pace. */
export function untilFull(days) {
  if (!known(days)) return "time until full not known yet";
  if (days > 3650) return "years until full";
  return `${days < 2 ? unit(days * 24, 0, "h") : unit(days, 0, "days")} until full`;
}

/** The time of day: 12:57:45 or 12:57:45.123. */
export function clock(secs, fraction = 0) {
  if (!known(secs) || Math.abs(secs) > LATEST_SECS) return UNKNOWN;
  return new Date(secs * 1000).toISOString().slice(11, fraction ? 20 + fraction : 19);
}

/** The time of day, with the date where it is not the day of `now`. */
export function when(secs, now) {
  if (!known(secs) || Math.abs(secs) > LATEST_SECS) return UNKNOWN;
  const today = known(now) && Math.floor(now / DAY) === Math.floor(secs / DAY);
  const date = new Date(secs * 1000);
  return today ? clock(secs) : `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${clock(secs)}`;
}

/** A UTC day as text, such as 2026-11-29, as people read it: 29 Nov 2026. */
export function date(text) {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  return MONTHS[month - 1] ? `${Number(day)} ${MONTHS[month - 1]} ${year}` : String(text ?? UNKNOWN);
}

/** How many decimals these prices or sizes need, so that a column of them lines up. */
export function decimals(values) {
  return values.reduce((most, value) => Math.max(most, decimalsOf(value)), 0);
}

/** A price or size with so many decimals: 61 234.50. */
export function amount(value, places) {
  return known(value) ? grouped(value.toFixed(places)) : UNKNOWN;
}

/** A thing counted: "1 symbol", "3 symbols". */
export function plural(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

function decimalsOf(value) {
  if (!known(value)) return 0;
  const [mantissa, exponent = "0"] = String(Number(value.toPrecision(10))).split("e");
  const places = (mantissa.split(".")[1] ?? "").length - Number(exponent);
  return Math.min(12, Math.max(0, places));
}

function grouped(text) {
  const [whole, fraction] = text.split(".");
  const wide = whole.replace(/\B(?=(\d{3})+$)/g, THIN_SPACE);
  return fraction === undefined ? wide : `${wide}.${fraction}`;
}

function digits(value) {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function unit(value, places, name) {
  const text = grouped(value.toFixed(places));
  return `${text}\u00a0${name === "days" && text === "1" ? "day" : name}`;
}

function two(value, large, largeName, small, smallName) {
  const units = Math.floor(Math.round(value / small) * small / large);
  const rest = Math.round((value - units * large) / small);
  const first = unit(units, 0, largeName);
  return rest > 0 ? `${first} ${unit(rest, 0, smallName)}` : first;
}
