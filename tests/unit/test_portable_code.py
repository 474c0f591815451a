"""Code that went through JSON compiles to the same and tells of the same places."""

from __future__ import annotations

import json

import pytest

from gitflow_runner.errors import LangError, Place
from gitflow_runner.lang.forms import Atom, Form, Items, TagForm
from gitflow_runner.lang.portable import pack, pack_source, unpack, unpack_source
from gitflow_runner.lang.reader import read_all, string_source
from gitflow_runner.lang.session import compile_function
from gitflow_runner.lang.source import Source, spliced

TEXT = """(fn ^{:doc "d"} [m & more]
  [nil true 1 -2N 1.5 2.50M 1/3 ##Inf \\a \\newline "é\\n" 'sym 'a/b :k :n/k #"a\\d" #{1 2} {:a [1]}
   #t/ag [1]
   #inst "2026-01-02T03:04:05Z" #uuid "00000000-0000-0000-0000-000000000001"
   #(inc %) `(x ~m) @m ^String m])"""


def carried(code: Form | Source) -> Form | Source:
    """The code after a journey as JSON."""
    known: list[Source] = []
    packed: list[object] = []

    def number(source: Source) -> int:
        if source not in known:
            data = pack_source(source, number)
            known.append(source)
            packed.append(data)
        return known.index(source)

    data = pack(code, number)
    sources: list[Source] = []
    for each in json.loads(json.dumps(packed)):
        sources.append(unpack_source(each, sources))
    return unpack(json.loads(json.dumps(data)), sources)


def shape(form: Form) -> object:
    """A form with everything that compiling and messages look at."""
    meta = None if form.meta is None else shape(form.meta)
    where = (form.start, form.end, form.source, meta)
    match form:
        case Atom():
            return (type(form.value), repr(form.value), *where)
        case TagForm():
            return (form.tag.text, shape(form.form), *where)
        case Items():
            return (type(form), [shape(item) for item in form.items], *where)


def test_every_kind_of_form_arrives_as_it_was() -> None:
    form = read_all(TEXT, file="f.edn")[0]
    arrived = carried(form)
    assert not isinstance(arrived, Source)
    assert shape(arrived) == shape(form)


def test_a_text_that_was_put_together_keeps_its_places() -> None:
    inner = Source("\n  (inc a)", "b.clj")
    source = spliced([(Source("(do ", "a.edn"), 0, 4), (inner, 3, 10), (Source(")", "a.edn"), 0, 1)])
    arrived = carried(source)
    assert isinstance(arrived, Source)
    assert arrived == source
    assert arrived.place(9) == Place(file="b.clj", line=2, col=8)


def test_a_text_in_a_file_keeps_its_places() -> None:
    form = read_all('[1\n "(fn [m]\\n (oops m))"]', file="f.edn")[0]
    assert isinstance(form, Items)
    code = form.items[1]
    assert isinstance(code, Atom)
    for each in (code, string_source(code)):
        with pytest.raises(LangError) as caught:
            compile_function(carried(each))
        assert (caught.value.code, str(caught.value.at)) == ("unbound_symbol", "f.edn:2:14")
