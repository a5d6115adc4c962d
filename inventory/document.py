"""A YAML file as plain data, with the line of every key.

PyYAML forgets where a value stood as soon as it builds it, and takes the last of two equal keys in
silence. So the tree of nodes is turned into data here, line by line remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from inventory.errors import InventoryError, Violation

Place = tuple[str | int, ...]
"""Where a value stands: ("nodes", 2, "bmc", "port")."""

MERGE = "tag:yaml.org,2002:merge"


@dataclass(frozen=True)
class Document:
    """The content of a file. `data` is made of dict, list and scalars; mapping keys are text."""

    file: Path
    data: Any
    lines: dict[Place, int]
    violations: tuple[Violation, ...]
    """What is wrong with the YAML itself although it can be read, like a key given twice."""

    def line(self, place: Place) -> int:
        """Line of the key, or of the nearest key around it when it is missing."""
        while place not in self.lines:
            place = place[:-1]
        return self.lines[place]

    def violation(self, place: Place, message: str) -> Violation:
        """A violation at `place`."""
        return Violation(self.file, self.line(place), key(place), message)


def key(place: Place) -> str:
    """The place as people write it: `nodes[2].bmc.port`."""
    words = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return "".join(words).removeprefix(".")


def read(file: Path) -> Document:
    """Read a YAML file. Raises `InventoryError` when there is no data in it to look at."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _refusal(file, 1, f"cannot read the inventory: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _refusal(file, 1, f"not UTF-8 text: {error.reason}") from error
    return parse(file, text)


def parse(file: Path, text: str) -> Document:
    """Like `read`, of a text that is called `file` in messages.

    PyYAML's own errors quote the text around the fault, which may hold a password, so they are
    not chained: a chained error ends in the log.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _refusal(file, _error_line(error), f"not valid YAML: {_reason(error)}") from None
    except (yaml.YAMLError, RecursionError) as error:  # control characters, absurd nesting
        raise _refusal(file, 1, f"not valid YAML: {error}") from None
    if root is None:
        raise _refusal(file, 1, "the file is empty")
    builder = _Builder(file)
    data = builder.build(root, ())
    return Document(file, data, builder.lines, tuple(builder.violations))


@dataclass
class _Builder:
    file: Path
    lines: dict[Place, int] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    _open: list[Node] = field(default_factory=list)
    _built: set[Node] = field(default_factory=set)
    _flat: set[Node] = field(default_factory=set)
    _alias_line: int | None = None
    """Set while an alias is followed: its content stands where the alias is written."""
    _constructor: SafeConstructor = field(default_factory=SafeConstructor)

    def build(self, node: Node, place: Place) -> Any:
        self.lines.setdefault(place, self._line(node))
        if node in self._open:
            self._complain(node, place, "an alias of itself")
            return None
        if node in self._built and self._alias_line is None:
            self._alias_line = self.lines[place]
            try:
                return self.build(node, place)
            finally:
                self._alias_line = None
        self._open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, place)
            if isinstance(node, SequenceNode):
                return [self.build(item, (*place, i)) for i, item in enumerate(node.value)]
            return self._scalar(node, place)
        finally:
            self._built.add(self._open.pop())

    def _mapping(self, node: MappingNode, place: Place) -> dict[str, Any]:
        self._flatten(node, place)
        values: dict[str, Any] = {}
        for name_node, value_node in node.value:
            name = self._name(name_node, place)
            if name is not None:
                if name in values:  # a merged value gives way to the mapping's own
                    self._forget((*place, name))
                self.lines[(*place, name)] = self._line(name_node)
                values[name] = self.build(value_node, (*place, name))
        return values

    def _flatten(self, node: MappingNode, place: Place) -> None:
        """Resolve `<<`, once for each node; before that look for keys that are given twice."""
        if node in self._flat:
            return
        self._flat.add(node)
        first: dict[str, int] = {}
        for name, _ in node.value:
            if not isinstance(name, ScalarNode) or name.tag == MERGE:
                continue
            if name.value in first:
                seen = f"given twice, first in line {first[name.value]}"
                self._complain(name, (*place, name.value), seen)
            first.setdefault(name.value, self._line(name))
        try:
            self._constructor.flatten_mapping(node)
        except yaml.MarkedYAMLError as error:
            self._complain(node, place, _reason(error))

    def _name(self, node: Node, place: Place) -> str | None:
        name = self._scalar(node, place) if isinstance(node, ScalarNode) else None
        if isinstance(name, str):
            return name
        self._complain(node, place, "a key is not text; put it in quotes")
        return None

    def _scalar(self, node: Node, place: Place) -> Any:
        try:
            return self._constructor.construct_object(node)
        except yaml.MarkedYAMLError as error:
            self._complain(node, place, _reason(error))
        except ValueError as error:  # looks like a date or a number, but is none
            self._complain(node, place, f"{error}; put it in quotes if it is text")
        return None

    def _forget(self, place: Place) -> None:
        for known in [known for known in self.lines if known[: len(place)] == place]:
            del self.lines[known]

    def _complain(self, node: Node, place: Place, message: str) -> None:
        self.violations.append(Violation(self.file, self._line(node), key(place), message))

    def _line(self, node: Node) -> int:
        return self._alias_line or node.start_mark.line + 1


def _refusal(file: Path, line: int, message: str) -> InventoryError:
    return InventoryError([Violation(file, line, "", message)])


def _error_line(error: yaml.MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return mark.line + 1 if mark else 1


def _reason(error: yaml.MarkedYAMLError) -> str:
    return ", ".join(part for part in (error.context, error.problem) if part)
