"""Triggers on pushes: what a flow guards in either dialect, and the run that one move of a ref wants."""

from __future__ import annotations

import pytest

from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.migrate import migrate
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.git.objects import ZERO, Oid
from gitflow_runner.model.flow import Flow, PushTrigger
from gitflow_runner.triggers.git import Move, gates_of, guards, request

HEAD = ':slug :demo :name "Demo" :concurrency {:type :singleton :on-new-version :coexist}'
OLD, NEW = Oid("1" * 40), Oid("2" * 40)


def flow(fields: str) -> Flow:
    return load(MemoryTexts({"demo.edn": f"{{{HEAD} {fields} :flow '(flow/input)}}"}), "demo")


NEWER = """:invocations {:default {:inputs []} :other {:inputs []}}
 :interfaces {:git [{:id :a :invocation :other :on :push
                     :refs ["refs/heads/main" "refs/heads/r/*"] :gate true}
                    {:id :b :invocation :default :on :push :refs ["refs/heads/x"] :gate true :enabled false}
                    {:id :c :invocation :default :on :push :refs ["refs/heads/y"]}]}"""
OLDER = """:triggers [{:type :git :on :push :refs ["refs/heads/main"] :gate true}
                      {:type :git :id :side :on :push :refs ["refs/heads/x"] :gate true}]"""


def test_both_dialects_say_what_is_guarded() -> None:
    assert gates_of(flow(NEWER)) == (
        PushTrigger("a", "other", ("refs/heads/main", "refs/heads/r/*"), True, True),
    )
    assert [(gate.id, gate.invocation, gate.refs) for gate in gates_of(flow(OLDER))] == [
        ("git", "default", ("refs/heads/main",)),
        ("side", "default", ("refs/heads/x",)),
    ]


def test_the_older_spelling_is_rewritten_with_the_same_meaning() -> None:
    texts = MemoryTexts({"demo.edn": f"{{{HEAD}\n {OLDER}\n :flow '(flow/input)}}"})
    text = migrate(texts, "demo.edn").after
    assert ":triggers" not in text
    again = load(MemoryTexts({"demo.edn": text}), "demo")
    assert gates_of(again) == gates_of(flow(OLDER))


@pytest.mark.parametrize(
    ("pattern", "ref", "fits"),
    [
        ("refs/heads/main", "refs/heads/main", True),
        ("refs/heads/main", "refs/heads/main2", False),
        ("refs/heads/*", "refs/heads/a/b", True),
        ("refs/heads/r?", "refs/heads/r1", True),
        ("refs/heads/a.b", "refs/heads/aXb", False),
    ],
)
def test_patterns_are_about_whole_names(pattern: str, ref: str, fits: bool) -> None:
    assert guards(PushTrigger("a", "default", (pattern,), True), ref) is fits


def test_a_new_ref_is_told_by_zeros() -> None:
    assert Move("refs/heads/x", None, NEW).given == {"ref": "refs/heads/x", "old": ZERO, "new": NEW}


def test_one_ask_is_one_delivery_and_one_move_one_matter() -> None:
    move, moved = Move("refs/heads/x", OLD, NEW), Move("refs/heads/x", NEW, NEW)
    first = request("guard", "a", move, "refs/for/x/1")
    assert request("guard", "a", moved, "refs/for/x/1").delivery == first.delivery
    assert request("guard", "a", move, "refs/for/x/2").delivery != first.delivery
    assert request("guard", "a", move, "refs/for/x/2").about == first.about
    assert request("guard", "a", moved, "refs/for/x/1").about != first.about
