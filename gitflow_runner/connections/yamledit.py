"""One entry of a YAML file put in, changed or taken out; every other byte of the file stays as it is.

Comments, order, quotes and line ends are people's: what is written here is only the entry itself. What an
edit came to is read again and compared, so that a file which is written in a way not foreseen here is
refused (`<family>.edit`) and never spoilt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import yaml

from gitflow_runner.connections.document import MAX_BYTES, Document

Plain = str | int | float | bool | None | Sequence["Plain"] | Mapping[str, "Plain"]
Entries = dict[str, object]
_Pair = tuple[yaml.ScalarNode, yaml.Node]

_STEP = 2  # columns of one level
_WIDE = 1_000_000  # nothing is folded


def with_entry(document: Document, data: bytes | None, path: Sequence[str], value: Plain) -> bytes:
    """The file with `value` at `path`; maps on the way are made, a map that is there is changed key by key.

    Raises `UsageError` (`<family>.edit`), and what reading the file raises.
    """
    edit = _Edit(document, data)
    edit.put(tuple(path), value)
    return edit.text.encode()


def without_entry(document: Document, data: bytes | None, path: Sequence[str]) -> bytes:
    """The file without what is at `path`; as it was where nothing is. The same errors."""
    edit = _Edit(document, data)
    edit.remove(tuple(path))
    return edit.text.encode()


class _Edit:
    """One file as text; each change is made on what the one before came to."""

    def __init__(self, document: Document, data: bytes | None) -> None:
        self._document = document
        self.text = self._decoded(data or b"")
        self._newline = "\r\n" if "\r\n" in self.text else "\n"

    def put(self, path: tuple[str, ...], value: Plain) -> None:
        before = self._at(path)
        if before == value and self._has(path):
            return
        if isinstance(before, dict) and before and isinstance(value, Mapping):
            for key in before:
                if key not in value:
                    self.remove((*path, key))
            for key, item in value.items():
                self.put((*path, key), item)
            return
        expected = self._data()
        inner = expected
        for key in path[:-1]:
            below = {} if inner.get(key) is None else inner[key]
            if not isinstance(below, dict):
                raise self._refused()
            inner[key] = inner = below
        inner[path[-1]] = value
        self._change(self._with(path, value), expected)

    def remove(self, path: tuple[str, ...]) -> None:
        if not self._has(path):
            return
        expected = self._data()
        inner = expected
        for key in path[:-1]:
            inner = cast(Entries, inner[key])
        del inner[path[-1]]
        self._change(self._without(path), expected)

    def _change(self, text: str, expected: Entries) -> None:
        if len(text.encode()) > MAX_BYTES or _normal(_loaded(text)) != _normal(expected):
            raise self._refused()
        self.text = text

    def _with(self, path: tuple[str, ...], value: Plain) -> str:
        node, rest, parent, key = self._root(), path, None, None
        while rest and isinstance(node, yaml.MappingNode):
            found = _pair(node, rest[0])
            if found is None:
                return self._inserted(node, rest, value)
            parent, rest, (key, node) = node, rest[1:], found
        if key is None or node is None or parent is None:
            return self._lines(self.text) + self._block(path, value, 0)
        start, end = key.end_mark.index, self._end(node)
        inner = _children(value)
        if parent.flow_style or not (rest or inner):
            shown = _inline(_nested(rest, value)) if parent.flow_style else _in_block(value)
            return f"{self.text[:start]}: {shown}{self.text[end:]}"
        # Below the key's line, so that a comment beside the key stays there.
        head = f"{self.text[:start]}:{self.text[end : self._line_end(end)]}"
        items = [(rest, value)] if rest else [((name,), item) for name, item in inner.items()]
        column = key.start_mark.column + _STEP
        block = "".join(self._block(where, item, column) for where, item in items)
        return self._lines(head) + block + self.text[self._line_end(end) :]

    def _inserted(self, node: yaml.MappingNode, rest: tuple[str, ...], value: Plain) -> str:
        if node.flow_style:
            entry = f"{_inline(rest[0])}: {_inline(_nested(rest[1:], value))}"
            at = node.end_mark.index - 1
            return f"{self.text[:at]}{', ' if node.value else ''}{entry}{self.text[at:]}"
        at = self._line_end(self._end(node))
        column = node.value[0][0].start_mark.column
        return self._lines(self.text[:at]) + self._block(rest, value, column) + self.text[at:]

    def _without(self, path: tuple[str, ...]) -> str:
        node = self._root()
        for name in path[:-1]:
            node = _held(node, name)[1]
        assert isinstance(node, yaml.MappingNode), "what is taken out is there"
        key, value = _held(node, path[-1])
        at = next(index for index, pair in enumerate(node.value) if pair[0] is key)
        if not node.flow_style:
            start = self.text.rfind("\n", 0, key.start_mark.index) + 1
            return self.text[:start] + self.text[self._line_end(self._end(value)) :]
        start, end = key.start_mark.index, self._end(value)
        if at > 0:
            start = self._end(node.value[at - 1][1])
        elif len(node.value) > 1:
            end = node.value[1][0].start_mark.index
        return self.text[:start] + self.text[end:]

    def _block(self, path: tuple[str, ...], value: Plain, column: int) -> str:
        """The entry in lines of its own: what leads to it and the value in blocks, what is in that inline."""
        lines = []
        for name in path[:-1]:
            lines.append(f"{' ' * column}{_inline(name)}:")
            column += _STEP
        name = f"{' ' * column}{_inline(path[-1])}:"
        inner = _children(value)
        lines.append(name if inner else f"{name} {_in_block(value)}")
        margin = " " * (column + _STEP)
        lines += [f"{margin}{_inline(key)}: {_in_block(item)}" for key, item in inner.items()]
        return "".join(line + self._newline for line in lines)

    def _lines(self, text: str) -> str:
        return text if not text or text.endswith("\n") else text + self._newline

    def _end(self, node: yaml.Node) -> int:
        """Where the node's own text ends; a block's mark lies behind the comments that follow it."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1] if isinstance(last, tuple) else last)
        end: int = node.end_mark.index
        is_block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
        return len(self.text[:end].rstrip()) if is_block else end

    def _line_end(self, at: int) -> int:
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found + 1

    def _root(self) -> yaml.Node | None:
        found: yaml.Node | None = yaml.compose(self.text, Loader=yaml.SafeLoader)
        return found

    def _data(self) -> Entries:
        return _loaded(self.text)

    def _at(self, path: tuple[str, ...]) -> object:
        found: object = self._data()
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def _has(self, path: tuple[str, ...]) -> bool:
        holder = self._at(path[:-1])
        return isinstance(holder, dict) and path[-1] in holder

    def _decoded(self, data: bytes) -> str:
        # Read strictly first: what follows may rely on maps with plain keys, without aliases.
        self._document.read(data, None)
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise self._refused() from None

    def _refused(self) -> Exception:
        return self._document.error(
            "edit",
            f"{self._document.file} is written in a way that no command can change safely",
            "change it by hand",
        )


