"""Triggers on pushes: which refs they watch or guard, and nothing that would be passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic, Path
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.syntax import elements, entries, flag, get, keyword_text, name_text, string_text
from gitflow_runner.git.refs import HEADS, TAGS, branch_ref
from gitflow_runner.lang.forms import Form, VectorForm
from gitflow_runner.model.ids import is_name

_EXAMPLE = f':refs ["{branch_ref("main")}"]'
INVALID = Code(
    "invalid_git_trigger",
    "error",
    f"A git trigger is {{:type :git :on :push {_EXAMPLE}}}: a push that landed there starts a run. With "
    ":gate true a push is let in only after its run. :on :tag watches tags. The same keys stand in "
    ":interfaces {:git [...]}. :refs are full names, `*` and `?` stand for any text.",
)
KEY = Code(
    "unknown_git_trigger_key",
    "error",
    "A git trigger has a key that nothing reads; a misspelled :gate would leave the ref open.",
)
_SHARED = ("id", "label", "description", "enabled", "on", "refs", "gate")
_TRIGGER_KEYS = ("type", *_SHARED)
_INTERFACE_KEYS = ("invocation", *_SHARED)
MOST_REFS = 64
_REST = r"(?!.*(?:\.\.|//|/\.|\.lock$|/$))[A-Za-z0-9*?][A-Za-z0-9._/*?@+=-]{0,199}"
_NAMES = {"push": (HEADS, re.compile(HEADS + _REST)), "tag": (TAGS, re.compile(TAGS + _REST))}


def _written(subject: Subject) -> Iterator[tuple[Form, tuple[str, ...], Path]]:
    """Every trigger on pushes of both dialects, with the keys that it may have and its place."""
    for index, item in enumerate(elements(subject.field("triggers"))):
        if keyword_text(get(item, "type")) == "git":
            yield item, _TRIGGER_KEYS, (":triggers", index)
    for index, item in enumerate(elements(get(subject.field("interfaces"), "git"))):
        yield item, _INTERFACE_KEYS, (":interfaces", ":git", index)


def _check(subject: Subject) -> Iterator[Diagnostic]:
    for item, keys, path in _written(subject):
        yield from _check_one(item, keys, path)


def _check_one(item: Form, keys: tuple[str, ...], path: Path) -> Iterator[Diagnostic]:
    for key, entry in entries(item).items():
        if key not in keys:
            hint = did_you_mean(key, keys, ":") or "remove it"
            yield KEY.at(entry.key, f":{key} means nothing to a git trigger", hint=hint, path=path)
    name_form = get(item, "id")
    name = name_text(name_form)
    if name_form is not None and (name is None or not is_name(name)):
        yield INVALID.at(name_form, ":id must be a plain keyword", hint=":id :guard", path=(*path, ":id"))
    on = get(item, "on")
    kind = keyword_text(on) or ""
    if kind not in _NAMES:
        yield INVALID.at(on or item, ":on must be :push or :tag", hint=":on :push", path=(*path, ":on"))
    elif kind == "tag" and flag(get(item, "gate")) is True:
        message = "a gate guards branches; tags are only watched"
        yield INVALID.at(get(item, "gate") or item, message, hint="remove :gate", path=(*path, ":gate"))
    for key in ("gate", "enabled"):
        form = get(item, key)
        if form is not None and flag(form) is None:
            message = f":{key} must be true or false"
            yield INVALID.at(form, message, hint=f":{key} true", path=(*path, f":{key}"))
    yield from _check_refs(get(item, "refs"), item, kind, (*path, ":refs"))


def _check_refs(refs: Form | None, item: Form, kind: str, path: Path) -> Iterator[Diagnostic]:
    folder, names = _NAMES.get(kind, _NAMES["push"])
    what = "tag" if folder == TAGS else "branch"
    if not isinstance(refs, VectorForm) or not 0 < len(refs.items) <= MOST_REFS:
        message = f":refs must be a vector of one to {MOST_REFS} full names of refs"
        yield INVALID.at(refs or item, message, hint=_EXAMPLE, path=path)
        return
    for index, form in enumerate(refs.items):
        text = string_text(form)
        if text is None or not names.fullmatch(text):
            message = f"a ref must be a text that begins with {folder} and is a {what}'s name or a pattern"
            yield INVALID.at(form, message, hint=_EXAMPLE, path=(*path, index))


RULE = Rule((INVALID, KEY), _check, blocks=True)
