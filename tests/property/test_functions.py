"""Both ways of calling functions agree on everything: value or code, message, place, hint and data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitflow_runner.lang.environments import FUNCTION
from tests.flow_functions import Workers, adapter, flow_of, outcome, workers

ATOMS = st.sampled_from(
    [
        *(
            "nil",
            "true",
            "0",
            "1",
            "-7",
            "3.5",
            "2/3",
            "12N",
            "1.50M",
            "9223372036854775807",
            "##NaN",
            ":k",
            "m",
        ),
        *('"ab"', '"é\\n"', "\\x", "'s", "(:n m)", "(:xs m)", "[]", "{}", "#{1 2}", '#"a+"', "inc", "x"),
        *("(LocalDate/of 2024 2 29)", "ChronoUnit/DAYS", "DateTimeFormatter/ISO_LOCAL_DATE"),
    ]
)
CALLS = [
    *(
        "+",
        "-",
        "*",
        "/",
        "inc",
        "quot",
        "compare",
        "=",
        "<",
        "str",
        "count",
        "first",
        "rest",
        "conj",
        "assoc",
    ),
    *(
        "get",
        "vec",
        "set",
        "map",
        "filter",
        "reduce",
        "apply",
        "concat",
        "range",
        "take",
        "nth",
        "subs",
        "sort",
    ),
    *(
        "keyword",
        "distinct",
        "group-by",
        "frequencies",
        "zipmap",
        "merge",
        "into",
        "ex-info",
        "throw",
        "pr-str",
    ),
    *("re-find", "json/write-str", "clojure.string/upper-case", "clojure.string/split", "partial", "comp"),
    *("some", "every?", "format"),
    *(".plusDays", ".until", ".format", "java.time.LocalDate/parse"),
]


def _wrapped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, max_size=3)
    return st.one_of(
        st.tuples(st.sampled_from(CALLS), several).map(lambda call: f"({call[0]}\n {' '.join(call[1])})"),
        several.map(lambda items: f"[{' '.join(items)}]"),
        st.tuples(inner, inner).map(lambda pair: f"{{:a {pair[0]}\n :b {pair[1]}}}"),
        st.tuples(inner, inner, inner).map(lambda parts: f"(if {parts[0]} {parts[1]}\n  {parts[2]})"),
        st.tuples(inner, inner).map(lambda pair: f"(let [x {pair[0]}]\n {pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"(try {pair[0]} (catch Exception x {pair[1]}))"),
        st.tuples(inner, inner).map(lambda pair: f"(for [x {pair[0]}]\n {pair[1]})"),
        inner.map(lambda form: f"(fn [x] {form})" if "#(" in form else f"#(do % {form})"),
        inner.map(lambda form: f"(loop [x 3] (if (= x 0) {form} (recur (dec x))))"),
    )


EXPRESSIONS = st.recursive(ATOMS, _wrapped, max_leaves=12)


@pytest.fixture(scope="module")
def made() -> Iterator[Workers]:
    with workers() as found:
        yield found


@settings(max_examples=300)
@given(EXPRESSIONS)
def test_a_function_comes_to_the_same_in_both_adapters(made: Workers, expression: str) -> None:
    flow = flow_of(f"{{:id :f :code '(fn [m]\n (let [x [1 2]] {expression}))}}")
    near, far = (adapter(name, flow, made) for name in ("in-process", "worker"))
    argument = '{:n 4, :xs [3 1 2], "s" {:deep "x"}}'
    assert outcome(far, "f", argument) == outcome(near, "f", argument)


@settings(max_examples=50)
@given(EXPRESSIONS)
def test_code_as_a_text_has_the_same_places_in_both(made: Workers, expression: str) -> None:
    quoted = expression.replace("\\", "\\\\").replace('"', '\\"')
    flow = flow_of(f'{{:id :f :code "(fn [m]\n (let [x [1 2]] {quoted}))"}}')
    near, far = (adapter(name, flow, made) for name in ("in-process", "worker"))
    assert outcome(far, "f") == outcome(near, "f")


GIVEN = (
    *("", "1", '"ab"', "[3 1 2]", "inc [1 2]", '"ab" "b"', "{:a 1} :a", "1 2", "[1] 0", "#{1} #{2}", '"a" 5'),
    *(
        "odd? [1 2 3]",
        "2 [1 2 3]",
        "+ 0 [1 2]",
        '#"b" "abc"',
        '"%d" 1',
        '"é" "ü"',
        "2.5",
        "1/2",
        "1.5M",
        "nil",
    ),
    *("{:a 1} [:a] inc", '"a,b" #","', '"abc" "b" "x"', "3 4 5", "[1 2] [3 4]", '"😀" 0 1', "[:é :a]", "\\a"),
)


LIBRARY = sorted(FUNCTION.functions)
PART = 40


# What it looks for is a missing file; that values hang on no seed, the tests of the language show.
@pytest.mark.seedless
@pytest.mark.parametrize("names", [LIBRARY[at : at + PART] for at in range(0, len(LIBRARY), PART)])
def test_every_function_of_the_library_is_the_same_where_no_file_can_be_opened(
    made: Workers, names: list[str]
) -> None:
    """A library that loads a module when it is first used would fail in the worker alone."""
    entries = "\n".join(
        f"{{:id :f{number} :code '(fn [m] ({name} {arguments}))}}"
        for number, (name, arguments) in enumerate((name, given) for name in names for given in GIVEN)
    )
    flow = flow_of(entries)
    near, far = (adapter(name, flow, made, fuel=20_000) for name in ("in-process", "worker"))
    different = {
        ref: found
        for ref in flow.functions
        if (found := (outcome(far, ref), outcome(near, ref)))[0] != found[1]
    }
    assert different == {}
