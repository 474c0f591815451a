"""The `:git` step: the user's own project read, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map, Vec
from gitflow_runner.lang.values import Bytes, Collection, Value
from gitflow_runner.model.spec import Field, Spec
from gitflow_runner.steps.base import Context, LogEntry, PathChange, Source
from gitflow_runner.steps.config import name_of, text_of, whole_number
from gitflow_runner.steps.results import result_map

OPERATIONS = ("log", "diff", "show", "files", "changed-paths", "tags")
MAX_ITEMS = 1_000
MAX_PATCH_BYTES = 200_000
MAX_FILE_BYTES = 200_000
MAX_PATHS = 100

SPEC = Spec(
    type="git",
    summary="Reads commits, differences, files and tags of the project that the run belongs to.",
    effect="read",
    fields=(
        Field("op", "name", "what to read", required=True, choices=OPERATIONS),
        Field("ref", "string", "branch, tag or commit id; the run's pinned commit if absent"),
        Field("since", "string", "`:log` leaves out, `:diff` and `:changed-paths` begin at this commit"),
        Field("paths", "vector", "only what lies at or below these"),
        Field("path", "string", "the file that `:show` reads, the folder that `:files` lists"),
        Field("pattern", "string", "glob for `:tags`"),
        Field("limit", "integer", f"at most that many entries, up to {MAX_ITEMS}"),
        Field("max-bytes", "integer", f"at most that much text, up to {MAX_PATCH_BYTES}"),
    ),
    example='{:op :log :ref "main" :since "flow/hello/v1" :paths ["src"] :limit 50}',
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A config with its names resolved to commits."""

    source: Source
    config: Mapping[str, object]
    paths: tuple[str, ...]

    def tip(self) -> str:
        """The commit of `:ref`."""
        return self.source.resolve(text_of(self.config, "ref") or "HEAD")

    def base(self) -> str | None:
        """The commit of `:since`."""
        since = text_of(self.config, "since")
        return None if since is None else self.source.resolve(since)

    def limit(self) -> int:
        """How many entries at most."""
        return whole_number(self.config, "limit", default=100, low=1, high=MAX_ITEMS)

    def max_bytes(self) -> int:
        """How much text at most."""
        return whole_number(self.config, "max-bytes", default=50_000, low=1, high=MAX_PATCH_BYTES)


class GitStep:
    """Reads through the `source` port, which knows only reachable commits; everything is bounded."""

    spec = SPEC

    def run(self, config: Mapping[str, object], context: Context) -> object:
        """The operation's result map; `StepError` (`git.*`)."""
        asked = Asked(context.source, config, _paths(config))
        if context.cancel.asked():
            raise StepError("step.cancelled", "the step was given up before it read anything")
        match name_of(config["op"]):
            case "log":
                return _log(asked)
            case "diff":
                return _diff(asked)
            case "show":
                return _show(asked)
            case "files":
                return _files(asked)
            case "changed-paths":
                return _changed(asked)
            case _:
                return _tags(asked)


STEP = GitStep()


def _paths(config: Mapping[str, object]) -> tuple[str, ...]:
    given = config.get("paths")
    paths = tuple(name_of(path) for path in given) if isinstance(given, Collection) else ()
    if len(paths) > MAX_PATHS:
        raise StepError("config_type", f":paths holds at most {MAX_PATHS}")
    return tuple(safe_path(path) for path in paths)


def safe_path(path: str) -> str:
    """A path inside the tree without its slashes at the ends; `StepError` (`git.path`)."""
    parts = path.strip("/").split("/")
    if "\0" in path or "\\" in path or any(part in ("", ".", "..") for part in parts if path.strip("/")):
        raise StepError("git.path", f"{path[:100]!r} is not a path inside the tree")
    return path.strip("/")


def _log(asked: Asked) -> Map:
    tip, limit = asked.tip(), asked.limit()
    found = asked.source.log(tip, since=asked.base(), paths=asked.paths, limit=limit + 1)
    commits = Vec(tuple(_commit(entry) for entry in found[:limit]))
    return result_map(commit=tip, commits=commits, count=len(commits), truncated_=len(found) > limit)


def _commit(entry: LogEntry) -> Map:
    return result_map(
        id=entry.oid,
        parents=Vec(entry.parents),
        author=entry.author,
        email=entry.email,
        time_ms=entry.time_ms,
        subject=entry.subject,
        body=entry.body,
    )


def _ends(asked: Asked) -> tuple[str | None, str]:
    """Both ends of a comparison; without `:since` the tip's first parent, the empty tree for a root."""
    tip, base = asked.tip(), asked.base()
    if base is None:
        entries = asked.source.log(tip, since=None, paths=(), limit=1)
        base = entries[0].parents[0] if entries and entries[0].parents else None
    return base, tip


def _diff(asked: Asked) -> Map:
    base, tip = _ends(asked)
    patch, cut = asked.source.patch(base, tip, asked.paths, asked.max_bytes())
    return result_map(base=base, commit=tip, patch=patch, truncated_=cut)


def _changed(asked: Asked) -> Map:
    (base, tip), limit = _ends(asked), asked.limit()
    found = asked.source.changes(base, tip, asked.paths, limit + 1)
    changes = Vec(tuple(_change(change) for change in found[:limit]))
    return result_map(
        base=base, commit=tip, changes=changes, count=len(changes), truncated_=len(found) > limit
    )


def _change(change: PathChange) -> Map:
    return result_map(
        status=change.status,
        path=change.path,
        old_path=change.old_path,
        added=change.added,
        removed=change.removed,
    )


def _show(asked: Asked) -> Map:
    tip, path = asked.tip(), text_of(asked.config, "path")
    if path is None:
        entry = asked.source.log(tip, since=None, paths=(), limit=1)[0]
        return _commit(entry)
    limit = whole_number(asked.config, "max-bytes", default=MAX_FILE_BYTES, low=1, high=MAX_FILE_BYTES)
    data = asked.source.read(tip, safe_path(path), limit)
    try:
        content: Value = data.decode()
    except UnicodeDecodeError:
        content = Bytes(data)
    return result_map(commit=tip, path=safe_path(path), size=len(data), content=content)


def _files(asked: Asked) -> Map:
    tip, limit = asked.tip(), asked.limit()
    found = asked.source.files(tip, safe_path(text_of(asked.config, "path") or ""), limit + 1)
    files = Vec(tuple(result_map(path=path, size=size) for path, size in found[:limit]))
    return result_map(commit=tip, files=files, count=len(files), truncated_=len(found) > limit)


def _tags(asked: Asked) -> Map:
    limit = asked.limit()
    found = asked.source.tags(text_of(asked.config, "pattern") or "*")
    tags = Vec(tuple(result_map(name=name, commit=commit) for name, commit in found[:limit]))
    return result_map(tags=tags, count=len(tags), truncated_=len(found) > limit)
