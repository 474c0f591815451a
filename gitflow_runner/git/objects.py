"""Git's four object kinds as values: parsed from raw bytes, written back byte for byte.

Pure: nothing here touches a repository. Ids are the SHA-1 names that Git gives (`protocol.md` keeps
SHA-256 digests beside them wherever something is approved). Shapes that Git tolerates but that two
readers could read differently (two signature headers, NUL in a message) are kept visible in
`Commit.headers` and refused by `trust`, not here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NewType

from gitflow_runner.errors import DamagedError

Oid = NewType("Oid", str)  # 40 lower-case hex digits
Kind = Literal["commit", "tree", "blob", "tag"]

# The numbers that packs, libgit2 and dulwich have for the kinds.
KIND_NUMBERS: Mapping[Kind, int] = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
KINDS: Mapping[int, Kind] = {number: kind for kind, number in KIND_NUMBERS.items()}

ZERO = Oid("0" * 40)
_OID = re.compile(r"[0-9a-f]{40}")
BLOB_MODE = 0o100644
EXEC_MODE = 0o100755
TREE_MODE = 0o040000
LINK_MODE = 0o120000
GITLINK_MODE = 0o160000


def check_oid(text: str) -> Oid:
    """The text as an object id; raises `DamagedError` (`git.malformed`) for anything but full SHA-1 hex."""
    if not _OID.fullmatch(text):
        raise DamagedError("git.malformed", f"not a full SHA-1 object id: {text[:80]!a}")
    return Oid(text)


@dataclass(frozen=True)
class RawObject:
    """One object as Git stores it, without the header."""

    kind: Kind
    data: bytes

    @property
    def oid(self) -> Oid:
        """The object's SHA-1 name, computed here so that no adapter can disagree."""
        known: Oid | None = self.__dict__.get("_oid")
        if known is None:
            # `cached_property` takes a lock for each object in Python 3.11.
            known = self.__dict__["_oid"] = self._named()
        return known

    def _named(self) -> Oid:
        digest = hashlib.sha1(b"%s %d\0" % (self.kind.encode(), len(self.data)), usedforsecurity=False)
        digest.update(self.data)
        return Oid(digest.hexdigest())


@dataclass(frozen=True, slots=True)
class Ident:
    """Who and when, as Git writes it: claims only, no decision rests on them."""

    name: str
    email: str
    time: int  # seconds since the epoch
    offset: int = 0  # minutes east of UTC

    def __str__(self) -> str:
        sign = "-" if self.offset < 0 else "+"
        hours, minutes = divmod(abs(self.offset), 60)
        return f"{self.name} <{self.email}> {self.time} {sign}{hours:02d}{minutes:02d}"

    @staticmethod
    def parse(text: str) -> Ident:
        """Read `Name <mail> seconds ±hhmm`; raises `DamagedError` (`git.malformed`)."""
        try:
            name, rest = text.split("<", 1)
            email, rest = rest.rsplit(">", 1)
            time, zone = rest.split()
            offset = int(zone[1:3]) * 60 + int(zone[3:5])
            return Ident(name.rstrip(" "), email, int(time), -offset if zone[0] == "-" else offset)
        except (ValueError, IndexError):
            raise DamagedError("git.malformed", f"not an author or committer line: {text[:80]!r}") from None


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One name in a tree."""

    name: str
    mode: int
    oid: Oid

    @property
    def is_tree(self) -> bool:
        """True for a folder."""
        return self.mode == TREE_MODE


def encode_tree(entries: Iterable[TreeEntry]) -> RawObject:
    """The tree object of these entries, in Git's order (folders sort as if they ended in `/`)."""
    named = [(e.name.encode("utf-8", "surrogateescape"), e) for e in entries]
    named.sort(key=lambda pair: pair[0] + (b"/" if pair[1].is_tree else b""))
    return RawObject(
        "tree", b"".join(b"%o %s\0%s" % (e.mode, name, bytes.fromhex(e.oid)) for name, e in named)
    )


def decode_tree(data: bytes) -> tuple[TreeEntry, ...]:
    """The entries of a tree; names that are not UTF-8 keep their bytes as surrogate escapes."""
    entries = []
    position = 0
    while position < len(data):
        space = data.find(b" ", position)
        nul = data.find(b"\0", space)
        if space < 0 or nul < 0 or nul + 21 > len(data):
            raise DamagedError("git.malformed", "a tree object ends in the middle of an entry")
        name = data[space + 1 : nul].decode("utf-8", "surrogateescape")
        try:
            mode = int(data[position:space], 8)
        except ValueError:
            raise DamagedError("git.malformed", "a tree entry has a mode that is no octal number") from None
        entries.append(TreeEntry(name, mode, Oid(data[nul + 1 : nul + 21].hex())))
        position = nul + 21
    return tuple(entries)


