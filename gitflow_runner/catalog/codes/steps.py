"""Steps, waits and their settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.catalog.codes.meaning import Meaning

STEPS: Final[Mapping[str, Meaning]] = {
    "answer.too_large": Meaning(
        "An answer to a wait takes at most 1 MB. Store what is larger, and answer with its reference.",
        "gfr waits complete --help",
    ),
    "call.unreleased": Meaning(
        "The run of a release calls releases only, since nobody signed what a draft or a branch holds. "
        "Write :version 3, or leave it out for the live release.",
        "gfr versions FLOW",
    ),
    "config_choice": Meaning(
        "A setting of a step takes one of a few values, and has another.",
        "gfr lint FLOW",
    ),
    "config_one_of": Meaning(
        "A step takes exactly one of several settings, and has none or two of them.",
        "gfr lint FLOW",
    ),
    "config_type": Meaning(
        "A setting of a step has a value of the wrong kind.",
        "gfr lint FLOW",
    ),
    "missing_config_key": Meaning(
        "A setting that the step needs is not there.",
        "gfr lint FLOW",
    ),
    "sleep.too_long": Meaning(
        "A run sleeps at most 7 days. Use a :wait for something longer.",
        "gfr lint FLOW",
    ),
    "step.cancelled": Meaning(
        "The step was given up because the run was cancelled.",
        "gfr show RUN",
    ),
    "step.input_schema": Meaning(
        "A packaged step was called with a map that its :input-schema does not allow; it was not begun. The "
        "first problem names the place in the value; :problems in the error's data lists up to five.",
        "gfr show RUN STEP",
    ),
    "step.output_schema": Meaning(
        "The result of a packaged step is not what its :output-schema says. The first problem names the "
        "place in the value; :problems in the error's data lists up to five.",
        "gfr show RUN STEP",
    ),
    "step.plugin": Meaning(
        "A package offers a type of step that is none, or two packages offer the same.",
        "gfr doctor",
    ),
    "step.rejected": Meaning(
        "A person rejected the step where its :confirm or :review asked. The flow may catch that; who it "
        "was and why stands in the signed decision.",
        "gfr show RUN",
    ),
    "step.suspends": Meaning(
        "Waits and timers are the runner's own and cannot be used as tools or run alone.",
        "gfr lint FLOW",
    ),
    "step.unexpected": Meaning(
        "The result is not what the step's :expect asks for.",
        "gfr logs RUN",
    ),
    "step.unknown": Meaning(
        "There is no step of that name in the run, or in the body of the flow.",
        "gfr show RUN",
    ),
    "step.unknown_outcome": Meaning(
        "The runner stopped while the step's effect was in flight, and doing it again could do it twice. "
        "A person looks and says what became of it.",
        "gfr resolve RUN STEP",
    ),
    "step.unknown_type": Meaning(
        "There is no type of step of that name; the hint names the nearest.",
        "gfr lint FLOW",
    ),
    "unknown_config_key": Meaning(
        "A setting of a step that nothing reads; it may be misspelt.",
        "gfr lint FLOW",
    ),
    "wait.ambiguous": Meaning(
        "Several waits of the run are open. Name one.",
        "gfr show RUN",
    ),
    "wait.closed": Meaning(
        "The run has ended or has no open wait, so there is nothing to decide.",
        "gfr show RUN",
    ),
    "wait.expired": Meaning(
        "Nobody decided the wait in time and its :on-timeout is :fail.",
        "gfr show RUN",
    ),
    "wait.key": Meaning(
        "A wait that is not open yet is named by a plain key: a letter, then letters, digits, - and _.",
        "gfr show RUN",
    ),
    "wait.key_taken": Meaning(
        "Another open wait has the same :key, and an event could not tell which is meant. Put something "
        "of the run into the key.",
        "gfr waits",
    ),
    "wait.no_policy": Meaning(
        "The wait is for an event, which no approval brings about.",
        "gfr show RUN",
    ),
    "wait.too_long": Meaning(
        "A wait lasts at most 30 days.",
        "gfr lint FLOW",
    ),
    "wait.unknown": Meaning(
        "The run has no open wait of that name.",
        "gfr waits",
    ),
}
