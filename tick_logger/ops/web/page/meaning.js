/** What the words of a status mean to a reader.

Invariant: a word that is not known here is shown as it came, without an explanation.
*/

import { clock, duration, known, plural } from "./words.js";

export const PROOFS = {
  proven: ["✓", "The exchange numbers its messages without holes: a missing one shows, and so does that none is missing."],
  consistent: ["≈", "What arrived fits together. Something missing may not show, or only later."],
  unprovable: ["?", "The exchange sends nothing to check against: a missing message leaves no trace, so every interruption counts as a gap."],
};

export const FEEDS = {
  ticker: "ticker",
  trades: "trades",
  quotes: "quotes",
  orderbook: "order book",
};

export const TABLES = {
  MD: "ticker",
  TRADES: "trades",
  QUOTES: "quotes",
  BOOK: "order book",
};

export const CAUSES = {
  disconnect: "the connection was lost",
  sequence: "the exchange's numbers jumped",
  checksum: "the book did not match the exchange's checksum",
  overflow: "more came in than could be stored",
  restart: "the recorder was restarted",
  crash: "the recorder stopped without warning",
  damage: "stored data was damaged",
  undecodable: "a message was not understood, or not all of it",
  adapter: "a defect: the recorder failed on a message",
  refused: "the exchange refused the subscription",
  moved: "the symbol went to another connection",
  retired: "the symbol was not to be recorded for a while",
  silent: "the subscription was accepted, yet nothing came",
  resync: "the book was being built anew",
  snapshot: "no snapshot of the book could be had",
  unwritable: "there was no place for it on the disk",
  renumbered: "no gap: the exchange's ids began again",
  stray: "no gap: a trade has an id that fits nowhere",
};

export const DOUBTS = {
  crossed: "crossed",
  locked: "locked",
  outside: "far outside the quote",
  jump: "after a jump",
  apart: "apart from other exchanges",
  backwards: "going back in time",
};

export const CONDITIONS = {
  available: ["✓", "available", "nothing is known to be missing"],
  degraded: ["!", "degraded", "a hole is known"],
  pending: ["…", "pending", "the day may still grow; no hole is known"],
  missing: ["✕", "missing", "nothing was recorded"],
};

/** What tables are called where days are looked back at. */
export const RECORDED = { ticker: "ticker", trades: "trades", quotes: "quotes", book: "order book" };

export const ENDINGS = {
  dial: "the exchange refused the connection, or did not answer",
  http: "a request by REST failed",
  closed: "the connection was closed in order",
  eof: "the exchange ended it without a word",
  reset: "the network ended it",
  protocol: "the exchange broke the rules of WebSocket",
  nonsense: "most of what came could not be understood",
  ping: "no answer to a ping",
  heartbeat: "the exchange's heartbeats stopped",
  silent: "no market data came for too long",
  replaced: "it was no longer needed",
};

export const LEGEND = [
  ["Gap", "A known hole in the recording, written down beside the data with its times and its cause."],
  ["Late", "A row that came too late to be sorted in; it is kept in files of its own."],
  ["Set aside", "A row whose time cannot be right, by what that exchange's clock usually shows; it is kept in files of its own."],
  ["Durable lag", "How old the newest data is that would survive a power cut."],
  ["Loop lag", "The longest time in which the recorder did not turn to its sockets, over the last 15 s."],
  ["Latency", "From the exchange's own time to receipt here. p50: half are faster; p99: one in a hundred is slower."],
  ["Dropped", "Messages that were received and could not be stored. It should stay at zero."],
];

/** The value of a word in one of the tables above, whatever the word is. */
export function meaning(table, word) {
  return Object.hasOwn(table, word) ? table[word] : null;
}

/** How an exchange is: a level, a mark that is not a colour, and words. */
export function condition(exchange, reasons) {
  const { connections_up: up, connections_wanted: wanted } = exchange;
  if (exchange.unreachable && !up) return { level: "bad", sign: "✕", words: "not reached" };
  if (!wanted) return { level: "quiet", sign: "○", words: "nothing to connect" };
  if (!up) return { level: "bad", sign: "✕", words: "not connected" };
  if (!exchange.connected) return { level: "warn", sign: "◐", words: "partly connected" };
  if (reasons.length) return { level: "warn", sign: "!", words: "needs a look" };
  return { level: "good", sign: "✓", words: "connected" };
}

const RANKS = ["bad", "warn"];

/** Those that are broken first, then those that need a look; else in the order they have. */
export function brokenFirst(exchanges, status) {
  const rank = (exchange) => {
    const found = RANKS.indexOf(condition(exchange, reasonsOf(status, exchange.name)).level);
    return found < 0 ? RANKS.length : found;
  };
  return [...exchanges].sort((one, other) => rank(one) - rank(other));
}

/** The card of an exchange, as an element of the page. */
export const cardId = (name) => `card-${encodeURIComponent(name)}`;

/** The address of the card of an exchange. */
export const cardAddress = (name) => `#/exchange/${encodeURIComponent(name)}`;

/** The cause of holes that somebody asked for: a stop in order. */
export const PLANNED = "restart";

/** "96 symbols were not recorded for 3.2 s while the program was stopped", or nothing. */
export function stoppedOf(exchange) {
  const many = exchange.stopped_symbols;
  if (!(many > 0)) return "";
  const was = many === 1 ? "was" : "were";
  return `${plural(many, "symbol")} ${was} not recorded for ${duration(exchange.stopped_secs)} while the program was stopped`;
}

const QUIET_SECS = 5;

/** "no data for 12 s", once nothing has come for a while; else nothing. */
export function silenceOf(exchange) {
  const secs = exchange.seconds_since_data;
  return known(secs) && secs >= QUIET_SECS ? `no data for ${duration(secs)}` : "";
}

/** What became of holes in trades that the exchange was asked about since the start. */
export function fillingOf(exchange) {
  const now = exchange.backfill ?? {};
  const words = [
    [now.holes_waiting, "wait for the exchange's answer by REST"],
    [now.holes_filled, `filled by REST, ${plural(now.trades ?? 0, "trade")}`],
    [now.holes_void, "void: the exchange has nothing there either"],
    [now.holes_left, "given up: the log says why (backfill_left)"],
  ];
  return words.filter(([many]) => many).map(([many, word]) => `${plural(many, "hole")} ${word}`);
}

/** The holes that are open, the longest first: "1 stream since 12:57:45, for 12 s: …". */
export function openHolesOf(exchange) {
  return list(exchange.open_holes).map((hole) => {
    const why = meaning(CAUSES, hole.cause) ?? hole.cause;
    const since = `since ${clock(hole.since)}, for ${duration(hole.seconds)}`;
    return `hole open, ${plural(hole.streams, "stream")} ${since}: ${why}`;
  });
}

/** The reasons which begin with an exchange's name, without it. */
export function reasonsOf(status, name) {
  const lead = `${name}: `;
  return list(status.reasons)
    .filter((reason) => String(reason).startsWith(lead))
    .map((reason) => String(reason).slice(lead.length));
}

/** What should be a list, as one. */
export const list = (value) => (Array.isArray(value) ? value : []);

/** What should be a mapping, as pairs. */
export const pairs = (value) => (value && typeof value === "object" ? Object.entries(value) : []);
