/** Making and changing elements of the page.

Invariant: texts reach the page as text only, never as markup, and no longer than MOST_CHARS; an
element is touched only where something changed, so that focus, selection and open parts stay.
*/

const MOST_CHARS = 400; // a text of an exchange longer than this is no use to a reader
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g; // controls, and turns of direction
const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes (`text` is its text) and children. */
export function h(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same for parts of a drawing. */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/** Change the text of an element. */
export function say(node, value) {
  const text = clipped(value);
  if (node.textContent !== text) node.textContent = text;
}

/** Change an attribute of an element; null takes it away. */
export function mark(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/** Show or hide an element. */
export function reveal(node, shown) {
  if (node.hidden === shown) node.hidden = !shown;
}

export const byId = (name) => document.getElementById(name);

/** At most so much of a text, and visible what would turn or hide its neighbours. */
export function clipped(value) {
  const text = String(value ?? "").replace(UNSEEN, "\ufffd");
  return text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}…` : text;
}

const held = new WeakMap();

/** Make the children of `parent` follow a list.

`make(item)` gives `{node, update(item)}`; a child lives as long as its key is in the list.  Keys may
repeat: the second of a kind is a child of its own.
*/
export function follow(parent, items, keyOf, make) {
  const before = held.get(parent) ?? new Map();
  const after = new Map();
  for (const [index, item] of items.entries()) {
    const key = freeKey(after, `${keyOf(item, index)}`);
    after.set(key, before.get(key) ?? make(item));
  }
  for (const [key, child] of before) if (!after.has(key)) child.node.remove();
  let place = parent.firstElementChild;
  for (const [index, child] of [...after.values()].entries()) {
    if (child.node === place) place = place.nextElementSibling;
    else parent.insertBefore(child.node, place);
    child.update(items[index]);
  }
  held.set(parent, after);
}

function freeKey(taken, key) {
  let free = key;
  for (let again = 2; taken.has(free); again += 1) free = `${key}\n${again}`;
  return free;
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = clipped(value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** A term with its value in a list of facts; `update(text, note, level)` changes it. */
export function fact(term, title = "") {
  const value = h("span", { class: "value" });
  const note = h("span", { class: "note" });
  const box = h("div", { class: "fact" }, h("dt", { text: term }), h("dd", {}, value, note));
  if (title) box.title = title;
  return {
    node: box,
    update(text, more = "", level = "") {
      say(value, text);
      say(note, more);
      reveal(note, more !== "");
      mark(box, "data-level", level);
    },
  };
}
