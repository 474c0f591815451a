"""What `:llm` and `:agent` ask of a model, out of their configs: conversation, tools, wanted shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import EMPTY_MAP, Map
from gitflow_runner.lang.values import Collection, Keyword, Value
from gitflow_runner.model.spec import Field
from gitflow_runner.providers.base import Asked, Role, Tool, ToolCall, Turn
from gitflow_runner.schemas.jsontext import to_plain, write_json
from gitflow_runner.schemas.malli import json_schema
from gitflow_runner.steps.base import Context
from gitflow_runner.steps.config import name_of, plain_config, text_of, whole_number
from gitflow_runner.steps.rendering import template_texts

MAX_TURNS = 1_000
MAX_TOOLS = 128
MAX_REPAIRS = 3

GENERATION: tuple[Field, ...] = (
    Field("model", "name", "the model, by the provider's name for it"),
    Field("provider", "name", "the provider; guessed from the address if absent"),
    Field("base-url", "url", "the service's address instead of a connection's"),
    Field("deployment", "name", "Azure: the deployment"),
    Field("api-version", "name", "the version of the provider's interface"),
    Field("temperature", "number", "0 to 2"),
    Field("top-p", "number", "0 to 1"),
    Field("stop", "any", "a text or texts at which the answer ends"),
    Field("max-tokens", "integer", "bound of the answer"),
    Field("seed", "integer", "for answers that repeat as far as the provider can"),
    Field("presence-penalty", "number", "-2 to 2"),
    Field("frequency-penalty", "number", "-2 to 2"),
    Field("reasoning-effort", "name", "`:minimal :low :medium :high`, as the model knows them"),
    Field("prompt-cache-key", "name", "a hint which calls share their beginning"),
    Field("previous-response-id", "string", "goes on after that answer, kept by the provider"),
    Field("cache-system?", "boolean", "let the provider cache the system text"),
    Field("stream", "boolean", "false: the answer comes in one piece and the log tells no progress"),
    Field("output", "map", "`{:schema … :repair n}`: JSON of that shape, n further tries at a breach"),
    Field("response-format", "any", "`:json`, or `{:type :json-schema :schema …}`"),
    Field("json-schema", "any", "another way to write `:output {:schema …}`"),
    Field(
        "tools",
        "any",
        "`{:steps [:ns/id …] :agents […]}`, or `{:definitions [{:name :description :params}]}`",
    ),
    Field("available-steps", "vector", "step types that are tools as they are: `:files :table :search`"),
    Field("max-iterations", "integer", "calls of the model in a tool loop: 20, at most 100"),
    Field("max-tool-calls", "integer", "calls of tools in a loop: 100, at most 1000"),
    Field("max-repeated-tool-calls", "integer", "equal calls of one tool in a loop, at most 100"),
    Field("openai", "map", "`{:responses {…}}`: further keys of OpenAI's requests"),
    Field("transcript", "vector", "messages that follow the first ones; a tool loop writes them"),
)

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "model": "assistant",
    "tool": "tool",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The shape that the answer is to have, and how often a breach is shown to the model again."""

    schema: Mapping[str, object] | None = None
    name: str = "answer"
    json: bool = False
    repairs: int = 0


def first_turns(config: Mapping[str, object], context: Context) -> tuple[Turn, ...]:
    """The conversation of an `:llm` step; `StepError` (`config_one_of`, `config_type`, `template.*`)."""
    filled = template_texts(config, context, ("system", "prompt"))
    texts = {**filled, **{key: config[key] for key in ("system", "prompt") if config.get(key) is not None}}
    system = [Turn("system", str(texts["system"]))] if "system" in texts else []
    if config.get("messages") is not None:
        return (*system, *turns_of(config["messages"], "messages"))
    given = config.get("input")
    if given is not None:
        if isinstance(given, Collection) and not isinstance(given, Map):
            return (*system, *turns_of(given, "input"))
        return (*system, Turn("user", plain_text(given)))
    if "prompt" not in texts:
        raise StepError("config_one_of", ":llm takes exactly one of :messages, :prompt, :input")
    return (*system, Turn("user", str(texts["prompt"])))


