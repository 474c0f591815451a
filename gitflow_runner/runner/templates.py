"""The flow's templates as steps get them: their bodies by id, and the rendering of one text."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.errors import LangError, StepError
from gitflow_runner.lang.template import Template, parse
from gitflow_runner.model.flow import Flow

KEPT = 256  # texts that stay read; a flow's own are far fewer


class FlowTemplates:
    """The templates of one flow; a text is read when it is first rendered."""

    def __init__(self, flow: Flow) -> None:
        self.bodies: Mapping[str, object] = {name: entry.body for name, entry in flow.templates.items()}
        self._read: dict[str, Template] = {}

    def render(self, text: str, data: object) -> str:
        """The text with the data in it; `StepError` (`template.syntax`, `template.too_much`…)."""
        try:
            return self._template(text).render(data)
        except LangError as error:
            line = "" if error.at is None else f" (line {error.at.line}, column {error.at.col} of the text)"
            raise StepError(error.code, error.message + line, hint=error.hint) from None

    def _template(self, text: str) -> Template:
        found = self._read.get(text)
        if found is None:
            found = parse(text)
            if len(self._read) >= KEPT:
                # Texts that a flow makes as it goes do not come again; the next ones take their place.
                self._read.clear()
            self._read[text] = found
        return found
