/** The status page of tick_logger: wires its parts together.

The newest status is drawn once per frame and only while somebody looks.  The address after # says
what is shown: nothing for the overview, /symbol/EXCHANGE/SYMBOL for a symbol, /days[/DAY[/EXCHANGE]]
for what was recorded, /day/EXCHANGE/SYMBOL/DAY for a day of it.  Where no recorder answers but a
recording at rest, there is nothing but what was recorded.
*/

import { wireToken } from "./access.js";
import { showBanner, showClock } from "./banner.js";
import { byId, follow, h, mark, reveal, say } from "./dom.js";
import { showDay } from "./day.js";
import { showDays } from "./days.js";
import { buildCard } from "./exchange.js";
import { LEGEND, PROOFS, brokenFirst, cardId, list } from "./meaning.js";
import { wireSearch } from "./search.js";
import { listen } from "./stream.js";
import { showSymbol } from "./symbol.js";
import { buildRecorder, buildTiles } from "./tiles.js";
import { duration } from "./words.js";

const showTiles = buildTiles();
const showRecorder = buildRecorder();

let link = { kind: "connecting" };
let status = null;
let recording = null;
let heardAt = 0;
let drawn = null;
let drawing = false;
let opened = null;
let wantedCard = null;

const live = listen(
  (name, newest) => {
    if (name === "recording") atRest(newest);
    else status = newest;
    heardAt = Date.now();
    draw();
  },
  (state) => {
    link = state;
    if (link.kind === "token") openToken(link.refused);
    draw();
  },
);
const openToken = wireToken(() => live.retry());
const search = wireSearch(() => recording !== null);

/** There is no recorder: what it would be asked for is not offered. */
function atRest(newest) {
  const first = recording === null;
  recording = newest;
  say(byId("version"), `tick_logger ${newest.version}`);
  if (!first) return;
  reveal(byId("place-now"), false);
  route();
}

function draw() {
  showBanner(link, status, heardAt, Date.now(), recording);
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    if (status !== null && status !== drawn) show(status);
  });
}

function show(newest) {
  drawn = newest;
  showClock(newest);
  showTiles(newest);
  showRecorder(newest);
  const exchanges = brokenFirst(list(newest.exchanges), newest);
  const items = exchanges.map((exchange) => ({ exchange, status: newest }));
  follow(byId("cards"), items, ({ exchange }) => exchange.name, buildCard);
  reveal(byId("no-exchanges"), exchanges.length === 0);
  reveal(byId("overview"), opened === null);
  showCard();
  say(byId("version"), `tick_logger ${newest.version}, up for ${duration(newest.uptime_secs)}`);
}

/** Bring the card that was asked for into view, once it is there. */
function showCard() {
  const card = wantedCard === null ? null : byId(cardId(wantedCard));
  if (!card || opened !== null) return;
  wantedCard = null;
  card.scrollIntoView({ block: "start" });
  card.focus({ preventScroll: true });
}

function route() {
  opened?.stop();
  search.close();
  const [place, ...parts] = location.hash.replace(/^#\/?/, "").split("/");
  const names = parts.map(decoded);
  const whole = !names.includes(null);
  const isDay = place === "day" && names.length === 3 && whole && names[1] !== "";
  const isSymbol = place === "symbol" && names.length === 2 && whole && names.every(Boolean);
  const isDays = !isDay && (recording !== null || place === "days");
  if (isDay) opened = showDay(...names, () => recording !== null);
  else if (isDays) opened = showDays(...(place === "days" && whole ? names : []));
  else opened = isSymbol ? showSymbol(...names) : null;
  wantedCard = place === "exchange" && names.length === 1 ? names[0] || null : null;
  reveal(byId("recorded"), isDay || isDays);
  reveal(byId("symbol"), opened !== null && !isDay && !isDays);
  reveal(byId("overview"), opened === null && drawn !== null);
  mark(byId("place-days"), "aria-current", isDay || isDays ? "page" : null);
  mark(byId("place-now"), "aria-current", isDay || isDays ? null : "page");
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return null; // an address that was cut or mistyped shows the overview
  }
}

function buildLegend() {
  const proofs = Object.entries(PROOFS).map(([word, [glyph, text]]) => [`${glyph} ${word}`, text]);
  for (const [term, text] of [...proofs, ...LEGEND]) {
    byId("legend").append(h("div", {}, h("dt", { text: term }), h("dd", { text })));
  }
}

byId("banner-action").addEventListener("click", () => {
  if (link.kind === "token") openToken(false);
  else live.retry();
});
byId("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the part after # belongs to the views
  byId("content").focus();
});
addEventListener("hashchange", () => {
  route();
  if (wantedCard !== null) {
    showCard();
    return;
  }
  byId("content").focus({ preventScroll: true });
  scrollTo(0, 0);
});
setInterval(draw, 1000); // the age of what is shown grows without news
buildLegend();
route();
