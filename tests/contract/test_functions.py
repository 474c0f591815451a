"""What every way of calling a flow's functions keeps to: the same values, errors and places."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.forms import value_of
from gitflow_runner.lang.reader import read_all
from gitflow_runner.steps.base import Functions
from tests.flow_functions import ADAPTERS, Workers, adapter, flow_of, outcome, told, workers

each = pytest.mark.parametrize("name", ADAPTERS)


@pytest.fixture(scope="module")
def made() -> Iterator[Workers]:
    with workers() as found:
        yield found


def of(name: str, made: Workers, code: str, **included: str) -> Functions:
    return adapter(name, flow_of(f"{{:id :f :code {code}}}", **included), made)


@each
def test_a_function_gets_its_argument_and_gives_data(name: str, made: Workers) -> None:
    functions = of(name, made, "'(fn [{:keys [xs]}] {:sum (reduce + xs) :all (map inc xs)})")
    assert outcome(functions, "f", "{:xs [1 2 3]}") == "{:sum 6, :all (2 3 4)}"


@each
def test_every_kind_of_value_passes_both_ways(name: str, made: Workers) -> None:
    given = (
        '{:a nil, :b [true false], :c "ü\\n\\"\\u0000", :d \\x, :e 1.5, :f 2N, :g 3.10M, :h 1/3, :i sym/bol, '
        ':j #{:k}, :k (1 2), :l #inst "2026-01-02T03:04:05.678-00:00", :m ##NaN, "s" {1 1, 1.0 2, true 3}, '
        ':u #uuid "00000000-0000-0000-0000-000000000001", :x #bytes "AAEC", :t #a/tag [1]}'
    )
    assert outcome(of(name, made, "'(fn [m] m)"), "f", given) == given


@each
def test_a_function_sees_what_was_recorded_of_its_argument(name: str, made: Workers) -> None:
    code = "'(fn [m] [(:a m) (meta (:v m)) (sorted? (:s m)) (map? (:s m))])"
    functions = of(name, made, code)
    given = read_data('{"a" 1}').assoc(read_data(":v"), read_data("[1]"))
    assert functions.call("f", given).text == "[1 nil false false]"


@each
def test_code_as_a_text_has_its_places_in_the_file(name: str, made: Workers) -> None:
    functions = of(name, made, '"(fn [m]\\n  (let [q \\"\\\\n\\"]\n    (inc :x)))"')
    assert outcome(functions, "f") == (
        "function.failed",
        "f threw: a keyword cannot be used as a number",
        ".breyta/flows/f.edn:3:5",
        None,
        None,
    )


@each
def test_code_as_a_form_has_its_places_in_the_file(name: str, made: Workers) -> None:
    functions = of(name, made, "'(fn [m]\n   (map #(inc %) [1 nil]))")
    assert outcome(functions, "f") == (
        "function.failed",
        "f threw: nil cannot be used as a number",
        ".breyta/flows/f.edn:3:10",
        None,
        None,
    )


@each
def test_included_code_has_its_places_in_the_included_file(name: str, made: Workers) -> None:
    whole = of(name, made, '#flow/include "total.clj"', total="; sums\n(fn [m]\n  (inc nil))")
    part = of(name, made, '\'(fn [m]\n  [(inc 1)\n #flow/include "p.clj"])', p="(do 1\n (inc nil))")
    message = "f threw: nil cannot be used as a number"
    assert outcome(whole, "f")[1:3] == (message, ".breyta/flows/total.clj:3:3")
    assert outcome(part, "f")[1:3] == (message, ".breyta/flows/p.clj:2:2")


@each
def test_quoted_code_at_a_step_has_its_places_in_the_file(name: str, made: Workers) -> None:
    body = '(flow/step :function :a\n  {:code \'(fn [m]\n    (inc #(re-find #"a" %)))})'
    functions = adapter(name, flow_of("", body), made)
    code = value_of(read_all('(fn [m]\n    (inc #(re-find #"a" %)))')[0])
    with pytest.raises(StepError) as caught:
        functions.call_code(code, read_data("{}"))
    assert told(caught.value)[:3] == (
        "function.failed",
        "code threw: a function cannot be used as a number",
        ".breyta/flows/f.edn:5:5",
    )


@each
def test_code_that_the_body_put_together_runs_too(name: str, made: Workers) -> None:
    functions = adapter(name, flow_of(""), made)
    code = value_of(read_all("(fn [m] (#(inc %) (:n m)))")[0])
    assert functions.call_code(code, read_data("{:n 1}")).value == 2
    assert functions.call_code("(fn [m] (inc (:n m)))", read_data("{:n 2}")).value == 3
    with pytest.raises(StepError) as caught:
        functions.call_code(7, read_data("{}"))
    assert caught.value.code == "function.code"


@each
def test_an_unknown_function_is_told_with_the_known_ones(name: str, made: Workers) -> None:
    found = outcome(of(name, made, "'(fn [m] m)"), "g")
    assert found == ("function.unknown", "the flow has no function :g", None, "declared: :f", None)


@each
@pytest.mark.parametrize(
    ("code", "expected", "place"),
    [
        ("'(fn [m]\n (loop []\n (recur)))", "fuel_exhausted", "4:2"),
        ("'(fn [m]\n (count (range 1e9)))", "fuel_exhausted", "3:2"),
        ("'(fn [m]\n (doseq [x (range)] x))", "fuel_exhausted", "3:12"),
        ("'(fn [m]\n ((fn f [n] (inc (f n))) 1))", "depth_exceeded", None),
        ("'(fn [m]\n inc)", "not_data", "2:29"),
        ("'(fn [m]\n (str (char 55296)))", "not_data", "2:29"),
        ("'(fn [m]\n (range))", "fuel_exhausted", None),
        ("'(fn [m]\n (map inc [:a]))", "function.failed", "2:29"),
        ('\'(fn [m]\n (loop [s "ab" i 0] (if (< i 40) (recur (str s s) (inc i)) s)))', "size_exceeded", None),
        ("'(fn [a b]\n 1)", "function.failed", None),
    ],
)
def test_an_error_has_its_code_and_its_place(
    name: str, made: Workers, code: str, expected: str, place: str | None
) -> None:
    found = outcome(of(name, made, code), "f")
    assert found[0] == expected
    if place is not None:
        assert found[2] == f".breyta/flows/f.edn:{place}"


@each
@pytest.mark.parametrize(
    ("thrown", "data"),
    [
        ('(ex-info "no" {:a [1 2]})', "{:a [1 2]}"),
        ('(ex-info "no" {:a (map inc [1 2])})', "{:a (2 3)}"),
        ('(ex-info "no" {:a (map #(/ 1 %) [0])})', None),
        ('(ex-info "no" {:f inc})', None),
        ('(ex-info "no" {:a (range)})', None),
        ('(ex-info "no" {:a (apply str (repeat 70000 "x"))})', None),
    ],
)
def test_what_a_function_throws_keeps_the_data_that_can_be_kept(
    name: str, made: Workers, thrown: str, data: str | None
) -> None:
    found = outcome(of(name, made, f"'(fn [m] (throw {thrown}))"), "f")
    assert (found[0], found[1], found[4]) == ("function.failed", "f threw: no", data)


@each
def test_what_a_budget_stops_is_not_worth_another_try(name: str, made: Workers) -> None:
    with pytest.raises(StepError) as caught:
        of(name, made, "'(fn [m] (loop [] (recur)))").call("f", read_data("{}"))
    assert (caught.value.code, caught.value.retryable, caught.value.definite) == (
        "fuel_exhausted",
        False,
        True,
    )


@each
def test_an_argument_that_is_no_data_is_refused(name: str, made: Workers) -> None:
    functions = of(name, made, "'(fn [m] m)")
    with pytest.raises(StepError) as caught:
        functions.call("f", read_data("{}").assoc(read_data(":s"), "\ud800"))
    assert caught.value.code == "not_data"


@each
def test_a_large_argument_and_a_large_result_pass(name: str, made: Workers) -> None:
    functions = of(name, made, "'(fn [{:keys [s]}] (subs s 1))")
    result = functions.call("f", read_data("{}").assoc(read_data(":s"), "é" * 900_000))
    assert result.value == "é" * 899_999
