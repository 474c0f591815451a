"""Google's generateContent, as Gemini's API and Vertex speak it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gitflow_runner.errors import StepError
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

NAME = "gemini"
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")
_FINISH: Mapping[str, Finish] = {"STOP": "stop", "MAX_TOKENS": "length", "MALFORMED_FUNCTION_CALL": "error"}
_BUDGETS = {"none": 0, "minimal": 512, "low": 1_024, "medium": 8_192, "high": 24_576}


class Gemini:
    """`POST …/models/<model>:generateContent`, streamed as `:streamGenerateContent?alt=sse`."""

    name = NAME

    def request(self, asked: Asked, target: Target) -> WireRequest:
        """The request; the model stands in the path."""
        refuse_set(NAME, {"previous-response-id": asked.previous})
        model = (asked.model or "").removeprefix("models/")
        if not _MODEL.fullmatch(model) or ".." in model:
            raise StepError("missing_config_key", "the gemini format needs :model, a name")
        system = "\n\n".join(turn.text for turn in asked.turns if turn.role == "system")
        body = given(
            {
                "systemInstruction": {"parts": [{"text": system}]} if system else None,
                "contents": _contents(asked.turns),
                "tools": [{"functionDeclarations": [_tool(t) for t in asked.tools]}] if asked.tools else None,
                "generationConfig": _generation(asked, model) or None,
            }
        )
        act = "streamGenerateContent" if asked.stream else "generateContent"
        hints = {"prompt-cache-key": asked.cache_key, "cache-system?": asked.cache_system or None}
        return WireRequest(
            f"/models/{model}:{act}",
            {**body, **asked.extra},
            (),
            (("alt", "sse"),) if asked.stream else (),
            tuple(name for name, value in hints.items() if value is not None),
        )

    def answer(self, document: object) -> Answered:
        """The first candidate's parts as one turn."""
        whole = as_map(document, "the answer")
        if whole.get("error"):
            raise provider_error(whole)
        blocked = text_at(map_at(whole, "promptFeedback"), "blockReason")
        candidates = maps_at(whole, "candidates")
        if not candidates and blocked is None:
            raise malformed("there are no candidates", document)
        candidate = candidates[0] if candidates else {}
        parts = maps_at(map_at(candidate, "content"), "parts")
        calls = tuple(
            ToolCall(text_at(call, "id") or f"call-{index}", name, arguments_of(call.get("args") or {}))
            for index, part in enumerate(parts)
            if (call := map_at(part, "functionCall")) and (name := text_at(call, "name"))
        )
        usage = map_at(whole, "usageMetadata")
        thoughts = count_at(usage, "thoughtsTokenCount")
        reason = text_at(candidate, "finishReason")
        finish: Finish = (
            _FINISH.get(reason or "STOP", "content-filter") if blocked is None else "content-filter"
        )
        return Answered(
            Turn(
                "assistant",
                "".join(text_at(part, "text") or "" for part in parts if part.get("thought") is not True),
                calls,
                native=list(parts),
                native_format=NAME,
            ),
            "tool-calls" if calls and finish == "stop" else finish,
            Usage(
                count_at(usage, "promptTokenCount"),
                count_at(usage, "candidatesTokenCount") + thoughts,
                count_at(usage, "cachedContentTokenCount"),
                thoughts,
            ),
            text_at(whole, "modelVersion"),
            text_at(whole, "responseId"),
        )

    def assembly(self) -> GeminiAssembly:
        """A fresh one."""
        return GeminiAssembly()


class GeminiAssembly:
    """Joins the parts of every event's answer."""

    def __init__(self) -> None:
        self._head: dict[str, object] = {}
        self._parts: list[dict[str, object]] = []
        self._finish: str | None = None

    def feed(self, event: str, data: object) -> str:
        """One event is an answer of its own."""
        answer = as_map(data, "an event")
        if answer.get("error"):
            raise provider_error(answer)
        kept = ("usageMetadata", "modelVersion", "responseId", "promptFeedback")
        self._head.update({key: answer[key] for key in kept if answer.get(key)})
        added = ""
        for candidate in maps_at(answer, "candidates")[:1]:
            self._finish = text_at(candidate, "finishReason") or self._finish
            for part in maps_at(map_at(candidate, "content"), "parts"):
                added += "" if part.get("thought") is True else text_at(part, "text") or ""
                self._join(part)
        return added

    def _join(self, part: Mapping[str, object]) -> None:
        last = self._parts[-1] if self._parts else {}
        plain = part.keys() <= {"text", "thought"} and last.keys() <= {"text", "thought"}
        if last and plain and part.get("thought") == last.get("thought"):
            last["text"] = f"{last.get('text') or ''}{part.get('text') or ''}"
        else:
            self._parts.append(dict(part))

    def document(self) -> object:
        """The answer as it would have come in one piece."""
        if self._finish is None and not map_at(self._head, "promptFeedback"):
            raise cut()
        candidate = {"content": {"parts": self._parts}, "finishReason": self._finish}
        return {**self._head, "candidates": [candidate] if self._finish is not None else []}


WIRE = Gemini()


def _contents(turns: tuple[Turn, ...]) -> list[object]:
    contents: list[dict[str, object]] = []
    results: list[object] | None = None
    for turn in turns:
        match turn.role:
            case "system":
                continue
            case "tool":
                if results is None:
                    results = []
                    contents.append({"role": "user", "parts": results})
                key = "error" if turn.failed else "result"
                results.append({"functionResponse": {"name": turn.name, "response": {key: turn.text}}})
                continue
            case "assistant":
                contents.append({"role": "model", "parts": _parts(turn)})
            case "user":
                contents.append({"role": "user", "parts": [{"text": turn.text}]})
        results = None
    return list(contents)


def _parts(turn: Turn) -> object:
    if turn.native_format == NAME and isinstance(turn.native, list):
        return turn.native
    text: list[object] = [{"text": turn.text}] if turn.text or not turn.calls else []
    calls: list[object] = [
        {"functionCall": {"name": call.name, "args": arguments_map(call)}} for call in turn.calls
    ]
    return text + calls


def _tool(tool: Tool) -> dict[str, object]:
    return {
        "name": tool.name,
        "description": tool.description,
        "parametersJsonSchema": dict(tool.parameters),
    }


def _generation(asked: Asked, model: str) -> dict[str, object]:
    as_json = asked.json or asked.schema is not None
    return given(
        {
            "temperature": asked.temperature,
            "topP": asked.top_p,
            "maxOutputTokens": asked.max_tokens,
            "stopSequences": list(asked.stop) or None,
            "seed": asked.seed,
            "presencePenalty": asked.presence_penalty,
            "frequencyPenalty": asked.frequency_penalty,
            "responseMimeType": "application/json" if as_json else None,
            "responseJsonSchema": dict(asked.schema) if asked.schema is not None else None,
            "thinkingConfig": _thinking(asked.effort, model),
        }
    )


def _thinking(effort: str | None, model: str) -> dict[str, object] | None:
    if effort is None:
        return None
    if "2.5" in model:  # that generation counts tokens where later ones have levels
        if effort not in _BUDGETS:
            raise StepError("config_choice", ":reasoning-effort must be one of " + " ".join(_BUDGETS))
        return {"thinkingBudget": _BUDGETS[effort]}
    return {"thinkingLevel": effort}
