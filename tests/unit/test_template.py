"""Templates: what they become, what they refuse and where, and that nothing makes them run away."""

from __future__ import annotations

import pytest

from gitflow_runner.errors import LangError
from gitflow_runner.lang.collection import Vec
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.template import parse


def rendered(template: str, data: str = "{}") -> str:
    return parse(template).render(read_data(data, loose=True))


def refusal(template: str, data: str = "{}") -> tuple[str, int | None, int | None]:
    with pytest.raises(LangError) as caught:
        rendered(template, data)
    place = caught.value.at
    return caught.value.code, place and place.line, place and place.col


@pytest.mark.parametrize(
    ("template", "data", "text"),
    [
        ("no tags", "{}", "no tags"),
        ("{{current-date}}", '{:current-date "today"}', "today"),
        ("{{user.name}}", '{:user {"name" "Ann"}}', "Ann"),
        ("{{ok?}} {{a-b.c_d}}", "{:ok? true :a-b {:c_d 1}}", "true 1"),
        ("[{{gone}}{{gone.deeper}}]", "{:a 1}", "[]"),
        ("{{x}}", '{:x "<b>&\\"\'"}', "<b>&\"'"),
        ("{{{x}}} {{&x}}", '{:x "<"}', "< <"),
        ("{{xs.1}} {{xs.[0]}} {{xs.9}}", '{:xs ["a" "b"]}', "b a "),
        ("{{m.[a key]}}", '{:m {"a key" 1}}', "1"),
        ("{{this}} {{.}}", '"it"', "it it"),
        ("{{! note }}{{!-- }} --}}x", "{}", "x"),
        ("a \\{{x}} b", "{:x 1}", "a {{x}} b"),
        ("a \\\\{{x}}", "{:x 1}", "a \\1"),
        ("a  {{~x~}}  b", "{:x 1}", "a1b"),
        ("a {{~! note ~}} b", "{}", "ab"),
        ('{"a": {{n}} }', "{:n 1}", '{"a": 1 }'),
        ("}} { {", "{}", "}} { {"),
    ],
)
def test_names_become_their_values(template: str, data: str, text: str) -> None:
    assert rendered(template, data) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("nil", ""),
        ("false", "false"),
        ("1.50M", "1.50"),
        ("12345678901234567890N", "12345678901234567890"),
        ("1/3", "1/3"),
        ("2.0", "2.0"),
        (":ns/name", "ns/name"),
        (r"\a", "a"),
        ('#inst "2026-01-02T03:04:05.000Z"', "2026-01-02T03:04:05Z"),
        ('#uuid "00000000-0000-0000-0000-00000000000a"', "00000000-0000-0000-0000-00000000000a"),
        ('#bytes "AQI="', "AQI="),
        ('{:a [1 "x" nil]}', '{"a":[1,"x",null]}'),
    ],
)
def test_a_value_reads_as_people_write_it(value: str, text: str) -> None:
    assert rendered("{{x}}", f"{{:x {value}}}") == text


@pytest.mark.parametrize(
    ("value", "yes"),
    [
        ("nil", False),
        ("false", False),
        ("0", False),
        ("0.0", False),
        ("0M", False),
        ('""', False),
        ("[]", False),
        ("#{}", False),
        ("{}", True),
        ("true", True),
        ("-1", True),
        ('"0"', True),
        ("[nil]", True),
        (":no", True),
    ],
)
def test_if_and_unless_agree_on_what_is_empty(value: str, yes: bool) -> None:
    data = f"{{:x {value}}}"
    assert rendered("{{#if x}}yes{{else}}no{{/if}}", data) == ("yes" if yes else "no")
    assert rendered("{{#unless x}}no{{else}}yes{{/unless}}", data) == ("yes" if yes else "no")


