"""Paths inside a project's tree: which of them may be written, and which two are one on some disk.

The rules are those of git's `verify_path` with the protections of HFS+ and NTFS always on, whatever the
disk here is: what is written here is checked out elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from gitflow_runner.errors import StepError

MAX_PATH: Final = 400  # characters
MAX_NAME: Final = 255  # bytes of one part, the bound of most disks
PROPOSALS: Final = ".breyta/proposals/"  # the proposals' own files, which no flow writes

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
# Characters that HFS+ leaves out of a name when it compares.
_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
# `.git` and `.gitmodules`, and the short names by which NTFS knows such files.
_RESERVED = re.compile(r"\.git|git~[1-9][0-9]*|\.gitmodules|gitmod~[1-9][0-9]*|gi7(?:eba|d29)~[1-9]")


def check_project_path(path: str) -> str:
    """The path itself if a file may be written there; `StepError` (`files.path`) says why not."""
    if not path or len(path) > MAX_PATH:
        raise _refused(path, f"a path has 1 to {MAX_PATH} characters")
    if _FORBIDDEN.search(path):
        raise _refused(path, "it holds a control character, a backslash or half a character")
    for part in path.split("/"):
        if part in ("", ".", ".."):
            raise _refused(path, "write it from the project's root, without empty parts, . and ..")
        if len(part.encode()) > MAX_NAME:
            raise _refused(path, f"a part of it is longer than {MAX_NAME} bytes")
        if _RESERVED.fullmatch(_on_any_disk(part)):
            raise _refused(path, f"{part[:40]!r} is git's own on some disk")
    if f"{folded(path)}/".startswith(PROPOSALS):
        raise _refused(path, f"{PROPOSALS} belongs to the proposals' own files")
    return path


def folded(name: str) -> str:
    """What two names have in common that a disk without upper case or with composed letters takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _on_any_disk(part: str) -> str:
    # NTFS ends a name at a colon (a stream follows) and drops dots and blanks at its end.
    return _IGNORED.sub("", folded(part)).partition(":")[0].rstrip(". ")


def _refused(path: str, why: str) -> StepError:
    return StepError("files.path", f"{path[:100]!r} cannot be a file of the project: {why}")
