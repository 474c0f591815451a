"""A tree as a plain tar file, always the same for the same tree, and what comes back as one."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from typing import Final

from gitflow_runner.errors import StepError
from gitflow_runner.model.project_path import check_project_path
from gitflow_runner.steps.trees import FileContent

MEDIA_TYPE: Final = "application/x-tar"
MAX_ARCHIVE: Final = 50_000_000
MAX_MEMBERS: Final = 20_000
_BLOCK: Final = 512
_END: Final = bytes(2 * _BLOCK)


def archive_chunks(files: Iterable[tuple[str, FileContent]]) -> Iterator[bytes]:
    """The archive piece by piece: no times, no owners; `StepError` (`files.too_large`)."""
    total = len(_END)
    for path, content in files:
        info = tarfile.TarInfo(path)
        info.size, info.mode = len(content.data), 0o755 if content.executable else 0o644
        head = info.tobuf(tarfile.PAX_FORMAT)
        padding = bytes(-len(content.data) % _BLOCK)
        total += len(head) + len(content.data) + len(padding)
        if total > MAX_ARCHIVE:
            raise StepError(
                "files.too_large",
                f"the archive would have more than {MAX_ARCHIVE} bytes",
                hint="take less of the tree with :paths",
            )
        yield from (head, content.data, padding)
    yield _END


def read_archive(data: bytes) -> dict[str, FileContent]:
    """The regular files of a plain tar archive by path.

    Nothing is unpacked anywhere. `StepError` (`files.archive` for links, devices, doubles, holes and what
    cannot be read; `files.path`).
    """
    found: dict[str, FileContent] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for number, member in enumerate(archive):
                if number >= MAX_MEMBERS:
                    raise _refused(f"it holds more than {MAX_MEMBERS} entries")
                if member.isdir():
                    continue
                path = check_project_path(member.name.removeprefix("./"))
                if path in found:
                    raise _refused(f"it holds {path[:100]!r} twice")
                found[path] = FileContent(_bytes(archive, member, len(data)), bool(member.mode & 0o100))
    except (tarfile.TarError, ValueError, OverflowError, EOFError, RecursionError) as error:
        raise _refused(f"it cannot be read: {str(error)[:100]}") from None
    return found


def _bytes(archive: tarfile.TarFile, member: tarfile.TarInfo, most: int) -> bytes:
    if not member.isreg() or member.issparse():
        raise _refused(f"{member.name[:100]!r} is no plain file")
    if member.size > most:
        raise _refused(f"{member.name[:100]!r} claims to be larger than the archive")
    file = archive.extractfile(member)
    data = b"" if file is None else file.read(member.size)
    if len(data) != member.size:
        raise _refused(f"it ends in the middle of {member.name[:100]!r}")
    return data


def _refused(why: str) -> StepError:
    return StepError(
        "files.archive", f"the archive is not taken: {why}", hint="give a plain tar of plain files"
    )
