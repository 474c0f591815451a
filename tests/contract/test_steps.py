"""What every step type keeps to, whoever wrote it."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest

import gitflow_runner.steps
from gitflow_runner.errors import StepError
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.values import keyword
from gitflow_runner.model.spec import COMMON_FIELDS
from gitflow_runner.net.recorded import RecordedHttp
from gitflow_runner.steps.base import HttpConnection, Service, Step
from gitflow_runner.steps.config import config_problems, parse_config, plain_config
from gitflow_runner.steps.memory import MemoryConnections
from gitflow_runner.steps.registry import SHARED, Steps, built_in
from tests.step_context import Echo, World, answer, edn, failure, run

ALL = [Steps().get(name) for name in built_in()]
SECRET = "s3cret-canary"

every_step = pytest.mark.parametrize("step", ALL, ids=lambda step: step.spec.type)

SERVICE = Service("api", "http-api", {}, origins=("https://api.example:443",))
MODEL = "https://api.example/chat/completions"

# A config that reaches the outside, and the settings of one that carries a secret.
REACHING = {
    "http": '{:connection :api :path "x" :method :post :json {:a 1}}',
    "kv": '{:operation :set :key "k" :value 1}',
    "llm": '{:connection :api :provider :openai-compatible :prompt "x"}',
    "agent": '{:connection :api :provider :openai-compatible :objective "x"}',
    "notify": '{:channels {:http {:connection :api :path "x" :json {}}} :data {:a 1}}',
}


def every(effects: set[str]) -> list[Step]:
    return [step for step in ALL if effect_of_example(step) in effects]


def effect_of_example(step: Step) -> str:
    return step.spec.effect_of(plain_config(edn(step.spec.example)))


@every_step
def test_a_step_says_what_it_is(step: Step) -> None:
    assert step.spec.summary.endswith(".")
    assert all(field.summary for field in step.spec.fields)
    assert effect_of_example(step) in ("pure", "read", "keyed", "unsafe", "suspend")


@every_step
def test_a_step_names_no_key_twice(step: Step) -> None:
    own = [field.name for field in step.spec.fields]
    assert len(set(own)) == len(own)
    assert set(own).isdisjoint({field.name for field in COMMON_FIELDS} - {"key", "unsafe"})
    assert {name for group in step.spec.one_of for name in group} <= {
        *own,
        *(field.name for field in COMMON_FIELDS),
    }


@every_step
def test_a_steps_example_passes_its_own_check(step: Step) -> None:
    assert config_problems(step.spec, plain_config(edn(step.spec.example))) == ()


@every_step
def test_an_unknown_key_is_refused(step: Step) -> None:
    config = edn(step.spec.example).assoc(keyword("no-such-key"), 1)
    assert [problem.code for problem in config_problems(step.spec, plain_config(config))] == [
        "unknown_config_key"
    ]


@every_step
def test_the_type_may_be_repeated_but_not_changed(step: Step) -> None:
    same = edn(step.spec.example).assoc(keyword("type"), keyword(step.spec.type))
    other = same.assoc(keyword("type"), keyword("other"))
    assert config_problems(step.spec, plain_config(same)) == ()
    assert [problem.code for problem in config_problems(step.spec, plain_config(other))] == ["config_choice"]


@every_step
def test_a_step_that_suspends_runs_nothing_and_every_other_one_runs(step: Step) -> None:
    world = World({"https://api.example.com/items": answer(200, b"{}", "application/json")})
    context = world.context(functions=Echo(), render=lambda text, data: text)
    example = step.spec.example.replace('"flow/hello/v1"', '"v1"')
    if effect_of_example(step) == "suspend":
        assert failure(step, example, context).code == "step.suspends"
    else:
        result = run(step, example, context)
        assert read_data(write(result), loose=True) == result


@pytest.mark.parametrize("step", every({"pure", "keyed"}), ids=lambda step: step.spec.type)
def test_a_pure_or_keyed_step_gives_the_same_again_with_the_same_key(step: Step) -> None:
    world = World({"https://api.example.com/items": answer(200, b'{"a":1}', "application/json")})
    context = world.context(functions=Echo(), render=lambda text, data: text)
    first = run(step, step.spec.example, context)
    assert write(run(step, step.spec.example, context)) == write(first)


@pytest.mark.parametrize("step", every({"keyed", "unsafe"}), ids=lambda step: step.spec.type)
def test_a_cancelled_step_has_no_effect(step: Step) -> None:
    world = World({"https://api.example/x": answer()})
    world.cancel.ask()
    connections = MemoryConnections({"api": HttpConnection("https://api.example")}, {"api": SERVICE})
    context = world.context(connections=connections, render=lambda text, data: text)
    error = failure(step, REACHING[step.spec.type], context)
    assert (error.code, error.definite) == ("step.cancelled", True)
    assert (world.http.requests, world.kv.get("k")) == ([], None)


@pytest.mark.parametrize("name", ["http", "notify", "llm", "agent"])
@pytest.mark.parametrize("status", [200, 500])
def test_a_secret_goes_into_the_request_and_nowhere_else(name: str, status: int) -> None:
    connections = MemoryConnections(
        {
            "api": HttpConnection(
                "https://api.example",
                headers=(("Authorization", SECRET),),
                query=(("token", SECRET),),
                origins=("https://api.example:443",),
            )
        },
        {"api": SERVICE},
    )
    told_back = answer(
        status, f"no, {SECRET}".encode() if name in ("llm", "agent") else b"no", set_cookie=SECRET
    )
    world = World({"https://api.example/x": told_back, MODEL: told_back})
    context = world.context(connections=connections, render=lambda text, data: text)
    step = Steps().get(name)
    config = parse_config(step.spec, edn(REACHING[name]))
    told: object
    try:
        told = write(step.run(config, context))
    except StepError as error:
        told = (str(error), [write(value) for value in error.details.values()])
    request = world.http.requests[0]
    assert dict(request.headers)["Authorization"] == SECRET
    assert request.url.endswith(f"token={SECRET}")
    assert request.origins == ("https://api.example:443",)
    assert SECRET not in f"{told} {world.log.lines}"


def test_every_module_is_a_step_type_or_declared_as_shared() -> None:
    names = {module.name for module in pkgutil.iter_modules(gitflow_runner.steps.__path__)}
    assert names >= SHARED
    for name in names:
        step = getattr(import_module(f"gitflow_runner.steps.{name}"), "STEP", None)
        assert (step is None) == (name in SHARED)
        assert step is None or step.spec.type == name


def test_the_recorded_http_port_is_one() -> None:
    world = World({"https://a.example/": answer(204)})
    assert isinstance(world.http, RecordedHttp)
    assert world.context().http is world.http
