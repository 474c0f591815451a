"""What the disk says, as our errors: full, read-only, or something that may pass."""

from __future__ import annotations

import errno
import os

from gitflow_runner.errors import TransientError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def disk_full(doing: str) -> TransientError:
    """The error for a disk without room."""
    return TransientError(
        "git.disk_full",
        f"no space left while {doing}",
        hint="free some space and repeat the command: nothing was left half-done",
        fix=("df -h .",),
    )


def read_only(doing: str) -> TransientError:
    """The error for a place that may not be written."""
    return TransientError(
        "git.read_only",
        f"the repository cannot be written: {doing}",
        hint="reading works; mount it writable, or run as the user who owns it",
    )


def from_os_error(error: OSError, doing: str) -> TransientError:
    """The error for a failed system call."""
    if error.errno in _FULL:
        return disk_full(doing)
    if error.errno in _READ_ONLY:
        return read_only(doing)
    return TransientError("git.write_failed", f"{doing}: {error.strerror or error}")


def from_text(text: str, doing: str) -> TransientError | None:
    """The same for libgit2, which passes the system's text on but not its number; None if unknown."""
    if any(os.strerror(number) in text for number in _FULL):
        return disk_full(doing)
    if any(os.strerror(number) in text for number in _READ_ONLY):
        return read_only(doing)
    return None
