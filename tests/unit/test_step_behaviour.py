"""What every step can be told besides its own settings: what to expect, and what is worth another try."""

from __future__ import annotations

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.steps.config import parse_config, retry_policy
from gitflow_runner.steps.expect import check_expected, require_expectation
from gitflow_runner.steps.http import SPEC
from tests.step_context import edn


@pytest.mark.parametrize(
    ("expected", "result"),
    [
        (":map", "{}"),
        (":vector", "[1]"),
        (":some", "false"),
        (":non-empty", '"x"'),
        (":non-empty", "{:a 1}"),
        (":number", "1.5"),
        (":boolean", "false"),
        ("{:status 200 :body {:id :string}}", '{:status 200 :body {:id "7" :more 1}}'),
    ],
)
def test_a_result_that_is_as_expected_passes(expected: str, result: str) -> None:
    require_expectation(edn(expected))
    check_expected(edn(expected), edn(result), definite=False)


@pytest.mark.parametrize(
    ("expected", "result", "at"),
    [
        (":map", "[]", ""),
        (":some", "nil", ""),
        (":non-empty", '""', ""),
        (":non-empty", "[]", ""),
        (":number", "true", ""),
        ("{:status 200}", "{:status 201}", ":status"),
        ("{:status 1}", "{:status true}", ":status"),
        ("{:body {:id :string}}", "{:body {:id 7}}", ":body :id"),
        ("{:body {:id :string}}", "{:body nil}", ":body"),
    ],
)
def test_a_result_that_is_not_as_expected_fails_where_it_differs(expected: str, result: str, at: str) -> None:
    with pytest.raises(StepError) as caught:
        check_expected(edn(expected), edn(result), definite=False)
    assert (caught.value.code, caught.value.details["at"]) == ("step.unexpected", at)


@pytest.mark.parametrize("expected", [":mapp", "7", '"map"', "[:map]", "{:a " * 30 + ":map" + "}" * 30])
def test_an_expectation_that_is_none_is_refused_before_the_step(expected: str) -> None:
    with pytest.raises(StepError) as caught:
        require_expectation(edn(expected))
    assert caught.value.code == "config_type"


@pytest.mark.parametrize(
    ("retry_on", "code", "status", "retryable", "again"),
    [
        (None, "http.status", 503, True, True),
        (None, "http.status", 404, False, False),
        ("[404]", "http.status", 404, False, True),
        ("[404]", "http.status", 503, True, False),
        ("[:http.timeout]", "http.timeout", None, True, True),
        ("[:http]", "http.body", None, False, True),
        ('["step.unexpected"]', "step.unexpected", None, False, True),
        ("[:step.cancelled]", "step.cancelled", None, True, False),
    ],
)
def test_what_is_worth_another_try_can_be_named(
    retry_on: str | None, code: str, status: int | None, retryable: bool, again: bool
) -> None:
    named = "" if retry_on is None else f" :retry-on {retry_on}"
    policy = retry_policy({"retry": edn(f"{{:max-attempts 2{named}}}")})
    assert policy.another(1, code, status, retryable=retryable) is again
    assert policy.another(2, code, status, retryable=retryable) is False


@pytest.mark.parametrize("retry_on", ["[]", ":http", "[nil]", "[1.5]", "{:a 1}"])
def test_what_names_no_error_is_refused(retry_on: str) -> None:
    with pytest.raises(StepError) as caught:
        retry_policy({"retry": edn(f"{{:retry-on {retry_on}}}")})
    assert caught.value.code == "config_type"


def test_a_wrong_config_is_told_with_what_would_have_been_right() -> None:
    with pytest.raises(StepError) as caught:
        parse_config(SPEC, edn('{:url "https://a.example" :methd :get}'))
    assert caught.value.code == "unknown_config_key"
    assert "did you mean :method?" in caught.value.message
    assert SPEC.example in caught.value.message