def turns_of(messages: Value, key: str) -> tuple[Turn, ...]:
    """The turns of a vector of messages; `StepError` (`config_type`, `config_choice`) names the key."""
    turns = tuple(_turn(message, key) for message in messages)
    if len(turns) > MAX_TURNS:
        raise StepError("config_type", f":{key} holds more than {MAX_TURNS} messages")
    return turns


def _turn(message: Value, key: str) -> Turn:
    if isinstance(message, str):
        return Turn("user", message)
    if not isinstance(message, Map):
        raise StepError("config_type", f"a message of :{key} is a text or {{:role … :content …}}")
    parts = plain_config(message)
    role = _ROLES.get(name_of(parts.get("role") or "user"))
    if role is None:
        raise StepError("config_choice", "a message's :role is system, user, assistant or tool")
    call_id = parts.get("tool-call-id")
    if role == "tool" and call_id is None:
        raise StepError("missing_config_key", "the message of a tool needs :tool-call-id")
    native_format = parts.get("native-format")
    return Turn(
        role,
        plain_text(parts.get("content")) if role == "tool" else _content(parts.get("content"), key),
        tuple(_calls(parts.get("tool-calls"))),
        None if call_id is None else name_of(call_id),
        None if parts.get("name") is None else name_of(parts["name"]),
        parts.get("failed?") is True,
        None if native_format is None else to_plain(parts.get("native")),
        None if native_format is None else name_of(native_format),
    )


def _content(content: Value, key: str) -> str:
    if isinstance(content, Collection) and not isinstance(content, Map):
        return "".join(_part(part, key) for part in content)
    return plain_text(content)


def _part(part: Value, key: str) -> str:
    settings = {"text": part} if isinstance(part, str) else plain_config(part)
    text = settings.get("text")
    if not isinstance(text, str):
        raise StepError(
            "llm.content", f"a part of :{key} that is no text is not sent", hint="only :text parts are"
        )
    return text


def _calls(calls: Value) -> Iterator[ToolCall]:
    for call in calls or ():
        parts = plain_config(call)
        arguments = parts.get("arguments")
        plain = to_plain(arguments)
        yield ToolCall(
            name_of(parts.get("id") or ""),
            name_of(parts.get("name") or ""),
            plain if isinstance(plain, dict) else str(plain or ""),
        )


def plain_text(value: Value) -> str:
    """A text as it is, nothing as none, anything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else write_json(value)


def tools_of(config: Mapping[str, object]) -> tuple[Tool, ...]:
    """The tools that the model is told of; `StepError` (`config_type`, `schema.malformed`, `llm.tools`)."""
    given = config.get("tools")
    if isinstance(given, Map):
        settings = plain_config(given)
        for key in settings:
            if key != "definitions":
                raise StepError(
                    "llm.tools",
                    f":tools {{:{key} …}} is not carried out here",
                    hint="only :definitions are known",
                )
        given = settings.get("definitions")
    if given is None:
        return ()
    if not isinstance(given, Collection):
        raise StepError("config_type", ":tools is a map or a vector")
    tools = tuple(_tool(each) for each in given)
    if len(tools) > MAX_TOOLS or len({tool.name for tool in tools}) < len(tools):
        raise StepError("llm.tools", f"at most {MAX_TOOLS} tools, each with a name of its own")
    return tools


def _tool(definition: Value) -> Tool:
    if not isinstance(definition, Map):
        raise StepError("config_type", "a tool is {:name … :description … :params …}")
    parts = plain_config(definition)
    name = parts.get("name")
    if name is None:
        raise StepError("missing_config_key", "a tool needs :name")
    shape = parts.get("params", parts.get("parameters"))
    schema: dict[str, object] = {} if shape is None else json_schema(shape, to_plain)
    # What a schema does not name, a model may not set: a tool's defaults are not its to change.
    schema = {"type": "object", "properties": {}, "additionalProperties": False, **schema}
    return Tool(name_of(name), plain_text(parts.get("description")), schema)


def wanted_of(config: Mapping[str, object]) -> Wanted:
    """The shape of the answer; `StepError` (`config_*`, `schema.malformed`)."""
    stated = [key for key in ("output", "response-format", "json-schema") if config.get(key) is not None]
    if not stated:
        return Wanted()
    if len(stated) > 1:
        raise StepError(
            "config_one_of", "an answer has one shape; there is " + " and ".join(f":{k}" for k in stated)
        )
    value = config[stated[0]]
    if stated[0] == "json-schema":
        return _json_schema(value)
    if isinstance(value, Keyword | str):
        return _named_format(name_of(value))
    settings = plain_config(value)
    repairs = whole_number(settings, "repair", default=0, low=0, high=MAX_REPAIRS)
    kind = settings.get("type")
    inner = settings.get("schema", settings.get("json-schema", settings.get("json_schema")))
    if inner is None:
        if stated[0] == "output" and kind is None:
            return Wanted(repairs=repairs)
        return _named_format(name_of(kind or "json"))
    found = _json_schema(inner)
    name = settings.get("name")
    return Wanted(found.schema, name_of(name) if name is not None else found.name, repairs=repairs)


def _named_format(name: str) -> Wanted:
    match name.replace("_", "-"):
        case "json" | "json-object":
            return Wanted(json=True)
        case "text":
            return Wanted()
        case _:
            raise StepError("config_choice", ":response-format is :text, :json, or a map with :schema")


def _json_schema(value: Value) -> Wanted:
    """A schema as it is, or in the wrapper that OpenAI's older format puts around it."""
    if isinstance(value, Map):
        wrapped = {name_of(key): item for key, item in value.items() if isinstance(key, Keyword | str)}
        if "schema" in wrapped:
            name = wrapped.get("name")
            return Wanted(
                json_schema(wrapped["schema"], to_plain), name_of(name) if name is not None else "answer"
            )
    return Wanted(json_schema(value, to_plain))


