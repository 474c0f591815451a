"""A config against its spec: what is found, and what passes."""

from __future__ import annotations

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.lang.values import keyword
from gitflow_runner.model.retry import RetryPolicy
from gitflow_runner.model.spec import Field, Spec
from gitflow_runner.steps.config import (
    DYNAMIC,
    config_problems,
    parse_config,
    plain_config,
    retry_policy,
    timeout_ms,
)
from tests.step_context import edn

SPEC = Spec(
    type="demo",
    summary="Shows.",
    effect="pure",
    fields=(
        Field("text", "string", "a text", required=True),
        Field("count", "integer", "a number"),
        Field("share", "number", "a number"),
        Field("open", "boolean", "yes or no"),
        Field("mode", "name", "how", choices=("fast", "slow")),
        Field("tag", "keyword", "a keyword"),
        Field("after", "duration", "a length"),
        Field("opts", "map", "a map"),
        Field("items", "vector", "several"),
        Field("link", "url", "where"),
        Field("value", "any", "anything", required=True),
        Field("left", "any", "one"),
        Field("right", "any", "other"),
    ),
    example="{}",
    one_of=(("left", "right"),),
)
GOOD = '{:text "a" :value nil :left 1 %s}'


def codes(config: str) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.key) for problem in config_problems(SPEC, plain_config(edn(config)))]


@pytest.mark.parametrize(
    "more",
    [
        "",
        ":count 3",
        ":count -3 :share 1/2",
        ":share 1.5M :open false",
        ":mode :fast",
        ':mode "slow"',
        ":tag :a/b",
        ':after "10m"',
        ":after 10",
        ":opts {}",
        ":items (1 2)",
        ":items #{1}",
        ':link "https://a.example"',
        ":count nil :mode nil",
        ':title "t" :timeout 5 :retry {:max-attempts 2}',
    ],
)
def test_a_good_config_has_no_problem(more: str) -> None:
    assert codes(GOOD % more) == []


@pytest.mark.parametrize(
    ("more", "code", "key"),
    [
        (":cuont 3", "unknown_config_key", "cuont"),
        (':count "3"', "config_type", "count"),
        (":count true", "config_type", "count"),
        (":count 1.0", "config_type", "count"),
        (":share true", "config_type", "share"),
        (":open 1", "config_type", "open"),
        (":mode :slower", "config_choice", "mode"),
        (":mode 1", "config_type", "mode"),
        (':tag "a"', "config_type", "tag"),
        (':after "10 weeks"', "config_type", "after"),
        (":after -1", "config_type", "after"),
        (":opts []", "config_type", "opts"),
        (":items {}", "config_type", "items"),
        (':link "file:///a"', "config_type", "link"),
        (":right 2", "config_one_of", "right"),
        (":retry {:max-attempts 0}", "config_type", "retry"),
        (":retry {:attempts 1}", "unknown_config_key", "retry"),
        (":retry {:backoff {:type :random}}", "config_choice", "retry"),
        (":retry 3", "config_type", "retry"),
        (":on-error :ignore", "config_choice", "on-error"),
    ],
)
def test_a_problem_has_its_code_and_key(more: str, code: str, key: str) -> None:
    assert codes(GOOD % more) == [(code, key)]


def test_missing_keys_are_told_each() -> None:
    assert codes("{}") == [
        ("missing_config_key", "text"),
        ("missing_config_key", "value"),
        ("config_one_of", None),
    ]


def test_what_a_template_may_supply_is_not_missed() -> None:
    assert codes("{:template :t}") == []


def test_a_value_that_is_known_only_at_run_time_fits_every_type() -> None:
    config = dict.fromkeys(("text", "count", "mode", "value", "left", "type", "retry"), DYNAMIC)
    assert config_problems(SPEC, config) == ()


def test_an_unknown_key_names_its_neighbours() -> None:
    problem = config_problems(SPEC, plain_config(edn(GOOD % ":cuont 3")))[0]
    assert problem.hint == "did you mean :count?"


def test_parsing_raises_the_first_problem() -> None:
    with pytest.raises(StepError) as caught:
        parse_config(SPEC, edn("{:text 1 :value 2 :left 3}"))
    assert (caught.value.code, caught.value.definite) == ("config_type", True)


@pytest.mark.parametrize("value", ["[]", "nil", "{1 2}"])
def test_a_config_is_a_map_with_names_as_keys(value: str) -> None:
    with pytest.raises(StepError) as caught:
        parse_config(SPEC, edn(value))
    assert caught.value.code == "config_type"


@pytest.mark.parametrize(
    ("retry", "policy"),
    [
        ("nil", RetryPolicy()),
        ("{:max-attempts 3}", RetryPolicy(max_attempts=3)),
        ("{:max-attempts 3 :backoff-ms 50}", RetryPolicy(max_attempts=3, backoff_ms=50)),
        (
            '{:max-attempts 5 :backoff {:type :exponential :factor 3 :max "1m"}}',
            RetryPolicy(max_attempts=5, factor=3.0, max_ms=60_000),
        ),
        (
            '{:max-attempts 5 :backoff {:type :linear :step "2s"}}',
            RetryPolicy(max_attempts=5, growth="linear", step_ms=2_000),
        ),
        ("{:backoff {:type :constant}}", RetryPolicy(growth="constant")),
    ],
)
def test_a_retry_map_becomes_a_policy(retry: str, policy: RetryPolicy) -> None:
    assert retry_policy({"retry": edn(retry)}) == policy


@pytest.mark.parametrize(("timeout", "ms"), [("5", 5_000), ('"500ms"', 500), ('"2h"', 7_200_000), ("0", 1)])
def test_a_timeout_is_seconds_or_a_text(timeout: str, ms: int) -> None:
    assert timeout_ms({"timeout": edn(timeout)}) == ms


def test_a_timeout_has_a_default() -> None:
    assert timeout_ms({}, 7) == 7


def test_string_keys_count_as_names() -> None:
    assert plain_config(edn('{"text" 1 :b 2}')) == {"text": 1, "b": 2}
    assert keyword("text").name == "text"
