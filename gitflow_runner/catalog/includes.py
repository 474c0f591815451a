"""Reading a flow file with everything that it includes, as one form whose parts know their own file.

`#flow/include "rel/path"` stands for the forms of another file below `.breyta/flows/`, found from the
folder of the file that names it. Where a map wants a value the file must hold exactly one form; in a list
or vector it may hold any number. What is commented out or discarded never reaches this module.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field

from gitflow_runner.catalog.sources import Texts, shown
from gitflow_runner.catalog.syntax import place, string_text
from gitflow_runner.errors import GitflowError, LangError, NotFoundError, Place
from gitflow_runner.lang.forms import Atom, Form, Items, ListForm, MapForm, SetForm, TagForm, VectorForm
from gitflow_runner.lang.reader import read_all
from gitflow_runner.lang.source import decoded
from gitflow_runner.model.flow import SourceFile

INCLUDE_TAG = "flow/include"
INVALID = "flow_include_invalid"
MAX_EXPANDED_BYTES = 2_500_000
MAX_FORMS = 200_000
MAX_DEPTH = 200


@dataclass(frozen=True, slots=True)
class Expanded:
    """One form without includes, and the files that it came from, the root first."""

    form: Form
    files: tuple[SourceFile, ...]


def expand(texts: Texts, path: str) -> Expanded:
    """Read the file at `path` and all that it includes.

    Raises `NotFoundError` (`flow.file_missing`), `LangError` (`flow_include_invalid` and the reader's
    codes) with the position that a person has to change, and what `texts` refuses.
    """
    reading = _Reading(texts)
    data = texts.read(path)
    if data is None:
        raise NotFoundError("flow.file_missing", f"there is no {shown(path)}")
    reading.add(path, data)
    forms = reading.forms_of(path, (path,), 0)
    if len(forms) != 1:
        raise _not_one(path, forms)
    return Expanded(forms[0], tuple(reading.files.values()))


@dataclass(slots=True)
class _Reading:
    """One expansion: each file is read once, but counts as often as it is included."""

    texts: Texts
    files: dict[str, SourceFile] = field(default_factory=dict)
    parsed: dict[str, tuple[Form, ...]] = field(default_factory=dict)
    size: int = 0
    count: int = 0

    def add(self, path: str, data: bytes) -> None:
        text = decoded(data, shown(path))
        self.files[path] = SourceFile(path, text)
        self.parsed[path] = tuple(read_all(text, file=shown(path)))

    def forms_of(self, path: str, chain: tuple[str, ...], depth: int) -> tuple[Form, ...]:
        self.size += len(self.files[path].text.encode())
        if self.size > MAX_EXPANDED_BYTES:
            raise LangError(
                "closure.size",
                f"{shown(chain[0])} with its includes is larger than {MAX_EXPANDED_BYTES // 1000} KB",
                at=Place(file=shown(path)),
                hint="split the flow, or keep large data in resources",
            )
        return tuple(
            found for form in self.parsed[path] for found in self._expanded(form, path, chain, depth)
        )

    def _expanded(self, form: Form, path: str, chain: tuple[str, ...], depth: int) -> tuple[Form, ...]:
        self.count += 1
        if depth > MAX_DEPTH or self.count > MAX_FORMS:
            raise LangError(
                "closure.size",
                f"{shown(chain[0])} with its includes nests deeper than {MAX_DEPTH} forms or holds more "
                f"than {MAX_FORMS}",
                at=place(form),
            )
        if isinstance(form, Atom):
            return (form,)
        if isinstance(form, TagForm):
            if _is_include(form):
                return self._included(form, path, chain, depth)
            return (self._inside_tag(form, path, chain, depth + 1),)
        items = self._items(form, path, chain, depth + 1)
        return (form if items is form.items else _rebuilt(form, items),)

    def _inside_tag(self, tag: TagForm, path: str, chain: tuple[str, ...], depth: int) -> TagForm:
        found = self._expanded(tag.form, path, chain, depth)
        if len(found) != 1:
            raise _invalid(tag.form, f"{_target_of(tag.form)} must hold one form to stand after a tag")
        if found[0] is tag.form:
            return tag
        return TagForm(tag.tag, found[0], tag.start, tag.end, tag.source)

    def _items(self, form: Items, path: str, chain: tuple[str, ...], depth: int) -> tuple[Form, ...]:
        changed = False
        items: list[Form] = []
        for index, item in enumerate(form.items):
            if _is_include(item) and (
                isinstance(form, SetForm) or (isinstance(form, MapForm) and not index % 2)
            ):
                raise _invalid(item, "an include stands for a key's value or an element of a vector or list")
            found = self._expanded(item, path, chain, depth)
            if isinstance(form, MapForm) and len(found) != 1:
                raise _invalid(
                    item, f"{_target_of(item)} must hold one form to be a key's value, not {len(found)}"
                )
            changed = changed or len(found) != 1 or found[0] is not item
            items.extend(found)
        return tuple(items) if changed else form.items

    def _included(self, tag: TagForm, path: str, chain: tuple[str, ...], depth: int) -> tuple[Form, ...]:
        target = self._target(tag, path)
        if target in chain:
            shape = " -> ".join((*chain[chain.index(target) :], target))
            raise _invalid(tag, f"includes go round in a circle: {shape}")
        if target not in self.files:
            try:
                data = self.texts.read(target)
            except GitflowError as error:
                if error.code == "closure.path":
                    raise _invalid(tag, error.message, error.hint) from None
                raise
            if data is None:
                raise _invalid(tag, f"there is no {shown(target)}", _nearby(target, self.texts.names()))
            self.add(target, data)
        return self.forms_of(target, (*chain, target), depth)

    def _target(self, tag: TagForm, path: str) -> str:
        written = string_text(tag.form)
        if written is None or not written.strip():
            raise _invalid(tag, "an include takes a path as a string", '#flow/include "functions/total.clj"')
        if written.startswith("/") or "\\" in written or ":" in written.split("/")[0]:
            raise _invalid(tag, f"the path {written!r} is not relative to this file")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), written))
        if target == ".." or target.startswith("../"):
            raise _invalid(tag, f"the path {written!r} escapes the flow source root .breyta/flows/")
        return target


def _rebuilt(form: Items, items: tuple[Form, ...]) -> Form:
    kind: type[ListForm] | type[VectorForm] | type[MapForm] | type[SetForm]
    match form:
        case ListForm():
            kind = ListForm
        case VectorForm():
            kind = VectorForm
        case MapForm():
            kind = MapForm
        case SetForm():
            kind = SetForm
        case _:
            raise AssertionError(form)
    return kind(items, form.start, form.end, form.source, form.meta)


def _is_include(form: Form) -> bool:
    return isinstance(form, TagForm) and form.tag.text == INCLUDE_TAG


def _target_of(item: Form) -> str:
    return string_text(item.form) or "the file" if isinstance(item, TagForm) else "the file"


def _invalid(tag: Form, message: str, hint: str | None = None) -> LangError:
    return LangError(INVALID, message, at=place(tag), hint=hint)


def _not_one(path: str, forms: tuple[Form, ...]) -> LangError:
    if not forms:
        return LangError("clojure_reader_invalid", f"{shown(path)} is empty", at=Place(file=shown(path)))
    return LangError(
        "clojure_reader_invalid",
        "unexpected trailing form: a flow file holds one map and nothing after it",
        at=place(forms[1]),
    )


def _nearby(target: str, names: tuple[str, ...]) -> str | None:
    same = [name for name in names if posixpath.basename(name) == posixpath.basename(target)]
    return f"did you mean {same[0]}?" if same else None
