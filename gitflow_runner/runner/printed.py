"""The commands that an approver can paste: plain Git, literal ids, nothing of ours needed.

The block (protocol 6.4) checks the runner's signature on the wait commit and the payload's digest before
anything is signed, never touches the work tree, and pushes nothing if signing fails.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_SAFE = re.compile(r"[a-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a block is written for; `remote` is a remote's name or the URL of this repository."""

    remote: str
    run: str
    run_ref: str
    wait: str
    wait_commit: str
    payload: str  # hex SHA-256
    runner_key: str  # public key line
    approvals: str  # refs/approvals/<run>/<wait>/


def decision_message(asked: Asked, decision: str) -> str:
    """The message of a decision commit; the words above the trailers are free."""
    return "\n".join(
        (
            f"{decision} {asked.wait}",
            "",
            "Gitflow-Statement: approval",
            f"Gitflow-Run: {asked.run}",
            f"Gitflow-Wait: {asked.wait}",
            f"Gitflow-Decision: {decision}",
            f"Gitflow-Payload: sha256:{asked.payload}",
            "",
        )
    )


def decision_block(asked: Asked, decision: str) -> str:
    """The shell text that makes and pushes one decision."""
    for name in (asked.run, asked.wait, decision):
        assert _SAFE.fullmatch(name), f"{name!r} may not stand in a printed command"
    remote = shlex.quote(asked.remote)
    return f"""\
W={asked.wait_commit}
M=$(mktemp) && K=$(mktemp) && git fetch -q {remote} {asked.run_ref} &&
echo 'runner namespaces="git" {_key(asked.runner_key)}' > "$K" &&
git -c gpg.ssh.allowedSignersFile="$K" -c gpg.ssh.program=ssh-keygen verify-commit "$W" &&
git show "$W:wait/payload.edn" &&
git show "$W:wait/payload.edn" | {{ sha256sum 2>/dev/null || shasum -a 256; }} |
  grep -q '^{asked.payload} ' &&
cat > "$M" <<'END' &&
{decision_message(asked, decision)}END
A=$(git commit-tree -S -p "$W" -F "$M" "$W^{{tree}}") &&
git push -q {remote} "$A:{asked.approvals}$A"
"""


def _key(line: str) -> str:
    kind, blob = line.split()[:2]
    assert re.fullmatch(r"[a-z0-9@.-]+", kind), kind
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", blob), blob
    return f"{kind} {blob}"
