/** The live stream of the recorder's status, and what to do when it ends.

Server-sent events are read through fetch, since an EventSource cannot carry a token.  A stream that
is silent for SILENCE_MS is given up; after each failure the pause doubles, up to LONGEST_PAUSE_MS.
*/

import { ask, TokenWanted, Unreachable } from "./api.js";

const EVENTS = ["status", "recording"]; // of a recorder, and over a recording at rest
const SILENCE_MS = 10_000; // the recorder sends every second
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;
const MOST_CHARS = 32 * 1024 * 1024; // of one event; a status of ten thousand connections fits

/** Read until the page is closed.

`heard(name, value)` gets each event; `changed(state)` gets `{kind: "live" | "waiting" | "token", why,
retryAt, refused}`.  Returns `{retry}`, which ends a pause at once.
*/
export function listen(heard, changed) {
  let endPause = () => {};
  const pause = (millis) =>
    new Promise((resolve) => {
      endPause = resolve;
      if (millis !== null) setTimeout(resolve, millis);
    });

  async function forever() {
    for (let failures = 0; ; failures += 1) {
      try {
        await readEvents((name, value) => {
          failures = 0;
          changed({ kind: "live" });
          heard(name, value);
        });
        await wait(failures, "the recorder ended the stream");
      } catch (error) {
        if (error instanceof TokenWanted) {
          changed({ kind: "token", refused: error.refused });
          await pause(null);
          failures = -1;
        } else await wait(failures, reasonOf(error));
      }
    }
  }

  function wait(failures, why) {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));
    const millis = longest * (0.8 + 0.2 * Math.random()); // pages that lost it together come apart
    changed({ kind: "waiting", why, retryAt: Date.now() + millis });
    return pause(millis);
  }

  addEventListener("online", () => endPause());
  forever();
  return { retry: () => endPause() };
}

async function readEvents(heard) {
  const stop = new AbortController();
  let silence = setTimeout(() => stop.abort(), SILENCE_MS);
  const alive = () => {
    clearTimeout(silence);
    silence = setTimeout(() => stop.abort(), SILENCE_MS);
  };
  try {
    const answer = await ask("api/events", { accept: "text/event-stream", signal: stop.signal });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const split = splitter();
    for (;;) {
      const { done, value } = await reader.read().catch((error) => {
        throw error.name === "AbortError" ? error : new Unreachable("the connection broke");
      });
      if (done) return;
      alive();
      for (const { name, data } of split(value)) if (EVENTS.includes(name)) heard(name, JSON.parse(data));
    }
  } finally {
    clearTimeout(silence);
    stop.abort();
  }
}

/** Cuts chunks of a stream into events; what is incomplete waits for the next chunk. */
export function splitter() {
  let rest = "";
  return (chunk) => {
    rest += chunk;
    if (rest.length > MOST_CHARS) throw new Error("the recorder sent an event without an end");
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop();
    return blocks.map(eventOf);
  };
}

function eventOf(block) {
  let name = "message";
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
  }
  return { name, data: data.join("\n") };
}

function reasonOf(error) {
  if (error.name === "AbortError") return "the recorder fell silent";
  if (error instanceof SyntaxError) return "the recorder sent something that is no status";
  return error.message;
}
