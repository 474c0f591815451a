"""Whatever a flow file holds: lint answers, load answers or refuses with a code, and both agree."""

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitflow_runner.catalog.includes import expand
from gitflow_runner.catalog.linter import lint
from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.errors import GitflowError
from gitflow_runner.lang.forms import value_of
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.program import HostFn
from gitflow_runner.lang.reader import read_one
from gitflow_runner.model.flow import Flow
from gitflow_runner.model.spec import Field, Spec

WHOLE = """
{:slug :demo :name "Demo" :description nil
 :concurrency {:type :keyed :on-new-version :drain :key-field [:event :id]}
 :requires [{:slot :api :type :http-api} {:kind :form :collect :run :fields [{:key :city :field-type :text}]}]
 :invocations {:default {:inputs [{:name :city :type :string :options ["a" 1]}]}}
 :interfaces {:manual [{:id :start :invocation :default}] :mcp [{:tool-name "t" :invocation :default}]}
 :schedules [{:id :nightly :cron "0 3 * * *" :timezone "UTC" :input {:event {:id 1}}}]
 :triggers [{:type :manual} {:type :event :config {:event-name "e" :fields [{:name :x}]}}]
 :templates [{:id :ask :type :llm-prompt :prompt "hi"}]
 :functions [{:id :total :code (quote (fn [input] (range)))} {:id :text :code "(fn [x] x)"}]
 :steps [{:id :tools/get :type :http :defaults {:url "u"}}]
 :agents [{:id :review/critic :tools {:steps [:tools/get]}}]
 :flow (quote (let [input (flow/input)]
                (flow/step :function :sum {:ref :total :input input})
                (flow/step :http "get" {:connection :api :template :ask :timeout "5m"})
                (loop [n 0] (if (< n 3) (recur (inc n)) (flow/step :tools/get {})))))}
"""
TOKENS = re.findall(r'"[^"]*"|[()\[\]{}]|[^\s()\[\]{}"]+', WHOLE)
HTTP = Spec("http", "Sends", "keyed", (Field("url", "url", "where"), Field("timeout", "duration", "t")), "{}")
SPECS = {"http": HTTP}
HOST = {name: HostFn(name, 0) for name in ("flow/input", "flow/step")}

replacements = st.sampled_from(
    ["nil", "[]", "{}", "#{}", "()", ":x", '"x"', "7", "x", "1.5M", "\\a", "'y", "{:id :a}", "[nil]", "[7]"]
)
edits = st.lists(
    st.tuples(
        st.integers(0, len(TOKENS) - 1), st.sampled_from(["drop", "twice", "swap", "put"]), replacements
    ),
    min_size=1,
    max_size=4,
)


def edited(changes: list[tuple[int, str, str]]) -> str:
    tokens = list(TOKENS)
    for at, kind, instead in changes:
        if at >= len(tokens):
            continue
        match kind:
            case "drop":
                del tokens[at]
            case "twice":
                tokens.insert(at, tokens[at])
            case "swap":
                tokens[at - 1], tokens[at] = tokens[at], tokens[at - 1]
            case _:
                tokens[at] = instead
    return " ".join(tokens)


def loaded(texts: MemoryTexts) -> Flow | str:
    try:
        return load(texts, "demo")
    except GitflowError as error:
        return error.code


def test_the_text_that_is_edited_is_a_flow() -> None:
    assert isinstance(loaded(MemoryTexts({"demo.edn": WHOLE})), Flow)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edits)
def test_load_and_lint_agree_on_every_edit(changes: list[tuple[int, str, str]]) -> None:
    texts = MemoryTexts({"demo.edn": edited(changes)})
    found = lint(texts, "demo", SPECS, HOST)
    outcome = loaded(texts)
    if isinstance(outcome, Flow):
        assert outcome.slug == "demo"
    else:
        assert outcome in {each.code for each in found if each.is_error}
    assert all(each.line is not None for each in found)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=30))
def test_any_tokens_are_answered(tokens: list[str]) -> None:
    texts = MemoryTexts({"demo.edn": " ".join(tokens)})
    assert isinstance(lint(texts, "demo", SPECS, HOST), tuple)
    assert loaded(texts) is not None


values = st.recursive(
    st.sampled_from(["1", ":a", '"s"', "nil", "x", "2.5", "\\c", "#{1 2}"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{' '.join(items)}]"),
        st.lists(inner, max_size=4).map(lambda items: f"({' '.join(items)})"),
        inner.map(lambda item: f"{{:k {item}}}"),
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(values, max_size=4), st.lists(values, max_size=4))
def test_an_include_in_a_vector_reads_as_if_its_text_stood_there(
    outside: list[str], inside: list[str]
) -> None:
    before, within = " ".join(outside), "\n".join(inside)
    texts = MemoryTexts({"a.edn": f'[{before} #flow/include "b.clj" :end]', "b.clj": within})
    spliced = value_of(read_one(f"[{before} {within} :end]"))
    assert write(value_of(expand(texts, "a.edn").form)) == write(spliced)
