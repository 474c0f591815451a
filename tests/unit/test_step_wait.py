"""Waits and sleeps: what a config asks the runner for."""

from __future__ import annotations

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.steps.config import parse_config
from gitflow_runner.steps.sleep import sleep_ms
from gitflow_runner.steps.wait import SPEC, WaitRequest, wait_request
from tests.step_context import edn, text

HOUR = 3_600_000


def asked(config: str) -> WaitRequest:
    return wait_request(parse_config(SPEC, edn(config)), default_key="run-step")


def code(config: str) -> str:
    with pytest.raises(StepError) as caught:
        asked(config)
    return caught.value.code


def test_a_bare_wait_asks_for_an_approval_within_a_day() -> None:
    wait = asked("{}")
    assert (wait.kind, wait.key, wait.timeout_ms, wait.on_timeout) == (
        "approval",
        "run-step",
        24 * HOUR,
        "fail",
    )
    assert (wait.actions, wait.roles, wait.need, wait.human) == (("approve", "reject"), (), 1, False)
    assert (text(wait.payload), wait.edit, wait.exclude) == ("{}", {}, ())


def test_a_full_wait_is_kept_whole() -> None:
    wait = asked(
        '{:key :ship :title "Ship?" :timeout "2h" :payload {:v 7} :edit {:b.md "B" "a.md" "A"}'
        " :actions [:go :stop] :roles [:ops] :need 2 :exclude [:starter] :human true}"
    )
    assert (wait.key, wait.title, wait.timeout_ms, wait.need) == ("ship", "Ship?", 2 * HOUR, 2)
    assert (text(wait.payload), list(wait.edit.items())) == ("{:v 7}", [("a.md", "A"), ("b.md", "B")])
    assert (wait.actions, wait.roles, wait.exclude, wait.human) == (
        ("go", "stop"),
        ("ops",),
        ("starter",),
        True,
    )


def test_without_a_payload_people_see_title_and_notify_data() -> None:
    wait = asked('{:key "k" :title "Ship?" :notify {:template :t :data {:v 7}}}')
    assert text(wait.payload) == '{:title "Ship?", :data {:v 7}}'


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ("{:key :k}", "approval"),
        ('{:key :k :timeout "1h" :on-timeout :continue}', "approval"),
        ("{:key :k :notify {:channels {}}}", "approval"),
        ('{:key :k :webhook {:path "p"}}', "event"),
        ('{:key :k :event {:name "paid"}}', "event"),
        ("{:key :k :kind :event}", "event"),
        ("{:key :k :notify {} :webhook {}}", "event"),
        ("{:timeout 60 :on-timeout :continue}", "event"),
        ('{:title "Go on?" :timeout 60 :on-timeout :continue}', "approval"),
        ("{:roles [:ops] :timeout 60 :on-timeout :continue}", "approval"),
        ("{:need 2 :timeout 60 :on-timeout :continue}", "approval"),
    ],
)
def test_the_kind_follows_from_how_it_can_be_completed(config: str, kind: str) -> None:
    assert asked(config).kind == kind


def test_a_nameless_delay_continues_with_its_value() -> None:
    wait = asked('{:timeout "1m" :on-timeout :continue :default-value {:go true}}')
    assert (wait.kind, wait.key, wait.on_timeout, text(wait.default)) == (
        "event",
        "run-step",
        "continue",
        "{:go true}",
    )


def test_a_flat_key_path_is_an_events_key() -> None:
    wait = asked('{:key :k :event {:name "paid"} :event-key-path [:order :id]}')
    assert text(wait.event) == '{:name "paid", :key {:path [:order :id]}}'
    assert wait.actions == ()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ('{:timeout "31d"}', "wait.too_long"),
        ("{:timeout -1}", "config_type"),
        ('{:key "a b"}', "config_type"),
        ('{:key ""}', "config_type"),
        ("{:kind :approval :webhook {}}", "config_one_of"),
        ('{:event {:name "paid"}}', "missing_config_key"),
        ("{:on-timeout :approve}", "config_choice"),
        ("{:actions []}", "config_type"),
        ("{:actions [:a :a]}", "config_type"),
        ('{:actions ["Yes!"]}', "config_type"),
        ("{:need 0}", "config_type"),
        ("{:need 2 :approvals 2}", "config_one_of"),
        ('{:edit {"../a" "x"}}', "config_type"),
        ('{:edit {"form.edn" "x"}}', "config_type"),
        ("{:edit {:a 1}}", "config_type"),
        ("{:aproval true}", "unknown_config_key"),
    ],
)
def test_a_wrong_wait_is_told(config: str, expected: str) -> None:
    assert code(config) == expected


@pytest.mark.parametrize(
    ("config", "ms"),
    [
        ('{:duration "10m"}', 600_000),
        ("{:duration 3}", 3_000),
        ("{:seconds 0}", 0),
        ("{:millis 250}", 250),
        ('{:duration "7d"}', 7 * 24 * HOUR),
    ],
)
def test_a_sleep_has_its_length(config: str, ms: int) -> None:
    assert sleep_ms(edn(config)) == ms


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("{}", "config_one_of"),
        ("{:seconds 1 :millis 1}", "config_one_of"),
        ('{:duration "8d"}', "sleep.too_long"),
        ("{:millis 604800001}", "sleep.too_long"),
        ("{:seconds -1}", "config_type"),
        ('{:duration "soon"}', "config_type"),
        ("[]", "config_type"),
    ],
)
def test_a_wrong_sleep_is_told(config: str, expected: str) -> None:
    with pytest.raises(StepError) as caught:
        sleep_ms(edn(config))
    assert caught.value.code == expected


def test_several_roles_are_kept_each_once() -> None:
    assert asked("{:key :k :roles [:ops :legal :ops]}").roles == ("ops", "legal")