@pytest.mark.parametrize(
    ("template", "data", "text"),
    [
        ("{{#each xs}}{{@index}}{{this}} {{/each}}", '{:xs ["a" "b"]}', "0a 1b "),
        ("{{#each xs}}{{#unless @first}}, {{/unless}}{{.}}{{/each}}", "{:xs [1 2 3]}", "1, 2, 3"),
        ("{{#each xs}}{{.}}{{#if @last}}.{{/if}}{{/each}}", "{:xs [1 2]}", "12."),
        ("{{#each m}}{{@key}}={{this}};{{/each}}", '{:m {:a 1 "b" 2}}', "a=1;b=2;"),
        ("{{#each m}}{{@index}}{{/each}}", "{:m {:a 1 :b 2}}", "01"),
        ("{{#each xs}}x{{else}}none{{/each}}", "{:xs []}", "none"),
        ("{{#each xs}}x{{else}}none{{/each}}", "{}", "none"),
        ("{{#each m}}x{{else}}none{{/each}}", "{:m {}}", "none"),
        ("{{#each xs}}{{name}}@{{shop}} {{/each}}", '{:shop "s" :xs [{:name "a"}]}', "a@s "),
        ("{{#each xs}}{{name}}{{this.name}}{{./name}}|{{/each}}", '{:name "o" :xs [{}]}', "o|"),
        ("{{#each xs}}{{../name}} {{/each}}", '{:name "o" :xs [{:name "i"}]}', "o "),
        (
            "{{#each xs}}{{#each ys}}{{../n}}{{../../n}}{{@../index}}{{/each}}{{/each}}",
            "{:n 1 :xs [{:n 2 :ys [0]}]}",
            "210",
        ),
        ("{{#each xs}}{{@root.n}}{{/each}}", "{:n 7 :xs [1 2]}", "77"),
        ("{{#with user}}{{name}} {{../n}}{{/with}}", '{:n 1 :user {:name "A"}}', "A 1"),
        ("{{#with user}}x{{else}}nobody{{/with}}", "{}", "nobody"),
        ("{{#each xs}}{{#with .}}{{@index}}{{/with}}{{/each}}", '{:xs ["a" "b"]}', "01"),
        ("{{#if a}}A{{else if b}}B{{else}}C{{/if}}", "{:b 1}", "B"),
        ("{{#if a}}A{{else if b}}B{{else unless c}}C{{/if}}", "{}", "C"),
        ("{{#unless a}}A{{else if b}}B{{/unless}}", "{:a 1 :b 1}", "B"),
        ("{{#if a}}A{{^}}B{{/if}}", "{}", "B"),
        ("{{../../x}}", "{:x 1}", ""),
        ("{{@index}}{{@key}}", "{}", ""),
        ("{{#each xs}}\n- {{.}}\n{{/each}}", "{:xs [1]}", "\n- 1\n"),
        ("{{#each xs~}}\n- {{.}}\n{{~/each}}", "{:xs [1 2]}", "- 1- 2"),
    ],
)
def test_blocks_open_scopes(template: str, data: str, text: str) -> None:
    assert rendered(template, data) == text


@pytest.mark.parametrize(
    ("template", "data", "text"),
    [
        ("{{truncate t length=5}}", '{:t "abcdefgh"}', "ab..."),
        ('{{truncate t length=5 suffix="…"}}', '{:t "abcdefgh"}', "abcd…"),
        ('{{truncate t 3 suffix=""}}', '{:t "abcdefgh"}', "abc"),
        ("{{truncate t length=8}}", '{:t "abcdefgh"}', "abcdefgh"),
        ("{{truncate t length=2}}", '{:t "abcdefgh"}', ".."),
        ("{{json m}}", '{:m {:a [1 2.5M "q\\"" nil]}}', '{"a":[1,2.5,"q\\"",null]}'),
        (
            "{{json m pretty=true}}",
            '{:m {:a [1 {}] "b" "x:{,"}}',
            '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": "x:{,"\n}',
        ),
        ("{{json t}}", '{:t "a"}', '"a"'),
        (
            "{{length xs}} {{length t}} {{length gone}} {{length m}}",
            '{:xs [1 2] :t "abc" :m {:a 1}}',
            "2 3 0 1",
        ),
        ('{{join xs separator=" | "}}', '{:xs ["a" :b 3]}', "a | b | 3"),
        ("{{join xs}}", "{:xs [1 2]}", "1, 2"),
        ("{{first xs}} {{last xs}} {{first gone}}", '{:xs ["a" "b"]}', "a b "),
        ("{{first t}}{{last t}}", '{:t "abc"}', "ac"),
        ('{{default a "none"}}{{default b "none"}}{{default c "none"}}', '{:b "" :c false}', "nonenonefalse"),
        ("{{#if (length xs)}}yes{{/if}}", "{:xs [1]}", "yes"),
        ('{{truncate (default t "long text") length=(length xs)}}', "{:xs [1 2 3 4]}", "l..."),
        ("{{length}} {{first}}", "{:length 3 :first 1}", "3 1"),
        ("{{default a 'it''s'}}", "{}", None),
        ("{{default a 'x'}}{{default b -1.5}}{{default c true}}", "{}", "x-1.5true"),
    ],
)
def test_helpers(template: str, data: str, text: str | None) -> None:
    if text is None:
        assert refusal(template, data)[0] == "template.syntax"
    else:
        assert rendered(template, data) == text


