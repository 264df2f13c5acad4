/** The part of an exchange's card that opens: counts, connections, and what was lost and when.

Invariant: nothing of it is drawn while it is closed.
*/

import { fact, follow, h, mark, reveal, say } from "./dom.js";
import { ENDINGS, list, meaning } from "./meaning.js";
import { ago, clock, count, duration, known, plural, rate, when } from "./words.js";

const STATES = { open: "●", connecting: "◌", retiring: "◑" };
const COLUMNS = ["Connection", "State", "Since", "Symbols", "Live", "Refused", "Silent", "Messages/s", "Last data"];

/** `update(exchange, now)` brings the newest figures in. */
export function buildDetails() {
  const words = h("span");
  const counts = buildCounts();
  const leftOut = buildNames("Left out", "Listed, and no connection has room for them");
  const notListed = buildNames("Not listed", "Configured, and the exchange lists none such as traded");
  const rows = h("tbody", { role: "rowgroup" });
  const none = h("p", { class: "empty", text: "No connection at present." });
  const table = connectionsTable(rows);
  const past = h("ol", { class: "past" });
  const calm = h("p", { class: "empty", text: "Not one reconnect so far." });
  const node = h(
    "details",
    {},
    h("summary", {}, words),
    h("h4", { text: "Since the start" }),
    counts.node,
    leftOut.node,
    notListed.node,
    h("h4", { text: "Connections" }),
    table,
    none,
    h("h4", { text: "Reconnects" }),
    past,
    calm,
  );
  let newest = () => {};
  node.addEventListener("toggle", () => newest());
  return {
    node,
    update(exchange, now) {
      const connections = list(exchange.connections);
      say(words, `${plural(connections.length, "connection")}, ${plural(exchange.reconnects, "reconnect")}`);
      newest = () => {
        if (!node.open) return;
        counts.update(exchange, now);
        leftOut.update(list(exchange.left_out));
        notListed.update(list(exchange.not_listed));
        follow(rows, connections.map((each) => ({ each, now })), ({ each }) => each.label, connectionRow);
        reveal(table, connections.length > 0);
        reveal(none, connections.length === 0);
        const recent = list(exchange.reconnects_recent);
        follow(past, recent.map((each) => ({ each, now })), ({ each }) => `${each.at} ${each.connection}`, reconnectItem);
        reveal(calm, recent.length === 0);
      };
      newest();
    },
  };
}

function buildCounts() {
  const names = [
    ["messages", "Messages"],
    ["rows", "Rows"],
    ["dropped", "Dropped", "Messages received that could not be stored"],
    ["parse_errors", "Not understood", "Messages that could not be read; they are kept beside the data"],
    ["duplicates", "Duplicates", "Messages that had come before; kept once"],
    ["ids_missing", "Ids missing", "Numbers that the exchange gave and that never came"],
    ["symbols_left_out", "Symbols left out", "Symbols for which no connection had room"],
    ["subscriptions_silent", "Silent", "Subscriptions that were accepted and never delivered"],
  ];
  const facts = names.map(([key, term, title]) => [key, fact(term, title)]);
  const last = fact("Last message");
  const node = h("dl", { class: "facts" }, ...facts.map(([, each]) => each.node), last.node);
  return {
    node,
    update(exchange, now) {
      for (const [key, each] of facts) each.update(count(exchange[key]));
      last.update(known(exchange.last_message) ? when(exchange.last_message, now) : "none yet");
    },
  };
}

/** Symbols that are not recorded, each by its name; nothing where there are none. */
function buildNames(heading, explained) {
  const names = h("ul", { class: "names", "aria-label": heading });
  const node = h("section", {}, h("h4", { text: heading }), h("p", { class: "note", text: explained }), names);
  reveal(node, false);
  return {
    node,
    update(symbols) {
      follow(names, symbols, (symbol) => symbol, nameItem);
      reveal(node, symbols.length > 0);
    },
  };
}

function nameItem(symbol) {
  return { node: h("li", {}, h("bdi", { text: symbol })), update: () => {} };
}

function connectionsTable(rows) {
  const heads = COLUMNS.map((name) => h("th", { role: "columnheader", scope: "col", text: name }));
  const head = h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...heads));
  return h("table", { role: "table", "aria-label": "Connections" }, head, rows);
}

/** A row; on a phone it becomes a block in which each value carries its column's name. */
function connectionRow() {
  const cells = COLUMNS.map((name) => h("td", { role: "cell", "data-name": name }));
  return {
    node: h("tr", { role: "row" }, ...cells),
    update({ each, now }) {
      const texts = [
        each.label,
        `${meaning(STATES, each.state) ?? "○"} ${each.state}`,
        known(each.since) ? duration(now - each.since) : "–",
        count(each.symbols),
        `${count(each.live)} of ${count(each.subscriptions)}`,
        count(each.refused),
        count(each.silent),
        rate(each.messages_per_second),
        known(each.seconds_since_data) ? ago(each.seconds_since_data) : "never",
      ];
      cells.forEach((cell, index) => say(cell, texts[index]));
      mark(cells[2], "title", known(each.since) ? `since ${when(each.since, now)} UTC` : "");
      mark(cells[5], "data-level", each.refused ? "warn" : "");
      mark(cells[6], "data-level", each.silent ? "warn" : "");
    },
  };
}

function reconnectItem({ each }) {
  const time = h("time", { text: clock(each.at) });
  const past = h("span", { class: "dim" });
  const connection = h("bdi", { class: "mono", text: each.connection });
  const cause = h("b", { text: each.cause });
  const reason = h("bdi", { text: each.reason });
  cause.title = meaning(ENDINGS, each.cause) ?? "";
  const node = h("li", {}, time, past, connection, cause, reason);
  return {
    node,
    update({ now }) {
      say(time, when(each.at, now));
      say(past, ago(now - each.at));
    },
  };
}
