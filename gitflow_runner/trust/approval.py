"""One approval commit against the wait that it answers: what it decides, and how it edits the text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gitflow_runner.errors import DamagedError
from gitflow_runner.git.objects import (
    BLOB_MODE,
    EXEC_MODE,
    Commit,
    Ident,
    Oid,
    RawObject,
    TreeEntry,
    blob,
    decode_commit,
    decode_tree,
    encode_tree,
)
from gitflow_runner.git.repository import Objects
from gitflow_runner.trust.policy import Origin
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.signer import Signer, sign_commit
from gitflow_runner.trust.statement import Approval, parse_statement, write_message

REJECT = "reject"
EDIT = "edit"  # the folder that an approver may change
FORM = "edit/form.edn"  # filling it in is an answer, not an edit
MAX_EDIT_BYTES = 1024 * 1024

Principals = frozenset[str]
NOBODY: Principals = frozenset()


@dataclass(frozen=True, slots=True)
class Actors:
    """Whose keys signed what led to the wait; None where that is not known."""

    author: Principals | None = NOBODY
    proposer: Principals | None = NOBODY
    starter: Principals | None = NOBODY

    def of(self, origin: Origin) -> Principals | None:
        """The principals of one origin."""
        return {"author": self.author, "proposer": self.proposer, "starter": self.starter}[origin]


@dataclass(frozen=True, slots=True)
class OpenWait:
    """An approval wait as the ledger knows it; no statement is asked about these things.

    `payload` is `sha256:<hex>`, `deadline` in ms. `flow` None leaves the policy's rules aside: then the
    wait's own terms are all there is (`trust.md` 10). With rules, the wait's terms may only tighten them.
    """

    run: str
    wait: str
    commit: Oid
    tree: Oid
    payload: str
    deadline: int
    need: int = 1
    role: str | None = None
    human: bool = True
    actions: tuple[str, ...] = ("approve", REJECT)
    edit: bool = False
    editor_counts: bool = False
    excluded: Principals = NOBODY
    actors: Actors = field(default_factory=Actors)
    flow: str | None = None
    draft: bool = False
    any_role: frozenset[str] = frozenset()  # empty: `role` is all that the wait asks for


@dataclass(frozen=True, slots=True)
class Decision:
    """What an approval decides: `edited` is the digest of the changed `edit/` files, None if unchanged.

    `rewrites` says that more than the form was changed, so that the approver is the text's editor.
    """

    action: str
    edited: str | None = None
    rewrites: bool = False


def read_decision(raw: RawObject, wait: OpenWait, reader: Objects, *, may_edit: bool) -> Decision:
    """The decision of an approval commit whose signature was checked already.

    Refuses `parent`, `trailers`, `run`, `wait`, `payload`, `tree` and `edited_digest`.
    """
    commit = decode_commit(raw.data)
    if commit.parents != (wait.commit,):
        raise Refusal("parent", f"the approval's parents are not exactly the wait commit {wait.commit}")
    said = parse_statement(raw.data.split(b"\n\n", 1)[1], Approval)
    if said.run != wait.run:
        raise Refusal("run", f"the approval is for run {said.run}")
    if said.wait != wait.wait:
        raise Refusal("wait", f"the approval is for wait {said.wait}")
    if said.payload != wait.payload:
        raise Refusal("payload", "the approval is for another payload")
    if said.decision not in wait.actions:
        raise Refusal("trailers", f"the wait knows no decision {said.decision}")
    changed = _changed_files(commit.tree, wait.tree, reader)
    if any(path != FORM for path in changed) and not may_edit:
        raise Refusal("tree", f"this wait lets nobody change {min(changed - {FORM})}")
    digest = edited_digest(commit.tree, reader) if changed else None
    if said.edited != digest:
        raise Refusal("edited_digest", "Gitflow-Edited is not the digest of the changed files under edit/")
    return Decision(said.decision, digest, bool(changed - {FORM}))


def edited_digest(tree: Oid, reader: Objects) -> str:
    """`sha256:<hex>` over one line a file under `edit/`, sorted by path.

    A line is the whole path, NUL, the SHA-256 of the content in hex, and LF.
    """
    files = {
        path.encode("utf-8", "surrogateescape"): content for path, content in edit_files(tree, reader).items()
    }
    found = hashlib.sha256()
    for path, content in sorted(files.items()):
        found.update(path + b"\0" + hashlib.sha256(content).hexdigest().encode() + b"\n")
    return "sha256:" + found.hexdigest()


def edit_files(tree: Oid, reader: Objects) -> Mapping[str, bytes]:
    """All files under `edit/` by their whole path; refuses `tree` for one that is too large."""
    found = {}
    for path, entry in _files(_folder(tree, reader), reader):
        content = _read(entry.oid, "blob", reader).data
        if len(content) > MAX_EDIT_BYTES:
            raise Refusal("tree", f"{path} is larger than {MAX_EDIT_BYTES} bytes")
        found[path] = content
    return found


def _changed_files(tree: Oid, before: Oid, reader: Objects) -> frozenset[str]:
    """The paths under `edit/` that differ; refuses `tree` for any other difference."""
    if tree == before:
        return frozenset()
    now, old = _entries(tree, reader), _entries(before, reader)
    outside = {name for name in now.keys() | old.keys() if name != EDIT and now.get(name) != old.get(name)}
    if outside:
        raise Refusal("tree", f"the approval changes {min(outside)!r}, which is not under edit/")
    theirs = dict(_files(now.get(EDIT), reader))
    ours = dict(_files(old.get(EDIT), reader))
    if theirs.keys() != ours.keys():
        raise Refusal("tree", "the approval adds or removes files under edit/")
    if any(theirs[path].mode != ours[path].mode for path in ours):
        raise Refusal("tree", "the approval changes the mode of a file under edit/")
    changed = frozenset(path for path in ours if theirs[path].oid != ours[path].oid)
    if not changed:
        raise Refusal("tree", "the approval's tree is written in another way than the wait's")
    return changed


def _files(folder: TreeEntry | None, reader: Objects, below: str = EDIT) -> Iterator[tuple[str, TreeEntry]]:
    if folder is None:
        return
    if not folder.is_tree:
        raise Refusal("tree", f"{below} is not a folder")
    if below.count("/") > 16:
        raise Refusal("tree", "folders nested too deep under edit/")
    entries = _entries(folder.oid, reader)
    if not entries:
        raise Refusal("tree", f"{below} is an empty folder")
    for name, entry in entries.items():
        path = f"{below}/{name}"
        if entry.is_tree:
            yield from _files(entry, reader, path)
        elif entry.mode in (BLOB_MODE, EXEC_MODE):
            yield path, entry
        else:
            raise Refusal("tree", f"{path} is not a regular file")


def _folder(tree: Oid, reader: Objects) -> TreeEntry | None:
    return _entries(tree, reader).get(EDIT)


def _entries(tree: Oid, reader: Objects) -> Mapping[str, TreeEntry]:
    try:
        entries = decode_tree(_read(tree, "tree", reader).data)
    except DamagedError as problem:
        raise Refusal("tree", problem.message) from None
    named = {entry.name: entry for entry in entries}
    if len(named) != len(entries):
        raise Refusal("tree", "a tree that holds a name twice")
    return named


def _read(oid: Oid, kind: str, reader: Objects) -> RawObject:
    try:
        raw = reader.read(oid)
    except DamagedError as problem:
        raise Refusal("tree", problem.message) from None
    if raw.kind != kind:
        raise Refusal("tree", f"{oid} is a {raw.kind}, not a {kind}")
    return raw


def build_approval(
    wait: OpenWait,
    action: str,
    who: Ident,
    signer: Signer,
    reader: Objects,
    *,
    text: str = "",
    edits: Mapping[str, bytes] | None = None,
) -> tuple[RawObject, ...]:
    """The objects of a signed approval, the commit last; `edits` maps whole paths to new contents.

    Refuses `tree` for a path that is not a file under `edit/` of the wait, `trailers` for an action that
    the wait does not know.
    """
    if action not in wait.actions:
        raise Refusal("trailers", f"the wait knows no decision {action}, only {', '.join(wait.actions)}")
    tree, made = wait.tree, _Overlay(reader)
    for path, content in (edits or {}).items():
        tree = _replaced(tree, path, path.split("/"), content, made)
    changed = tree != wait.tree
    digest = edited_digest(tree, made) if changed else None
    said = Approval(wait.run, wait.wait, action, wait.payload, digest)
    message = write_message(f"{action} {wait.wait} of {wait.run}", said, text)
    commit = sign_commit(Commit(tree, (wait.commit,), who, who, message), signer)
    return (*made.added.values(), commit)


class _Overlay:
    """A reader that also finds objects which are not written yet."""

    def __init__(self, below: Objects) -> None:
        self._below = below
        self.added: dict[Oid, RawObject] = {}

    def add(self, raw: RawObject) -> Oid:
        self.added[raw.oid] = raw
        return raw.oid

    def read(self, oid: Oid) -> RawObject:
        return self.added.get(oid) or self._below.read(oid)

    def contains(self, oid: Oid) -> bool:
        return oid in self.added or self._below.contains(oid)


def _replaced(tree: Oid, path: str, parts: list[str], content: bytes, made: _Overlay) -> Oid:
    entries = dict(_entries(tree, made))
    entry = entries.get(parts[0])
    if entry is None or not path.startswith(EDIT + "/") or entry.is_tree != (len(parts) > 1):
        raise Refusal("tree", f"{path} is not a file under edit/ of this wait")
    inner = _replaced(entry.oid, path, parts[1:], content, made) if entry.is_tree else made.add(blob(content))
    entries[parts[0]] = TreeEntry(entry.name, entry.mode, inner)
    return made.add(encode_tree(entries.values()))
