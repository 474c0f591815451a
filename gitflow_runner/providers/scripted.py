"""A model without a model: speaks all four formats, streamed or not, and says what a script tells it.

It answers flows offline (`:provider :mock`) and stands behind the servers of tests. Without a script it
calls each offered tool once, fills a wanted schema with the least that fits, and else repeats what it
was asked. It keeps nothing: which line of a script is next follows from the conversation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitflow_runner.providers.reading import list_at, map_at, maps_at, text_at
from gitflow_runner.providers.speaking import Line, spoken

MODEL = "mock-1"


@dataclass(frozen=True, slots=True)
class Said:
    """One HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """What a request in any of the formats comes to."""

    format: str
    answers: int  # of the model's own turns so far
    last: str
    tools: tuple[tuple[str, Mapping[str, object]], ...]
    called: frozenset[str]
    schema: Mapping[str, object] | None
    stream: bool


def answer_offline(url: str, body: bytes) -> Said:
    """The answer to one request; the script, if there is one, stands in the request as `script`."""
    request = json.loads(body)
    script = maps_at(request, "script")
    return answer(url, request, script)


def answer(url: str, request: Mapping[str, object], script: Sequence[Mapping[str, object]] = ()) -> Said:
    """The answer by the script's next line: `{text | object | tool, arguments | tools | refusal | status}`.

    `finish: length` cuts it, `status` and `retry-after` refuse it, `raw` with `media` is sent as it is.
    """
    heard = hear(url, request)
    line = script[min(heard.answers, len(script) - 1)] if script else _by_itself(heard)
    status = line.get("status")
    if isinstance(status, int):
        error = {"type": "mock_error", "message": text_at(line, "message") or "as the script says"}
        wait = line.get("retry-after")
        headers = (("Retry-After", str(wait)),) if wait is not None else ()
        return _json(status, {"error": error}, headers)
    raw = text_at(line, "raw")
    if raw is not None:
        return Said(200, (("Content-Type", text_at(line, "media") or "application/json"),), raw.encode())
    said = Line(
        _text(line),
        tuple(_calls(line, heard.answers)),
        text_at(line, "finish"),
        text_at(line, "refusal"),
        text_at(request, "model") or MODEL,
        heard.answers,
        len(heard.last.split()),
    )
    whole, events = spoken(heard.format, said)
    if not heard.stream:
        return _json(200, whole)
    if line.get("cut") is True:
        events = events[: len(events) // 2]
    lines = [(f"event: {name}\n" if name else "") + f"data: {json.dumps(data)}\n\n" for name, data in events]
    if heard.format == "openai-chat" and line.get("cut") is not True:
        lines.append("data: [DONE]\n\n")
    return Said(200, (("Content-Type", "text/event-stream"),), "".join(lines).encode())


def hear(url: str, request: Mapping[str, object]) -> Heard:
    """Read a request in the format that its address stands for."""
    path = url.partition("?")[0]
    if path.endswith("/responses"):
        return _responses(request)
    if path.endswith("/messages"):
        return _messages(request)
    if ":" in path.rpartition("/")[2]:
        return _gemini(path, request)
    return _chat(request)


def _chat(request: Mapping[str, object]) -> Heard:
    messages = maps_at(request, "messages")
    own = [m for m in messages if m.get("role") == "assistant"]
    calls = [map_at(call, "function") for m in own for call in maps_at(m, "tool_calls")]
    format_ = map_at(request, "response_format")
    schema = map_at(map_at(format_, "json_schema"), "schema")
    return Heard(
        "openai-chat",
        len(own),
        _last([text_at(m, "content") for m in messages if m.get("role") == "user"]),
        _tools([map_at(tool, "function") for tool in maps_at(request, "tools")], "parameters"),
        _names(calls),
        schema or ({} if format_ else None),
        request.get("stream") is True,
    )


def _responses(request: Mapping[str, object]) -> Heard:
    items = maps_at(request, "input")
    calls = [item for item in items if item.get("type") == "function_call"]
    # One answer may be several items; what stands between two of the other side's is one.
    own = [
        item.get("role") == "assistant" or item.get("type") in ("message", "function_call") for item in items
    ]
    turns = sum(1 for index, mine in enumerate(own) if mine and not (index and own[index - 1]))
    format_ = map_at(map_at(request, "text"), "format")
    return Heard(
        "openai-responses",
        turns,
        _last([text_at(item, "content") for item in items if item.get("role") == "user"]),
        _tools(maps_at(request, "tools"), "parameters"),
        _names(calls),
        map_at(format_, "schema") or ({} if format_ else None),
        request.get("stream") is True,
    )


def _messages(request: Mapping[str, object]) -> Heard:
    messages = maps_at(request, "messages")
    own = [m for m in messages if m.get("role") == "assistant"]
    calls = [b for m in own for b in maps_at(m, "content") if b.get("type") == "tool_use"]
    format_ = map_at(map_at(request, "output_config"), "format")
    return Heard(
        "anthropic",
        len(own),
        _last([text_at(m, "content") for m in messages if m.get("role") == "user"]),
        _tools(maps_at(request, "tools"), "input_schema"),
        _names(calls),
        map_at(format_, "schema") or None,
        request.get("stream") is True,
    )


def _gemini(path: str, request: Mapping[str, object]) -> Heard:
    contents = maps_at(request, "contents")
    own = [c for c in contents if c.get("role") == "model"]
    calls = [map_at(p, "functionCall") for c in own for p in maps_at(c, "parts")]
    asked = [text_at(p, "text") for c in contents if c.get("role") == "user" for p in maps_at(c, "parts")]
    declared = [d for tool in maps_at(request, "tools") for d in maps_at(tool, "functionDeclarations")]
    config = map_at(request, "generationConfig")
    as_json = config.get("responseMimeType") == "application/json"
    return Heard(
        "gemini",
        len(own),
        _last(asked),
        _tools(declared, "parametersJsonSchema"),
        _names(calls),
        map_at(config, "responseJsonSchema") or ({} if as_json else None),
        path.endswith(":streamGenerateContent"),
    )


def _last(texts: Sequence[str | None]) -> str:
    return next((text for text in reversed(texts) if text), "")


def _tools(tools: Sequence[Mapping[str, object]], key: str) -> tuple[tuple[str, Mapping[str, object]], ...]:
    return tuple((name, map_at(tool, key)) for tool in tools if (name := text_at(tool, "name")))


def _names(calls: Sequence[Mapping[str, object]]) -> frozenset[str]:
    return frozenset(name for call in calls if (name := text_at(call, "name")))


def _by_itself(heard: Heard) -> Mapping[str, object]:
    for name, schema in heard.tools:
        if name not in heard.called:
            return {"tool": name, "arguments": example(schema)}
    if heard.schema is not None:
        return {"object": example(heard.schema)}
    return {"text": f"mock answer to: {heard.last}"}


def _text(line: Mapping[str, object]) -> str:
    if "object" in line:
        return json.dumps(line["object"], ensure_ascii=False)
    return text_at(line, "text") or ""


def _calls(line: Mapping[str, object], turn: int) -> list[tuple[str, str, Mapping[str, object]]]:
    calls = maps_at(line, "tools")
    if text_at(line, "tool") is not None:
        calls = [{"tool": line["tool"], "arguments": line.get("arguments") or {}}, *calls]
    return [
        (f"call_{turn}_{index}", text_at(call, "tool") or "", map_at(call, "arguments"))
        for index, call in enumerate(calls)
    ]


def _json(status: int, document: object, headers: tuple[tuple[str, str], ...] = ()) -> Said:
    return Said(status, (("Content-Type", "application/json"), *headers), json.dumps(document).encode())


def example(schema: object, depth: int = 0) -> object:
    """The least value that fits a simple schema."""
    if not isinstance(schema, dict) or depth > 16:
        return None
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("enum", "anyOf", "oneOf"):
        options = list_at(schema, key)
        if options:
            return options[0] if key == "enum" else example(options[0], depth + 1)
    kind = schema.get("type")
    low = schema.get("minimum")
    match kind[0] if isinstance(kind, list) and kind else kind:
        case "object":
            required = list_at(schema, "required")
            named = map_at(schema, "properties")
            return {str(name): example(named.get(str(name)), depth + 1) for name in required}
        case "array":
            first = [example(each, depth + 1) for each in list_at(schema, "prefixItems")]
            least = schema.get("minItems")
            while isinstance(least, int) and len(first) < min(least, 16):
                first.append(example(schema.get("items"), depth + 1))
            return first
        case "string":
            least = schema.get("minLength")
            return "mock".ljust(least if isinstance(least, int) else 0, ".")
        case "integer" | "number":
            return low if isinstance(low, int | float) else 0
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return {}
