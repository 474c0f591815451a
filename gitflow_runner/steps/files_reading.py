"""What `:files` reads: sources resolved, trees listed and searched, files and differences shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import translate
from typing import Final

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map, Vec
from gitflow_runner.lang.values import Value, keyword
from gitflow_runner.steps.base import Context
from gitflow_runner.steps.changeset import Changeset, source_ref
from gitflow_runner.steps.config import name_of, text_of, whole_number
from gitflow_runner.steps.persist import reference
from gitflow_runner.steps.results import result_map
from gitflow_runner.steps.tree_archive import MAX_ARCHIVE, MEDIA_TYPE, archive_chunks
from gitflow_runner.steps.tree_view import (
    View,
    as_value,
    chosen_paths,
    commit_of,
    folder_path,
    text_in,
    too_large,
    view_of,
)
from gitflow_runner.steps.trees import FileContent, Files, Match, TreeChange, TreeFile, Wanted

READING: Final = ("resolve-source", "init-changeset", "list", "read", "search", "diff", "materialize")
MAX_LIMIT: Final = 1_000
MAX_READ: Final = 1_000_000
MAX_PATCH: Final = 200_000
MAX_QUERY: Final = 500
MAX_LISTED: Final = 20_000  # entries of a tree that a glob is held against, or that an archive takes


def read(operation: str, config: Mapping[str, object], context: Context, files: Files) -> Value:
    """The result map of a reading operation; `StepError`."""
    match operation:
        case "resolve-source":
            return _resolved(config.get("source"), context, files)
        case "init-changeset":
            commit = commit_of(config.get("source"), context)
            return Changeset(commit).ref(files.tree_of(commit), context.blobs)
        case "list":
            return _list(config, view_of(config, context, files))
        case "read":
            return _read(config, view_of(config, context, files))
        case "search":
            return _search(config, view_of(config, context, files))
        case "diff":
            return _diff(config, view_of(config, context, files))
        case _:
            return _materialize(config, view_of(config, context, files))


def _resolved(source: Value, context: Context, files: Files) -> Map:
    repo = source.get(keyword("repo")) if isinstance(source, Map) else None
    ref = source.get(keyword("ref")) if isinstance(source, Map) else None
    if repo is not None and name_of(repo) not in (".", "project"):
        raise StepError(
            "files.repo",
            f"{name_of(repo)[:100]!r} is not the project that the run belongs to",
            hint="fetch what you need into this repository; a step reads no other one",
        )
    commit = context.source.resolve("HEAD" if ref is None else name_of(ref))
    return source_ref(commit, files.tree_of(commit))


def _limit(config: Mapping[str, object]) -> int:
    return whole_number(config, "limit", default=100, low=1, high=MAX_LIMIT)


def _list(config: Mapping[str, object], view: View) -> Map:
    limit, pattern = _limit(config), text_of(config, "pattern")
    prefix = folder_path(text_of(config, "path") or "")
    tree = view.tree()
    if pattern is None:
        found = list(view.files.list(tree, prefix, limit + 1))
    else:
        fits = re.compile(translate(pattern[:MAX_QUERY]))
        found = [each for each in view.files.list(tree, prefix, MAX_LISTED) if fits.match(each.path)]
    rows = Vec(tuple(_file(each) for each in found[:limit]))
    return result_map(
        commit=view.commit, tree=tree, files=rows, count=len(rows), truncated_=len(found) > limit
    )


def _file(each: TreeFile) -> Map:
    return result_map(path=each.path, kind=keyword(each.kind), size=each.size)


def _read(config: Mapping[str, object], view: View) -> Map:
    path = folder_path(text_of(config, "path") or "")
    most = whole_number(config, "max-bytes", default=200_000, low=1, high=MAX_READ)
    first, last = config.get("start"), config.get("end")
    if first is None and last is None:
        found = view.content(path, most)
        return _shown(path, found, as_value(found.data))
    found = view.content(path, MAX_READ)
    text = text_in(found.data)
    if text is None:
        raise StepError("files.binary", f"{path[:100]!r} is no text, so it has no lines")
    lines = text.split("\n")
    count = len(lines) if lines[-1] else len(lines) - 1
    begin = whole_number(config, "start", default=1, low=1, high=MAX_READ)
    end = min(whole_number(config, "end", default=count, low=0, high=MAX_READ), count)
    part = "\n".join(lines[begin - 1 : end]) + ("\n" if begin <= end < len(lines) else "")
    if len(part.encode()) > most:
        raise too_large(path, len(part.encode()), most)
    return _shown(path, found, part).assoc(keyword("lines"), count)


def _shown(path: str, found: FileContent, content: Value) -> Map:
    return result_map(path=path, size=len(found.data), executable_=found.executable, content=content)


def _search(config: Mapping[str, object], view: View) -> Map:
    limit, query = _limit(config), text_of(config, "query") or ""
    if not query or len(query) > MAX_QUERY or "\n" in query or "\0" in query:
        raise StepError("files.pattern", f":query is one line of 1 to {MAX_QUERY} characters")
    wanted = Wanted(
        query,
        regex=config.get("regex") is True,
        ignore_case=config.get("ignore-case") is True,
        word=config.get("word") is True,
        paths=chosen_paths(config),
        limit=limit + 1,
    )
    tree = view.tree()
    found = view.files.search(tree, wanted)
    rows = Vec(tuple(_match(each) for each in found[:limit]))
    return result_map(
        commit=view.commit, tree=tree, matches=rows, count=len(rows), truncated_=len(found) > limit
    )


def _match(each: Match) -> Map:
    return result_map(path=each.path, line=each.line, column=each.column, text=each.text)


def _diff(config: Mapping[str, object], view: View) -> Map:
    limit, paths = _limit(config), chosen_paths(config)
    most = whole_number(config, "max-bytes", default=50_000, low=1, high=MAX_PATCH)
    since = config.get("since")
    if since is None and view.changeset is None:
        raise StepError("missing_config_key", ":files :diff needs :changeset, or :source and :since")
    old = view.base_tree if since is None else view.files.tree_of(commit_of(since, view.context))
    new = view.tree()
    found = view.files.changes(old, new, paths, limit + 1)
    patch, cut = view.files.patch(old, new, paths, most)
    rows = Vec(tuple(_change(each) for each in found[:limit]))
    return result_map(
        tree=new, changes=rows, count=len(rows), patch=patch, truncated_=cut or len(found) > limit
    )


def _change(each: TreeChange) -> Map:
    return result_map(status=each.status, path=each.path, added=each.added, removed=each.removed)


def _materialize(config: Mapping[str, object], view: View) -> Map:
    tree = view.tree()
    entries: dict[str, TreeFile] = {}
    for prefix in chosen_paths(config) or ("",):
        entries |= {each.path: each for each in view.files.list(tree, prefix, MAX_LISTED + 1)}
    if len(entries) > MAX_LISTED:
        raise StepError("files.too_large", f"the archive would hold more than {MAX_LISTED} files")
    plain = [each.path for each in entries.values() if each.kind in ("file", "executable")]
    sized = 0

    def counted() -> Iterator[bytes]:
        nonlocal sized
        for chunk in archive_chunks((path, view.content(path, MAX_ARCHIVE)) for path in sorted(plain)):
            sized += len(chunk)
            yield chunk

    put = view.context.blobs.put_stream(counted(), MEDIA_TYPE)
    if put.size != sized:
        raise StepError(
            "files.secret",
            "a file of this tree holds the value of a secret, so no archive is made of it",
            hint="take it out of the project: it lies in its history",
        )
    left_out = Vec(tuple(path for path in sorted(entries) if path not in set(plain)))
    found = reference(put, {}, view.context)
    for name, value in (("tree", tree), ("count", len(plain)), ("left-out", left_out)):
        found = found.assoc(keyword(name), value)
    return found
