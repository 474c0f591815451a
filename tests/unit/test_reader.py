"""The reader: what it accepts, what it refuses, and with which code and position."""

from __future__ import annotations

import pytest

from gitflow_runner.errors import LangError
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.forms import Atom, MapForm, meta_of, value_of
from gitflow_runner.lang.printer import readable
from gitflow_runner.lang.reader import read_all, read_one, string_source
from gitflow_runner.lang.source import Source, spliced

ACCEPTED = [
    ("'(a b)", "(quote (a b))"),
    ("#(+ % %2)", "(fn* [%1 %2] (+ %1 %2))"),
    ("#(apply + %&)", "(fn* [& %&] (apply + %&))"),
    ("`(a ~b ~@c)", "(syntax-quote (a (clojure.core/unquote b) (clojure.core/unquote-splicing c)))"),
    ("@x", "(clojure.core/deref x)"),
    ("#'x", "(var x)"),
    ('#"\\d+"', '#"\\d+"'),
    ("#?(:cljs 1 :clj 2)", "2"),
    ("#?(:cljs 1 :default 3)", "3"),
    ("#?((:and :clj (:not :cljs)) 1)", "1"),
    ("#?(:clj 1 :cljs #?(:cljs 2))", "1"),
    ("[#?(:cljs #?(:cljs 2))]", "[]"),
    ("#?(:clj 1 :cljs)", "1"),
    ("[1 #?@(:clj [2 3]) 4]", "[1 2 3 4]"),
    ("[#_ #_ a b c]", "[c]"),
    ("{:a 1 #_:b #_2}", "{:a 1}"),
    ("#:a{:b 1, :_/c 2, d 3}", "{:a/b 1, :c 2, a/d 3}"),
    ("[##Inf ##-Inf ##NaN]", "[##Inf ##-Inf ##NaN]"),
    ("[017 0x1F 2r101 36rZ 1N 1.50M -1/2 4/2 1e3 +5]", "[15 31 5 35 1N 1.50M -1/2 2 1000.0 5]"),
    ("9223372036854775808", "9223372036854775808N"),
    ("[\\a \\newline \\( \\u00e9 \\o101 \\,]", "[\\a \\newline \\( \\é \\A \\,]"),
    ('"a\\n\\u0041\\101\\uD83D\\uDE00"', '"a\\nAA😀"'),
    ('#inst "2020-02-03T04:05:06.789+01:00"', '#inst "2020-02-03T03:05:06.789-00:00"'),
    ('#uuid "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"', '#uuid "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"'),
    ("#my/tag {:a 1}", "#my/tag {:a 1}"),
    ("#! first line\n; comment\n,,,a", "a"),
    (
        "[approval->status true? set! ns/name / clojure.core// a'b -x .x]",
        "[approval->status true? set! ns/name / clojure.core// a'b -x .x]",
    ),
]

REFUSED = [
    ("#=(+ 1 2)", "clojure_reader_eval_disabled", 1, 1),
    ("{:a 1 :a 2}", "clojure_reader_invalid", 1, 7),
    ("#{1 1}", "clojure_reader_invalid", 1, 5),
    ("{:a}", "clojure_reader_invalid", 1, 1),
    ("(a\n [b)", "clojure_delimiters_invalid", 2, 4),
    ("(a", "clojure_delimiters_invalid", 1, 1),
    ("a)", "clojure_delimiters_invalid", 1, 2),
    ('"abc', "clojure_syntax_invalid", 1, 1),
    ('"a\\qb"', "clojure_reader_invalid", 1, 1),
    ("##Foo", "clojure_reader_invalid", 1, 1),
    ("::a", "clojure_reader_invalid", 1, 1),
    ("08", "clojure_reader_invalid", 1, 1),
    ("1a", "clojure_reader_invalid", 1, 1),
    (".5", "clojure_reader_invalid", 1, 1),
    ("1/0", "clojure_reader_invalid", 1, 1),
    ("a/b/c", "clojure_reader_invalid", 1, 1),
    ("/a", "clojure_reader_invalid", 1, 1),
    ("a/", "clojure_reader_invalid", 1, 1),
    ("a:", "clojure_reader_invalid", 1, 1),
    ("\\foo", "clojure_reader_invalid", 1, 1),
    ("#<x>", "clojure_reader_invalid", 1, 1),
    ("#(a #(b))", "clojure_reader_invalid", 1, 5),
    ("1 2", "clojure_reader_invalid", 1, 3),
    ("", "clojure_reader_invalid", 1, 1),
    ("'", "clojure_reader_invalid", 1, 1),
    ("[1 2 #_]", "clojure_reader_invalid", 1, 6),
    ("[" * 201, "reader_limit", 1, 201),
]


