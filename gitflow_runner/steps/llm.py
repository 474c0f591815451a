"""The `:llm` step: one question to a language model, and its answer as a value."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.model.spec import Effect, Field, Spec
from gitflow_runner.steps.answering import ask
from gitflow_runner.steps.asking import GENERATION, first_turns, wanted_of
from gitflow_runner.steps.base import Context


def _effect(config: Mapping[str, object]) -> Effect:
    return "unsafe" if config.get("unsafe") is True else "keyed"


SPEC = Spec(
    type="llm",
    summary="Asks a language model and gives back its answer, checked against a schema if there is one.",
    effect=_effect,
    fields=(
        Field("messages", "vector", "the conversation: `{:role :user :content …}`"),
        Field("prompt", "string", "a conversation of one message"),
        Field("system", "string", "what the model is told before all else"),
        Field("input", "any", "a text, data, or messages"),
        *GENERATION,
    ),
    example='{:provider :mock :prompt "Is this a bug? {}" '
    ':output {:schema [:map [:label [:enum "bug" "feature"]]]}}',
    one_of=(("messages", "prompt", "input"),),
)


class LlmStep:
    """Asks once; a tool loop asks it again and again, each time as a step of its own."""

    spec = SPEC

    def run(self, config: Mapping[str, object], context: Context) -> object:
        """The answer; `StepError` (`llm.*`, `http.*`, `connection.*`, `config_*`).

        `{:content :object? :finish-reason :usage :model :provider :response-id? :cost? :tool-calls?
        :message?}`: `:object` is there where a shape was asked for, `:tool-calls` and the `:message` that
        holds them where the model wants tools called. A tool loop adds `:iterations` and
        `:tool-call-count`, and its `:usage` is that of all answers. `:cost` comes of the prices in
        `:metering`, else in the connection, else in `config.yaml` under `models: prices:` by model:
        `:input-per-million :output-per-million :cached-per-million :currency`.
        """
        return ask(config, first_turns(config, context), wanted_of(config), context)


STEP = LlmStep()
