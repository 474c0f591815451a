"""Git's ref files as they lie on disk: listing a prefix, and which name stands in a new name's way.

libgit2 can only list every ref of a repository and reads each one again for its value; a runner asks
for one prefix many times a second, so the two places (loose files, then `packed-refs`) are read here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from gitflow_runner.errors import DamagedError
from gitflow_runner.git.objects import Oid, check_oid
from gitflow_runner.git.ref_errors import place, ref_symbolic
from gitflow_runner.git.refs import is_ours

_SYMBOLIC = b"ref:"


def list_refs(
    common_dir: Path, prefix: str, follow: Callable[[str], Oid | None]
) -> tuple[tuple[str, Oid], ...]:
    """All refs below `prefix`, sorted; `follow` resolves symbolic ones outside our namespaces.

    Loose files are read before `packed-refs`, as Git does: a ref that is packed meanwhile is seen in
    one place or the other.
    """
    found: dict[str, Oid] = {}
    loose = dict(_loose(common_dir, prefix))
    for name, oid in _packed(common_dir, prefix):
        found[name] = oid
    for name, text in loose.items():
        oid_or_none = _value(name, text, follow)
        if oid_or_none is None:
            found.pop(name, None)
        else:
            found[name] = oid_or_none
    return tuple(sorted(found.items()))


def blocking_name(common_dir: Path, name: str) -> str | None:
    """A ref that is a folder of `name`, or for which `name` would be a folder; None if none is.

    The transaction primitive of libgit2 does not look into `packed-refs` for this, and would leave
    `a/b` and `a/b/c` side by side, which no Git can keep.
    """
    packed = _packed_bytes(common_dir)
    parts = name.split("/")
    for length in range(2, len(parts)):
        above = "/".join(parts[:length])
        if (common_dir / above).is_file() or f" {above}\n".encode() in packed:
            return above
    if f" {name}/".encode() in packed or next(_loose(common_dir, name + "/"), None) is not None:
        return name + "/*"
    return None


def nearest_folder(common_dir: Path, name: str) -> Path:
    """The deepest folder on the way to the loose file of `name` that exists now."""
    folder = (common_dir / name).parent
    while not folder.is_dir() and folder != common_dir:
        folder = folder.parent
    return folder


def _value(name: str, text: bytes, follow: Callable[[str], Oid | None]) -> Oid | None:
    if text.startswith(_SYMBOLIC):
        if is_ours(name):
            raise ref_symbolic(name)
        return follow(name)
    try:
        return check_oid(text[:40].decode("ascii"))
    except (UnicodeDecodeError, DamagedError):
        raise DamagedError(
            "git.ref_damaged", f"the file of {name} holds no object id", fix=("git fsck",), at=place(name)
        ) from None


def _loose(common_dir: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    folders = [prefix.rstrip("/")]
    while folders:
        folder = folders.pop()
        try:
            entries = sorted(os.scandir(common_dir / folder), key=lambda e: e.name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in entries:
            name = f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                folders.append(name)
            elif not entry.name.endswith(".lock"):
                try:
                    yield name, Path(entry.path).read_bytes()
                except FileNotFoundError:
                    continue  # packed or deleted since the folder was read


def _packed_bytes(common_dir: Path) -> bytes:
    try:
        return (common_dir / "packed-refs").read_bytes()
    except FileNotFoundError:
        return b""


def _packed(common_dir: Path, prefix: str) -> Iterator[tuple[str, Oid]]:
    data = _packed_bytes(common_dir)
    mark = b" " + prefix.encode("utf-8", "surrogateescape")
    hit = data.find(mark)
    while hit >= 0:
        end = data.find(b"\n", hit)
        end = len(data) if end < 0 else end
        start = data.rfind(b"\n", 0, hit) + 1
        if hit - start == 40:
            name = data[hit + 1 : end].decode("utf-8", "surrogateescape")
            yield name, check_oid(data[start:hit].decode("ascii", "replace"))
        hit = data.find(mark, end)
