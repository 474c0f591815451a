"""What changed between two flows, told as steps, functions and requirements."""

from __future__ import annotations

import pytest

from gitflow_runner.catalog.diff import Change, Edit, diff_flows, diff_sources
from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.model.flow import Flow

BASE = """{:slug :ship
 :name "Ship"
 :concurrency {:type :singleton :on-new-version :coexist}
 :requires [{:slot :shop :type :http-api :base-url "https://shop.test"}]
 :invocations {:default {:inputs [{:name :order :type :string}]}}
 :interfaces {:manual [{:id :start :invocation :default :label "Start"}]}
 :functions [{:id :total :language :clojure :code '(fn [input] (:n input))}]
 :flow '(let [input (flow/input)
              got (flow/step :http :fetch {:url "https://shop.test/a" :timeout "60s"})]
          (if (:ok got)
            (flow/step :function :sum {:ref :total :input got})
            nil))}
"""


def flow(text: str = BASE, **includes: str) -> Flow:
    files = {"ship.edn": text} | {f"{name}.edn": body for name, body in includes.items()}
    return load(MemoryTexts({path: body.encode() for path, body in files.items()}), "ship")


def changes(*swaps: tuple[str, str]) -> tuple[Change, ...]:
    text = BASE
    for old, new in swaps:
        assert old in text, old
        text = text.replace(old, new)
    return diff_flows(flow(), flow(text))


def test_the_same_flow_written_otherwise_has_no_changes() -> None:
    assert changes(("\n          (if", " (if"), (":timeout", ";; how long\n :timeout")) == ()


def test_a_setting_of_a_step_is_named_with_both_values() -> None:
    assert changes(('"60s"', '"120s"')) == (
        Change("changed", "step", "fetch", (Edit("timeout", '"60s"', '"120s"'),)),
    )


def test_an_added_and_a_removed_step_and_where_they_stood() -> None:
    found = changes(("            nil))", "            (flow/step :notify :tell {:channels []})))"))
    assert [(c.kind, c.part, c.name) for c in found] == [("added", "step", "tell"), ("changed", "body", "")]
    assert found[0].edits == (Edit("type", None, ":notify"), Edit("channels", None, "[]"))
    gone = changes(("(flow/step :function :sum {:ref :total :input got})", "got"))
    assert [(c.kind, c.part, c.name) for c in gone] == [("removed", "step", "sum"), ("changed", "body", "")]


def test_another_order_or_condition_is_a_change_of_the_body_alone() -> None:
    found = changes(("(if (:ok got)", "(if (:done got)"))
    assert [(c.kind, c.part, c.name) for c in found] == [("changed", "body", "")]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("(:n input))}", "(inc (:n input)))}", ("changed", "function", "total")),
        ("[{:slot :shop", "[{:slot :bot :type :http-api} {:slot :shop", ("added", "requirement", "bot")),
        (
            "{:name :order :type :string}",
            "{:name :order :type :number}",
            ("changed", "invocation", "default"),
        ),
        (':label "Start"', ':label "Go"', ("changed", "manual interface", "start")),
        (":type :singleton", ":type :singleton :key-path nil", ("changed", "flow", "")),
        ('"Ship"', '"Ships"', ("changed", "flow", "")),
    ],
)
def test_every_other_part_has_its_word(old: str, new: str, told: tuple[str, str, str]) -> None:
    (found,) = changes((old, new))
    assert (found.kind, found.part, found.name) == told


def test_a_step_that_occurs_twice_is_two_steps() -> None:
    found = changes(
        ("            nil))", '            (flow/step :http :fetch {:url "https://shop.test/b"})))')
    )
    assert [(c.kind, c.part, c.name) for c in found] == [
        ("added", "step", "fetch #2"),
        ("changed", "body", ""),
    ]


def test_sources_are_compared_file_by_file() -> None:
    lines = diff_sources(flow(), flow(BASE.replace('"60s"', '"120s"')), ("v1", "draft"))
    assert lines[:2] == ("--- v1/ship.edn", "+++ draft/ship.edn")
    assert [line for line in lines[2:] if line[0] in "+-"] == [
        '-              got (flow/step :http :fetch {:url "https://shop.test/a" :timeout "60s"})]',
        '+              got (flow/step :http :fetch {:url "https://shop.test/a" :timeout "120s"})]',
    ]
    assert diff_sources(flow(), flow(), ("v1", "draft")) == ()
