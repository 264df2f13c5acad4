"""Contrast of texts, by the formula of the Web Content Accessibility Guidelines."""

from __future__ import annotations

import re

Colour = tuple[float, float, float, float]

# Each visible piece of text with its colour and the grounds below it, innermost first.
TEXTS_SCRIPT = """
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode;
  const parent = node.parentElement;
  if (!node.textContent.trim() || parent.closest('.unseen, script, noscript')) continue;
  if (!parent.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
  const style = getComputedStyle(parent);
  const grounds = [];
  const tagged = parent.closest('.price-tag');
  if (tagged) grounds.push(getComputedStyle(tagged.querySelector('rect')).fill);
  for (let each = parent; each; each = each.parentElement) {
    grounds.push(getComputedStyle(each).backgroundColor);
  }
  found.push([node.textContent.trim(), parent.closest('svg') ? style.fill : style.color, grounds]);
}
return found;
"""


def colour(text: str) -> Colour:
    """`rgb(1, 2, 3)` or `rgba(1, 2, 3, 0.5)` as red, green, blue and opacity."""
    assert text.startswith("rgb"), text
    red, green, blue, *opacity = (float(each) for each in re.findall(r"[\d.]+", text))
    return red, green, blue, opacity[0] if opacity else 1.0


def ground(texts: list[str]) -> Colour:
    """What these grounds, innermost first, look like together."""
    seen: Colour = (255.0, 255.0, 255.0, 1.0)
    for over in reversed([colour(each) for each in texts]):
        red, green, blue = (over[part] * over[3] + seen[part] * (1 - over[3]) for part in range(3))
        seen = (red, green, blue, 1.0)
    return seen


def contrast(text: Colour, below: Colour) -> float:
    """From 1 (the same) to 21 (black on white)."""
    light, dark = sorted((_luminance(text), _luminance(below)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(seen: Colour) -> float:
    parts = [part / 255 for part in seen[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
