"""Frozen dataclasses to JSON and back: each class is studied once, then only obeyed.

A field that is None or equals its default is left out, so that a line holds only what was said. What is
read back must be exactly what could have been written: an unknown, missing or ill-typed field is
refused with `ShapeError`, which names the field. What is written is text from the start: histories are
long, and dictionaries that only an encoder would see were a tenth of the time of a run of pure steps.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from gitflow_runner.model.stored import Stored

# (value, file name) -> path where the value lies; (path, digest) -> the value, loaded when asked for.
Keep = Callable[[Stored, str], str]
Load = Callable[[str, str], Stored]

T = TypeVar("T")
_Encode = Callable[[Any, Keep], str]
_Write = Callable[[Any], str]  # of a value that holds no `Stored`
_Decode = Callable[[object, Load], object]
_ABSENT: Final = object()

json_text: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class ShapeError(ValueError):
    """A JSON value does not have the shape of the class it claims; the message names the field."""


class Shape:
    """How one dataclass is written and read."""

    __slots__ = ("_by_name", "_defaults", "_fields", "_plain", "_required", "_type")

    def __init__(self, cls: type, files: Mapping[str, str], tags: Mapping[type, str]) -> None:
        """`files` names the file of a `Stored` field, `tags` the classes of a union."""
        hints = get_type_hints(cls)
        study = _Study(files, tags)
        self._type = cls
        # (its name as a JSON key, the attribute, its default or `_ABSENT`, and one of its two writers)
        self._fields: list[tuple[str, str, object, _Write | None, _Encode | None]] = []
        self._by_name: dict[str, _Decode] = {}
        self._defaults: dict[str, object] = {}
        self._plain: dict[str, type] = {}  # histories are long: such a field costs a look, not a call
        for field in fields(cls):
            name = field.name
            write, encode, decode, optional = study.of(hints[name], name)
            default = field.default
            if default is MISSING:
                default = None if optional else _ABSENT
            self._fields.append((f"{json_text(name)}:", name, default, write, encode))
            self._by_name[name] = decode
            if default is not _ABSENT:
                self._defaults[name] = default
            if decode in _PLAIN_TYPES:
                self._plain[name] = _PLAIN_TYPES[decode]
        self._required = [name for name in self._by_name if name not in self._defaults]

    def members(self, value: object, keep: Keep) -> list[str]:
        """The members of the JSON object that stands for `value`, in the order of the class."""
        found = []
        for key, name, default, write, encode in self._fields:
            item = getattr(value, name)
            if item is None or item is default or item == default:
                continue
            if write is not None:
                found.append(key + write(item))
            elif encode is not None:
                found.append(key + encode(item, keep))
        return found

    def decode(self, data: Mapping[str, object], load: Load) -> Any:
        """The instance that these fields describe; `ShapeError` if they do not fit."""
        plain, by_name = self._plain, self._by_name
        values = self._defaults.copy()
        for name, item in data.items():
            if type(item) is plain.get(name):
                values[name] = item
                continue
            decode = by_name.get(name)
            if decode is None:
                raise ShapeError(f"unknown field {name[:60]!r}")
            try:
                values[name] = decode(item, load)
            except ShapeError as error:
                raise ShapeError(f"{name}: {error}") from None
        for name in self._required:
            if name not in values:
                raise ShapeError(f"field {name!r} is missing")
        return self._type(**values)


def object_text(members: list[str]) -> str:
    """The JSON object of these members."""
    return "{" + ",".join(members) + "}"


class _Study:
    """Finds out, from a type hint, how values of it are written and read."""

    def __init__(self, files: Mapping[str, str], tags: Mapping[type, str]) -> None:
        self._files = files
        self._tags = tags

    def of(self, hint: Any, name: str) -> tuple[_Write | None, _Encode | None, _Decode, bool]:
        """(one of its writers, decoder, whether None is allowed) of the hint of the field `name`."""
        if get_origin(hint) in (types.UnionType, Union):
            members = [m for m in get_args(hint) if m is not types.NoneType]
            optional = len(members) < len(get_args(hint))
            if len(members) == 1:
                return (*self.of(members[0], name)[:3], optional)
            return None, *self._union(members), optional
        if hint in _PLAIN:
            return _WRITERS[hint], None, _PLAIN[hint], False
        if get_origin(hint) is Literal:
            return json_text, None, _literal(frozenset(get_args(hint))), False
        if get_origin(hint) is tuple:
            return (*self._tuple(get_args(hint), name), False)
        if hint is Stored:
            return None, _keep_in(self._files[name]), _load_stored, False
        shape = Shape(hint, self._files, self._tags)
        return None, lambda v, keep: object_text(shape.members(v, keep)), _nested(shape), False

    def _tuple(self, members: tuple[Any, ...], name: str) -> tuple[_Write | None, _Encode | None, _Decode]:
        if len(members) == 2 and members[1] is Ellipsis:
            _, encode, decode, _ = self.of(members[0], name)
            if encode is None:
                return json_text, None, _decode_each(decode)
            return None, _encode_each(encode), _decode_each(decode)
        studied = [self.of(member, name) for member in members]
        if any(encode is not None for _, encode, _, _ in studied):
            raise TypeError(f"field {name}: a fixed tuple may hold plain values only")
        return json_text, None, _decode_fixed([(decode, optional) for *_, decode, optional in studied])

    def _union(self, members: list[Any]) -> tuple[_Encode, _Decode]:
        shapes = {cls: Shape(cls, self._files, self._tags) for cls in members}
        tags = self._tags
        tagged = {tags[cls]: shape for cls, shape in shapes.items()}

        def encode(value: Any, keep: Keep) -> str:
            tag = f'"type":{json_text(tags[type(value)])}'
            return object_text([tag, *shapes[type(value)].members(value, keep)])

        def decode(value: object, load: Load) -> object:
            data = dict(_object(value))
            shape = tagged.get(str(data.pop("type", None)))
            if shape is None:
                raise ShapeError("its type is missing or unknown")
            return shape.decode(data, load)

        return encode, decode


def _plain(expected: type) -> _Decode:
    def decode(value: object, load: Load) -> object:
        if type(value) is not expected:
            raise ShapeError(f"not of type {expected.__name__}")
        return value

    return decode


_PLAIN: Final = {each: _plain(each) for each in (str, int, bool)}
_WRITERS: Final[Mapping[type, _Write]] = {str: json_text, int: str, bool: json_text}
_PLAIN_TYPES: Final = {decode: each for each, decode in _PLAIN.items()}


def _literal(allowed: frozenset[str]) -> _Decode:
    def decode(value: object, load: Load) -> object:
        if type(value) is not str or value not in allowed:
            raise ShapeError(f"none of {', '.join(sorted(allowed))}")
        return value

    return decode


def _nested(shape: Shape) -> _Decode:
    return lambda value, load: shape.decode(_object(value), load)


def _encode_each(encode: _Encode) -> _Encode:
    return lambda value, keep: "[" + ",".join([encode(item, keep) for item in value]) + "]"


def _decode_each(decode: _Decode) -> _Decode:
    return lambda value, load: tuple(decode(item, load) for item in _array(value))


def _decode_fixed(parts: list[tuple[_Decode, bool]]) -> _Decode:
    def decode(value: object, load: Load) -> object:
        items = _array(value)
        if len(items) != len(parts):
            raise ShapeError(f"not {len(parts)} values")
        return tuple(
            None if item is None and optional else part(item, load)
            for item, (part, optional) in zip(items, parts, strict=True)
        )

    return decode


def _keep_in(file_name: str) -> _Encode:
    def encode(value: Any, keep: Keep) -> str:
        return f'{{"sha256":"{value.digest}","file":{json_text(keep(value, file_name))}}}'

    return encode


def _load_stored(value: object, load: Load) -> object:
    data = _object(value)
    digest, path = data.get("sha256"), data.get("file")
    if type(digest) is not str or type(path) is not str or len(data) != 2:
        raise ShapeError("not a digest and a file")
    return load(path, digest)


def _object(value: object) -> Mapping[str, object]:
    if type(value) is not dict:
        raise ShapeError("not an object")
    return cast(dict[str, object], value)


def _array(value: object) -> list[object]:
    if type(value) is not list:
        raise ShapeError("not an array")
    return cast(list[object], value)
