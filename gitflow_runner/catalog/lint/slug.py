"""The slug: its shape, and that the file is named after it."""

from __future__ import annotations

from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.syntax import name_text
from gitflow_runner.model.ids import is_name

SHAPE = Code(
    "invalid_slug",
    "error",
    "A slug is a keyword or text of a letter, then letters, digits, `_` or `-`, at most 128 characters: "
    "it names refs, tags and files.",
)
MISMATCH = Code(
    "slug_mismatch",
    "error",
    "The file of a flow is .breyta/flows/<slug>.edn; a file whose :slug says otherwise would be two flows.",
)


def _check(subject: Subject) -> Iterator[Diagnostic]:
    form = subject.field("slug")
    if form is None:
        return
    text = name_text(form)
    if text is None or not is_name(text):
        yield SHAPE.at(form, f"{text or 'the value'!r} is not a slug", hint=":my-flow", path=(":slug",))
    elif text != subject.slug:
        yield MISMATCH.at(
            form,
            f"the file is named {subject.slug}.edn, but its :slug is :{text}",
            hint=f"write :slug :{subject.slug}, or rename the file to {text}.edn",
            path=(":slug",),
        )


RULE = Rule((SHAPE, MISMATCH), _check, blocks=True)
