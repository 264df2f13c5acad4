/** The status page of tick_logger: wires its parts together.

The newest status is drawn once per frame and only while somebody looks.  The address after # says
what is shown: nothing for the overview, /symbol/EXCHANGE/SYMBOL for a symbol.
*/

import { wireToken } from "./access.js";
import { showBanner, showClock } from "./banner.js";
import { byId, follow, h, reveal, say } from "./dom.js";
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
let heardAt = 0;
let drawn = null;
let drawing = false;
let opened = null;
let wantedCard = null;

const live = listen(
  (newest) => {
    status = newest;
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
const search = wireSearch();

function draw() {
  showBanner(link, status, heardAt, Date.now());
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
  opened = null;
  search.close();
  const [, exchange, symbol] = /^#\/symbol\/([^/]+)\/([^/]+)$/.exec(location.hash) ?? [];
  const names = [exchange, symbol].map(decoded);
  if (names.every(Boolean)) opened = showSymbol(...names);
  wantedCard = decoded(/^#\/exchange\/([^/]+)$/.exec(location.hash)?.[1]) ?? null;
  reveal(byId("symbol"), opened !== null);
  reveal(byId("overview"), opened === null && drawn !== null);
}

function decoded(part) {
  try {
    return part && decodeURIComponent(part);
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