def asked(config: Mapping[str, object], turns: tuple[Turn, ...], wanted: Wanted, model: str | None) -> Asked:
    """The whole call, the transcript after the first turns; `StepError` (`config_*`)."""
    transcript = config.get("transcript")
    more = () if transcript is None else turns_of(transcript, "transcript")
    return Asked(
        model=model,
        turns=(*turns, *more),
        tools=tools_of(config),
        schema=wanted.schema,
        schema_name=wanted.name,
        json=wanted.json,
        temperature=_number(config, "temperature"),
        top_p=_number(config, "top-p"),
        stop=_stop(config.get("stop")),
        max_tokens=_whole(config, "max-tokens"),
        seed=cast("int | None", config.get("seed")),
        presence_penalty=_number(config, "presence-penalty"),
        frequency_penalty=_number(config, "frequency-penalty"),
        effort=text_of(config, "reasoning-effort"),
        cache_key=text_of(config, "prompt-cache-key"),
        previous=text_of(config, "previous-response-id"),
        cache_system=config.get("cache-system?") is True,
        stream=config.get("stream") is not False,
        extra=_extra(config),
    )


def _number(config: Mapping[str, object], key: str) -> float | None:
    value = to_plain(config.get(key))
    return value if isinstance(value, int | float) else None


def _whole(config: Mapping[str, object], key: str) -> int | None:
    if config.get(key) is None:
        return None
    return whole_number(config, key, default=1, low=1, high=10_000_000)


def _stop(value: Value) -> tuple[str, ...]:
    items = () if value is None else (value,) if isinstance(value, str) else tuple(value)
    if not all(isinstance(item, str) and item for item in items):
        raise StepError("config_type", ":stop is a text or a vector of texts")
    return items


def _extra(config: Mapping[str, object]) -> Mapping[str, object]:
    """`:provider-opts`, and what `:openai` says for its formats: laid over the request as they are."""
    extra: dict[str, object] = {}
    own = config.get("openai")
    for part in ("responses", "chat") if own is not None else ():
        inner = plain_config(own).get(part)
        extra |= _plain_map(inner) if inner is not None else {}
    given = config.get("provider-opts")
    return extra | (_plain_map(given) if given is not None else {})


def _plain_map(value: Value) -> dict[str, object]:
    plain = to_plain(value if isinstance(value, Map) else EMPTY_MAP)
    return plain if isinstance(plain, dict) else {}