def test_what_the_data_holds_is_never_rendered_again() -> None:
    assert rendered("{{x}}", '{:x "{{y}}" :y 1}') == "{{y}}"


@pytest.mark.parametrize(
    ("template", "line", "col"),
    [
        ("{{x", 1, 1),
        ("a\n  {{x}", 2, 3),
        ("{{}}", 1, 3),
        ("{{#if x}}", 1, 1),
        ("{{#if x}}{{/each}}", 1, 10),
        ("{{#if x}}{{else}}{{else}}{{/if}}", 1, 18),
        ("{{/if}}", 1, 1),
        ("{{else}}", 1, 1),
        ("{{#list x}}{{/list}}", 1, 1),
        ("{{#if}}{{/if}}", 1, 6),
        ("{{shout x}}", 1, 3),
        ("{{x y=1}}", 1, 3),
        ("{{truncate}}{{truncate a b c}}", 1, 15),
        ("{{truncate a size=1}}", 1, 14),
        ("{{truncate length=1 a}}", 1, 21),
        ("{{default a}}", 1, 3),
        ("{{(length x}}", 1, 3),
        ("{{> other}}", 1, 1),
        ("{{#each xs as |x|}}{{/each}}", 1, 9),
        ("{{@nothing}}", 1, 3),
        ("{{!-- open }}", 1, 1),
        ("{{^x}}{{/x}}", 1, 1),
        ("{{{x}}", 1, 1),
        ('{{default a "open}}', 1, 13),
    ],
)
def test_a_wrong_template_is_told_with_its_place(template: str, line: int, col: int) -> None:
    assert refusal(template) == ("template.syntax", line, col)


def test_depth_is_bounded() -> None:
    deep = "{{#if a}}" * 33 + "{{/if}}" * 33
    assert refusal(deep) == ("template.syntax", 1, 9 * 32 + 1)
    assert refusal("{{" + "(length " * 40 + "x" + ")" * 40 + "}}")[0] == "template.syntax"


def test_size_is_bounded() -> None:
    assert refusal("x" * 1_000_001)[0] == "template.too_large"


@pytest.mark.parametrize(
    "template",
    [
        "{{#each xs}}{{#each ../xs}}{{#each ../../xs}}{{/each}}{{/each}}{{/each}}",
        "{{#each xs}}{{#each ../xs}}{{json ../../xs}}{{/each}}{{/each}}",
        "{{#each xs}}{{#each ../xs}}{{#if (truncate (json @root) length=1)}}{{/if}}{{/each}}{{/each}}",
        "{{#each xs}}{{#each ../xs}}{{#if (join @root.xs)}}{{/if}}{{/each}}{{/each}}",
    ],
)
def test_work_and_output_are_bounded(template: str) -> None:
    data = read_data("{:xs [" + "1 " * 2_000 + "]}")
    with pytest.raises(LangError) as caught:
        parse(template).render(data)
    assert caught.value.code == "template.too_much"


def test_a_value_that_json_cannot_write_is_told() -> None:
    assert refusal("{{json x}}", "{:x ##NaN}")[0] == "template.value"
    assert refusal("{{truncate x length=-1}}", '{:x "a"}')[0] == "template.value"


def test_a_template_knows_its_names() -> None:
    template = parse("{{a.b}}{{#each xs}}{{c}}{{@root.d}}{{/each}}{{default e 1}}{{json @root.f}}")
    assert template.needed() == {"a", "f"}
    assert template.names() == {"a", "b", "xs", "c", "d", "e", "f"}
    assert parse("{{json this}}").names() is None
    assert (parse("x").is_filled, parse("{{x}}").is_filled) == (False, True)


def test_a_list_is_walked_like_a_vector() -> None:
    assert rendered("{{xs.1}}{{last xs}}{{#each xs}}{{.}}{{/each}}", "{:xs (1 2 3)}") == "23123"
    assert parse("{{[0]}}{{this.1}}").render(Vec(("a", "b"))) == "ab"
