"""`clojure.edn/read-string`: data only."""

from __future__ import annotations

from gitflow_runner.errors import LangError
from gitflow_runner.lang.access import lookup
from gitflow_runner.lang.collection import MISSING, Map, TaggedLiteral
from gitflow_runner.lang.core.patterns import subject
from gitflow_runner.lang.core.table import ctx
from gitflow_runner.lang.core.walking import rebuilt
from gitflow_runner.lang.forms import value_of
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.instants import tag_text
from gitflow_runner.lang.reader import MAX_DEPTH, MAX_FORMS, Reader
from gitflow_runner.lang.source import Source
from gitflow_runner.lang.throwing import thrown
from gitflow_runner.lang.values import Collection, Instant, Uuid, Value, keyword, symbol


def read_string(runtime: Runtime, *args: Value) -> Value:
    """`(clojure.edn/read-string opts text)`: the first value of the text, nil or `:eof` if there is none."""
    options = args[0] if len(args) == 2 else None
    if args[-1] is None or args[-1] is False:
        return None
    text = subject(runtime, args[-1])
    runtime.charge(len(text) // 4)
    try:
        forms = Reader(Source(text), MAX_DEPTH, MAX_FORMS, data_only=True).run(1)
    except LangError as error:
        cls = "NumberFormatException" if error.message.startswith("Invalid number") else "RuntimeException"
        raise thrown(cls, f"{error.message} ({error.at})") from None
    if not forms:
        end = lookup(options, keyword("eof"), MISSING)
        if end is MISSING and options is not None:
            raise thrown("RuntimeException", "EOF while reading")
        return None if end is MISSING else end
    return _tagged(runtime, value_of(forms[0]), options)


def _tagged(runtime: Runtime, value: Value, options: Value) -> Value:
    """Tagged values in it given to the reader or default function of the options."""
    readers = lookup(options, keyword("readers"))
    if isinstance(value, Instant | Uuid) and isinstance(readers, Map):
        name, text = ("inst", tag_text(value)) if isinstance(value, Instant) else ("uuid", value.text)
        reader = readers.get(symbol(name))
        return value if reader is None else runtime.call(reader, text)
    if isinstance(value, Collection):
        return rebuilt(runtime, lambda item: _tagged(runtime, item, options), value)
    if not isinstance(value, TaggedLiteral):
        return value
    value = TaggedLiteral(value.tag, _tagged(runtime, value.form, options))
    reader = readers.get(value.tag) if isinstance(readers, Map) else None
    if reader is not None:
        return runtime.call(reader, value.form)
    default = lookup(options, keyword("default"))
    if default is not None:
        return runtime.call(default, value.tag, value.form)
    raise thrown("RuntimeException", f"No reader function for tag {value.tag.text}")


TABLE = ctx(("clojure.edn/read-string", read_string, 1, 2))
