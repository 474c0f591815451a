"""What is asked of a model and what comes back, in words that no provider owns.

A wire format turns an `Asked` into one HTTP body and an answer's document into an `Answered`; it sends
nothing. Values are plain JSON: dicts, lists, texts, numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from gitflow_runner.errors import StepError

MESSAGES_VERSION = "2023-06-01"  # of Anthropic's interface, which every request names

Role = Literal["system", "user", "assistant", "tool"]
Finish = Literal["stop", "length", "tool-calls", "content-filter", "refusal", "error"]
"""Why a model ended. `length`: its output was cut; `refusal`: it would not answer."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to have a tool called; `arguments` is an object, or the text that could not be read."""

    id: str
    name: str
    arguments: Mapping[str, object] | str


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation.

    `calls` belong to an assistant's turn; `call_id` and `name` to a tool's. `native` is the provider's own
    form of an assistant's turn, kept because some formats want their reasoning back word for word; only
    the format named by `native_format` reads it.
    """

    role: Role
    text: str
    calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None
    name: str | None = None
    failed: bool = False  # of a tool: it did not reach its result
    native: object = None
    native_format: str | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may ask for; `parameters` is a JSON Schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of a model. None means: left to the provider."""

    model: str | None
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    schema: Mapping[str, object] | None = None  # the answer is JSON of this shape
    schema_name: str = "answer"
    json: bool = False  # the answer is some JSON object
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    effort: str | None = None
    cache_key: str | None = None
    previous: str | None = None  # id of the answer that this one follows
    cache_system: bool = False
    stream: bool = True
    extra: Mapping[str, object] = field(default_factory=dict)  # laid over the body as it is


@dataclass(frozen=True, slots=True)
class Target:
    """Which service is asked, by the settings that change what is sent."""

    backend: str
    deployment: str | None = None
    api_version: str | None = None


@dataclass(frozen=True, slots=True)
class WireRequest:
    """What is posted below the base URL."""

    path: str
    body: Mapping[str, object]
    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()  # hints that this format has no place for


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counts them; `cached` is a part of `input`, `reasoning` of `output`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cached + other.cached,
            self.reasoning + other.reasoning,
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """A model's answer; `turn` is what the conversation goes on with."""

    turn: Turn
    finish: Finish
    usage: Usage
    model: str | None
    id: str | None


class Assembly(Protocol):
    """The document of a streamed answer, put together event by event."""

    def feed(self, event: str, data: object) -> str:
        """Take one event; what it adds to the text. `StepError` (`llm.provider`) for an error event."""
        ...

    def document(self) -> object:
        """The whole answer as if it had not been streamed; `StepError` (`llm.cut`) if the end is missing."""
        ...


class Wire(Protocol):
    """One wire format."""

    @property
    def name(self) -> str:
        """`openai-chat`, `openai-responses`, `anthropic` or `gemini`."""
        ...

    def request(self, asked: Asked, target: Target) -> WireRequest:
        """The request; `StepError` (`llm.unsupported`) for what this format cannot say."""
        ...

    def answer(self, document: object) -> Answered:
        """The answer; `StepError` (`llm.malformed`) for a document of another shape."""
        ...

    def assembly(self) -> Assembly:
        """A fresh one, for one streamed answer."""
        ...


def unsupported(format_name: str, key: str, hint: str | None = None) -> StepError:
    """The error for a setting that a format has no place for."""
    return StepError("llm.unsupported", f"the {format_name} format has no :{key}", hint=hint)


def refuse_set(format_name: str, values: Mapping[str, object]) -> None:
    """Refuse the first of these settings that is given."""
    for key, value in values.items():
        if value not in (None, (), False):
            raise unsupported(format_name, key)


def given(values: Mapping[str, object]) -> dict[str, object]:
    """The entries that say something."""
    return {key: value for key, value in values.items() if value is not None}
