"""What `:files` changes: each operation gives a new changeset, and the old one stays what it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.values import Bytes, Collection, Value, keyword
from gitflow_runner.model.project_path import check_project_path
from gitflow_runner.steps.base import Context
from gitflow_runner.steps.bodies import ref_uri
from gitflow_runner.steps.changeset import MAX_FILE_BYTES, Changeset
from gitflow_runner.steps.config import text_of, whole_number
from gitflow_runner.steps.edits import Edit, apply_edits, replace_all, replace_lines
from gitflow_runner.steps.tree_archive import MAX_ARCHIVE, read_archive
from gitflow_runner.steps.tree_view import View, chosen_paths, text_in, view_of
from gitflow_runner.steps.trees import FileContent, Files

CHANGING: Final = (
    "write-file",
    "apply-edit",
    "replace",
    "replace-lines",
    "delete-file",
    "move-file",
    "capture",
)
MAX_EDITS: Final = 100


def changed(operation: str, config: Mapping[str, object], context: Context, files: Files) -> Value:
    """The new changeset's handle with what was done to it; `StepError`."""
    view = view_of(config, context, files)
    base = view.changeset
    if base is None:
        raise StepError("missing_config_key", f":files :{operation} needs :changeset")
    told: dict[str, Value] = {}
    if operation == "capture":
        made = _capture(config, view, base, told)
    else:
        path = check_project_path(text_of(config, "path") or "")
        match operation:
            case "write-file":
                made = base.put(path, _written(config, view, path), context.blobs)
            case "delete-file":
                made = _without(view, base, path)
            case "move-file":
                made = _moved(config, view, base, path)
            case _:
                made = base.put(path, _edited(operation, config, view, path, told), context.blobs)
    handle = made.ref(replace(view, changeset=made).tree(), context.blobs)
    for name, value in told.items():
        handle = handle.assoc(keyword(name), value)
    return handle


def _written(config: Mapping[str, object], view: View, path: str) -> FileContent:
    content, stored = config.get("content"), config.get("content-from")
    if (content is None) == (stored is None):
        raise StepError("config_one_of", ":files :write-file takes exactly one of :content, :content-from")
    if stored is not None:
        data = _stored(stored, view.context, MAX_FILE_BYTES)
    elif isinstance(content, str):
        data = _encoded(content)
    elif isinstance(content, Bytes):
        data = content.value
    else:
        raise StepError(
            "config_type", ":content is a text or bytes", hint="write data with pr-str or as JSON"
        )
    executable = config.get("executable")
    if executable is None:
        executable = _is_executable(view, path)
    return FileContent(data, executable is True)


def _is_executable(view: View, path: str) -> bool:
    assert view.changeset is not None, "checked before"
    known = view.changeset.files.get(path)
    if known is not None:
        return known.executable
    return view.based(path) == "executable"


def _edited(
    operation: str, config: Mapping[str, object], view: View, path: str, told: dict[str, Value]
) -> FileContent:
    before = view.content(path, MAX_FILE_BYTES)
    text = text_in(before.data)
    if text is None:
        raise StepError("files.binary", f"{path[:100]!r} is no text; write it whole with :write-file")
    match operation:
        case "apply-edit":
            text = apply_edits(path, text, _edits(config))
        case "replace":
            edit = Edit(text_of(config, "old") or "", text_of(config, "new") or "")
            expected = None
            if config.get("count") is not None:
                expected = whole_number(config, "count", default=1, low=1, high=MAX_FILE_BYTES)
            text, told["replaced"] = replace_all(path, text, edit, expected)
        case _:
            content = config.get("content")
            if not isinstance(content, str):
                raise StepError("config_type", ":content of :replace-lines is a text")
            first = whole_number(config, "start", default=1, low=1, high=MAX_FILE_BYTES)
            last = whole_number(config, "end", default=first, low=0, high=MAX_FILE_BYTES)
            text = replace_lines(path, text, first, last, content, text_of(config, "old"))
    return FileContent(_encoded(text), before.executable)


def _edits(config: Mapping[str, object]) -> list[Edit]:
    several = config.get("edits")
    if several is None:
        old, new = config.get("old"), config.get("new")
        if not isinstance(old, str) or not isinstance(new, str):
            raise StepError("missing_config_key", ":files :apply-edit needs :old and :new, or :edits")
        return [Edit(old, new)]
    if config.get("old") is not None or config.get("new") is not None:
        raise StepError("config_one_of", ":files :apply-edit takes :old and :new, or :edits")
    made = []
    for each in several if isinstance(several, Collection) else ():
        old = each.get(keyword("old")) if isinstance(each, Map) else None
        new = each.get(keyword("new")) if isinstance(each, Map) else None
        if not isinstance(old, str) or not isinstance(new, str):
            raise StepError("config_type", "each of :edits is a map of two texts, :old and :new")
        made.append(Edit(old, new))
    if not 1 <= len(made) <= MAX_EDITS:
        raise StepError("config_type", f":edits holds 1 to {MAX_EDITS} edits")
    return made


def _without(view: View, base: Changeset, path: str) -> Changeset:
    standing = view.based(path)
    known = base.files.get(path)
    if (known is not None and known.sha256 is None) or (known is None and standing is None):
        raise StepError("files.unknown_path", f"there is no file {path[:100]!r} to delete")
    if standing is None:
        return replace(base, files={name: each for name, each in base.files.items() if name != path})
    return base.put(path, None, view.context.blobs)


def _moved(config: Mapping[str, object], view: View, base: Changeset, path: str) -> Changeset:
    target = check_project_path(text_of(config, "to") or "")
    content = view.content(path, MAX_FILE_BYTES)
    known = base.files.get(target)
    taken = view.based(target) is not None if known is None else known.sha256 is not None
    if taken:
        raise StepError("files.path_taken", f"{target[:100]!r} is there already", hint="delete it first")
    return _without(view, base, path).put(target, content, view.context.blobs)


def _capture(config: Mapping[str, object], view: View, base: Changeset, told: dict[str, Value]) -> Changeset:
    found = read_archive(_stored(config.get("archive"), view.context, MAX_ARCHIVE))
    prefixes = chosen_paths(config)
    made, written, deleted = base, 0, 0
    standing = {
        each.path: each
        for prefix in prefixes or ("",)
        for each in view.files.list(view.tree(), prefix, 1_000_000)
        if each.kind in ("file", "executable")
    }
    for path, content in sorted(found.items()):
        if prefixes and not any(path == p or path.startswith(p + "/") for p in prefixes):
            raise StepError("files.archive", f"{path[:100]!r} of the archive lies outside :paths")
        now = standing.get(path)
        same = now is not None and now.size == len(content.data)
        if same and view.content(path, len(content.data)) == content:
            continue
        made, written = made.put(path, content, view.context.blobs), written + 1
    if config.get("delete-missing") is True:
        for path in sorted(standing.keys() - found.keys()):
            made, deleted = _without(replace(view, changeset=made), made, path), deleted + 1
    told |= {"written": written, "deleted": deleted}
    return made


def _stored(value: Value, context: Context, most: int) -> bytes:
    uri = ref_uri(value)
    if context.blobs.size(uri) > most:
        raise StepError("files.too_large", f"the stored value has more than {most} bytes")
    return context.blobs.get(uri)


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise StepError("files.binary", "the text holds half a character and cannot be written") from None
