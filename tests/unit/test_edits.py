"""Changes to a flow's text: one step's config, and fixes that change nothing that the flow does."""

from __future__ import annotations

import pytest

from gitflow_runner.catalog.edits import edited_files, fixes, set_step_config
from gitflow_runner.catalog.lint.rule import Subject
from gitflow_runner.catalog.linter import lint
from gitflow_runner.catalog.loader import read_closure
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.engine.names import HOST_NAMES
from gitflow_runner.errors import NotFoundError

FLOW = """;; kept
{:slug :demo
 :name "Demo"
 :concurrency {:type :singleton :on-new-version :drain}
 :flow '(let [x   (flow/input)] ; odd   spaces
          (flow/step :http :fetch {:url "https://a.test"}))}
"""


def fixed(text: str, **more: str) -> dict[str, str]:
    texts = MemoryTexts({"demo.edn": text, **more})
    found = lint(texts, "demo", {}, HOST_NAMES)
    expanded = read_closure(texts, "demo")
    return dict(edited_files(expanded, fixes(Subject("demo", expanded, {}, HOST_NAMES), found)))


def test_a_config_key_of_one_step_is_changed() -> None:
    expanded = read_closure(MemoryTexts({"demo.edn": FLOW}), "demo")
    edit = set_step_config(expanded.form, "fetch", "url", '"https://b.test"')
    assert edited_files(expanded, [edit]) == {"demo.edn": FLOW.replace("a.test", "b.test")}
    more = set_step_config(expanded.form, "fetch", "timeout", "5")
    assert edited_files(expanded, [more]) == {"demo.edn": FLOW.replace('a.test"}', 'a.test" :timeout 5}')}


def test_a_step_that_is_not_there_is_told() -> None:
    expanded = read_closure(MemoryTexts({"demo.edn": FLOW}), "demo")
    with pytest.raises(NotFoundError) as refused:
        set_step_config(expanded.form, "nobody", "url", "1")
    assert refused.value.code == "step.unknown"


def test_an_unused_name_is_set_aside() -> None:
    assert fixed(FLOW) == {"demo.edn": FLOW.replace("[x ", "[_x ")}


def test_a_missing_quote_is_put_before_the_body() -> None:
    text = FLOW.replace("'(let [x", "(let [_x")
    assert fixed(text) == {"demo.edn": text.replace("(let", "'(let")}


def test_inside_a_code_string_too() -> None:
    text = FLOW.replace("[x ", "[_x ").replace(
        " :flow", ' :functions [{:id :f :language :clojure :code "(fn [\\\\u0061 y]\\n (str y))"}]\n :flow'
    )
    text = text.replace("\\\\u0061", "unused")
    assert fixed(text) == {"demo.edn": text.replace("[unused y]", "[_unused y]")}


@pytest.mark.parametrize("binding", ["{:keys [x]}", "{x :k}"])
def test_a_name_that_a_key_gives_is_left_alone(binding: str) -> None:
    assert fixed(FLOW.replace("[x ", f"[{binding} ")) == {}


def test_a_name_is_not_changed_into_one_that_is_taken() -> None:
    text = FLOW.replace("[x ", "[_x 1 x ").replace('"https://a.test"', "_x")
    assert fixed(text) == {}


def test_what_an_include_holds_is_mended_in_its_own_file() -> None:
    text = FLOW.replace("'(let [x   (flow/input)]", "'(let [_x   (flow/input)]").replace(
        " :flow", ' :functions [#flow/include "f.edn" #flow/include "g.edn"]\n :flow'
    )
    one = "{:id :f :language :clojure :code '(fn [z] 1)}"
    two = one.replace(":f", ":g").replace("[z]", "[_z]")
    assert fixed(text, **{"f.edn": one, "g.edn": two}) == {"f.edn": one.replace("[z]", "[_z]")}
