"""The story of docs/tutorial-server.md, pasted block by block: what the agent cannot do, and people can.

Each block of the page runs in one shell in a temporary folder, without a network. A block that is to be
refused says with which code, and between the blocks the state of the server is held to what the page claims.
A line that begins with `ok` was checked; any failed check ends the demo.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).resolve().parent.parent
PAGE = HERE / "docs" / "tutorial-server.md"
_PART = re.compile(
    r"^## (?P<title>[^\n]+)$|^```sh(?: refused=(?P<code>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_STATE = "state.sh"
RUN_REFS = "refs/runs", "refs/approvals", "refs/tags", "refs/policy", "refs/heads/main"


@dataclass(frozen=True)
class Part:
    """A heading of the page, or a block of commands with the code that refuses its last one."""

    title: str | None
    text: str = ""
    refused: str | None = None


def read_page() -> list[Part]:
    """Headings and blocks in the order of the page."""
    found = _PART.finditer(PAGE.read_text())
    return [Part(m["title"]) if m["title"] else Part(None, m["text"], m["code"]) for m in found]


class Shell:
    """The shell that everything is pasted into; its variables and functions live on from block to block."""

    def __init__(self, root: Path) -> None:
        self.root = root
        tools = root / "tools"
        self.folder = root / "tour"
        home = root / "home"
        for each in (tools, self.folder, home):
            each.mkdir()
        gfr = tools / "gfr"
        gfr.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gitflow_runner "$@"\n')
        gfr.chmod(0o755)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "SSH_", "GFR_"))}
        self.environment = {
            **kept,
            "HOME": str(home),
            "PATH": f"{tools}:{kept['PATH']}",
            "GIT_CONFIG_NOSYSTEM": "1",
            "PYTHONPATH": str(HERE),
            "LC_ALL": "C.UTF-8",
        }

    def paste(self, text: str) -> tuple[int, str]:
        """Exit code of the block, which ends with the first command that fails, and all that it printed."""
        state = self.root / _STATE
        before = f'[ ! -f "{state}" ] || . "{state}"\nset -ea\n'
        keep = f"trap '{{ export -p; declare -f; }} > \"{state}\"' EXIT\n"
        done = subprocess.run(
            ["bash", "-c", before + keep + text],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def ask(self, command: str) -> str:
        """What a command prints; it has to succeed."""
        code, said = self.paste(command)
        if code != 0:
            fail(f"{command} ended with {code}: {said}")
        return said.strip()


def main() -> None:
    """Paste the page."""
    with tempfile.TemporaryDirectory(prefix="gitflow-demo-") as folder:
        shell = Shell(Path(folder).resolve())
        heading = ""
        for part in read_page():
            if part.title is not None:
                close(shell, heading)
                heading = part.title
                say(f"\n== {heading}")
            else:
                paste(shell, part)
        close(shell, heading)
    say("done: every line marked ok was checked")


def paste(shell: Shell, part: Part) -> None:
    """Run a block to the end that the page promises."""
    for line in part.text.splitlines():
        say(f"$ {line}")
    before = refs(shell) if part.refused else ""
    code, said = shell.paste(part.text)
    say("".join(f"  | {line}\n" for line in said.splitlines()).rstrip())
    if part.refused is None:
        check(code == 0, "done")
        return
    check(code != 0 and f"({part.refused})" in said, f"refused: {part.refused}")
    check(refs(shell) == before, "and nothing on the server has changed")


def refs(shell: Shell) -> str:
    """What stands on the server and must not move by what is refused."""
    return shell.ask(f"git -C server.git for-each-ref {' '.join(RUN_REFS)}")


def close(shell: Shell, heading: str) -> None:
    """Check what the section under this heading leaves behind."""
    claim = CLAIMS.get(heading)
    if claim is not None:
        claim(shell)


def joined(shell: Shell) -> None:
    """Everybody trusts the same policy."""
    versions = {who: shell.ask(f"gfr -C {who} policy show -q") for who in ("ann", "bob", "bot", "server.git")}
    check(len(set(versions.values())) == 1, "four repositories, one policy")


def policy_stands(shell: Shell) -> None:
    """The branch binds nobody."""
    text = shell.ask("git -C server.git show refs/policy/chain:policy.edn")
    check('"bot" {:kind :agent' in text, "in the policy in force the agent is an agent still")


def entered(shell: Shell) -> None:
    """Bob's word let the commit in, and only through the gate's run."""
    check(
        shell.ask("git -C server.git rev-parse main") == shell.ask("echo $NEW"), "main is the agent's commit"
    )
    shown = shell.ask("gfr -C ann show $RUN --json")
    check('"status": "succeeded"' in shown and '"by": ["bob"]' in shown, "the deployment was approved by Bob")
    text = shell.ask("git -C server.git show refs/policy/chain:policy.edn")
    check(":policy/version 3" in text, "the policy that two people signed is in force")
    check("flow/deploy/v2" in shell.ask("git -C server.git tag"), "the second release is on the server")


def proved(shell: Shell) -> None:
    """The repository is sound after all of it."""
    said = shell.ask("git -C server.git fsck --strict --no-dangling 2>&1")
    check(said == "", "git fsck finds nothing wrong on the server")


CLAIMS: Mapping[str, Callable[[Shell], None]] = {
    "Bob and the agent join": joined,
    "The agent tries to change the policy": policy_stands,
    "The people can do all of this": entered,
    "What can be proved afterwards": proved,
}


def check(holds: bool, claim: str) -> None:
    """Print a claim once it is known to hold."""
    if not holds:
        fail(f"not so: {claim}")
    say(f"ok  {claim}")


def say(text: str) -> None:
    """A line of the demo."""
    print(text, flush=True)


def fail(text: str) -> NoReturn:
    """End the demo."""
    sys.exit(f"demo failed: {text}")


if __name__ == "__main__":
    main()
