"""The middle spelling becomes the newest: same meaning, same bytes elsewhere, comments kept."""

from __future__ import annotations

import pytest

from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.migrate import migrate
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.errors import LangError

HEAD = """;; top
{:slug :demo
 :name   "Demo" ; odd spaces
 :concurrency {:type :singleton :on-new-version :drain}
"""
TAIL = """ :flow '(flow/input)} ; end
"""
DECLARED = ":invocations {:default {}} :interfaces {:manual [{:id :go :invocation :default}]} "
TRIGGERS = """ ;; how it starts
 :triggers [;; by hand
            {:type :manual :label "Go"
             :config {:fields [{:name :city :type :string}]}} ; the button
            {:type :schedule :enabled false
             ;; at night
             :config {:cron "0 3 * * *" :timezone "Europe/Oslo" :input {:city "x"}}}
            #_ {:type :manual}
            {:type :event :config {:source :webhook :event-name "order" :auth {:type :hmac}}}]
"""


def migrated(text: str, **more: str) -> str:
    return migrate(MemoryTexts({"demo.edn": text, **more}), "demo.edn").after


def test_triggers_become_three_fields_and_keep_their_comments() -> None:
    assert migrated(HEAD + TRIGGERS + TAIL) == (
        HEAD
        + """ ;; how it starts
 :invocations {:default {:label "Go" :inputs [{:name :city :type :string}]}}
 :interfaces {:manual [;; by hand
                       ; the button
                       {:id :manual :invocation :default :label "Go"}]
              :webhook [#_ {:type :manual}
                        {:id :order :invocation :default :event-name "order" :auth {:type :hmac}}]}
 :schedules [;; at night
             {:id :schedule :invocation :default :enabled false """
        + """:cron "0 3 * * *" :timezone "Europe/Oslo" :input {:city "x"}}]
"""
        + TAIL
    )


def test_the_meaning_stays() -> None:
    before = HEAD + TRIGGERS + TAIL
    old, new = (load(MemoryTexts({"demo.edn": text}), "demo") for text in (before, migrated(before)))
    assert new.invocations == old.invocations
    assert new.schedules == old.schedules
    ids = [(each.category, each.id, each.invocation, each.enabled, each.label) for each in new.interfaces]
    assert ids == [("manual", "manual", "default", True, "Go"), ("webhook", "order", "default", True, None)]


def test_a_file_may_have_another_name_than_the_flow() -> None:
    text = HEAD + " :triggers [{:type :manual}]\n" + TAIL
    after = migrate(MemoryTexts({"old.clj": text}), "old.clj").after
    assert after == migrated(text)
    assert ":interfaces" in after


def test_the_newest_spelling_is_left_alone() -> None:
    text = HEAD + " :invocations {:default {:inputs []}}\n" + TAIL
    assert migrated(text) == text
    again = migrated(HEAD + TRIGGERS + TAIL)
    assert migrated(again) == again


def test_what_is_declared_already_wins() -> None:
    declared = " :invocations {:default {}}\n :interfaces {:manual [{:id :go :invocation :default}]}\n"
    text = HEAD + declared + " :triggers [{:type :manual}]\n" + TAIL
    assert migrated(text) == HEAD + declared.rstrip("\n") + "\n" + TAIL


def test_an_empty_field_is_filled_in_its_place() -> None:
    text = HEAD + " :triggers [{:type :manual}]\n :interfaces {}\n" + TAIL
    assert migrated(text) == (
        HEAD
        + " :invocations {:default {:inputs []}}\n"
        + " :interfaces {:manual [{:id :manual :invocation :default}]}\n"
        + TAIL
    )


def test_two_triggers_of_a_kind_have_two_names() -> None:
    text = (
        HEAD
        + ' :triggers [{:type :schedule :config {:cron "1 1 * * *"}}\n'
        + '            {:type :schedule :config {:cron "2 2 * * *"}}]\n'
    )
    found = load(MemoryTexts({"demo.edn": migrated(text + TAIL)}), "demo").schedules
    assert [(each.id, each.cron) for each in found] == [
        ("schedule", "1 1 * * *"),
        ("schedule-2", "2 2 * * *"),
    ]


def test_an_include_inside_a_trigger_stays_an_include() -> None:
    text = HEAD + ' :triggers [{:type :manual :config {:fields #flow/include "f.edn"}}]\n' + TAIL
    after = migrated(text, **{"f.edn": "[{:name :a}]"})
    assert ':inputs #flow/include "f.edn"' in after


@pytest.mark.parametrize(
    "triggers",
    [
        ':triggers #flow/include "t.edn"',
        ':triggers [#flow/include "one.edn"]',
        ":triggers #?(:clj [{:type :manual}] :cljs [])",
        DECLARED + ":triggers [{:type :event :config {}}]",
    ],
)
def test_what_is_not_in_plain_sight_is_left_to_a_person(triggers: str) -> None:
    files = {"t.edn": "[{:type :manual}]", "one.edn": "{:type :manual}"}
    with pytest.raises(LangError) as refused:
        migrated(HEAD + f" {triggers}\n" + TAIL, **files)
    assert refused.value.code == "migrate.unclear"


def test_the_first_spelling_is_refused_with_the_way_on() -> None:
    with pytest.raises(LangError) as refused:
        migrated("{:slug :demo :concurrency-config {} :definition '(defflow [input] 1)}")
    assert refused.value.code == "gen0_refused"
    assert ":concurrency {" in (refused.value.hint or "")
