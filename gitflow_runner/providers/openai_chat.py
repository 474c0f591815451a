"""OpenAI's Chat Completions, and every server that is compatible with them."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.providers.base import (
    Answered,
    Asked,
    Finish,
    Target,
    Tool,
    ToolCall,
    Turn,
    Usage,
    WireRequest,
    given,
    refuse_set,
)
from gitflow_runner.providers.reading import (
    arguments_of,
    arguments_text,
    as_map,
    count_at,
    cut,
    malformed,
    map_at,
    maps_at,
    provider_error,
    text_at,
)
from gitflow_runner.providers.strictness import is_strict

NAME = "openai-chat"
_FINISH: Mapping[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool-calls",
    "function_call": "tool-calls",
    "content_filter": "content-filter",
}
_NEW_LIMIT = ("openai", "azure-openai")  # they call it max_completion_tokens


class OpenAiChat:
    """`POST …/chat/completions`."""

    name = NAME

    def request(self, asked: Asked, target: Target) -> WireRequest:
        """The request; an Azure deployment stands in the path."""
        refuse_set(NAME, {"previous-response-id": asked.previous})
        mistral = target.backend == "mistral"
        limit = "max_completion_tokens" if target.backend in _NEW_LIMIT else "max_tokens"
        body = given(
            {
                "model": asked.model,
                "messages": [_message(turn) for turn in asked.turns],
                "temperature": asked.temperature,
                "top_p": asked.top_p,
                "stop": list(asked.stop) or None,
                limit: asked.max_tokens,
                "random_seed" if mistral else "seed": asked.seed,
                "presence_penalty": asked.presence_penalty,
                "frequency_penalty": asked.frequency_penalty,
                "reasoning_effort": asked.effort,
                "prompt_cache_key": asked.cache_key if target.backend in _NEW_LIMIT else None,
                "tools": [_tool(tool) for tool in asked.tools] or None,
                "response_format": _format(asked),
                "stream": True if asked.stream else None,
                "stream_options": {"include_usage": True} if asked.stream and not mistral else None,
            }
        )
        left_out = [] if target.backend in _NEW_LIMIT or asked.cache_key is None else ["prompt-cache-key"]
        left_out += ["cache-system?"] if asked.cache_system else []
        return WireRequest(*_place(target), {**body, **asked.extra}, (), _query(target), tuple(left_out))

    def answer(self, document: object) -> Answered:
        """The first choice."""
        whole = as_map(document, "the answer")
        choices = maps_at(whole, "choices")
        if not choices:
            raise malformed("there are no choices", document)
        message = map_at(choices[0], "message")
        calls = tuple(
            ToolCall(text_at(call, "id") or f"call-{index}", name, arguments_of(function.get("arguments")))
            for index, call in enumerate(maps_at(message, "tool_calls"))
            if (function := map_at(call, "function")) and (name := text_at(function, "name"))
        )
        refusal = text_at(message, "refusal")
        finish = _FINISH.get(text_at(choices[0], "finish_reason") or "", "stop")
        if calls and finish == "stop":
            finish = "tool-calls"  # some servers call a tool and say stop
        usage = map_at(whole, "usage")
        return Answered(
            Turn("assistant", _text(message.get("content")) or refusal or "", calls),
            "refusal" if refusal else finish,
            Usage(
                count_at(usage, "prompt_tokens"),
                count_at(usage, "completion_tokens"),
                count_at(usage, "prompt_tokens_details", "cached_tokens"),
                count_at(usage, "completion_tokens_details", "reasoning_tokens"),
            ),
            text_at(whole, "model"),
            text_at(whole, "id"),
        )

    def assembly(self) -> ChatAssembly:
        """A fresh one."""
        return ChatAssembly()


class ChatAssembly:
    """Puts the chunks' deltas together."""

    def __init__(self) -> None:
        self._head: dict[str, object] = {}
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._finish: str | None = None

    def feed(self, event: str, data: object) -> str:
        """One chunk; `[DONE]` never comes here."""
        chunk = as_map(data, "a chunk")
        if chunk.get("error"):
            raise provider_error(chunk)
        self._head.update({key: chunk[key] for key in ("id", "model", "usage") if chunk.get(key)})
        added = ""
        for choice in maps_at(chunk, "choices")[:1]:
            delta = map_at(choice, "delta")
            added = _text(delta.get("content")) or ""
            self._text.append(added)
            self._refusal.append(text_at(delta, "refusal") or "")
            for position, call in enumerate(maps_at(delta, "tool_calls")):
                self._call(call, position)
            self._finish = text_at(choice, "finish_reason") or self._finish
        return added

    def _call(self, delta: Mapping[str, object], position: int) -> None:
        index = delta.get("index")
        known = self._calls.setdefault(
            index if isinstance(index, int) else position, {"id": "", "name": "", "arguments": ""}
        )
        function = map_at(delta, "function")
        known["id"] = text_at(delta, "id") or known["id"]
        known["name"] = text_at(function, "name") or known["name"]
        known["arguments"] += text_at(function, "arguments") or ""

    def document(self) -> object:
        """The answer as `/chat/completions` gives it in one piece."""
        if self._finish is None:
            raise cut()
        message: dict[str, object] = {
            "content": "".join(self._text),
            "refusal": "".join(self._refusal) or None,
        }
        message["tool_calls"] = [
            {"id": call["id"] or None, "function": {"name": call["name"], "arguments": call["arguments"]}}
            for _, call in sorted(self._calls.items())
        ]
        return {**self._head, "choices": [{"message": message, "finish_reason": self._finish}]}


WIRE = OpenAiChat()


def _place(target: Target) -> tuple[str]:
    if target.backend == "azure-openai" and target.deployment is not None and target.api_version is not None:
        return (f"/openai/deployments/{target.deployment}/chat/completions",)
    return ("/openai/v1/chat/completions" if target.backend == "azure-openai" else "/chat/completions",)


def _query(target: Target) -> tuple[tuple[str, str], ...]:
    if target.backend != "azure-openai" or target.api_version is None:
        return ()
    return (("api-version", target.api_version),)


def _message(turn: Turn) -> dict[str, object]:
    match turn.role:
        case "tool":
            return {"role": "tool", "tool_call_id": turn.call_id, "content": turn.text}
        case "assistant" if turn.calls:
            calls = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": arguments_text(call)},
                }
                for call in turn.calls
            ]
            return {"role": "assistant", "content": turn.text or None, "tool_calls": calls}
        case _:
            return {"role": turn.role, "content": turn.text}


def _tool(tool: Tool) -> dict[str, object]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def _format(asked: Asked) -> dict[str, object] | None:
    if asked.schema is not None:
        schema = {"name": asked.schema_name, "schema": dict(asked.schema), "strict": is_strict(asked.schema)}
        return {"type": "json_schema", "json_schema": schema}
    return {"type": "json_object"} if asked.json else None


def _text(content: object) -> str | None:
    """A content that is a text, or the text parts of one that is a list."""
    if isinstance(content, list):
        return "".join(text_at(part, "text") or "" for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else None
