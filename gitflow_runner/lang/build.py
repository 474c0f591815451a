"""The reader's stack: frames of open brackets and prefixes, and what they become when complete."""

from __future__ import annotations

from gitflow_runner.errors import LangError
from gitflow_runner.lang.collection import encode
from gitflow_runner.lang.forms import (
    Atom,
    Form,
    ListForm,
    MapForm,
    SetForm,
    TagForm,
    VectorForm,
    head,
    is_keyword,
    is_symbol,
    value_of,
)
from gitflow_runner.lang.hints import usual_hint
from gitflow_runner.lang.instants import parse_instant
from gitflow_runner.lang.source import Source
from gitflow_runner.lang.values import Keyword, Symbol, Uuid, keyword, symbol

CLOSERS = {"(": ")", "[": "]", "{": "}", "#(": ")", "#{": "}", "#:": "}", "#?(": ")", "#?@(": ")"}
_QUOTES = {
    "quote": "quote",
    "syntax-quote": "syntax-quote",
    "unquote": "clojure.core/unquote",
    "unquote-splicing": "clojure.core/unquote-splicing",
    "deref": "clojure.core/deref",
    "#'": "var",
}
_UUID = frozenset("0123456789abcdef-")
_SIZES = (8, 4, 4, 4, 12)


class Frame:
    """A bracket or prefix that waits for its forms."""

    __slots__ = ("items", "kind", "name", "params", "rest", "start")

    def __init__(self, kind: str, start: int, name: str = "") -> None:
        self.kind = kind
        self.start = start
        self.name = name
        self.items: list[Form] = []
        self.params = 0
        self.rest = False


