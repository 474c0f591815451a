"""What fetch and push say, as our errors."""

from __future__ import annotations

import re

from gitflow_runner.errors import ConflictError, GitflowError, NotFoundError, RefusedError, TransientError
from gitflow_runner.git.child import Finished

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_LACKING = re.compile(r"^fatal: couldn't find remote ref (\S+)$", re.MULTILINE)
_REJECTED_FETCH = re.compile(r"^ ! \[[a-z ]+\]\s+(\S+)\s+-> (\S+)\s*(?:\((.*)\))?$", re.MULTILINE)
_REJECTED_PUSH = re.compile(r"^!\t[^:\t]*:([^\t]+)\t(.*)$", re.MULTILINE)
_DENIED = re.compile(
    r"Permission denied|Authentication failed|could not read (?:Username|Password)|terminal prompts disabled"
    r"|Host key verification failed|returned error: 40[13]|access denied",
    re.IGNORECASE,
)
_NO_REPOSITORY = re.compile(
    r"does not appear to be a git repository|[Rr]epository .*not found|No such remote"
)
_LOCKED = re.compile(r"cannot lock ref|Unable to create '[^']*\.lock'")


def shown(text: bytes) -> str:
    """What a child wrote, on one line without control characters, at most 300 characters."""
    return _CONTROL.sub(" ", text.decode("utf-8", "replace")).strip()[:300]


def lacking_ref(finished: Finished) -> str | None:
    """The exact ref that a fetch asked for and the remote does not have."""
    if finished.code == 0:
        return None
    match = _LACKING.search(finished.stderr.decode("utf-8", "replace"))
    return None if match is None else match[1]


def check_fetch(remote: str, finished: Finished) -> None:
    """Nothing if the fetch went well, else its error."""
    if finished.code == 0:
        return
    text = finished.stderr.decode("utf-8", "replace")
    rejected = {
        match[2]: shown((match[3] or "rejected").encode()) for match in _REJECTED_FETCH.finditer(text)
    }
    if rejected:
        names = ", ".join(sorted(rejected))[:200]
        raise ConflictError(
            "git.fetch_rejected",
            f"{names} on {remote} does not continue what is here, so it was not fetched",
            hint="the remote's history was rewritten, or this clone made commits of its own there",
            details={"remote": remote, "refs": rejected},
        )
    raise failed(remote, finished)


def check_push(remote: str, finished: Finished) -> None:
    """Nothing if the push went well, else its error."""
    text = finished.stdout.decode("utf-8", "replace")
    rejected = {match[1]: shown(match[2].encode()) for match in _REJECTED_PUSH.finditer(text)}
    if rejected:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in sorted(rejected.items()))
        raise ConflictError(
            "git.push_rejected",
            f"{remote} did not take the push: {reasons[:400]}",
            hint="fetch, look at what is there now and decide again",
            details={"remote": remote, "refs": rejected, "said": shown(finished.stderr)},
        )
    if finished.code != 0:
        raise failed(remote, finished)


def failed(remote: str, finished: Finished) -> GitflowError:
    """The error for a connection that did not come about or broke."""
    text = finished.stderr.decode("utf-8", "replace")
    said = shown(finished.stderr)
    details = {"remote": remote, "exit": finished.code, "said": said}
    if _DENIED.search(text):
        return RefusedError(
            "git.remote_denied",
            f"{remote} did not let you in: {said}",
            hint="credentials come from ssh-agent and your global Git configuration, not the repository's",
            fix=(f"git ls-remote {remote}",),
            details=details,
        )
    if _LOCKED.search(text):
        return TransientError("git.ref_locked", f"a ref is locked: {said}", details=details)
    if _NO_REPOSITORY.search(text):
        return NotFoundError(
            "git.no_remote", f"{remote} is no repository: {said}", fix=("git remote -v",), details=details
        )
    return TransientError(
        "git.remote_unreachable",
        f"{remote} could not be reached: {said}",
        hint="what was not pushed stays here and goes with the next push",
        fix=(f"git ls-remote {remote}",),
        details=details,
    )
