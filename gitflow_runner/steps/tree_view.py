"""What a `:files` step looks at: the tree of a commit, or of a changeset upon one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.values import Bytes, Collection, Value
from gitflow_runner.steps.base import Context
from gitflow_runner.steps.changeset import SOURCE, Changeset, read_changeset, ref_part
from gitflow_runner.steps.config import name_of
from gitflow_runner.steps.trees import FileContent, Files, TreeKind

MAX_PATHS = 100
_LOOKED_AT = 8_000  # bytes at the beginning of a file by which git, too, tells text from binary


@dataclass(frozen=True, slots=True)
class View:
    """A tree of the project with the changes upon it, if any."""

    files: Files
    context: Context
    commit: str
    changeset: Changeset | None = None

    @property
    def base_tree(self) -> str:
        """The tree of the commit alone."""
        return self.files.tree_of(self.commit)

    def tree(self) -> str:
        """The tree with the changes; `StepError` as `Files.changed`."""
        if self.changeset is None or not self.changeset.files:
            return self.base_tree
        return self.files.changed(self.base_tree, self.changeset.changes(self.context.blobs))

    def content(self, path: str, max_bytes: int) -> FileContent:
        """A regular file; `StepError` (`files.unknown_path`, `files.not_a_file`, `files.too_large`)."""
        if self.changeset is not None and path in self.changeset.files:
            found = self.changeset.content(path, self.context.blobs)
            if found is None:
                raise StepError("files.unknown_path", f"{path[:100]!r} was deleted in this changeset")
            if len(found.data) > max_bytes:
                raise too_large(path, len(found.data), max_bytes)
            return found
        return self.files.read(self.base_tree, path, max_bytes)

    def based(self, path: str) -> TreeKind | None:
        """What the commit itself holds at exactly this path."""
        return self.files.kind(self.base_tree, path)


def view_of(config: Mapping[str, object], context: Context, files: Files) -> View:
    """What `:changeset` or `:source` name, else the run's pinned commit.

    `StepError` (`config_one_of`, `files.changeset`, `files.source`, `git.not_reachable`…).
    """
    changeset, source = config.get("changeset"), config.get("source")
    if changeset is not None:
        if source is not None:
            raise StepError("config_one_of", ":files looks at :source or at :changeset, not at both")
        found = read_changeset(changeset, context.blobs)
        return View(files, context, context.source.resolve(found.base), found)
    return View(files, context, commit_of(source, context))


def commit_of(source: Value, context: Context) -> str:
    """The commit behind a `source-tree-ref`, looked up again: it must still be reachable."""
    return context.source.resolve("HEAD" if source is None else ref_part(source, SOURCE, "commit"))


def folder_path(path: str) -> str:
    """A path inside the tree without slashes at its ends; `StepError` (`files.path`)."""
    plain = path.strip("/")
    parts = plain.split("/") if plain else []
    if "\0" in path or "\\" in path or any(part in ("", ".", "..") for part in parts):
        raise StepError("files.path", f"{path[:100]!r} is not a path inside the tree")
    try:
        plain.encode()
    except UnicodeEncodeError:
        raise StepError("files.path", f"{path[:100]!r} holds half a character") from None
    return plain


def chosen_paths(config: Mapping[str, object]) -> tuple[str, ...]:
    """`:paths`, checked; the root stands for everything."""
    given = config.get("paths")
    paths = [name_of(each) for each in given] if isinstance(given, Collection) else []
    if isinstance(given, Map) or len(paths) > MAX_PATHS:
        raise StepError("config_type", f":paths is a vector of at most {MAX_PATHS} paths")
    checked = tuple(folder_path(path) for path in paths)
    return () if "" in checked else checked


def as_value(data: bytes) -> Value:
    """A text where the bytes are one, else the bytes."""
    text = text_in(data)
    return Bytes(data) if text is None else text


def text_in(data: bytes) -> str | None:
    """The text that the bytes are, None for anything binary."""
    if b"\0" in data[:_LOOKED_AT]:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def too_large(path: str, size: int, most: int) -> StepError:
    """The error for a file that does not fit."""
    return StepError(
        "files.too_large",
        f"{path[:100]!r} holds {size} bytes, at most {most} are read",
        hint="name lines by :start and :end, or raise :max-bytes and :persist the result",
    )