@dataclass(frozen=True)
class Commit:
    """A commit: `headers` holds, in order, every header after `committer` (signature, encoding, …)."""

    tree: Oid
    parents: tuple[Oid, ...]
    author: Ident
    committer: Ident
    message: str
    headers: tuple[tuple[str, str], ...] = field(default=())

    def encode(self) -> RawObject:
        """The commit as Git stores it, signature headers included."""
        lines = [f"tree {self.tree}", *(f"parent {p}" for p in self.parents)]
        lines += [f"author {self.author}", f"committer {self.committer}"]
        lines += [f"{name} " + value.replace("\n", "\n ") for name, value in self.headers]
        return RawObject(
            "commit", ("\n".join(lines) + "\n\n" + self.message).encode("utf-8", "surrogateescape")
        )

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key == name), None)

    def signed(self, armoured: str) -> Commit:
        """This commit with `armoured` as its only `gpgsig` header (no newline at its end)."""
        kept = tuple(h for h in self.headers if h[0] != "gpgsig")
        return Commit(
            self.tree,
            self.parents,
            self.author,
            self.committer,
            self.message,
            (*kept, ("gpgsig", armoured.rstrip("\n"))),
        )

    @property
    def payload(self) -> bytes:
        """The bytes that a signature covers: the commit without its `gpgsig*` headers, as Git does it."""
        kept = tuple(h for h in self.headers if not h[0].startswith("gpgsig"))
        bare = Commit(self.tree, self.parents, self.author, self.committer, self.message, kept)
        return bare.encode().data


@dataclass(frozen=True)
class Tag:
    """An annotated tag; `signature` is the armoured block at its end, without the message before it."""

    target: Oid
    target_kind: str
    name: str
    tagger: Ident | None
    message: str  # up to the signature
    signature: str | None = None

    def encode(self) -> RawObject:
        """The tag as Git stores it."""
        return RawObject("tag", self.payload + (self.signature or "").encode("utf-8", "surrogateescape"))

    @property
    def payload(self) -> bytes:
        """The bytes that a signature covers: everything before the armoured block."""
        lines = [f"object {self.target}", f"type {self.target_kind}", f"tag {self.name}"]
        if self.tagger is not None:
            lines.append(f"tagger {self.tagger}")
        return ("\n".join(lines) + "\n\n" + self.message).encode("utf-8", "surrogateescape")


def decode_commit(data: bytes) -> Commit:
    """Read a commit; raises `DamagedError` (`git.malformed`) where Git's own form is not met."""
    headers, message = _split_headers(data)
    fields = iter(headers)
    name, tree = next(fields, ("", ""))
    if name != "tree":
        raise DamagedError("git.malformed", "a commit does not begin with its tree")
    parents: list[Oid] = []
    name, value = next(fields, ("", ""))
    while name == "parent":
        parents.append(Oid(value))
        name, value = next(fields, ("", ""))
    if name != "author":
        raise DamagedError("git.malformed", "a commit has no author line where it belongs")
    committer, who = next(fields, ("", ""))
    if committer != "committer":
        raise DamagedError("git.malformed", "a commit has no committer line where it belongs")
    return Commit(Oid(tree), tuple(parents), Ident.parse(value), Ident.parse(who), message, tuple(fields))


def decode_tag(data: bytes) -> Tag:
    """Read an annotated tag, its signature block split off; raises `DamagedError` (`git.malformed`)."""
    headers, message = _split_headers(data)
    names = [name for name, _ in headers]
    if names not in (["object", "type", "tag"], ["object", "type", "tag", "tagger"]):
        raise DamagedError("git.malformed", f"a tag's header lines are {', '.join(names)[:80]}")
    values = [value for _, value in headers]
    tagger = Ident.parse(values[3]) if len(values) == 4 else None
    starts = [
        message.find(mark) for mark in ("-----BEGIN SSH SIGNATURE-----", "-----BEGIN PGP SIGNATURE-----")
    ]
    found = min((s for s in starts if s == 0 or (s > 0 and message[s - 1] == "\n")), default=-1)
    if found < 0:
        return Tag(Oid(values[0]), values[1], values[2], tagger, message)
    return Tag(Oid(values[0]), values[1], values[2], tagger, message[:found], message[found:])


def _split_headers(data: bytes) -> tuple[list[tuple[str, str]], str]:
    text = data.decode("utf-8", "surrogateescape")
    head, separator, message = text.partition("\n\n")
    if not separator:
        head = head.removesuffix("\n")
    headers: list[tuple[str, str]] = []
    for line in head.split("\n"):
        if line.startswith(" ") and headers:
            name, value = headers[-1]
            headers[-1] = (name, f"{value}\n{line[1:]}")
        else:
            name, _, value = line.partition(" ")
            headers.append((name, value))
    return headers, message


def blob(data: bytes) -> RawObject:
    """A blob of these bytes."""
    return RawObject("blob", data)


def trailers(message: str) -> Mapping[str, tuple[str, ...]]:
    """The trailers of the last paragraph, if all its lines are trailers; else none.

    Stricter than `git interpret-trailers` on purpose: a quoted template in the body must not count.
    """
    paragraph = message.rstrip("\n").rsplit("\n\n", 1)
    if len(paragraph) < 2:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for line in paragraph[1].split("\n"):
        key, separator, value = line.partition(": ")
        if not separator or not key or not all(c.isascii() and (c.isalnum() or c == "-") for c in key):
            return {}
        found[key] = (*found.get(key, ()), value)
    return found
