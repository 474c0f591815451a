"""What `:files` does outside the run: a branch at a new commit, and the change that proposes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, cast

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.values import Value, keyword
from gitflow_runner.steps.base import Context
from gitflow_runner.steps.changeset import source_ref
from gitflow_runner.steps.config import name_of, text_of
from gitflow_runner.steps.results import result_map
from gitflow_runner.steps.tree_view import view_of
from gitflow_runner.steps.trees import ChangeRequest, Files, PublishMode, PublishRequest

MAX_MESSAGE: Final = 10_000
MAX_TITLE: Final = 200
MAX_BODY: Final = 20_000

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_OURS = re.compile(r"gitflow-", re.IGNORECASE)


def publish(config: Mapping[str, object], context: Context, files: Files) -> Map:
    """Make the commit and move the branch; a repeat with the same key finds what is done."""
    view = view_of(config, context, files)
    if view.changeset is None:
        raise StepError("missing_config_key", ":files :publish needs :changeset")
    tree = view.tree()
    if tree == view.base_tree:
        raise StepError(
            "files.nothing",
            "the changeset changes nothing, so there is no commit to publish",
            hint="look at :count of :diff first",
        )
    branch = text_of(config, "branch") or ""
    mode = cast(PublishMode, text_of(config, "mode") or "create")
    request = PublishRequest(
        branch, mode, view.commit, tree, _message(text_of(config, "message") or ""), context.key_ms
    )
    done = files.publish(request)
    context.log.line(
        f"files: {branch} stands at {done.commit}{f' on {done.remote}' if done.remote else ''}"
        f"{' since an earlier attempt' if done.repeated else ''}"
    )
    return result_map(
        branch=branch,
        commit=done.commit,
        base=view.commit,
        tree=tree,
        remote=done.remote,
        source=source_ref(done.commit, tree),
    )


def open_change(config: Mapping[str, object], context: Context, files: Files) -> Map:
    """Open the change for a published branch, or find it."""
    published, change = config.get("published"), config.get("change")
    if not isinstance(published, Map) or not isinstance(change, Map):
        raise StepError("config_type", ":published and :change are maps")
    branch, commit = published.get(keyword("branch")), published.get(keyword("commit"))
    if not isinstance(branch, str) or not isinstance(commit, str):
        raise StepError("config_type", ":published is what :publish gave", hint="hand on its whole result")
    base = change.get(keyword("base"))
    request = ChangeRequest(
        branch,
        commit,
        None if base is None else name_of(base),
        " ".join(_text(change, "title", MAX_TITLE, required=True).split()),
        _text(change, "body", MAX_BODY),
    )
    found = files.open_change(request)
    context.log.line(
        f"files: change {found.url or found.number or branch} into {found.base} is {found.state}"
    )
    return result_map(
        forge=found.forge,
        number=found.number,
        url=found.url,
        state=keyword(found.state),
        branch=branch,
        base=found.base,
        commit=commit,
    )


def _message(text: str) -> str:
    message = text.strip()
    if not message or len(message) > MAX_MESSAGE or _UNPRINTABLE.search(message):
        raise StepError("files.message", f"a commit's message has 1 to {MAX_MESSAGE} printable characters")
    if any(_OURS.match(line.strip()) for line in message.split("\n")):
        # What begins so is read as a statement or a turn, and only the runner's own code may say such things.
        raise StepError("files.message", "no line of a commit's message may begin with Gitflow-")
    return message + "\n"


def _text(change: Map, name: str, most: int, *, required: bool = False) -> str:
    value: Value = change.get(keyword(name))
    text = "" if value is None else value
    if not isinstance(text, str) or len(text) > most or _UNPRINTABLE.search(text):
        raise StepError("config_type", f":change :{name} is a text of at most {most} printable characters")
    if required and not text.strip():
        raise StepError("missing_config_key", f":change needs :{name}")
    return text
