"""A model's answer as the result of a step: held against the wanted shape, priced, and written as one map."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map, Vec, map_of
from gitflow_runner.lang.values import Dec, Value, keyword
from gitflow_runner.providers.base import Answered, Tool, ToolCall, Turn, Usage
from gitflow_runner.providers.prices import KEYS
from gitflow_runner.schemas.jsontext import from_plain, to_plain
from gitflow_runner.schemas.registry import schema_check
from gitflow_runner.steps.asking import Wanted, asked
from gitflow_runner.steps.base import Context
from gitflow_runner.steps.config import name_of, plain_config
from gitflow_runner.steps.modelcall import ModelService, call_model, model_service
from gitflow_runner.steps.results import result_map

EXCERPT = 1_000
_FENCE = re.compile(r"\s*```[a-zA-Z]*\s*\n(.*?)\n?```\s*", re.DOTALL)
_PRICES = dict(zip(KEYS, ("input", "output", "cached"), strict=True))
MILLION = Decimal(1_000_000)


def ask(config: Mapping[str, object], turns: tuple[Turn, ...], wanted: Wanted, context: Context) -> Map:
    """Ask the model that the config names, mend what it may mend, and give the result map.

    `StepError`: `llm.schema` and `llm.object` for an answer of another shape, `llm.truncated` and
    `llm.refused` where a shaped answer did not come at all, and what `call_model` raises.
    """
    if context.cancel.asked():
        raise StepError("step.cancelled", "the step was given up before it asked")
    service = model_service(config, context)
    call = asked(config, turns, wanted, service.model)
    usage = Usage()
    for repair in range(wanted.repairs + 1):
        # Every try at a mend is another effect, whose key follows from the step's.
        key = context.key if repair == 0 else f"{context.key}-repair-{repair}"
        answered = call_model(service, call, key, config, context)
        usage += answered.usage
        _log(service, answered, context)
        metering = _metering(config, service, answered, context)
        shaped = wanted.schema is not None or wanted.json
        if answered.turn.calls or not shaped:
            return _result(answered, usage, service, call.tools, metering)
        try:
            return _result(answered, usage, service, call.tools, metering, _shaped(answered, wanted, service))
        except StepError as error:
            if error.code not in ("llm.schema", "llm.object") or repair == wanted.repairs:
                raise
            context.log.line(f"{error.message}; the model is asked to mend it")
            call = replace(call, turns=(*call.turns, answered.turn, Turn("user", _mend(error))))
    raise AssertionError("the last try returns or raises")


def _log(service: ModelService, answered: Answered, context: Context) -> None:
    usage = answered.usage
    model = answered.model or service.model or "the model"
    context.log.line(
        f"{service.target.backend} {model}: {answered.finish}, tokens {usage.input} in, {usage.output} out"
    )


def _mend(error: StepError) -> str:
    problems = error.details.get("problems")
    listed = (
        "\n".join(f"- {each}" for each in problems) if isinstance(problems, Vec) else f"- {error.message}"
    )
    return (
        f"Your answer does not have the wanted shape:\n{listed}\nAnswer again with the corrected JSON alone."
    )


def _shaped(answered: Answered, wanted: Wanted, service: ModelService) -> object:
    text = answered.turn.text
    excerpt = service.redacted(text[:EXCERPT])
    if answered.finish == "length":
        raise StepError(
            "llm.truncated",
            "the answer was cut before its JSON was complete",
            data={"excerpt": excerpt},
            hint="raise :max-tokens",
        )
    if answered.finish in ("refusal", "content-filter"):
        raise StepError(
            "llm.refused", f"the model did not answer: {answered.finish}", data={"excerpt": excerpt}
        )
    fenced = _FENCE.fullmatch(text)
    try:
        value = json.loads(fenced[1] if fenced else text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise StepError(
            "llm.object", "the answer is no JSON", retryable=True, data={"excerpt": excerpt}
        ) from None
    if wanted.schema is None:
        if not isinstance(value, dict):
            raise StepError(
                "llm.object", "the answer is no JSON object", retryable=True, data={"excerpt": excerpt}
            )
        return value
    problems = schema_check(wanted.schema).problems(value)
    if problems:
        raise StepError(
            "llm.schema",
            f"the answer breaks its schema: {service.redacted(problems[0])}",
            retryable=True,
            data={"problems": Vec(tuple(service.redacted(each) for each in problems)), "excerpt": excerpt},
            hint="let the model mend it: :output {:schema … :repair 1}",
        )
    return value


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON number")


def _result(
    answered: Answered,
    usage: Usage,
    service: ModelService,
    tools: tuple[Tool, ...],
    metering: Mapping[str, object],
    value: object = None,
) -> Map:
    parts: dict[str, Value] = {"content": answered.turn.text}
    if value is not None:
        parts["object"] = from_plain(value)
    parts["finish_reason"] = answered.finish
    parts["usage"] = usage_map(usage)
    parts["model"] = answered.model or service.model
    parts["provider"] = service.target.backend
    if answered.id is not None:
        parts["response_id"] = answered.id
    cost = _cost(usage, metering)
    if cost is not None:
        parts["cost"] = cost
    if answered.turn.calls:
        by_name = {tool.name: tool for tool in tools}
        calls = tuple(_call(call, by_name.get(call.name)) for call in answered.turn.calls)
        parts["tool_calls"] = Vec(calls)
        parts["message"] = _message(answered.turn, calls)
    return result_map(**parts)


def usage_map(usage: Usage) -> Map:
    """Tokens by kind; `:cached-tokens` are a part of the input, `:reasoning-tokens` of the output."""
    return result_map(
        input_tokens=usage.input,
        output_tokens=usage.output,
        total_tokens=usage.input + usage.output,
        cached_tokens=usage.cached,
        reasoning_tokens=usage.reasoning,
    )


def _call(call: ToolCall, tool: Tool | None) -> Map:
    parts: dict[str, Value] = {"id": call.id, "name": call.name, "arguments": from_plain(call.arguments)}
    problem = _problem(call, tool)
    return result_map(**parts, problem=problem) if problem is not None else result_map(**parts)


def _problem(call: ToolCall, tool: Tool | None) -> str | None:
    """Why a call cannot be carried out, said to the model."""
    if tool is None:
        return f"there is no tool {call.name[:64]!r}"
    if isinstance(call.arguments, str):
        return "the arguments are not a JSON object"
    problems = schema_check(tool.parameters).problems(call.arguments)
    return "the arguments are wrong: " + "; ".join(problems) if problems else None


def _message(turn: Turn, calls: tuple[Map, ...]) -> Map:
    """The assistant's message, to be put into `:messages` as it is."""
    parts: dict[str, Value] = {"role": "assistant", "content": turn.text}
    parts["tool_calls"] = Vec(calls)
    if turn.native_format is not None:
        parts |= {"native_format": turn.native_format, "native": from_plain(turn.native)}
    return result_map(**parts)


