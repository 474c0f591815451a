"""What should not stand in a flow's text: foreign ids, long lines, large files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.sources import shown
from gitflow_runner.catalog.syntax import everything, string_text

WORKSPACE = Code(
    "hardcoded_workspace_id",
    "warning",
    "The id of a workspace in the text ties the flow to one place; take it from an input or a binding.",
)
LONG = Code(
    "large_inline_string",
    "warning",
    "A text of 4,000 or more characters on one line cannot be reviewed; keep it in a template or an include.",
)
LARGE = Code("large_file", "warning", "A file above 150 KB is close to the limit of 256 KB.")
STEPS = Code(
    "many_steps", "warning", "A body with more than 200 step calls is hard to follow; use child flows."
)

LONG_FROM = 4_000
LARGE_FROM = 150 * 1024
STEPS_FROM = 200
_WORKSPACE = re.compile(r"(?<![\w-])ws-[A-Za-z0-9][A-Za-z0-9_-]*")


def _check(subject: Subject) -> Iterator[Diagnostic]:
    for form in everything(subject.root):
        text = string_text(form)
        if text is None:
            continue
        found = _WORKSPACE.search(text)
        if found:
            hint = "take it from (flow/input) or from a binding"
            yield WORKSPACE.at(form, f"the workspace id {found[0]} is written into the flow", hint=hint)
        written = form.source.text[form.start : form.end]
        if len(written) >= LONG_FROM and "\n" not in written:
            hint = 'move it to a file and take it in with #flow/include "..."'
            yield LONG.at(form, f"a text of {len(text):,} characters stands on one line", hint=hint)
    for file in subject.expanded.files:
        size = len(file.text.encode())
        if size > LARGE_FROM:
            message = f"{shown(file.path)} has {size // 1024} KB, the limit is 256 KB"
            hint = 'move parts to files of their own and take them in with #flow/include "..."'
            yield Diagnostic(LARGE.name, LARGE.severity, message, hint, shown(file.path), 1, 1)
    if len(subject.calls) > STEPS_FROM:
        call = subject.calls[STEPS_FROM]
        message = f"the body holds {len(subject.calls)} step calls; this is number {STEPS_FROM + 1}"
        yield STEPS.at(call.form, message, hint="move parts into child flows: (flow/call-flow ...)")


RULE = Rule((WORKSPACE, LONG, LARGE, STEPS), _check)
