"""Steps that people confirm beforehand, review afterwards, or take over once they have failed.

Each question is a wait of its own in the history, named after the step: `deploy-confirm`, `deploy-review`,
`deploy-failed`. A step that is tried again at a checkpoint is the next occurrence of the same id, and keeps
the idempotency key that its last attempt left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gitflow_runner.engine.body import BodyHost, StepThrow, step_throw
from gitflow_runner.lang.collection import Map, Vec, map_of
from gitflow_runner.lang.fuel import Call
from gitflow_runner.lang.values import Keyword, Value, keyword
from gitflow_runner.model.command import Packaged
from gitflow_runner.model.failure import Failure

SINCE = 2  # the behaviour that asks; before it these keys meant nothing
SCHEMAS_SINCE = 3  # the behaviour that looks at the schemas of packaged steps
CHECKPOINT_ACTIONS = ("retry", "skip", "fail")

_CONFIRM, _REVIEW = keyword("confirm"), keyword("review")
_ON_ERROR, _CHECKPOINT = keyword("on-error"), keyword("checkpoint")
_SUSPENDING = ("wait", "sleep")

Moment = Literal["confirm", "review"]


@dataclass(frozen=True, slots=True)
class Guarded:
    """One call of a step with the people around it."""

    host: BodyHost
    step_type: str
    step_id: str
    config: Map
    call: Call
    packaged: Packaged | None = None

    def run(self) -> Value:
        """The step's value; its failure, or `step.rejected`, is thrown."""
        if self.step_type in _SUSPENDING or self.host.behaviour < SINCE:
            return self._step()
        confirm, review = self.config.get(_CONFIRM), self.config.get(_REVIEW)
        if _is_wanted(confirm):
            self._ask("confirm", confirm, f"Run {self.step_id}?", (keyword("config"), self._shown()))
        value = self._tried()
        if _is_wanted(review):
            title = f"Is the result of {self.step_id} right?"
            self._ask("review", review, title, (keyword("result"), value))
        return value

    def _tried(self) -> Value:
        if self.config.get(_ON_ERROR) is not _CHECKPOINT:
            return self._step()
        continues = None
        while True:
            try:
                return self._step(continues)
            except StepThrow as thrown:
                match self._checkpoint(thrown.failure):
                    case "retry":
                        continues = thrown.continues
                    case "skip":
                        return None
                    case _:
                        raise

    def _step(self, continues: tuple[str, int] | None = None) -> Value:
        return self.host.step(
            self.step_type,
            self.step_id,
            self.config,
            self.call,
            continues=continues,
            packaged=self.packaged,
        )

    def _shown(self) -> Map:
        return map_of(
            (key, value) for key, value in self.config.items() if key is not _CONFIRM and key is not _REVIEW
        )

    def _ask(self, moment: Moment, wanted: Value, title: str, about: tuple[Value, Value]) -> None:
        terms = map_of([(keyword("title"), title), (keyword("payload"), self._payload(about))])
        if isinstance(wanted, str):
            terms = terms.assoc(keyword("title"), wanted)
        elif isinstance(wanted, Map):
            terms = map_of((*terms.items(), *wanted.items()))
        answer = self.host.step("wait", f"{self.step_id}-{moment}", terms, self.call)
        if _action(answer) != "approve":
            by = answer.get(keyword("by")) if isinstance(answer, Map) else None
            people = ", ".join(str(each) for each in by) if isinstance(by, Vec) else "somebody"
            failure = Failure("step.rejected", f"{people} rejected {self.step_id} ({moment})", self.step_id)
            raise step_throw(self.step_type, self.step_id, failure)

    def _checkpoint(self, failure: Failure) -> str:
        told = [(keyword("code"), failure.code), (keyword("message"), failure.message)]
        terms = map_of(
            [
                (keyword("title"), f"{self.step_id} failed: {failure.code}"),
                (keyword("payload"), self._payload((keyword("failure"), map_of(told)))),
                (keyword("actions"), Vec(tuple(keyword(action) for action in CHECKPOINT_ACTIONS))),
                # Whoever does not answer in time has not decided for anything: the step stays failed.
                (keyword("on-timeout"), keyword("continue")),
                (keyword("kind"), keyword("approval")),
            ]
        )
        return _action(self.host.step("wait", f"{self.step_id}-failed", terms, self.call))

    def _payload(self, about: tuple[Value, Value]) -> Map:
        step = [(keyword("step"), self.step_id), (keyword("type"), keyword(self.step_type))]
        return map_of([*step, about])


def called_as(host: BodyHost, id: str, given: Map) -> Packaged | None:
    """The packaged step that is called, for runs that look at the schemas of such."""
    return Packaged(id, given) if host.behaviour >= SCHEMAS_SINCE else None


def _is_wanted(question: Value) -> bool:
    # Only nil and false mean nobody: a map without terms asks as true does.
    return question is not None and question is not False


def _action(answer: Value) -> str:
    action = answer.get(keyword("action")) if isinstance(answer, Map) else None
    return str(action.text) if isinstance(action, Keyword) else str(action)