def _metering(
    config: Mapping[str, object], service: ModelService, answered: Answered, context: Context
) -> Mapping[str, object]:
    """The step's `:metering` above the prices of its connection, and those above the table of the team."""
    own = config.get("metering")
    table = context.prices.of(service.target.backend, service.model, answered.model)
    stated = {key: service.settings[key] for key in (*_PRICES, "currency") if key in service.settings}
    return {**table, **stated, **(plain_config(own) if isinstance(own, Map) else {})}


def _cost(usage: Usage, metering: Mapping[str, object]) -> Map | None:
    """What the call cost by these prices for a million tokens; advisory, None without prices."""
    prices = {kind: _price(metering[key], key) for key, kind in _PRICES.items() if key in metering}
    if not prices:
        return None
    cached = usage.cached if "cached" in prices else 0
    amount = prices.get("input", Decimal(0)) * (usage.input - cached)
    amount += prices.get("output", Decimal(0)) * usage.output + prices.get("cached", Decimal(0)) * cached
    currency = name_of(metering.get("currency") or "USD")
    return map_of([(keyword("amount"), Dec(amount / MILLION)), (keyword("currency"), currency)])


def _price(value: Value, key: str) -> Decimal:
    plain = to_plain(value)
    if isinstance(plain, bool) or not isinstance(plain, int | float) or plain < 0:
        raise StepError("config_type", f":metering :{key} is a price, a number from 0")
    return value.value if isinstance(value, Dec) else Decimal(str(plain))
