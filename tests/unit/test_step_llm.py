"""The `:llm` and `:agent` steps: what they ask, what they give back, and how they fail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.values import Value
from gitflow_runner.net.exchange import HttpResponse
from gitflow_runner.providers import scripted
from gitflow_runner.providers.prices import PriceTable
from gitflow_runner.schemas.jsontext import to_plain
from gitflow_runner.schemas.malli import json_schema
from gitflow_runner.schemas.registry import schema_check
from gitflow_runner.steps.agent import STEP as AGENT
from gitflow_runner.steps.base import HttpAuth, HttpConnection, Service
from gitflow_runner.steps.llm import STEP
from gitflow_runner.steps.memory import MemoryConnections
from gitflow_runner.steps.modelcall import joined
from tests.step_context import World, answer, at, edn, failure, run, text

CHAT = "https://models.example/v1/chat/completions"
BASE = ':base-url "https://models.example/v1" :prompt "hi"'
SHAPE = ":output {:schema [:map [:n :int]]}"


def sent(world: World, number: int = 0) -> Mapping[str, Any]:
    return json.loads(world.http.requests[number].body or b"{}")


def spoken(*lines: Mapping[str, object]) -> list[HttpResponse]:
    """What a compatible server answers, line by line."""
    answers = []
    for line in lines:
        said = scripted.answer(CHAT, {"model": "m", "stream": True}, [line])
        answers.append(HttpResponse(said.status, said.headers, said.body, CHAT))
    return answers


def test_the_price_of_a_call_comes_from_the_nearest_place_that_names_one() -> None:
    table = PriceTable({"m": {"input-per-million": 2, "output-per-million": 4, "currency": "EUR"}})
    for own, cost in (
        ("", '{:amount 0.000008M, :currency "EUR"}'),
        (":metering {:output-per-million 1}", '{:amount 0.000002M, :currency "EUR"}'),
    ):
        world = World({CHAT: spoken({"text": "Hello\nyou."})})
        result = run(STEP, f'{{{BASE} :model "m" {own}}}', world.context(prices=table))
        assert text(at(result, "cost")) == cost


def test_an_answer_is_one_map() -> None:
    world = World({CHAT: spoken({"text": "Hello\nyou."})})
    result = run(
        STEP,
        f'{{{BASE} :model "m" :metering {{:input-per-million 2 :output-per-million 4.5}}}}',
        world.context(),
    )
    assert text(result) == (
        '{:content "Hello\\nyou.", :finish-reason "stop", :usage {:input-tokens 0, :output-tokens 2, '
        ':total-tokens 2, :cached-tokens 0, :reasoning-tokens 0}, :model "m", :provider "openai-compatible", '
        ':response-id "chatcmpl-0", :cost {:amount 0.000009M, :currency "USD"}}'
    )
    request = world.http.requests[0]
    assert (request.method, request.follow_redirects) == ("POST", False)
    assert dict(request.headers)["Idempotency-Key"] == "ab" * 32
    assert world.log.lines == ["│ Hello", "│ you.", "openai-compatible m: stop, tokens 0 in, 2 out"]


@pytest.mark.parametrize(
    ("given", "messages"),
    [
        (':prompt "a" :system "s"', [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}]),
        (':input "a"', [{"role": "user", "content": "a"}]),
        (":input {:a 1}", [{"role": "user", "content": '{"a":1}'}]),
        (':input [{:role :user :content "a"}]', [{"role": "user", "content": "a"}]),
        (
            ':messages [{:role :developer :content "s"} "a"'
            ' {:role :assistant :content [{:type :text :text "b"} "c"]}]',
            [
                {"role": "system", "content": "s"},
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": "bc"},
            ],
        ),
        (
            ":template :ask :data {:id 7}",
            [{"role": "system", "content": "Be 7"}, {"role": "user", "content": "Is it 7?"}],
        ),
    ],
)
def test_a_conversation_is_written_in_several_ways(given: str, messages: object) -> None:
    world = World({CHAT: spoken({"text": "x"})})
    template = edn('{:system "Be {{id}}" :prompt "Is it {{id}}?"}')
    context = world.context(
        templates={"ask": template}, render=lambda text, data: text.replace("{{id}}", str(at(data, "id")))
    )
    run(STEP, f'{{:base-url "https://models.example/v1" {given}}}', context)
    assert sent(world)["messages"] == messages


def test_a_connection_gives_address_key_and_provider() -> None:
    url = "https://api.anthropic.com/v1/messages"
    said = scripted.answer(url, {"stream": False}, [{"text": "x"}])
    world = World({url: HttpResponse(200, said.headers, said.body, url)})
    origins = ("https://api.anthropic.com:443",)
    settings = {"provider": "anthropic", "model": "c-1", "output-per-million": 4, "currency": "EUR"}
    service = Service("ai", "llm-provider", settings, {"api-key": "sk-abcdef"}, origins)
    connections = MemoryConnections({"ai": HttpConnection(None)}, {"ai": service})
    result = run(STEP, '{:connection :ai :prompt "hi" :stream false}', world.context(connections=connections))
    request = world.http.requests[0]
    assert dict(request.headers)["x-api-key"] == "sk-abcdef"
    assert request.origins == origins
    assert (sent(world)["model"], at(result, "provider")) == ("c-1", "anthropic")
    assert text(at(result, "cost")) == '{:amount 0.000004M, :currency "EUR"}'


@pytest.mark.parametrize(
    ("rest", "line", "code"),
    [
        (SHAPE, {"text": "no"}, "llm.object"),
        (SHAPE, {"object": {"n": "x"}}, "llm.schema"),
        (SHAPE, {"object": {"n": 1}, "finish": "length"}, "llm.truncated"),
        (SHAPE, {"refusal": "No."}, "llm.refused"),
        (":response-format :json", {"text": "[1]"}, "llm.object"),
        ("", {"raw": "<html>", "media": "text/html"}, "llm.content_type"),
        ("", {"raw": "{", "media": "application/json"}, "llm.malformed"),
        ("", {"raw": "data: {\n\n", "media": "text/event-stream"}, "llm.malformed"),
        ("", {"text": "a b c d e f", "cut": True}, "llm.cut"),
    ],
)
def test_an_answer_that_is_none_is_coded(rest: str, line: Mapping[str, object], code: str) -> None:
    world = World({CHAT: spoken(line)})
    error = failure(STEP, f"{{{BASE} {rest}}}", world.context())
    assert error.code == code
    assert all(len(str(value)) < 2_000 for value in error.details.values())


@pytest.mark.parametrize(
    ("status", "retryable", "definite"),
    [(400, False, True), (401, False, True), (408, True, False), (409, True, True), (429, True, True),
     (500, True, False), (503, True, False), (529, True, False), (302, False, True)],
)  # fmt: skip
def test_a_status_says_whether_to_try_again(status: int, retryable: bool, definite: bool) -> None:
    body = b'{"error": {"type": "overloaded", "message": "too much"}}'
    world = World({CHAT: answer(status, body, "application/json", retry_after="7")})
    error = failure(STEP, f"{{{BASE}}}", world.context())
    assert (error.code, error.retryable, error.definite) == ("llm.status", retryable, definite)
    assert error.message == f"the provider answered {status}: overloaded too much"
    assert error.retry_after_ms == 7_000


def test_a_breach_may_be_mended_under_a_key_of_its_own() -> None:
    world = World({CHAT: spoken({"object": {"n": "x"}}, {"object": {"n": 3}})})
    result = run(STEP, f"{{{BASE} :output {{:schema [:map [:n :int]] :repair 1}}}}", world.context())
    assert text(at(result, "object")) == '{"n" 3}'
    assert at(result, "usage", "output-tokens") == 4
    keys = [dict(request.headers)["Idempotency-Key"] for request in world.http.requests]
    assert keys == ["ab" * 32, "ab" * 32 + "-repair-1"]
    assert "n: 'x' is not of type 'integer'" in sent(world, 1)["messages"][-1]["content"]


def test_a_mend_that_fails_is_the_breach() -> None:
    world = World({CHAT: spoken({"object": {"n": "x"}})})
    error = failure(STEP, f"{{{BASE} :output {{:schema [:map [:n :int]] :repair 2}}}}", world.context())
    assert (error.code, len(world.http.requests)) == ("llm.schema", 3)


@pytest.mark.parametrize("body", [b'{"error": "bad key sk-abcdef"}', b"sk-abcdef", b'{"x": "sk-abcdef"}'])
@pytest.mark.parametrize("status", [200, 401])
def test_an_error_shows_no_secret_that_the_provider_repeats(body: bytes, status: int) -> None:
    world = World({CHAT: answer(status, body, "application/json")})
    opened = HttpConnection("https://models.example/v1", headers=(("Authorization", "Bearer sk-abcdef"),))
    connections = MemoryConnections({"ai": opened}, {"ai": Service("ai", "http-api", {})})
    error = failure(STEP, '{:connection :ai :prompt "hi"}', world.context(connections=connections))
    assert "sk-abcdef" not in f"{error.message} {error.details}"
    assert "***" in f"{error.message} {error.details}"


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ('{:prompt "hi"}', "config_one_of"),
        ('{:provider :openai :prompt "hi"}', "missing_config_key"),
        ('{:provider :acme :prompt "hi"}', "llm.provider_unknown"),
        ('{:provider :bedrock :prompt "hi" :model "m"}', "llm.provider_unsupported"),
        ('{:provider :azure-openai :prompt "hi" :deployment "d"}', "config_one_of"),
        ('{:provider :mock :input [{:role :nobody :content "x"}]}', "config_choice"),
        ("{:provider :mock :input [{:role :user :content [{:type :image}]}]}", "llm.content"),
        ('{:provider :mock :input [{:role :tool :content "x"}]}', "missing_config_key"),
        ('{:provider :mock :prompt "x" :output {:schema [:nothing]}}', "schema.malformed"),
        ('{:provider :mock :prompt "x" :output {:schema [:map]} :json-schema [:map]}', "config_one_of"),
        ('{:provider :mock :prompt "x" :response-format :yaml}', "config_choice"),
        ('{:provider :mock :prompt "x" :tools {:steps [:a/b]}}', "llm.tools"),
        ('{:provider :mock :prompt "x" :tools [{:name "a"} {:name "a"}]}', "llm.tools"),
        ('{:provider :mock :prompt "x" :metering {:input-per-million -1}}', "config_type"),
    ],
)
def test_a_config_that_cannot_be_asked_is_refused(config: str, code: str) -> None:
    assert failure(STEP, config, World().context()).code == code


def test_calls_are_held_against_their_tools() -> None:
    tools = ':tools [{:name "look" :params [:map [:q :string]]}]'
    lines = {"tools": [
        {"tool": "look", "arguments": {"q": "a"}}, {"tool": "look", "arguments": {"q": 1}},
        {"tool": "look", "arguments": {"q": "a", "url": "https://evil.example"}},
        {"tool": "rm", "arguments": {}},
    ]}  # fmt: skip
    world = World({CHAT: spoken(lines)})
    result = run(STEP, f"{{{BASE} {tools}}}", world.context())
    problems = [at(call, "problem") for call in at(result, "tool-calls")]
    assert problems[0] is None
    assert "not of type 'string'" in problems[1]
    assert "'url' was unexpected" in problems[2]
    assert problems[3] == "there is no tool 'rm'"
    assert at(result, "message", "role") == "assistant"


def test_an_agent_is_told_its_objective_and_inputs() -> None:
    world = World({CHAT: spoken({"text": "x"})})
    given = ':objective "Sum up" :instructions "Be brief" :inputs {:a 1 :b "t"}'
    config = f'{{:base-url "https://models.example/v1" {given}}}'
    run(AGENT, config, world.context())
    assert sent(world)["messages"] == [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "Objective: Sum up\n\nInputs:\na: 1\nb: t"},
    ]


def test_an_agents_template_sees_what_it_is_given() -> None:
    world = World({CHAT: spoken({"text": "x"})})
    seen: list[Value] = []

    def render(template: str, data: Value) -> str:
        seen.append(data)
        return template

    context = world.context(templates={"t": edn('{:prompt "{{objective}}"}')}, render=render)
    config = (
        '{:base-url "https://models.example/v1" :objective "o" :inputs {:a 1} :template :t :data {:id 7}}'
    )
    run(AGENT, config, context)
    assert write(seen[0]) == (
        '{:objective "o", :instructions "", :inputs {:a 1}, :input-summary "a: 1", :tool-summary "", :id 7}'
    )


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("https://a.b/v1", "/chat/completions", "https://a.b/v1/chat/completions"),
        ("https://a.b", "/v1/messages", "https://a.b/v1/messages"),
        ("https://a.b/v1/", "/v1/messages", "https://a.b/v1/messages"),
        ("https://a.b/openai/v1", "/openai/v1/responses", "https://a.b/openai/v1/responses"),
    ],
)
def test_a_path_is_joined_to_an_address_that_may_hold_its_beginning(base: str, path: str, url: str) -> None:
    assert joined(base, path) == url


@pytest.mark.parametrize(
    ("malli", "good", "bad"),
    [
        ("[:map [:n :int]]", {"n": 1}, {}),
        ("[:map {:closed true} [:n {:optional true} :int]]", {}, {"m": 1}),
        ("[:vector {:min 1} [:enum \"a\" \"b\"]]", ["a"], ["c"]),
        ("[:tuple :string :int]", ["a", 1], ["a"]),
        ("[:maybe :string]", None, 1),
        ("[:or :int :boolean]", True, "x"),
        ("[:and :int [:> 3]]", 4, 3),
        ("[:map-of :string :int]", {"a": 1}, {"a": "b"}),
        ("[:re \"^a+$\"]", "aa", "b"),
        ("[:string {:max 2}]", "ab", "abc"),
        ("[:set :int]", [1, 2], [1, 1]),
        ("pos-int?", 1, 0),
        ("[:= 3]", 3, 4),
        ("{:type \"object\" :required [\"a\"]}", {"a": 1}, {}),
    ],
)  # fmt: skip
def test_a_malli_shape_is_a_json_schema(malli: str, good: object, bad: object) -> None:
    check = schema_check(json_schema(edn(malli), to_plain))
    assert check.problems(good) == ()
    assert len(check.problems(bad)) == 1


@pytest.mark.parametrize("malli", ["[:map [:a]]", "[:what 1]", "7", "[]", "[:vector]", "[1 2]"])
def test_what_is_no_shape_is_refused(malli: str) -> None:
    with pytest.raises(StepError) as caught:
        json_schema(edn(malli), to_plain)
    assert caught.value.code == "schema.malformed"


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema"},
        {"$ref": "#"},
        {"type": "nope"},
        {"patternProperties": {"(a+)+$": {}}},
        {"properties": {"a": {"pattern": "(?=x)"}}},
    ],
)
def test_a_schema_is_never_fetched_nor_backtracks(schema: Mapping[str, object]) -> None:
    with pytest.raises(StepError) as caught:
        schema_check(schema).problems({"a": "x"})
    assert caught.value.code == "schema.malformed"


def test_a_token_that_the_connection_asks_for_is_fetched_and_sent() -> None:
    tokens = "https://login.example/token"
    granted = HttpResponse(
        200,
        (("Content-Type", "application/json"),),
        b'{"access_token":"fetched-token-1","token_type":"Bearer","expires_in":3600}',
        tokens,
    )
    world = World({tokens: [granted], CHAT: spoken({"text": "Hello"})})
    auth = HttpAuth("oauth", {"token-url": tokens, "client-id": "us"}, {"client-secret": "not for the model"})
    origins = ("https://models.example:443", "https://login.example:443")
    connections = MemoryConnections(
        {"models": HttpConnection("https://models.example/v1", origins=origins, auth=auth)},
        services={"models": Service("models", "http-api", {}, {"secret": "not for the model"}, origins)},
    )
    config = '{:connection :models :model "m" :prompt "hi"}'
    assert text(at(run(STEP, config, world.context(connections=connections)), "content")) == '"Hello"'
    asked, question = world.http.requests
    assert asked.url == tokens
    assert dict(question.headers)["Authorization"] == "Bearer fetched-token-1"
    assert "not for the model" not in str(question.headers)
