"""What code may not name or do: the code of each refusal, before anything runs."""

from __future__ import annotations

import pytest

from gitflow_runner.errors import LangError
from gitflow_runner.lang.analyzer import analyze, check
from gitflow_runner.lang.environments import BODY, FUNCTION
from gitflow_runner.lang.program import Environment, HostFn
from gitflow_runner.lang.reader import read_one

HOST = {"flow/step": HostFn("flow/step", 2, 3), "flow/input": HostFn("flow/input", 0, 0)}

IN_FUNCTIONS = [
    ("(eval '(+ 1 2))", "form_forbidden"),
    ('(load-string "1")', "form_forbidden"),
    ("(require 'x)", "form_forbidden"),
    ("(transient [])", "form_forbidden"),
    ("(def x 1)", "definition_forbidden"),
    ("(let [] (defn f [] 1))", "definition_forbidden"),
    ("#'inc", "definition_forbidden"),
    ("(atom 1)", "state_forbidden"),
    ("@x", "state_forbidden"),
    ("(pmap inc [1])", "state_forbidden"),
    ("(rand-int 5)", "nondeterministic"),
    ("(map rand [1])", "nondeterministic"),
    ("(java.time.Instant/now)", "nondeterministic"),
    ("(System/currentTimeMillis)", "nondeterministic"),
    ("(java.util.UUID/randomUUID)", "nondeterministic"),
    ('(slurp "/etc/passwd")', "io_forbidden"),
    ("(println 1)", "io_forbidden"),
    ('(.getClass "a")', "interop_forbidden"),
    ("(.. 1 toString)", "interop_forbidden"),
    ('(java.io.File. "x")', "interop_forbidden"),
    ('(new java.io.File "x")', "interop_forbidden"),
    ('(Class/forName "x")', "interop_forbidden"),
    ("java.lang.Runtime", "interop_forbidden"),
    ('(java.time.YearMonth/parse "2026-01")', "interop_forbidden"),
    ("(java.time.LocalTime/now)", "nondeterministic"),
    ("(java.time.YearMonth/now)", "nondeterministic"),
    ("(java.time.Clock/systemUTC)", "nondeterministic"),
    ("(class 1)", "interop_forbidden"),
    ("(a.b/c 1)", "unbound_symbol"),
    ("(foo 1)", "unbound_symbol"),
    ("(python/open 1)", "unbound_symbol"),
    ("when", "macro_as_value"),
    ("(inc 1 2)", "arity_invalid"),
    ("(let [f (fn [a] a)] (f))", "arity_invalid"),
    ("(let [a] a)", "binding_invalid"),
    ("(let [x/y 1] 1)", "binding_invalid"),
    ("(fn [& a b] 1)", "binding_invalid"),
    ("(+ 1 (recur))", "recur_misplaced"),
    ("(loop [a 1] (recur))", "recur_misplaced"),
    ("(loop [] (try (recur) (catch Exception e 1)))", "recur_misplaced"),
    ("(case 1 1 2 1 3)", "case_duplicate"),
    ("(try 1 (catch Foo e 1))", "unbound_symbol"),
    ('(re-find #"(?=a)" "a")', "regex_unsupported"),
    ('(re-find #"(a)\\1" "a")', "regex_unsupported"),
    ('(re-find #"[a-z&&[^b]]" "a")', "regex_unsupported"),
    ('(re-find #"a++" "a")', "regex_unsupported"),
    ("#foo/bar [1]", "tag_forbidden"),
]

IN_THE_BODY = [
    ("(map inc [1])", "prohibited_orchestration_transform"),
    ("(apply map [inc [1]])", "prohibited_orchestration_transform"),
    ("(clojure.core/reduce + [1])", "prohibited_orchestration_transform"),
    ("{:f filter}", "prohibited_orchestration_transform"),
    ("(let [f keep-indexed] f)", "prohibited_orchestration_transform"),
    ("#'mapv", "prohibited_orchestration_transform"),
    ("`(a ~(mapcat inc [1]))", "prohibited_orchestration_transform"),
    ("(let [{:keys [a] :or {a (remove odd? [])}} {}] a)", "prohibited_orchestration_transform"),
    ("(if-let [map 1] 2 (map inc [1]))", "prohibited_orchestration_transform"),
    ("(->> [1] count)", "unsupported_visual_flow_form"),
    ("(as-> 1 x x)", "unsupported_visual_flow_form"),
    ("(some-> 1 inc)", "unsupported_visual_flow_form"),
    ("(some->> 1 inc)", "unsupported_visual_flow_form"),
    ("(cond-> 1 true inc)", "unsupported_visual_flow_form"),
    ("(cond->> 1 true inc)", "unsupported_visual_flow_form"),
    ('(json/parse "1")', "function_only"),
    ('(breyta.sandbox/sha256-hex "a")', "function_only"),
    ('(Long/parseLong "1")', "function_only"),
    ('(java.time.LocalDate/parse "2026-01-31")', "function_only"),
    ("(str ChronoUnit/DAYS)", "function_only"),
    ("(lazy-seq [1])", "function_only"),
    ("(range)", "unbounded_sequence"),
    ("(take 3 (iterate inc 0))", "unbounded_sequence"),
    ("(flow/stepp :http :a {})", "unbound_symbol"),
    ("(flow/step :http)", "arity_invalid"),
    ("(mapper flow/step)", "unbound_symbol"),
    ("[flow/step]", "host_misused"),
]

