"""OpenAI's Responses."""

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

NAME = "openai-responses"
_KEPT = ("message", "function_call")  # and reasoning that can be read back
_REASONING_MODELS = ("o1", "o3", "o4", "gpt-5", "codex")


class OpenAiResponses:
    """`POST …/responses`; nothing is left with the provider unless the flow says `:store`."""

    name = NAME

    def request(self, asked: Asked, target: Target) -> WireRequest:
        """The request; a conversation is sent whole, or follows `previous`."""
        unheard = {
            "stop": asked.stop,
            "seed": asked.seed,
            "presence-penalty": asked.presence_penalty,
            "frequency-penalty": asked.frequency_penalty,
        }
        refuse_set(NAME, unheard)
        system = "\n\n".join(turn.text for turn in asked.turns if turn.role == "system")
        body = given(
            {
                "model": asked.model,
                "instructions": system or None,
                "input": [item for turn in asked.turns if turn.role != "system" for item in _items(turn)],
                "temperature": asked.temperature,
                "top_p": asked.top_p,
                "max_output_tokens": asked.max_tokens,
                "reasoning": {"effort": asked.effort} if asked.effort is not None else None,
                "prompt_cache_key": asked.cache_key,
                "previous_response_id": asked.previous,
                "tools": [_tool(tool) for tool in asked.tools] or None,
                "text": _format(asked),
                # Whoever follows an answer by its id has it stored; a conversation sent whole needs that not.
                "store": None if asked.previous is not None else False,
                "include": ["reasoning.encrypted_content"] if asked.tools and _reasons(asked) else None,
                "stream": True if asked.stream else None,
            }
        )
        path = "/openai/v1/responses" if target.backend == "azure-openai" else "/responses"
        query = (("api-version", target.api_version),) if target.api_version is not None else ()
        left_out = ("cache-system?",) if asked.cache_system else ()
        return WireRequest(path, {**body, **asked.extra}, (), query, left_out)

    def answer(self, document: object) -> Answered:
        """The output items as one turn."""
        whole = as_map(document, "the answer")
        if text_at(whole, "status") == "failed" or whole.get("error"):
            raise provider_error(whole)
        if not isinstance(whole.get("output"), list):
            raise malformed("there is no output", document)
        output = maps_at(whole, "output")
        parts = [
            part for item in output if item.get("type") == "message" for part in maps_at(item, "content")
        ]
        text = "".join(text_at(part, "text") or "" for part in parts if part.get("type") == "output_text")
        refusal = "".join(text_at(part, "refusal") or "" for part in parts if part.get("type") == "refusal")
        calls = tuple(
            ToolCall(
                text_at(item, "call_id") or text_at(item, "id") or f"call-{index}",
                name,
                arguments_of(item.get("arguments")),
            )
            for index, item in enumerate(output)
            if item.get("type") == "function_call" and (name := text_at(item, "name"))
        )
        usage = map_at(whole, "usage")
        kept = [item for item in output if item.get("type") in _KEPT or item.get("encrypted_content")]
        return Answered(
            Turn("assistant", text or refusal, calls, native=kept, native_format=NAME),
            _finish(whole, bool(calls), bool(refusal)),
            Usage(
                count_at(usage, "input_tokens"),
                count_at(usage, "output_tokens"),
                count_at(usage, "input_tokens_details", "cached_tokens"),
                count_at(usage, "output_tokens_details", "reasoning_tokens"),
            ),
            text_at(whole, "model"),
            text_at(whole, "id"),
        )

    def assembly(self) -> ResponsesAssembly:
        """A fresh one."""
        return ResponsesAssembly()


class ResponsesAssembly:
    """Waits for the event that carries the whole answer."""

    def __init__(self) -> None:
        self._whole: object = None

    def feed(self, event: str, data: object) -> str:
        """One typed event; the type also stands in the data."""
        message = as_map(data, "an event")
        match text_at(message, "type") or event:
            case "response.output_text.delta":
                return text_at(message, "delta") or ""
            case "response.completed" | "response.incomplete":
                self._whole = message.get("response")
            case "response.failed":
                raise provider_error(message.get("response"))
            case "error":
                raise provider_error(message)
        return ""

    def document(self) -> object:
        """The response of the last event."""
        if self._whole is None:
            raise cut()
        return self._whole


WIRE = OpenAiResponses()


def _reasons(asked: Asked) -> bool:
    """Whether the model gives its reasoning away; every other one refuses to be asked for it."""
    return asked.effort is not None or (asked.model or "").startswith(_REASONING_MODELS)


def _items(turn: Turn) -> list[object]:
    if turn.native_format == NAME and isinstance(turn.native, list):
        return list(turn.native)
    if turn.role == "tool":
        return [{"type": "function_call_output", "call_id": turn.call_id, "output": turn.text}]
    items: list[object] = [{"role": turn.role, "content": turn.text}] if turn.text or not turn.calls else []
    items.extend(
        {
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": arguments_text(call),
        }
        for call in turn.calls
    )
    return items


def _tool(tool: Tool) -> dict[str, object]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
        "strict": is_strict(tool.parameters),
    }


def _format(asked: Asked) -> dict[str, object] | None:
    if asked.schema is not None:
        wanted = {
            "type": "json_schema",
            "name": asked.schema_name,
            "schema": dict(asked.schema),
            "strict": is_strict(asked.schema),
        }
        return {"format": wanted}
    return {"format": {"type": "json_object"}} if asked.json else None


def _finish(whole: Mapping[str, object], calls: bool, refusal: bool) -> Finish:
    if refusal:
        return "refusal"
    if text_at(whole, "status") == "incomplete":
        why = text_at(map_at(whole, "incomplete_details"), "reason")
        return "content-filter" if why == "content_filter" else "length"
    return "tool-calls" if calls else "stop"