@pytest.mark.parametrize(("text", "printed"), ACCEPTED)
def test_reads(text: str, printed: str) -> None:
    assert readable(value_of(read_one(text))) == printed


@pytest.mark.parametrize(("text", "code", "line", "col"), REFUSED)
def test_refuses_with_code_and_position(text: str, code: str, line: int, col: int) -> None:
    with pytest.raises(LangError) as caught:
        read_one(text, file="f.edn")
    assert caught.value.at is not None
    assert (caught.value.code, caught.value.at.line, caught.value.at.col) == (code, line, col)
    assert caught.value.at.file == "f.edn"


def test_a_wrong_bracket_is_told_with_the_place_of_its_opener() -> None:
    with pytest.raises(LangError, match=r"expected \] to match \[ opened at 2:3"):
        read_one("(a\n  [b)")


def test_spans_cover_the_text_of_each_form() -> None:
    text = '{:a (inc 1) "b" [x]}'
    form = read_one(text)
    assert isinstance(form, MapForm)
    assert [text[item.start : item.end] for item in form.items] == [":a", "(inc 1)", '"b"', "[x]"]


def test_outer_metadata_wins_and_short_spellings_are_filled_out() -> None:
    assert readable(meta_of(read_one("^:a ^{:a 2 :b 3} ^String x"))) == "{:a true, :b 3, :tag String}"


def test_positions_inside_a_string_lead_back_into_the_file() -> None:
    outer = read_one('{:code "(fn [x]\\n  \\"q\\" (foo x))"}', file="f.edn")
    assert isinstance(outer, MapForm)
    code = outer.items[1]
    assert isinstance(code, Atom)
    inner = string_source(code)
    place = inner.place(inner.text.index("foo"))
    assert (place.file, place.line, place.col) == ("f.edn", 1, 27)
    assert code.source.text[26:29] == "foo"


def test_positions_in_a_spliced_include_lead_to_its_own_file() -> None:
    main, included = Source("{:a X}", "main.edn"), Source("[1\n two]", "inc.edn")
    whole = spliced([(main, 0, 4), (included, 0, len(included.text)), (main, 5, 6)])
    assert whole.text == "{:a [1\n two]}"
    assert str(whole.place(whole.text.index("two"))) == "inc.edn:2:2"
    assert str(whole.place(len(whole.text) - 1)) == "main.edn:1:6"


def test_read_all_gives_every_form_in_order() -> None:
    assert [readable(value_of(form)) for form in read_all("a [b] ; c\n1")] == ["a", "[b]", "1"]


@pytest.mark.parametrize("text", ["'a", "@a", "#(a)", "`a", "#'a", "1 2", "[1", "{:a 1 :a 2}"])
def test_data_refuses_code_and_broken_text(text: str) -> None:
    with pytest.raises(LangError):
        read_data(text)


def test_data_marks_its_maps_loose_on_request() -> None:
    value = read_data('{"a" {"b" 1}}', loose=True)
    assert value.loose
    assert value.get("a").loose
    assert not read_data('{"a" 1}').loose
