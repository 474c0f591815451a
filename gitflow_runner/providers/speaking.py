"""One answer told in each of the four formats, whole and as the events of a stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Call = tuple[str, str, Mapping[str, object]]  # id, name, arguments
Json = dict[str, object]
Events = list[tuple[str, Json]]
PIECE = 5  # characters of a text that a stream tells at once


@dataclass(frozen=True, slots=True)
class Line:
    """What is to be said."""

    text: str
    calls: tuple[Call, ...]
    finish: str | None
    refusal: str | None
    model: str
    number: int
    asked: int  # tokens of the question

    @property
    def tokens(self) -> int:
        """What the answer counts as: its words, and one for each call."""
        return len((self.refusal or self.text).split()) + len(self.calls)

    @property
    def pieces(self) -> list[str]:
        """The text as a stream tells it."""
        return [self.text[start : start + PIECE] for start in range(0, len(self.text), PIECE)]


def spoken(format_name: str, line: Line) -> tuple[Json, Events]:
    """The answer in one piece, and as events."""
    return _SPEAKERS[format_name](line)


def _chat(line: Line) -> tuple[Json, Events]:
    head: Json = {"id": f"chatcmpl-{line.number}", "object": "chat.completion", "model": line.model}
    usage = {
        "prompt_tokens": line.asked,
        "completion_tokens": line.tokens,
        "total_tokens": line.asked + line.tokens,
    }
    reason = line.finish or ("tool_calls" if line.calls else "stop")
    calls = [
        {"id": id_, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for id_, name, arguments in line.calls
    ]
    message: Json = {"role": "assistant", "content": line.text or None, "refusal": line.refusal}
    if calls:
        message["tool_calls"] = calls
    whole = {**head, "choices": [{"index": 0, "message": message, "finish_reason": reason}], "usage": usage}
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in line.pieces]
    deltas += [{"refusal": line.refusal}] if line.refusal else []
    for index, (id_, name, arguments) in enumerate(line.calls):
        text = json.dumps(arguments)
        opening = {"index": index, "id": id_, "type": "function", "function": {"name": name, "arguments": ""}}
        deltas.append({"tool_calls": [opening]})
        for start in range(0, len(text), PIECE):
            piece = {"index": index, "function": {"arguments": text[start : start + PIECE]}}
            deltas.append({"tool_calls": [piece]})
    head = {**head, "object": "chat.completion.chunk"}
    events: Events = [("", {**head, "choices": [{"index": 0, "delta": delta}]}) for delta in deltas]
    events.append(("", {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
    events.append(("", {**head, "choices": [], "usage": usage}))
    return whole, events


def _responses(line: Line) -> tuple[Json, Events]:
    parts: list[Json] = [{"type": "output_text", "text": line.text, "annotations": []}] if line.text else []
    parts += [{"type": "refusal", "refusal": line.refusal}] if line.refusal else []
    output: list[Json] = []
    if parts:
        output.append({"type": "message", "id": f"msg_{line.number}", "role": "assistant", "content": parts})
    for id_, name, arguments in line.calls:
        call = {"type": "function_call", "id": f"fc_{id_}", "call_id": id_, "name": name}
        output.append({**call, "arguments": json.dumps(arguments)})
    whole: Json = {
        "id": f"resp_{line.number}",
        "object": "response",
        "status": "incomplete" if line.finish == "length" else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if line.finish == "length" else None,
        "model": line.model,
        "output": output,
        "usage": {"input_tokens": line.asked, "output_tokens": line.tokens},
    }
    events: Events = [("response.created", {"type": "response.created", "response": {"id": whole["id"]}})]
    for piece in line.pieces:
        name = "response.output_text.delta"
        events.append((name, {"type": name, "delta": piece}))
    last = f"response.{whole['status']}"
    events.append((last, {"type": last, "response": whole}))
    return whole, events


def _messages(line: Line) -> tuple[Json, Events]:
    text = line.refusal or line.text
    blocks: list[Json] = [{"type": "text", "text": text}] if text else []
    blocks += [
        {"type": "tool_use", "id": id_, "name": name, "input": dict(arguments)}
        for id_, name, arguments in line.calls
    ]
    stop = {"length": "max_tokens"}.get(line.finish or "", "tool_use" if line.calls else "end_turn")
    stop = "refusal" if line.refusal else stop
    head: Json = {"id": f"msg_{line.number}", "type": "message", "role": "assistant", "model": line.model}
    usage = {"input_tokens": line.asked, "output_tokens": line.tokens}
    whole = {**head, "content": blocks, "stop_reason": stop, "usage": usage}
    began = {
        **head,
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": line.asked, "output_tokens": 1},
    }
    events: list[Json] = [{"type": "message_start", "message": began}, {"type": "ping"}]
    for index, block in enumerate(blocks):
        is_text = block["type"] == "text"
        empty = {**block, "text": ""} if is_text else {**block, "input": {}}
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        told = text if is_text else json.dumps(block["input"])
        for start in range(0, len(told), PIECE):
            piece = told[start : start + PIECE]
            delta = (
                {"type": "text_delta", "text": piece}
                if is_text
                else {"type": "input_json_delta", "partial_json": piece}
            )
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    last = {"stop_reason": stop, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": last, "usage": {"output_tokens": line.tokens}})
    events.append({"type": "message_stop"})
    return whole, [(str(event["type"]), event) for event in events]


def _gemini(line: Line) -> tuple[Json, Events]:
    text = line.refusal or line.text
    calls: list[Json] = [
        {"functionCall": {"name": name, "args": dict(arguments)}, "thoughtSignature": f"sig-{id_}"}
        for id_, name, arguments in line.calls
    ]
    reason = "SAFETY" if line.refusal else {"length": "MAX_TOKENS"}.get(line.finish or "", "STOP")
    usage = {"promptTokenCount": line.asked, "candidatesTokenCount": line.tokens}
    head: Json = {"modelVersion": line.model, "responseId": f"r-{line.number}"}

    def told(parts: list[Json], end: bool) -> Json:
        candidate: Json = {"content": {"role": "model", "parts": parts}, "index": 0}
        if end:
            candidate["finishReason"] = reason
        return {"candidates": [candidate], **head, **({"usageMetadata": usage} if end else {})}

    text_part: list[Json] = [{"text": text}] if text else []
    whole = told(text_part + calls, True)
    pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
    events: Events = [("", told([{"text": piece}], False)) for piece in pieces]
    events.append(("", told(calls, True)))
    return whole, events


_SPEAKERS: Mapping[str, Callable[[Line], tuple[Json, Events]]] = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "anthropic": _messages,
    "gemini": _gemini,
}
