"""The closed union of what the engine asks the shell to do next."""

from __future__ import annotations

from dataclasses import dataclass

from gitflow_runner.model.failure import Failure


@dataclass(frozen=True, slots=True)
class Packaged:
    """The packaged step that a step was called as: its id (`ns/name`) and the map that it was given.

    `whole` says that the step's result is the packaged step's own, and not one answer of a loop of tools.
    """

    id: str
    given: object
    whole: bool = True


@dataclass(frozen=True, slots=True)
class RunStep:
    """Run an attempt of a step. `config` is the evaluated `lang` map, secrets still as names.

    `started` says that history already announces this attempt: a crash came in between, and the effect
    class decides (protocol 3.1). `not_before` (ms) is the end of a retry's back-off. `key_of` is the identity
    that the idempotency key is made of where this step tries another one again.
    """

    identity: str
    step_id: str
    type: str
    config: object
    input_hash: str
    attempt: int = 1
    generation: int = 0
    started: bool = False
    folder: str | None = None
    not_before: int = 0
    cleanup: bool = False  # runs inside a cancel's `finally`
    key_of: str | None = None
    packaged: Packaged | None = None


@dataclass(frozen=True, slots=True)
class OpenWait:
    """Open a wait; `config` is the evaluated `lang` map of the `:wait` step."""

    identity: str
    step_id: str
    config: object
    input_hash: str
    packaged: Packaged | None = None


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Begin a sleep; `config` is the evaluated `lang` map of the `:sleep` step."""

    identity: str
    step_id: str
    config: object
    input_hash: str
    cleanup: bool = False
    packaged: Packaged | None = None


@dataclass(frozen=True, slots=True)
class Complete:
    """The body returned this `lang` value."""

    output: object


@dataclass(frozen=True, slots=True)
class Fail:
    """The body failed."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class FinishCancel:
    """The cleanup of a cancelled run is through; `failure` is what it threw, if it did."""

    by: str
    reason: str | None
    failure: Failure | None = None


Command = RunStep | OpenWait | SetTimer | Complete | Fail | FinishCancel