LEFT_ALONE_IN_THE_BODY = [
    "(let [map 1] map)",
    "(fn [map] (map 1))",
    "(fn map [x] (map x))",
    "(letfn [(filter [x] x)] (filter 1))",
    "(for [map [1 2]] map)",
    "(doseq [map [1]] map)",
    "(if-let [map 1] map 2)",
    "(try 1 (catch Exception map map))",
    "(let [{:keys [map] :strs [keep] filter :f [mapv] :v} {}] [map keep filter mapv])",
    "'(map inc [1])",
    "(flow/step :function :f {:code '(fn [x] (map inc x))})",
    "(comment (map inc [1]))",
    "[:customer/map :map #_(map inc [1])]",
    "(case 'map map 1 2)",
    "#?(:cljs (map inc [1]) :clj 1)",
    "(-> 1 inc)",
    "(clojure.core/->> [1] count)",
    "(map-indexed (fn [i x] [i x]) [1])",
    "^{:label map} (if true 1 2)",
]


def _codes(text: str, environment: Environment) -> list[str]:
    return [found.code for found in check(read_one(text), environment, HOST) if found.severity == "error"]


@pytest.mark.parametrize(("text", "code"), IN_FUNCTIONS)
def test_functions_refuse(text: str, code: str) -> None:
    assert _codes(text, FUNCTION)[:1] == [code]


@pytest.mark.parametrize(("text", "code"), IN_THE_BODY)
def test_the_body_refuses(text: str, code: str) -> None:
    assert code in _codes(text, BODY)


@pytest.mark.parametrize("text", LEFT_ALONE_IN_THE_BODY)
def test_the_body_leaves_alone(text: str) -> None:
    assert _codes(text, BODY) == []


def test_an_unknown_name_is_answered_with_the_nearest_ones() -> None:
    with pytest.raises(LangError) as caught:
        analyze(read_one("(let [total 1]\n  (+ totl 1))", file="f.edn"), FUNCTION)
    assert caught.value.hint is not None
    assert "total" in caught.value.hint
    assert str(caught.value.at) == "f.edn:2:6"


def test_all_problems_are_told_at_once_in_the_order_of_the_text() -> None:
    found = check(read_one("(let [a 1 b 2]\n (foo a)\n (inc 1 2))"), FUNCTION, {})
    assert [(each.severity, each.code, each.place.line) for each in found] == [
        ("warning", "unused_binding", 1),
        ("error", "unbound_symbol", 2),
        ("error", "arity_invalid", 3),
    ]


@pytest.mark.parametrize(
    "text", ["(let [f (fn [a] a)] (f 1 2))", "(let [a 1] (if a))", "(let [a 1] (recur a))"]
)
def test_a_name_in_a_form_that_is_wrong_does_not_count_as_unused(text: str) -> None:
    assert "unused_binding" not in [each.code for each in check(read_one(text), FUNCTION, {})]


def test_names_that_start_with_an_underscore_may_be_unused() -> None:
    assert check(read_one("(let [_a 1] (fn [_ _b] 1))"), FUNCTION, {}) == ()


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ('(String/join "," xs)', "clojure.string/join"),
        ("(java.util.Base64/getMimeEncoder)", "getEncoder"),
        ("(java.time.Year/of x)", "LocalDate"),
        ("(.adjustInto x y)", "the function of the library"),
        ("(ChronoUnit/FOREVER)", "ChronoUnit"),
        ("(java.util.Locale/FRANCE)", "Locale/ENGLISH"),
        ("(java.util.ArrayList.)", "conj"),
        ("(new java.util.HashMap)", "assoc"),
        ("(.split x y)", "clojure.string/split"),
        ("(class x)", "string?"),
        ("(java.awt.Robot.)", "the function of the library"),
    ],
)
def test_who_writes_java_is_told_what_the_library_has_instead(text: str, instead: str) -> None:
    found = check(read_one(f"(fn [x y xs] {text})"), FUNCTION, HOST)
    problem = next(each for each in found if each.severity == "error")
    assert (problem.code, instead in (problem.hint or "")) == ("interop_forbidden", True)
