"""Changes to the text of a flow that leave the rest of its file alone: one step's config, and sure fixes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gitflow_runner.catalog.diagnostic import Diagnostic
from gitflow_runner.catalog.includes import Expanded
from gitflow_runner.catalog.lint.calls import step_calls
from gitflow_runner.catalog.lint.rule import Subject
from gitflow_runner.catalog.sources import shown
from gitflow_runner.catalog.syntax import children, everything, get, keyword_text, name_text, place, unquoted
from gitflow_runner.errors import LangError, NotFoundError
from gitflow_runner.lang.editing import Edit, applied, insert_before, set_entry
from gitflow_runner.lang.forms import Atom, Form, MapForm, VectorForm, is_symbol
from gitflow_runner.lang.source import Source
from gitflow_runner.lang.values import Symbol, keyword

FIXABLE = ("unquoted_flow", "unused_binding")
_NAMES_ONLY = ("keys", "strs", "syms")  # what these bind is named after the key, so it cannot be renamed


def set_step_config(root: Form, step: str, key: str, text: str) -> Edit:
    """Give the key of a step's config another value, as text; the first step of that id is meant.

    Raises `NotFoundError` (`step.unknown`) and `LangError` (`edit_path`) for a config that is no literal map.
    """
    body = get(root, "flow")
    found = [c for c in step_calls(unquoted(body)) if name_text(c.id) == step] if body is not None else []
    if not found:
        raise NotFoundError("step.unknown", f"the body calls no step :{step}")
    config = found[0].config
    if not isinstance(config, MapForm):
        raise LangError(
            "edit_path", f"the config of step :{step} is no map that could be edited", at=place(found[0].form)
        )
    return set_entry(config, keyword(key), text)


def fixes(subject: Subject, found: Iterable[Diagnostic]) -> tuple[Edit, ...]:
    """The edits for those findings whose remedy is certain: it changes nothing that the flow does."""
    edits: list[Edit] = []
    for each in found:
        match each.code:
            case "unquoted_flow":
                body = get(subject.root, "flow")
                edits += [insert_before(body, "'")] if body is not None else []
            case "unused_binding":
                edits += _set_aside(subject, each)
            case _:
                pass
    return tuple(dict.fromkeys(edits))


def edited_files(expanded: Expanded, edits: Iterable[Edit]) -> Mapping[str, str]:
    """The new texts of the files that the edits change, by their path below `.breyta/flows/`."""
    wanted = tuple(edits)
    sources: dict[str | None, Source] = {edit.source.file: edit.source for edit in wanted}
    changed: dict[str, str] = {}
    for file in expanded.files:
        source = sources.get(shown(file.path))
        if source is not None:
            changed[file.path] = applied(source, wanted)
    return changed


def _set_aside(subject: Subject, found: Diagnostic) -> Iterator[Edit]:
    """An underscore before a name that nothing uses, where it is free and may be chosen."""
    trees = [tree for tree in (subject.body, *(form for _, form in subject.codes)) if tree is not None]
    for tree in trees:
        for holder in everything(tree):
            for index, child in enumerate(children(holder)):
                if is_symbol(child) and _stands_at(child, found) and _renamable(tree, holder, index):
                    yield insert_before(child, "_")
                    return


def _stands_at(form: Form, found: Diagnostic) -> bool:
    at = place(form)
    return (at.file, at.line, at.col) == (found.file, found.line, found.col)


def _renamable(tree: Form, holder: Form, index: int) -> bool:
    name = children(holder)[index]
    if not isinstance(holder, VectorForm) or not isinstance(name, Atom) or not isinstance(name.value, Symbol):
        return False
    for form in everything(tree):
        if is_symbol(form, f"_{name.value.text}"):
            return False
        if isinstance(form, MapForm) and any(
            value is holder and (keyword_text(key) or "").rpartition("/")[2] in _NAMES_ONLY
            for key, value in form.pairs()
        ):
            return False
    return True
