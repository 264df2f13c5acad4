/** The figures of the whole recorder: six tiles, and the facts below the exchanges. */

import { meter, remembered, sparkline } from "./charts.js";
import { byId, fact, h, mark, reveal, say } from "./dom.js";
import { list } from "./meaning.js";
import { ago, bytes, count, duration, known, percent, plural, rate, untilFull, when } from "./words.js";

const LATE_SECS = 3600; // an object that waits for so long was tried in many cycles

/** A tile whose lower part is `drawing`. */
function tile(name, drawing) {
  const sign = h("span", { class: "sign", text: "!", "aria-hidden": "true" });
  const value = h("span", { class: "value" });
  const unit = h("span", { class: "unit" });
  const note = h("p", { class: "note" });
  const head = h("h3", {}, sign, name);
  const node = h("article", { class: "tile" }, head, h("p", { class: "figure" }, value, unit), drawing, note);
  byId("tiles").append(node);
  return (text, unitText, noteText = "", level = "") => {
    say(value, text);
    say(unit, unitText);
    say(note, noteText);
    reveal(note, noteText !== "");
    reveal(sign, level === "warn");
    mark(node, "data-level", level);
  };
}

/** A tile with a chart; the chart's values come from the recorder, or are remembered here. */
function charted(name, tell) {
  const chart = sparkline(name, tell);
  return { show: tile(name, chart.node), chart, past: remembered() };
}

/** A tile with a bar that says how full something is. */
function metered(name, what) {
  const bar = meter(what);
  return { show: tile(name, bar.node), bar };
}

/** Build the tiles; returns what brings a status into them. */
export function buildTiles() {
  const messages = charted("Messages", rate);
  const rows = charted("Rows", rate);
  const durable = charted("Durable lag", duration);
  const loop = charted("Loop lag", duration);
  const disk = metered("Disk left", "Disk used");
  const dropped = metered("Dropped", "Buffer used");

  return (status) => {
    const { totals = {}, history = {}, durable: safe = {}, disk: room = {}, loop: turn = {} } = status;
    const step = history.step_secs ?? 5;
    messages.show(rate(totals.messages_per_second), "per second");
    messages.chart.update(history.messages_per_second, step);
    rows.show(rate(totals.rows_per_second), "per second");
    rows.chart.update(history.rows_per_second, step);
    durable.show(...split(duration(safe.lag_secs)));
    durable.chart.update(durable.past(safe.lag_secs, status.now), 1);
    loop.show(...split(duration(turn.lag_secs)));
    loop.chart.update(loop.past(turn.lag_secs, status.now), 1);
    const used = 1 - room.free_bytes / room.size_bytes;
    const [free, freeUnit] = split(bytes(room.free_bytes));
    disk.show(free, `${freeUnit} of ${bytes(room.size_bytes)}`, untilFull(room.days_until_full));
    disk.bar.update(used, percent(used));
    const full = safe.buffered_bytes / safe.buffer_limit_bytes;
    const lost = status.messages_dropped > 0;
    const buffer = `buffer ${percent(full)} full`;
    dropped.show(count(status.messages_dropped), status.messages_dropped === 1 ? "message" : "messages", buffer, lost ? "warn" : "");
    dropped.bar.update(full, percent(full));
  };
}

/** Build the facts about the recorder; returns what brings a status into them. */
export function buildRecorder() {
  const names = [
    ["ready", "Ready"],
    ["journal", "Journal", "What was received, stored before anything is made of it"],
    ["checkpoint", "Last checkpoint", "From here on, a restart reads the journal again"],
    ["queue", "Waiting to be stored"],
    ["buffer", "Buffered"],
    ["disk", "Disk"],
    ["pace", "Disk use"],
    ["archive", "Waiting for the archive", "What is packed and not yet found to be whole in each place where it belongs, and rows to be packed"],
    ["here", "Archived here", "Found to be whole"],
    ["bucket", "Archived in the bucket", "Found to be whole"],
    ["loop", "Longest step", "The task that kept the recorder from its sockets for the longest time"],
    ["started", "Started"],
    ["version", "Version"],
  ];
  const facts = Object.fromEntries(names.map(([key, term, title]) => [key, fact(term, title)]));
  byId("recorder").append(...Object.values(facts).map((each) => each.node));

  return (status) => {
    const { durable = {}, disk = {}, loop = {} } = status;
    facts.ready.update(status.ready ? "yes" : "no", reasonsOf(status.not_ready), status.ready ? "" : "warn");
    facts.journal.update(bytes(durable.journal_bytes), `${bytes(durable.journal_bytes_per_sec)} per second`);
    facts.checkpoint.update(ago(durable.checkpoint_age_secs));
    facts.queue.update(plural(durable.queue_depth, "batch", "batches"));
    facts.buffer.update(bytes(durable.buffered_bytes), `of ${bytes(durable.buffer_limit_bytes)}`);
    facts.disk.update(`${bytes(disk.free_bytes)} free`, `of ${bytes(disk.size_bytes)}`);
    facts.pace.update(disk.bytes_per_day === null ? "not known yet" : `${bytes(disk.bytes_per_day)} per day`);
    showArchive(facts, status.archive ?? null);
    facts.loop.update(duration(loop.lag_secs), loop.task ?? "");
    facts.started.update(when(status.started, status.now), ago(status.uptime_secs));
    facts.version.update(status.version ?? "");
  };
}

/** What waits for the archive and what it has; nothing where there is none, or in no such place. */
function showArchive(facts, archive) {
  const kept = archive?.kept_bytes ?? {};
  reveal(facts.archive.node, archive !== null);
  reveal(facts.here.node, known(kept.local));
  reveal(facts.bucket.node, known(kept.s3));
  if (archive === null) return;
  const { rows_waiting: rows, objects_waiting: objects } = archive;
  const waits = objects > 0 ? [`${bytes(archive.bytes_waiting)}, the oldest for ${duration(archive.oldest_secs)}`] : [];
  if (rows > 0) waits.push(`${plural(rows, "row")} to be packed`);
  facts.archive.update(plural(objects, "object"), waits.join("; "), archive.oldest_secs > LATE_SECS ? "warn" : "");
  facts.here.update(bytes(kept.local));
  facts.bucket.update(bytes(kept.s3));
}

/** One reason as it is; of several, how many: they stand at the top. */
function reasonsOf(reasons) {
  const found = list(reasons);
  return found.length > 1 ? `${plural(found.length, "reason")}, at the top` : (found[0] ?? "");
}

/** "410 ms" as a figure and its unit. */
function split(text) {
  const [value, ...unit] = text.split(/[\u00a0\u202f](?=\D)/);
  return [value, unit.join(" ")];
}