class _Dumper(yaml.SafeDumper):
    """The safe one, which writes out what it meets twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _loaded(text: str) -> Entries:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return {"": None}  # equals nothing that was asked for
    return found if isinstance(found, dict) else {}


def _normal(value: object) -> object:
    """The value with an empty map for none, which reads the same in these files."""
    if isinstance(value, Mapping):
        return {key: _normal(item) for key, item in value.items() if item not in (None, {})}
    return list(value) if isinstance(value, tuple) else value


def _pair(node: yaml.MappingNode, name: str) -> _Pair | None:
    return next(((key, value) for key, value in node.value if key.value == name), None)


def _held(node: yaml.Node | None, name: str) -> _Pair:
    found = _pair(node, name) if isinstance(node, yaml.MappingNode) else None
    assert found is not None, "what is taken out is there"
    return found


def _children(value: Plain) -> Mapping[str, Plain]:
    return value if isinstance(value, Mapping) else {}


def _nested(path: tuple[str, ...], value: Plain) -> Plain:
    for name in reversed(path):
        value = {name: value}
    return value


def _in_block(value: Plain) -> str:
    """The value on the line of its key, where a text needs fewer quotes."""
    if not isinstance(value, str) or "\n" in value:
        return _inline(value)
    dumped: str = yaml.dump({"k": value}, Dumper=_Dumper, allow_unicode=True, width=_WIDE)
    return dumped.removeprefix("k: ").rstrip("\n")


def _inline(value: Plain) -> str:
    """The value on one line; in a list, so that no text is taken for a whole document."""
    dumped: str = yaml.dump(
        [value], Dumper=_Dumper, default_flow_style=True, allow_unicode=True, sort_keys=False, width=_WIDE
    )
    return dumped.strip()[1:-1]
