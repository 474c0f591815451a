"""The `:files` step: source trees of the project read, changed as a changeset, published as a branch."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.errors import StepError
from gitflow_runner.lang.values import Value
from gitflow_runner.model.spec import Effect, Field, Needs, Spec
from gitflow_runner.steps.base import Context
from gitflow_runner.steps.config import name_of
from gitflow_runner.steps.files_changing import CHANGING, changed
from gitflow_runner.steps.files_publishing import open_change, publish
from gitflow_runner.steps.files_reading import MAX_LIMIT, MAX_PATCH, MAX_READ, READING, read
from gitflow_runner.steps.trees import Files

_OUTSIDE = ("publish", "open-change-request")
OPERATIONS = (*READING, *CHANGING, *_OUTSIDE)


def _effect(config: Mapping[str, object]) -> Effect:
    return "keyed" if name_of(config.get("op")) in _OUTSIDE else "read"


_SOURCE = (
    Field("type", "name", "`:git`", choices=("git",)),
    Field("repo", "string", "the project itself, `.`"),
    Field("ref", "string", "branch, tag or reachable commit; the run's pinned commit if absent"),
)
_CHANGE = (
    Field("title", "string", "what people see first", required=True),
    Field("body", "string", "the text below it"),
    Field("base", "string", "the branch that it goes to; the protected one if absent"),
)

SPEC = Spec(
    type="files",
    summary="Reads source trees of the project, changes files in a changeset, publishes it to a branch.",
    effect=_effect,
    fields=(
        Field("op", "name", "what to do", required=True, choices=OPERATIONS),
        Field("source", "map", '`{:type :git :ref "main"}` to resolve, or what `:resolve-source` gave'),
        Field("changeset", "map", "what `:init-changeset` or a later change gave"),
        Field("since", "map", "`:diff`: the source tree to compare with; the changeset's base if absent"),
        Field("path", "string", "the file; `:list`: the folder"),
        Field("paths", "vector", "only what lies at or below these"),
        Field("pattern", "string", "`:list`: glob over whole paths, `*` crosses folders"),
        Field("query", "string", "`:search`: what to find"),
        Field("regex", "boolean", "`:search`: the query is an extended regular expression"),
        Field("ignore-case", "boolean", "`:search`: case does not count"),
        Field("word", "boolean", "`:search`: whole words only"),
        Field("limit", "integer", f"at most that many entries, 100 if absent, up to {MAX_LIMIT}"),
        Field(
            "max-bytes", "integer", f"at most that much of a file or patch, up to {MAX_READ} or {MAX_PATCH}"
        ),
        Field("content", "any", "text or bytes to write; `:replace-lines`: what comes in their place"),
        Field("content-from", "any", "`:write-file`: a stored value to write"),
        Field("executable", "boolean", "`:write-file`: whether it may be run; as before if absent"),
        Field("old", "string", "the exact text that stands there"),
        Field("new", "string", "what is to stand there"),
        Field("edits", "vector", "`:apply-edit`: several `{:old … :new …}`, one after the other"),
        Field("count", "integer", "`:replace`: how many places are expected"),
        Field("start", "integer", "first line, from 1"),
        Field("end", "integer", "last line; `:replace-lines` inserts where it is one before `:start`"),
        Field("to", "string", "`:move-file`: the new path"),
        Field("archive", "any", "`:capture`: a stored plain tar"),
        Field("delete-missing", "boolean", "`:capture`: what the archive lacks is deleted"),
        Field("branch", "string", "`:publish`: the branch"),
        Field(
            "mode",
            "name",
            "`:publish`: a new branch, or one that stands at the base",
            choices=("create", "fast-forward"),
        ),
        Field("message", "string", "`:publish`: the commit's message"),
        Field("published", "map", "`:open-change-request`: what `:publish` gave"),
        Field("change", "map", "`:open-change-request`: title, body and where it goes", keys=_CHANGE),
    ),
    example='{:op :search :query "TODO" :paths ["src"] :limit 20}',
    needs=Needs(
        "op",
        {
            "read": (("path",),),
            "search": (("query",),),
            "write-file": (("changeset",), ("path",), ("content", "content-from")),
            "apply-edit": (("changeset",), ("path",), ("old", "edits")),
            "replace": (("changeset",), ("path",), ("old",), ("new",)),
            "replace-lines": (("changeset",), ("path",), ("start",), ("end",), ("content",)),
            "delete-file": (("changeset",), ("path",)),
            "move-file": (("changeset",), ("path",), ("to",)),
            "capture": (("changeset",), ("archive",)),
            "publish": (("changeset",), ("branch",), ("message",)),
            "open-change-request": (("published",), ("change",)),
        },
    ),
)


class FilesStep:
    """Changes are values: each gives a new changeset, and nothing outside the run moves before `:publish`."""

    spec = SPEC

    def run(self, config: Mapping[str, object], context: Context) -> object:
        """The operation's result map; `StepError` (`files.*`, `git.*`, `res.*`, `forge.*`).

        `:resolve-source` gives a `:source-tree-ref`, `:init-changeset` and every change give a
        `:changeset-ref` (`:base`, `:tree`, `:count`); both go on to later steps under `:source` and
        `:changeset`. Without either the run's pinned commit is read. `:materialize` gives a stored tar,
        `:publish` the `:branch`, `:commit` and `:source`.
        """
        if context.cancel.asked():
            raise StepError("step.cancelled", "the step was given up before it began")
        files = _files(context)
        operation = name_of(config["op"])
        result: Value
        if operation in READING:
            result = read(operation, config, context, files)
        elif operation in CHANGING:
            result = changed(operation, config, context, files)
        elif operation == "publish":
            result = publish(config, context, files)
        else:
            result = open_change(config, context, files)
        return result


STEP = FilesStep()


def _files(context: Context) -> Files:
    if context.files is None:
        raise StepError("files.unsupported", "there is no project here")
    return context.files
