/** The symbols that were recorded: searched, sorted and cut into pages by the server. */

import { askJson } from "./api.js";
import { follow, h, mark, reveal, say } from "./dom.js";
import { CONDITIONS, list, meaning } from "./meaning.js";
import { dayHash, otherName } from "./search.js";
import { count, date, duration, plural, when } from "./words.js";

const PAGE = 50;
const PAUSE_MS = 200; // after the last key, so that a word is one question
const COLUMNS = [
  ["symbol", "Symbol", "symbol"],
  [null, "Exchange", null],
  ["rows", "Rows", "-rows"],
  ["last", "Last data", "-last"],
  ["holes", "Holes", "-holes"],
  [null, "Missing", null],
  [null, "Condition", null],
];

/** A list of symbols, of one day or exchange where these are chosen; `fail(error)` says what went wrong. */
export function buildRecorded({ day, exchange }, signal, fail) {
  const query = h("input", { type: "search", "aria-label": "Only symbols that contain", placeholder: "Only symbols that contain …", spellcheck: "false", maxlength: "64" });
  const heads = COLUMNS.map(columnHead);
  const body = h("tbody");
  const table = h("table", { class: "recorded" }, h("thead", {}, h("tr", {}, ...heads.map((each) => each.node))), body);
  const extent = h("p", { class: "note", role: "status" });
  const [back, forth] = ["Previous", "Next"].map((text) => h("button", { type: "button", text }));
  const pager = h("div", { class: "buttons" }, back, forth);
  const node = h("div", { class: "panel padded" }, h("div", { class: "above" }, query, extent), table, pager);
  for (const each of [table, pager]) reveal(each, false); // nothing is claimed before the first answer
  say(extent, "Looking …");
  let [sort, offset, waiting, asked] = ["symbol", 0, 0, 0];

  async function refresh() {
    asked += 1;
    const mine = asked;
    const parameters = { q: query.value.trim(), sort, offset, limit: PAGE };
    if (day !== null) parameters.day = day;
    if (exchange !== null) parameters.exchange = exchange;
    const found = await askJson("api/recorded/symbols", parameters, signal());
    if (mine !== asked) return; // a newer question is on its way
    const symbols = list(found.symbols);
    follow(body, symbols.map((each) => ({ each, day })), ({ each }) => `${each.exchange}\n${each.symbol}`, symbolRow);
    const span = `${count(offset + 1)} to ${count(offset + symbols.length)} of ${plural(found.total, "symbol")}`;
    say(extent, symbols.length ? span : nothing());
    reveal(table, symbols.length > 0);
    reveal(pager, offset > 0 || found.total > offset + PAGE);
    back.disabled = offset === 0;
    forth.disabled = found.total <= offset + PAGE;
    for (const each of heads) each.update(sort);
  }
  const nothing = () => (query.value.trim() ? "No symbol matches." : day ? "Nothing was recorded on this day." : "No symbol has been recorded.");
  const anew = (change) => {
    change();
    return refresh().catch(fail);
  };
  const turn = (by) => anew(() => { offset = Math.max(0, offset + by); });
  back.addEventListener("click", () => turn(-PAGE));
  forth.addEventListener("click", () => turn(PAGE));
  query.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => anew(() => { offset = 0; }), PAUSE_MS);
  });
  for (const each of heads) {
    each.button?.addEventListener("click", () => anew(() => {
      sort = sort === each.sort ? turned(sort) : each.sort;
      offset = 0;
    }));
  }
  return { node, refresh };
}

const turned = (sort) => (sort.startsWith("-") ? sort.slice(1) : `-${sort}`);

function columnHead([key, name, sort]) {
  const button = key && h("button", { type: "button", class: "sort", text: name });
  const node = h("th", { scope: "col" }, button ?? name);
  return {
    ...{ node, button, sort },
    update(now) {
      const own = key !== null && now.replace("-", "") === key;
      mark(node, "aria-sort", own ? (now.startsWith("-") ? "descending" : "ascending") : null);
    },
  };
}

function symbolRow({ each: { exchange, symbol } }) {
  const link = h("a", {}, h("bdi", { text: symbol }));
  const pair = h("bdi", { class: "dim pair" });
  const cells = COLUMNS.slice(1).map(([, name]) => h("td", { "data-name": name }));
  say(cells[0], exchange);
  return {
    node: h("tr", {}, h("td", {}, link, " ", pair), ...cells),
    update({ each: now, day }) {
      const its = day ?? now.last_day;
      say(pair, otherName(symbol, now.pair));
      mark(link, "href", its === null ? null : dayHash(exchange, symbol, its));
      const [sign, words] = meaning(CONDITIONS, now.condition) ?? ["?", now.condition];
      const broken = now.damaged ? `, ${plural(now.damaged, "damaged file")}` : "";
      const texts = [count(now.rows), lastOf(now), count(now.holes), now.holes ? duration(now.missing_secs) : "–", `${sign} ${words}${broken}`];
      texts.forEach((text, index) => say(cells[index + 1], text));
      mark(cells.at(-1), "data-condition", now.condition);
    },
  };
}

const lastOf = (now) => (now.last === null ? date(now.last_day) : when(now.last, null));
