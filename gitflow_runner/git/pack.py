"""Writing objects so that they survive a power cut: one small pack with its index, or one loose file.

fsync is what a turn costs, so the form with the fewest is taken. A pack of any number of objects takes
three (pack, index, folder); a loose object takes two (file, folder), so already two of them take four.
Pack format version 2 without deltas; index format version 2 with a checksum an object; zlib as in
RFC 1950 and 1951.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from gitflow_runner.git.disk_errors import from_os_error
from gitflow_runner.git.objects import KIND_NUMBERS, RawObject

LOOSE_AT_MOST = 1
_LEVEL = 1  # zlib: a turn's objects are a few hundred bytes, and maintenance compresses them again
_TINY = 128  # bytes; up to here little is won: ids do not compress, and maintenance tries again
_SMALL = 2_048  # bytes; up to here setting up zlib costs more than compressing
_FAR = 0x80000000  # offsets from here on stand in the index's table of large offsets


def store(objects_dir: Path, objects: Sequence[RawObject]) -> None:
    """Make all objects durable below `objects_dir`; raises `TransientError` (`git.disk_full`, …).

    Objects that exist already are written all the same: an ordinary `git commit` does not sync what it
    writes, and a run must not rest on bytes that a power cut can take.
    """
    distinct = {item.oid: item for item in objects}
    try:
        if len(distinct) <= LOOSE_AT_MOST:
            for item in distinct.values():
                _store_loose(objects_dir, item)
        else:
            _store_pack(objects_dir / "pack", tuple(distinct.values()))
    except OSError as error:
        raise from_os_error(error, f"writing {len(distinct)} objects") from error


def encode_pack(objects: Sequence[RawObject]) -> tuple[bytes, bytes, str]:
    """The bytes of a pack and of its index, and the pack's checksum in hex, which names both files."""
    chunks = [b"PACK" + struct.pack(">II", 2, len(objects))]
    offset = len(chunks[0])
    rows: list[tuple[bytes, int, int]] = []
    for item in objects:
        chunk = _entry_head(item) + _deflated(item.data)
        rows.append((bytes.fromhex(item.oid), zlib.crc32(chunk), offset))
        chunks.append(chunk)
        offset += len(chunk)
    body = b"".join(chunks)
    checksum = hashlib.sha1(body, usedforsecurity=False)
    return body + checksum.digest(), _encode_index(rows, checksum.digest()), checksum.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _deflated(data: bytes) -> bytes:
    if len(data) <= _TINY:
        # One stored block, by hand: to set zlib up takes longer than all the rest.
        head = struct.pack("<BBBHH", 0x78, 0x01, 0x01, len(data), len(data) ^ 0xFFFF)
        return head + data + struct.pack(">I", zlib.adler32(data))
    if len(data) > _SMALL:
        return zlib.compress(data, _LEVEL)
    # A window of 4 KB and small tables, instead of 256 KB to be set up for a few hundred bytes.
    small = zlib.compressobj(_LEVEL, zlib.DEFLATED, 12, 4)
    return small.compress(data) + small.flush()


def _entry_head(item: RawObject) -> bytes:
    size = len(item.data)
    byte = KIND_NUMBERS[item.kind] << 4 | size & 0x0F
    size >>= 4
    head = bytearray()
    while size:
        head.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    head.append(byte)
    return bytes(head)


def _encode_index(rows: list[tuple[bytes, int, int]], pack_checksum: bytes) -> bytes:
    rows = sorted(rows)
    fanout = [0] * 256
    for oid, _, _ in rows:
        fanout[oid[0]] += 1
    for position in range(1, 256):
        fanout[position] += fanout[position - 1]
    far = [offset for _, _, offset in rows if offset >= _FAR]
    numbers = iter(range(len(far)))
    near = [offset if offset < _FAR else _FAR | next(numbers) for _, _, offset in rows]
    index = b"".join(
        (
            b"\xfftOc",
            struct.pack(">I", 2),
            struct.pack(">256I", *fanout),
            b"".join(oid for oid, _, _ in rows),
            struct.pack(f">{len(rows)}I", *(crc for _, crc, _ in rows)),
            struct.pack(f">{len(rows)}I", *near),
            struct.pack(f">{len(far)}Q", *far),
            pack_checksum,
        )
    )
    return index + hashlib.sha1(index, usedforsecurity=False).digest()


def _store_pack(folder: Path, objects: Sequence[RawObject]) -> None:
    pack, index, checksum = encode_pack(objects)
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)
    # The index is renamed last: only with it does anybody look at the pack.
    _place(folder, "tmp_pack", pack, folder / f"pack-{checksum}.pack")
    _place(folder, "tmp_idx", index, folder / f"pack-{checksum}.idx")
    sync_folder(folder)


def _store_loose(objects_dir: Path, item: RawObject) -> None:
    folder = objects_dir / item.oid[:2]
    if not folder.is_dir():
        folder.mkdir(exist_ok=True)
        sync_folder(objects_dir)
    head = b"%s %d\0" % (item.kind.encode(), len(item.data))
    _place(folder, "tmp_obj", _deflated(head + item.data), folder / item.oid[2:])
    sync_folder(folder)


def _place(folder: Path, kind: str, data: bytes, final: Path) -> None:
    """Write, sync and rename; the temporary name is one that Git's own housekeeping removes when stale."""
    temporary, handle = _create(folder, kind)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(temporary, final)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _create(folder: Path, kind: str) -> tuple[Path, int]:
    number = 0
    while True:
        path = folder / f"{kind}_{os.getpid()}_{number}"
        try:
            return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
        except FileExistsError:
            number += 1
