"""YAML as a tree of texts: nothing is ever taken for a number, a date or a truth value.

Tickers such as NO, ON, Y and 1e3 are why.  Keys that occur twice are problems, not decisions.
Anchors and aliases are refused: a small file needs none, and they can be made to grow without end.
Every problem has the path of its key, and its line.
"""

from __future__ import annotations

from pathlib import Path

import attrs
import yaml

from tick_logger.config.rules import quoted
from tick_logger.config.types import Problems
from tick_logger.errors import ConfigError


class _Loader(yaml.BaseLoader):
    """Composes nodes; `BaseLoader` gives every scalar the type of a text."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="has an alias (*)", problem_mark=event.start_mark)
        return super().compose_node(parent, index)


def read_yaml(path: Path) -> yaml.Node:
    """The tree of a file; `ConfigError` if it cannot be read, is empty or is no YAML."""
    try:
        text = path.read_bytes().decode("utf-8-sig")  # some editors begin with a BOM
        root: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        reason = "is not UTF-8 text"
    except RecursionError:
        reason = "is not understood: too many levels"
    except yaml.MarkedYAMLError as error:
        at = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        reason = f"is not understood: {error.problem}{at}"
    except yaml.YAMLError as error:  # a character that YAML does not allow
        reason = f"is not understood: {str(error).splitlines()[0]}"
    else:
        if root is not None:
            return root
        reason = "is empty"
    raise ConfigError([(str(path), reason)])


@attrs.frozen
class Reader:
    """Takes nodes apart; what is wrong with them is appended to `problems`."""

    problems: Problems

    def complain(self, path: str, reason: str, node: yaml.Node) -> None:
        """Add a problem."""
        self.problems.append((path, f"{reason} (line {node.start_mark.line + 1})"))

    def mapping(self, node: yaml.Node, path: str) -> dict[str, yaml.Node]:
        """The values of a mapping by key; of keys that occur twice, the first."""
        if not isinstance(node, yaml.MappingNode):
            self.complain(path, f"must be a mapping, not {_described(node)}", node)
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.complain(path, f"a key must be a text, not {_described(key)}", key)
            elif key.value in found:
                self.complain(joined(path, key.value), "occurs more than once", key)
            else:
                found[key.value] = value
        return found

    def sequence(self, node: yaml.Node, path: str) -> list[tuple[str, yaml.Node]]:
        """(path, node) of the items of a list."""
        if not isinstance(node, yaml.SequenceNode):
            self.complain(path, f"must be a list, not {_described(node)}", node)
            return []
        return [(f"{path}[{index}]", item) for index, item in enumerate(node.value)]

    def text(self, node: yaml.Node, path: str) -> str | None:
        """A text; None with a problem if it is something else."""
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        self.complain(path, f"must be a text, not {_described(node)}", node)
        return None


def joined(path: str, key: str) -> str:
    """The path of a key within a path."""
    return f"{path}.{key}" if path else key


def _described(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return f"the text {quoted(node.value)}" if node.value else "nothing"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
