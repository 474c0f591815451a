"""Anthropic's Messages."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.providers.base import (
    MESSAGES_VERSION,
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
    arguments_map,
    arguments_of,
    as_map,
    count_at,
    cut,
    malformed,
    map_at,
    maps_at,
    provider_error,
    text_at,
)
from gitflow_runner.providers.strictness import closed

NAME = "anthropic"
DEFAULT_TOKENS = 4_096  # the format demands a bound
_FINISH: Mapping[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool-calls",
    "refusal": "refusal",
}


class Anthropic:
    """`POST …/v1/messages`."""

    name = NAME

    def request(self, asked: Asked, target: Target) -> WireRequest:
        """The request; the results of one turn's tools are one message."""
        refuse_set(
            NAME,
            {
                "presence-penalty": asked.presence_penalty,
                "frequency-penalty": asked.frequency_penalty,
                "previous-response-id": asked.previous,
            },
        )
        system = "\n\n".join(turn.text for turn in asked.turns if turn.role == "system")
        body = given(
            {
                "model": asked.model,
                "max_tokens": asked.max_tokens or DEFAULT_TOKENS,
                "system": _system(system, asked.cache_system) if system else None,
                "messages": _messages(asked.turns),
                "temperature": asked.temperature,
                "top_p": asked.top_p,
                "stop_sequences": list(asked.stop) or None,
                "tools": [_tool(tool) for tool in asked.tools] or None,
                "output_config": _output(asked),
                "stream": True if asked.stream else None,
            }
        )
        hints = {"seed": asked.seed, "prompt-cache-key": asked.cache_key}
        left_out = tuple(name for name, value in hints.items() if value is not None)
        version = (("anthropic-version", target.api_version or MESSAGES_VERSION),)
        return WireRequest("/v1/messages", {**body, **asked.extra}, version, (), left_out)

    def answer(self, document: object) -> Answered:
        """The content blocks as one turn."""
        whole = as_map(document, "the answer")
        if whole.get("type") == "error":
            raise provider_error(whole)
        if not isinstance(whole.get("content"), list):
            raise malformed("there is no content", document)
        blocks = maps_at(whole, "content")
        calls = tuple(
            ToolCall(text_at(block, "id") or f"call-{index}", name, arguments_of(block.get("input")))
            for index, block in enumerate(blocks)
            if block.get("type") == "tool_use" and (name := text_at(block, "name"))
        )
        text = "".join(text_at(block, "text") or "" for block in blocks if block.get("type") == "text")
        usage = map_at(whole, "usage")
        read = count_at(usage, "cache_read_input_tokens")
        written = count_at(usage, "cache_creation_input_tokens")
        return Answered(
            Turn("assistant", text, calls, native=list(blocks), native_format=NAME),
            _FINISH.get(text_at(whole, "stop_reason") or "", "stop"),
            # It tells what was read from and written to its cache apart from the rest of the input.
            Usage(count_at(usage, "input_tokens") + read + written, count_at(usage, "output_tokens"), read),
            text_at(whole, "model"),
            text_at(whole, "id"),
        )

    def assembly(self) -> MessagesAssembly:
        """A fresh one."""
        return MessagesAssembly()


class MessagesAssembly:
    """Puts the content blocks together."""

    def __init__(self) -> None:
        self._message: dict[str, object] = {}
        self._usage: dict[str, object] = {}
        self._blocks: dict[int, dict[str, object]] = {}
        self._arguments: dict[int, list[str]] = {}
        self._ended = False

    def feed(self, event: str, data: object) -> str:
        """One typed event; pings say nothing."""
        message = as_map(data, "an event")
        index = message.get("index")
        at = index if isinstance(index, int) else 0
        match text_at(message, "type") or event:
            case "message_start":
                self._message = dict(map_at(message, "message"))
                self._usage = dict(map_at(self._message, "usage"))
            case "content_block_start":
                self._blocks[at] = dict(map_at(message, "content_block"))
            case "content_block_delta":
                return self._delta(at, map_at(message, "delta"))
            case "message_delta":
                self._message.update(map_at(message, "delta"))
                self._usage.update(map_at(message, "usage"))
            case "message_stop":
                self._ended = True
            case "error":
                raise provider_error(message)
        return ""

    def _delta(self, at: int, delta: Mapping[str, object]) -> str:
        block = self._blocks.setdefault(at, {"type": "text"})
        match text_at(delta, "type"):
            case "text_delta":
                added = text_at(delta, "text") or ""
                block["text"] = f"{block.get('text') or ''}{added}"
                return added
            case "input_json_delta":
                self._arguments.setdefault(at, []).append(text_at(delta, "partial_json") or "")
            case "thinking_delta":
                block["thinking"] = f"{block.get('thinking') or ''}{text_at(delta, 'thinking') or ''}"
            case "signature_delta":
                block["signature"] = text_at(delta, "signature")
        return ""

    def document(self) -> object:
        """The message as it would have come in one piece."""
        if not self._ended:
            raise cut()
        for at, pieces in self._arguments.items():
            self._blocks[at]["input"] = arguments_of("".join(pieces))
        content = [block for _, block in sorted(self._blocks.items())]
        return {**self._message, "content": content, "usage": self._usage}


WIRE = Anthropic()


def _system(text: str, cached: bool) -> object:
    if not cached:
        return text
    return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]


def _messages(turns: tuple[Turn, ...]) -> list[object]:
    messages: list[dict[str, object]] = []
    results: list[object] | None = None
    for turn in turns:
        match turn.role:
            case "system":
                continue
            case "tool":
                block = {
                    "type": "tool_result",
                    "tool_use_id": turn.call_id,
                    "content": turn.text,
                    "is_error": turn.failed,
                }
                if results is None:
                    results = []
                    messages.append({"role": "user", "content": results})
                results.append(block)
                continue
            case "assistant":
                messages.append({"role": "assistant", "content": _blocks(turn)})
            case "user":
                messages.append({"role": "user", "content": turn.text})
        results = None
    return list(messages)


def _blocks(turn: Turn) -> object:
    if turn.native_format == NAME and isinstance(turn.native, list):
        return turn.native
    if not turn.calls:
        return turn.text
    text: list[object] = [{"type": "text", "text": turn.text}] if turn.text else []
    calls: list[object] = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments_map(call)}
        for call in turn.calls
    ]
    return text + calls


def _tool(tool: Tool) -> dict[str, object]:
    return {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}


def _output(asked: Asked) -> dict[str, object] | None:
    output: dict[str, object] = {}
    if asked.schema is not None:
        output["format"] = {"type": "json_schema", "schema": closed(asked.schema)}
    if asked.effort is not None:
        output["effort"] = asked.effort
    return output or None
