/** The line at the top which says how it goes, and the words that a screen reader hears.

Invariant: what is heard changes only when the situation does, not with each second that a reason
counts; figures that are not live are marked as such on the whole page.
*/

import { byId, follow, h, mark, reveal, say } from "./dom.js";
import { cardAddress, list, silenceOf } from "./meaning.js";
import { clock, duration, plural } from "./words.js";

const SIGNS = { good: "✓", warn: "!", bad: "✕", quiet: "…" };
const LATE_MS = 5_000; // the recorder sends every second

let heardNow = "";

/** Show the situation; `status` is the newest one or null, `heardAt` when it came (milliseconds).

`recording` is what is shown where there is no recorder, or null.
*/
export function showBanner(link, status, heardAt, now, recording = null) {
  const age = status ? Math.round((now - heardAt) / 1000) : null;
  const stale = status !== null && (link.kind !== "live" || now - heardAt > LATE_MS);
  document.body.classList.toggle("stale", stale);
  const shown = unlinked(link, status, age, now, recording) ?? (stale ? quiet(age) : judged(status));
  mark(byId("banner"), "data-level", shown.level);
  say(byId("banner-mark"), SIGNS[shown.level]);
  say(byId("banner-head"), shown.head);
  say(byId("banner-line"), shown.line);
  reveal(byId("banner-line"), shown.line !== "");
  const names = list(status?.exchanges).map((each) => each.name);
  const items = shown.reasons.map((reason) => ({ reason, name: names.find((each) => reason.startsWith(`${each}: `)) }));
  follow(byId("banner-reasons"), items, ({ name }, index) => `${index} ${name ?? ""}`, reasonItem);
  reveal(byId("banner-reasons"), shown.reasons.length > 0);
  say(byId("banner-action"), shown.action ?? "");
  reveal(byId("banner-action"), Boolean(shown.action));
  announce([shown.head, ...shown.reasons].join(". "));
  pulse(link, stale, age, recording);
  document.title = `${SIGNS[shown.level]} ${shown.title} · tick_logger`;
}

function unlinked(link, status, age, now, recording) {
  if (link.kind === "token") {
    return {
      level: "quiet",
      head: "A token is needed",
      line: "This recorder shows its status only to those who have its token.",
      reasons: [],
      action: "Enter the token",
      title: "token needed",
    };
  }
  if (link.kind === "waiting") {
    const next = Math.max(0, Math.ceil((link.retryAt - now) / 1000));
    const old = status ? ` The figures below are ${duration(age)} old.` : "";
    return {
      level: "bad",
      head: recording ? "The page's server cannot be reached" : "The recorder cannot be reached",
      line: `${sentence(link.why)}.${old} Trying again ${next ? `in ${duration(next)}` : "now"}.`,
      reasons: [],
      action: "Try now",
      title: "unreachable",
    };
  }
  if (status) return null;
  if (recording) {
    return {
      level: "quiet",
      head: "What was recorded",
      line: `In ${recording.path}. How a recorder is doing is shown on a page of its own.`,
      reasons: [],
      title: "recorded",
    };
  }
  return {
    level: "quiet",
    head: "Connecting to the recorder",
    line: "The first figures come within a second or two.",
    reasons: [],
    title: "connecting",
  };
}

function quiet(age) {
  return {
    level: "warn",
    head: "No news from the recorder",
    line: `The connection is open; the figures below are ${duration(age)} old.`,
    reasons: [],
    title: "no news",
  };
}

function judged(status) {
  const reasons = [...new Set([...list(status.not_ready), ...list(status.reasons)].map(String))];
  const exchanges = list(status.exchanges);
  const sum = (name) => exchanges.reduce((total, each) => total + (each[name] || 0), 0);
  const open = `${sum("connections_up")} of ${plural(sum("connections_wanted"), "connection")} open`;
  const many = plural(exchanges.length, "exchange");
  const lost = status.messages_dropped
    ? `${plural(status.messages_dropped, "message")} dropped since the start`
    : "nothing dropped";
  const holes = sum("holes_open");
  const missing = holes ? [`${plural(holes, "stream")} with an open hole`] : [];
  const quiet = exchanges.map((each) => [each.name, silenceOf(each)]).filter(([, words]) => words);
  const silent = quiet.map(([name, words]) => `${name}: ${words}`);
  const line = exchanges.length ? `${[many, open, lost, ...missing, ...silent].join(", ")}.` : "";
  if (status.status !== "healthy") {
    const head = status.ready ? "Degraded: it records, with trouble" : "Degraded, and not ready";
    return { level: "warn", head, line, reasons, title: "degraded" };
  }
  if (!status.ready) {
    return { level: "quiet", head: "Not ready yet", line, reasons, title: "not ready" };
  }
  return { level: "good", head: "Healthy: it records, and all is well", line, reasons, title: "healthy" };
}

/** A reason; where it is about an exchange, a link to its card. */
function reasonItem({ name }) {
  const words = h("bdi");
  const inner = name === undefined ? words : h("a", { href: cardAddress(name) }, words);
  return { node: h("li", {}, inner), update: ({ reason }) => say(words, reason) };
}

function announce(words) {
  const heard = words.replace(/\d[\d.,\s]*/g, "#"); // seconds that count up are no news
  if (heard === heardNow) return;
  heardNow = heard;
  say(byId("announce"), words);
}

function pulse(link, stale, age, recording) {
  const kind = link.kind === "live" && !stale ? "live" : stale ? "stale" : "connecting";
  mark(byId("pulse"), "data-state", kind);
  const words = kind === "live" && recording ? "at rest" : kind;
  say(byId("pulse-words"), kind === "stale" ? `stale for ${duration(age)}` : words);
}

/** The recorder's time, in the bar. */
export function showClock(status) {
  say(byId("clock"), `${clock(status.now)} UTC`);
}

const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);
