"""Forms as JSON: kinds, values, spans in lines, code points and bytes."""

from __future__ import annotations

import json

import pytest

from gitflow_runner.errors import LangError
from gitflow_runner.lang.outline import outline


def only(text: str) -> dict[str, object]:
    forms = outline(text.encode(), "a.edn")
    assert len(forms) == 1
    return forms[0]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("nil", "nil", None),
        ("true", "boolean", True),
        ("42", "integer", 42),
        ("9007199254740993", "integer", "9007199254740993"),
        ("1N", "integer", "1N"),
        ("1.5", "double", 1.5),
        ("##Inf", "double", "##Inf"),
        ("1/3", "ratio", "1/3"),
        ("1.50M", "decimal", "1.50M"),
        ('"a\\nb"', "string", "a\nb"),
        ("\\a", "character", "\\a"),
        (":a/b", "keyword", ":a/b"),
        ("foo", "symbol", "foo"),
        ('#"a+"', "regex", '#"a+"'),
    ],
)
def test_a_scalar_has_its_kind_and_value(text: str, kind: str, value: object) -> None:
    found = only(text)
    assert (found["type"], found["value"]) == (kind, value)


def test_spans_count_lines_code_points_and_bytes() -> None:
    found = only('{:é "ü"\n :b [1]}')
    inner = found["items"][2]  # type: ignore[index]
    assert inner["start"] == {"line": 2, "col": 2, "offset": 9, "byte": 11}
    assert found["end"] == {"line": 2, "col": 9, "offset": 16, "byte": 18}


def test_what_surrounds_a_form_is_shown() -> None:
    quoted = only("'(a)")
    assert [quoted["type"], quoted["items"][0]["value"]] == ["list", "quote"]  # type: ignore[index]
    assert only("^:k [1]")["meta"]["type"] == "map"  # type: ignore[index]
    tagged = only("#my/tag {:a 1}")
    assert (tagged["type"], tagged["tag"]) == ("tag", "my/tag")
    assert tagged["items"][0]["start"]["offset"] == 8  # type: ignore[index]


def test_everything_fits_into_json() -> None:
    forms = outline(b'#{1} [\\a #inst "2026-01-01" #(+ % 1)] (' + b"[" * 150 + b"]" * 150 + b")")
    assert [form["type"] for form in json.loads(json.dumps(forms))] == ["set", "vector", "list"]


def test_bytes_that_are_no_text_are_refused_with_their_place() -> None:
    with pytest.raises(LangError) as refused:
        outline(b"{:a 1}\n \xff", "a.edn")
    assert (refused.value.code, str(refused.value.at)) == ("encoding_invalid", "a.edn:2:2")


def test_what_cannot_be_read_is_refused_with_its_place() -> None:
    with pytest.raises(LangError) as refused:
        outline(b"{:a [1 2)}", "a.edn")
    assert (refused.value.code, str(refused.value.at)) == ("clojure_delimiters_invalid", "a.edn:1:9")
