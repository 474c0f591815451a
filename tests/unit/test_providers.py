"""The four wire formats: what is sent, what is read back, streamed and whole, on providers' own documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.providers import scripted
from gitflow_runner.providers.anthropic import WIRE as ANTHROPIC
from gitflow_runner.providers.base import Answered, Asked, Target, Tool, ToolCall, Turn, Usage, Wire
from gitflow_runner.providers.gemini import WIRE as GEMINI
from gitflow_runner.providers.openai_chat import WIRE as CHAT
from gitflow_runner.providers.openai_responses import WIRE as RESPONSES
from gitflow_runner.providers.registry import backend, guess, wire_for
from gitflow_runner.providers.sse import EventReader
from gitflow_runner.providers.strictness import closed, is_strict

WIRES = (CHAT, RESPONSES, ANTHROPIC, GEMINI)
every_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
LOOK = Tool("look", "Looks", {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]})
USER = (Turn("system", "Be brief."), Turn("user", "Hello there"))


def asked(**changes: Any) -> Asked:
    return Asked(**{"model": "m-1", "turns": USER, **changes})


def body(wire: Wire, call: Asked, backend_name: str = "openai") -> Mapping[str, Any]:
    return json.loads(json.dumps(wire.request(call, Target(backend_name)).body))


def said(wire: Wire, call: Asked, *lines: Mapping[str, object]) -> Answered:
    """What the scripted model answers, read back through the format."""
    request = wire.request(call, Target("openai-compatible"))
    answer = scripted.answer(request.path, json.loads(json.dumps(request.body)), lines)
    if ("Content-Type", "text/event-stream") not in answer.headers:
        return wire.answer(json.loads(answer.body))
    assembly, reader = wire.assembly(), EventReader()
    for start in range(0, len(answer.body), 3):  # pieces that keep to no boundary
        for name, data in reader.feed(answer.body[start : start + 3]):
            if data != "[DONE]":
                assembly.feed(name, json.loads(data))
    for name, data in reader.finish():
        assembly.feed(name, json.loads(data))
    return wire.answer(assembly.document())


@every_wire
@pytest.mark.parametrize("stream", [True, False])
def test_a_text_comes_back_the_same_in_every_format(wire: Wire, stream: bool) -> None:
    found = said(wire, asked(stream=stream), {"text": "Grüß Gott, wie geht's?"})
    assert (found.turn.text, found.finish, found.model) == ("Grüß Gott, wie geht's?", "stop", found.model)
    assert found.usage == Usage(input=2, output=4)
    assert found.id is not None


@every_wire
@pytest.mark.parametrize("stream", [True, False])
def test_tool_calls_come_back_the_same_in_every_format(wire: Wire, stream: bool) -> None:
    lines = {"text": "Looking.", "tools": [{"tool": "look", "arguments": {"q": "ä"}}, {"tool": "look"}]}
    found = said(wire, asked(stream=stream, tools=(LOOK,)), lines)
    assert (found.turn.text, found.finish) == ("Looking.", "tool-calls")
    assert [(call.name, call.arguments) for call in found.turn.calls] == [("look", {"q": "ä"}), ("look", {})]
    assert len({call.id for call in found.turn.calls}) == 2


@every_wire
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("line", "finish"), [({"text": "a", "finish": "length"}, "length"), ({"refusal": "No."}, "refusal")]
)
def test_every_format_says_why_it_ended(
    wire: Wire, stream: bool, line: Mapping[str, object], finish: str
) -> None:
    found = said(wire, asked(stream=stream), line)
    wanted = "content-filter" if wire is GEMINI and finish == "refusal" else finish
    assert found.finish == wanted
    assert found.turn.text


@every_wire
def test_a_conversation_with_tools_goes_on_in_every_format(wire: Wire) -> None:
    first = said(wire, asked(tools=(LOOK,)), {"tool": "look", "arguments": {"q": "a"}})
    call = first.turn.calls[0]
    more = (first.turn, Turn("tool", '{"hits":3}', call_id=call.id, name="look"))
    again = asked(turns=(*USER, *more), tools=(LOOK,))
    lines = ({"text": "unused"}, {"text": "three"})
    assert said(wire, again, *lines).turn.text == "three"
    assert '{\\"hits\\":3}' in json.dumps(body(wire, again))
    # The same from a transcript that another format wrote.
    foreign = (
        Turn("assistant", "", (ToolCall("c1", "look", {"q": "a"}),), native=[{}], native_format="x"),
        more[1],
    )
    assert said(wire, asked(turns=(*USER, *foreign), tools=(LOOK,)), *lines).turn.text == "three"


@every_wire
def test_a_stream_without_its_end_is_cut(wire: Wire) -> None:
    with pytest.raises(StepError) as caught:
        said(wire, asked(), {"text": "some words that go on", "cut": True})
    assert (caught.value.code, caught.value.retryable, caught.value.definite) == ("llm.cut", True, False)


@every_wire
@pytest.mark.parametrize("document", [[], "x", None, {}, {"choices": []}, {"output": 1}])
def test_another_shape_is_malformed(wire: Wire, document: object) -> None:
    with pytest.raises(StepError) as caught:
        wire.answer(document)
    assert caught.value.code == "llm.malformed"


@pytest.mark.parametrize(
    ("wire", "event", "data"),
    [
        (CHAT, "", {"error": {"message": "no room", "type": "overloaded"}}),
        (RESPONSES, "error", {"type": "error", "code": "overloaded", "message": "no room"}),
        (
            RESPONSES,
            "",
            {"type": "response.failed", "response": {"error": {"code": "x", "message": "no room"}}},
        ),
        (ANTHROPIC, "error", {"type": "error", "error": {"type": "overloaded_error", "message": "no room"}}),
        (GEMINI, "", {"error": {"code": 503, "status": "UNAVAILABLE", "message": "no room"}}),
    ],
)
def test_an_error_within_a_stream_is_the_providers(wire: Wire, event: str, data: object) -> None:
    with pytest.raises(StepError) as caught:
        wire.assembly().feed(event, data)
    assert caught.value.code == "llm.provider"
    assert "no room" in caught.value.message


def test_the_settings_of_chat() -> None:
    call = asked(
        temperature=0.5, top_p=0.9, stop=("END",), max_tokens=7, seed=3, presence_penalty=0.1,
        frequency_penalty=0.2, effort="low", schema=SCHEMA, tools=(LOOK,), extra={"user": "u"},
    )  # fmt: skip
    assert body(CHAT, call, "groq") == {
        "model": "m-1",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello there"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["END"],
        "max_tokens": 7,
        "seed": 3,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "reasoning_effort": "low",
        "tools": [
            {
                "type": "function",
                "function": {"name": "look", "description": "Looks", "parameters": LOOK.parameters},
            }
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": SCHEMA, "strict": False},
        },
        "stream": True,
        "stream_options": {"include_usage": True},
        "user": "u",
    }
    assert body(CHAT, asked(max_tokens=7), "openai")["max_completion_tokens"] == 7
    mistral = body(CHAT, asked(seed=3), "mistral")
    assert (mistral["random_seed"], "stream_options" in mistral) == (3, False)


def test_the_settings_of_responses() -> None:
    call = asked(
        model="gpt-5.1", max_tokens=7, effort="low", schema=SCHEMA, tools=(LOOK,), cache_key="k", stream=False
    )
    assert body(RESPONSES, call) == {
        "model": "gpt-5.1",
        "instructions": "Be brief.",
        "input": [{"role": "user", "content": "Hello there"}],
        "max_output_tokens": 7,
        "reasoning": {"effort": "low"},
        "prompt_cache_key": "k",
        "tools": [
            {
                "type": "function",
                "name": "look",
                "description": "Looks",
                "parameters": LOOK.parameters,
                "strict": False,
            }
        ],
        "text": {"format": {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": False}},
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    following = body(RESPONSES, asked(previous="resp_1", stream=False))
    assert (following["previous_response_id"], "store" in following) == ("resp_1", False)


def test_the_settings_of_anthropic() -> None:
    call = asked(stop=("END",), effort="low", schema=SCHEMA, tools=(LOOK,), cache_system=True, seed=1)
    request = ANTHROPIC.request(call, Target("anthropic"))
    assert request.headers == (("anthropic-version", "2023-06-01"),)
    assert request.left_out == ("seed",)
    assert request.body == {
        "model": "m-1",
        "max_tokens": 4_096,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": "Hello there"}],
        "stop_sequences": ["END"],
        "tools": [{"name": "look", "description": "Looks", "input_schema": LOOK.parameters}],
        "output_config": {
            "format": {"type": "json_schema", "schema": {**SCHEMA, "additionalProperties": False}},
            "effort": "low",
        },
        "stream": True,
    }


def test_the_settings_of_gemini() -> None:
    call = asked(model="gemini-3-pro", stop=("END",), effort="low", schema=SCHEMA, tools=(LOOK,), seed=1)
    request = GEMINI.request(call, Target("google-ai"))
    assert (request.path, request.query) == (
        "/models/gemini-3-pro:streamGenerateContent",
        (("alt", "sse"),),
    )
    assert request.body == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": "Hello there"}]}],
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "look", "description": "Looks", "parametersJsonSchema": LOOK.parameters}
                ]
            }
        ],
        "generationConfig": {
            "stopSequences": ["END"],
            "seed": 1,
            "responseMimeType": "application/json",
            "responseJsonSchema": SCHEMA,
            "thinkingConfig": {"thinkingLevel": "low"},
        },
    }
    older = body(GEMINI, asked(model="gemini-2.5-flash", effort="low"))
    assert older["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 1_024}


@pytest.mark.parametrize(
    ("wire", "changes", "key"),
    [
        (RESPONSES, {"stop": ("x",)}, "stop"),
        (RESPONSES, {"seed": 1}, "seed"),
        (CHAT, {"previous": "r"}, "previous-response-id"),
        (ANTHROPIC, {"presence_penalty": 1.0}, "presence-penalty"),
        (GEMINI, {"previous": "r"}, "previous-response-id"),
    ],
)
def test_what_a_format_cannot_say_is_refused(wire: Wire, changes: Mapping[str, Any], key: str) -> None:
    with pytest.raises(StepError) as caught:
        wire.request(asked(**changes), Target("openai"))
    assert (caught.value.code, f":{key}" in caught.value.message) == ("llm.unsupported", True)


def test_reasoning_goes_back_word_for_word() -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "sig"}
    use = {"type": "tool_use", "id": "t", "name": "look", "input": {"q": "a"}}
    found = ANTHROPIC.answer({"content": [thinking, use], "stop_reason": "tool_use", "usage": {}})
    assert body(ANTHROPIC, asked(turns=(*USER, found.turn)))["messages"][1]["content"] == [thinking, use]
    reasoning = {"type": "reasoning", "id": "r", "encrypted_content": "xyz", "summary": []}
    bare = {"type": "reasoning", "id": "r2", "summary": []}
    call = {"type": "function_call", "id": "f", "call_id": "c", "name": "look", "arguments": "{}"}
    answer = RESPONSES.answer({"status": "completed", "output": [reasoning, bare, call]})
    assert body(RESPONSES, asked(turns=(*USER, answer.turn)))["input"][1:] == [reasoning, call]
    part = {"functionCall": {"name": "look", "args": {"q": "a"}}, "thoughtSignature": "sig"}
    told = GEMINI.answer({"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]})
    assert body(GEMINI, asked(turns=(*USER, told.turn)))["contents"][1] == {"role": "model", "parts": [part]}


def test_anthropics_thinking_is_put_together_from_its_stream() -> None:
    assembly = ANTHROPIC.assembly()
    for event in (
        {
            "type": "message_start",
            "message": {"id": "m", "usage": {"input_tokens": 5, "cache_read_input_tokens": 4}},
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ):
        assembly.feed("", event)
    found = ANTHROPIC.answer(assembly.document())
    assert found.turn.native == [{"type": "thinking", "thinking": "hm", "signature": "s"}]
    assert found.usage == Usage(input=9, output=3, cached=4)


def test_arguments_that_are_no_object_are_kept_as_a_text() -> None:
    function = {"name": "look", "arguments": '{"q": '}
    found = CHAT.answer({"choices": [{"message": {"tool_calls": [{"id": "c", "function": function}]}}]})
    assert found.turn.calls == (ToolCall("c", "look", '{"q": '),)


def test_usage_tells_what_was_cached_and_reasoned() -> None:
    chat = {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    assert CHAT.answer({"choices": [{"message": {}}], "usage": chat}).usage == Usage(9, 5, 4, 2)
    gemini = {"promptTokenCount": 9, "candidatesTokenCount": 3, "thoughtsTokenCount": 2}
    assert GEMINI.answer({"candidates": [{}], "usageMetadata": gemini}).usage == Usage(9, 5, 0, 2)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://api.anthropic.com", "anthropic"),
        ("https://team.openai.azure.com", "azure-openai"),
        ("https://generativelanguage.googleapis.com/v1beta", "google-ai"),
        ("https://europe-west4-aiplatform.googleapis.com/v1/projects/p", "google"),
        ("http://localhost:11434/v1", "ollama"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://models.corp.example/v1", "openai-compatible"),
        ("https://api.openai.com.evil.example/v1", "openai-compatible"),
        ("http://[", "openai-compatible"),
    ],
)
def test_a_provider_is_guessed_from_its_address(url: str, name: str) -> None:
    assert guess(url) == name


def test_openai_is_asked_in_the_format_that_can_say_it() -> None:
    target = Target("openai")
    assert wire_for("openai", asked(), target) is RESPONSES
    assert wire_for("openai", asked(seed=1), target) is CHAT
    assert wire_for("openai", asked(previous="r"), target) is RESPONSES
    dated = Target("azure-openai", "dep", "2024-10-21")
    assert wire_for("azure-openai", asked(), dated) is CHAT
    request = CHAT.request(asked(), dated)
    assert (request.path, request.query) == (
        "/openai/deployments/dep/chat/completions",
        (("api-version", "2024-10-21"),),
    )
    assert wire_for("azure-openai", asked(), Target("azure-openai")) is RESPONSES


@pytest.mark.parametrize(
    ("name", "code"), [("bedrock", "llm.provider_unsupported"), ("acme", "llm.provider_unknown")]
)
def test_a_provider_that_is_not_spoken_to_is_refused(name: str, code: str) -> None:
    with pytest.raises(StepError) as caught:
        backend(name)
    assert caught.value.code == code
    assert caught.value.hint


def test_events_are_read_whatever_their_line_ends_and_pieces() -> None:
    text = b"event: a\r\ndata: 1\r\n\r\n: comment\ndata: x\ndata: y\n\nid: 3\n\rdata: last"
    for size in range(1, 9):
        reader = EventReader()
        found = [e for s in range(0, len(text), size) for e in reader.feed(text[s : s + size])]
        assert [*found, *reader.finish()] == [("a", "1"), ("", "x\ny"), ("", "last")], size


def test_an_endless_event_is_refused() -> None:
    for piece in (b"data: " + b"x" * 100, b"data: 123456789\n" * 10):
        with pytest.raises(StepError) as caught:
            list(EventReader(limit=50).feed(piece))
        assert caught.value.code == "llm.too_large"


def test_a_schema_is_strict_only_if_every_object_is_closed_and_whole() -> None:
    assert is_strict({**SCHEMA, "additionalProperties": False})
    assert not is_strict(SCHEMA)
    assert not is_strict({"type": "array", "items": SCHEMA})
    nested = {"type": "object", "properties": {"a": SCHEMA}, "required": ["a"]}
    assert is_strict(closed(nested))
    assert closed({"type": "object", "additionalProperties": True})["additionalProperties"] is True
