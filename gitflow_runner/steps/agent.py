"""The `:agent` step: an objective given to a language model, with inputs and tools."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.lang.collection import EMPTY_MAP, Map, map_of
from gitflow_runner.lang.values import Value, keyword
from gitflow_runner.model.spec import Effect, Field, Spec
from gitflow_runner.providers.base import Turn
from gitflow_runner.schemas.jsontext import write_json
from gitflow_runner.steps.answering import ask
from gitflow_runner.steps.asking import GENERATION, plain_text, tools_of, wanted_of
from gitflow_runner.steps.base import Context
from gitflow_runner.steps.config import text_of
from gitflow_runner.steps.rendering import template_texts

MAX_SUMMARY = 20_000  # characters of an input that the model is shown


def _effect(config: Mapping[str, object]) -> Effect:
    return "unsafe" if config.get("unsafe") is True else "keyed"


SPEC = Spec(
    type="agent",
    summary="Gives a language model an objective, inputs and tools, until it says that it is done.",
    effect=_effect,
    fields=(
        Field("objective", "string", "what is to be reached", required=True),
        Field("instructions", "string", "how to go about it"),
        Field("inputs", "map", "what it works on: data and references"),
        *GENERATION,
    ),
    example='{:provider :mock :objective "Sum up the change." :inputs {:title "Fix the build"}}',
)


class AgentStep:
    """Asks once with the objective laid out; its tool loop is that of `:llm`."""

    spec = SPEC

    def run(self, config: Mapping[str, object], context: Context) -> object:
        """As `:llm`; the same errors."""
        return ask(config, _turns(config, context), wanted_of(config), context)


STEP = AgentStep()


def _turns(config: Mapping[str, object], context: Context) -> tuple[Turn, ...]:
    objective, instructions = text_of(config, "objective") or "", text_of(config, "instructions")
    given = config.get("inputs")
    inputs: Map = given if isinstance(given, Map) else EMPTY_MAP
    shown = _summary(inputs)
    own: dict[Value, Value] = {
        keyword("objective"): objective,
        keyword("instructions"): instructions or "",
        keyword("inputs"): inputs,
        keyword("input-summary"): shown,
        keyword("tool-summary"): "\n".join(f"- {t.name}: {t.description}" for t in tools_of(config)),
    }
    data = config.get("data")
    more = dict(data.items()) if isinstance(data, Map) else {}
    filled = template_texts(
        {**config, "data": map_of({**own, **more}.items())}, context, ("system", "prompt")
    )
    system = filled.get("system", instructions)
    plain = f"Objective: {objective}" + (f"\n\nInputs:\n{shown}" if shown else "")
    turns = (Turn("user", filled.get("prompt", plain)),)
    return (Turn("system", system), *turns) if system else turns


def _summary(inputs: Map) -> str:
    lines = []
    for name, value in inputs.items():
        text = plain_text(value)
        cut = text if len(text) <= MAX_SUMMARY else f"{text[:MAX_SUMMARY]}… ({len(text)} characters)"
        lines.append(f"{write_json(name).strip(chr(34))}: {cut}")
    return "\n".join(lines)
