"""Pushes: which refs a flow guards or watches, and the run that one move of one ref wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitflow_runner.git.objects import ZERO, Oid
from gitflow_runner.lang.values import Value
from gitflow_runner.model.flow import Flow, PushTrigger
from gitflow_runner.triggers.base import RunRequest, digest_of
from gitflow_runner.trust.globs import matches


@dataclass(frozen=True, slots=True)
class Move:
    """One move of one ref; `old` None where it does not exist yet."""

    ref: str
    old: Oid | None
    new: Oid

    @property
    def given(self) -> Mapping[str, Value]:
        """The input of the run: three texts, `old` all zeros for a new ref."""
        return {"ref": self.ref, "old": self.old or ZERO, "new": self.new}

    @property
    def digest(self) -> str:
        """What a gate's run is about."""
        return digest_of("move", self.ref, self.old or ZERO, self.new)


def gates_of(flow: Flow) -> tuple[PushTrigger, ...]:
    """The triggers by which the flow guards refs."""
    return tuple(push for push in flow.pushes if push.gate and push.enabled)


def watches_of(flow: Flow) -> tuple[PushTrigger, ...]:
    """The triggers by which a push that landed starts a run."""
    return tuple(push for push in flow.pushes if not push.gate and push.enabled)


def guards(trigger: PushTrigger, ref: str) -> bool:
    """Whether the trigger is about this ref, named in full."""
    return any(matches(pattern, ref) for pattern in trigger.refs)


def request(slug: str, trigger: str, move: Move, asked: str) -> RunRequest:
    """The run that answers a push of `move.new` to the gate's ref `asked`; pushed again, the same."""
    return RunRequest(
        slug,
        trigger,
        digest_of("asked", asked, move.new),
        move.digest,
        move.given,
        {"asked": asked, "ref": move.ref, "old": move.old or ZERO, "new": move.new},
    )


def landed(slug: str, trigger: str, move: Move) -> RunRequest:
    """The run for a commit that came to stand at a ref; however often it comes there, it is one delivery."""
    return RunRequest(
        slug,
        trigger,
        digest_of("landed", move.ref, move.new),
        digest_of("ref", move.ref),
        move.given,
        {"ref": move.ref, "old": move.old or ZERO, "new": move.new},
    )