class FormBuilder:
    """Takes tokens as forms and builds the tree."""

    def __init__(self, source: Source, max_depth: int, max_forms: int, *, data_only: bool = False) -> None:
        self.source = source
        self.data_only = data_only
        self.stack: list[Frame] = []
        self.forms: list[Form] = []
        self.max_depth = max_depth
        self.left = max_forms

    def error(self, code: str, message: str, at: int, hint: str | None = None) -> LangError:
        """A reader error at an offset."""
        return LangError(code, message, hint=hint or usual_hint(code, message), at=self.source.place(at))

    def push(self, frame: Frame) -> None:
        """Open a bracket or prefix."""
        if len(self.stack) >= self.max_depth:
            raise self.error("reader_limit", f"forms are nested more than {self.max_depth} deep", frame.start)
        self.stack.append(frame)

    def close(self, bracket: str, at: int) -> None:
        """A closing bracket: check that it fits, and hand the collection on."""
        frame = self.stack[-1] if self.stack else None
        if frame is None:
            raise self.error("clojure_delimiters_invalid", f"Unmatched delimiter: {bracket}", at)
        wanted = CLOSERS.get(frame.kind)
        if wanted is None:
            raise self.error("clojure_reader_invalid", f"nothing follows {frame.kind!r}", frame.start)
        if wanted != bracket:
            opened = self.source.place(frame.start)
            message = (
                f"Unmatched delimiter: {bracket}, expected {wanted} to match {frame.kind} "
                f"opened at {opened.line}:{opened.col}"
            )
            raise self.error("clojure_delimiters_invalid", message, at)
        self.stack.pop()
        end = at + 1
        if frame.kind in ("#?(", "#?@("):
            self._conditional(frame, at)
            return
        self.emit(self._collection(frame, end))

    def emit(self, form: Form) -> None:
        """A complete form: give it to the frame on top, closing prefixes that are complete with it."""
        self.left -= 1
        if self.left < 0:
            raise self.error("reader_limit", "the text has too many forms", form.start)
        while self.stack:
            frame = self.stack[-1]
            kind = frame.kind
            if kind in CLOSERS:
                frame.items.append(form)
                return
            if kind == "#_":
                self.stack.pop()
                return
            if kind in ("^", "#^") and not frame.items:
                frame.items.append(form)
                return
            self.stack.pop()
            form = self._prefixed(frame, form)
        self.forms.append(form)

    def _prefixed(self, frame: Frame, form: Form) -> Form:
        if frame.kind in ("^", "#^"):
            return self._with_meta(frame, form)
        if frame.kind == "tag":
            return self._tagged(frame, form)
        mark = Atom(symbol(_QUOTES[frame.kind]), frame.start, frame.start + 1, self.source)
        return ListForm((mark, form), frame.start, form.end, self.source)

    def _with_meta(self, frame: Frame, form: Form) -> Form:
        meta = frame.items[0]
        start, end = meta.start, meta.end
        if is_keyword(meta):
            meta = MapForm((meta, Atom(True, start, end, self.source)), start, end, self.source)
        elif is_symbol(meta) or (isinstance(meta, Atom) and isinstance(meta.value, str)):
            tag = Atom(keyword("tag"), start, end, self.source)
            meta = MapForm((tag, meta), start, end, self.source)
        if not isinstance(meta, MapForm):
            raise self.error(
                "clojure_reader_invalid", "Metadata must be Symbol, Keyword, String or Map", start
            )
        if isinstance(form, Atom) and not isinstance(form.value, Symbol):
            raise self.error("clojure_reader_invalid", "Metadata can only be applied to IMetas", frame.start)
        if isinstance(form.meta, MapForm):
            meta = MapForm(_first_of_each((*meta.items, *form.meta.items)), start, end, self.source)
        form.meta = meta
        return form

    def _tagged(self, frame: Frame, form: Form) -> Form:
        text = form.value if isinstance(form, Atom) and isinstance(form.value, str) else None
        if frame.name == "inst":
            if text is None:
                raise self.error("clojure_reader_invalid", "#inst wants a string", frame.start)
            try:
                return Atom(parse_instant(text), frame.start, form.end, self.source)
            except ValueError as error:
                raise self.error("clojure_reader_invalid", str(error), form.start) from None
        if frame.name == "uuid":
            value = uuid_of(text or "")
            if value is None:
                raise self.error("clojure_reader_invalid", f"Invalid UUID string: {text}", form.start)
            return Atom(value, frame.start, form.end, self.source)
        return TagForm(symbol(frame.name), form, frame.start, form.end, self.source)

    def _collection(self, frame: Frame, end: int) -> Form:
        items, start, source = tuple(frame.items), frame.start, self.source
        match frame.kind:
            case "(":
                return ListForm(items, start, end, source)
            case "[":
                return VectorForm(items, start, end, source)
            case "#(":
                return self._fn_literal(frame, items, end)
            case "#{":
                self._refuse_duplicates(items, "set element")
                return SetForm(items, start, end, source)
            case _:
                if len(items) % 2:
                    message = "map literal must contain an even number of forms"
                    raise self.error("clojure_reader_invalid", message, start)
                if frame.kind == "#:":
                    items = tuple(
                        self._qualified(item, frame.name) if at % 2 == 0 else item
                        for at, item in enumerate(items)
                    )
                self._refuse_duplicates(items[::2], "key")
                return MapForm(items, start, end, source)

    def _fn_literal(self, frame: Frame, items: tuple[Form, ...], end: int) -> Form:
        start, source = frame.start, self.source

        def name(text: str) -> Form:
            return Atom(symbol(text), start, start + 1, source)

        params = [name(f"%{at}") for at in range(1, frame.params + 1)]
        if frame.rest:
            params += [name("&"), name("%&")]
        body = ListForm(items, start + 1, end, source)
        parts = (name("fn*"), VectorForm(tuple(params), start, end, source), body)
        return ListForm(parts, start, end, source)

    def _qualified(self, form: Form, ns: str) -> Form:
        if not isinstance(form, Atom) or not isinstance(form.value, Keyword | Symbol):
            return form
        make = keyword if isinstance(form.value, Keyword) else symbol
        if form.value.ns is None:
            return Atom(make(f"{ns}/{form.value.name}"), form.start, form.end, self.source, form.meta)
        if form.value.ns == "_":
            return Atom(make(form.value.name), form.start, form.end, self.source, form.meta)
        return form

    def _refuse_duplicates(self, items: tuple[Form, ...], what: str) -> None:
        seen = set()
        for item in items:
            key = encode(value_of(item))
            if key in seen:
                text = self.source.text[item.start : item.end]
                raise self.error("clojure_reader_invalid", f"Duplicate {what}: {text[:60]}", item.start)
            seen.add(key)

    def _conditional(self, frame: Frame, at: int) -> None:
        items = frame.items
        active = [form for at, form in zip(items[::2], items[1::2], strict=False) if self._active(at)]
        # As in Clojure, the last branch may hold nothing, not even for this platform, if it is not taken.
        if len(items) % 2 and not active and self._active(items[-1]):
            message = "read-cond requires an even number of forms"
            raise self.error("clojure_reader_invalid", message, frame.start)
        if not active:
            return
        form = active[0]
        if frame.kind == "#?(":
            self.emit(form)
            return
        if not isinstance(form, ListForm | VectorForm):
            raise self.error(
                "clojure_reader_invalid", "Spliced form list in read-cond-splicing must be a list", at
            )
        if not any(open_frame.kind in CLOSERS for open_frame in self.stack):
            raise self.error(
                "clojure_reader_invalid", "Reader conditional splicing not allowed at the top level", at
            )
        for item in form.items:
            self.emit(item)

    def _active(self, feature: Form) -> bool:
        if is_keyword(feature):
            return is_keyword(feature, "clj") or is_keyword(feature, "default")
        if isinstance(feature, ListForm) and feature.items and is_keyword(feature.items[0]):
            parts = [self._active(part) for part in feature.items[1:]]
            if is_keyword(feature.items[0], "and"):
                return all(parts)
            if is_keyword(feature.items[0], "or"):
                return any(parts)
            if is_keyword(feature.items[0], "not") and len(parts) == 1:
                return not parts[0]
        raise self.error(
            "clojure_reader_invalid", f"Feature should be a keyword: {head(feature)}", feature.start
        )


def _first_of_each(items: tuple[Form, ...]) -> tuple[Form, ...]:
    """Keys and values of merged metadata, the first occurrence (the outer one) winning."""
    kept: dict[object, tuple[Form, Form]] = {}
    for key, value in zip(items[::2], items[1::2], strict=True):
        kept.setdefault(encode(value_of(key)), (key, value))
    return tuple(form for pair in kept.values() for form in pair)


def uuid_of(text: str) -> Uuid | None:
    """The UUID of its text; None if it is none."""
    lower = text.lower()
    parts = lower.split("-")
    if len(parts) != 5 or len(text) > 36 or not all(parts) or not set(lower) <= _UUID:
        return None
    numbers = [int(part, 16) for part in parts]  # short parts are filled up, as Java does
    return Uuid("-".join([f"{n:0{size}x}"[-size:] for n, size in zip(numbers, _SIZES, strict=True)]))
