"""The step calls of a flow's body, taken apart as far as the text alone allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitflow_runner.catalog.syntax import children, is_quoted, keyword_text
from gitflow_runner.lang.forms import Form, ListForm, MapForm, head

STEP = "flow/step"
_ASIDE = ("comment", "clojure.core/comment")


@dataclass(frozen=True, slots=True)
class StepCall:
    """One `(flow/step …)`: `type` is None unless it is a literal keyword, given without the colon.

    `id` and `config` are the forms in those places, None where the call has none. A `threaded` call
    gets one more argument from the `->` around it, so its count says nothing.
    """

    form: ListForm
    arguments: tuple[Form, ...]
    type: str | None
    id: Form | None
    config: Form | None
    threaded: bool = False

    @property
    def packaged(self) -> bool:
        """Whether the type names a packaged step or an agent of the flow."""
        return self.type is not None and "/" in self.type

    @property
    def name(self) -> str:
        """How messages speak of the step."""
        found = keyword_text(self.id)
        if found is not None:
            return f"step :{found}"
        return "a step" if self.type is None else f"a :{self.type} step"


def executed(form: Form) -> Iterator[Form]:
    """`form` and everything below it that can be evaluated: no quoted data, no comments."""
    if is_quoted(form) or head(form) in _ASIDE:
        return
    yield form
    for child in children(form):
        yield from executed(child)


def step_calls(body: Form) -> Iterator[StepCall]:
    """Every step call below `body` that can be evaluated, in the order of the text."""
    threaded = {
        id(step)
        for form in executed(body)
        if isinstance(form, ListForm) and head(form) == "->"
        for step in form.items[2:]
    }
    for form in executed(body):
        if isinstance(form, ListForm) and head(form) == STEP:
            yield _call(form, id(form) in threaded)


def _call(form: ListForm, threaded: bool) -> StepCall:
    arguments = form.items[1:]
    kind = keyword_text(arguments[0]) if arguments else None
    step_id: Form | None = None
    config: Form | None = None
    match arguments:
        case (_, MapForm() as only):
            config = only
        case (_, second):
            step_id, config = (second, None)
            if kind is not None and "/" in kind and keyword_text(second) is None:
                step_id, config = (None, second)
        case (_, second, third, *_):
            step_id, config = (second, third)
        case _:
            pass
    return StepCall(form, arguments, kind, step_id, config, threaded)
