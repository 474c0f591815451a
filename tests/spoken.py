"""Commands of ours and of Git run in a folder, and repositories prepared with them, for tests of faces."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitflow_runner.cli.main import run as run_command
from tests.signed_objects import keygen

HELLO_DUTIES = """:release {:need 1 :role :release} :promote {:need 1 :role :release} :control {:role :dev}"""


@dataclass(frozen=True, slots=True)
class Told:
    """What a command came to: its exit code, its envelope, and what it said on stderr."""

    exit: int
    envelope: Mapping[str, Any]
    err: str

    @property
    def data(self) -> Mapping[str, Any]:
        """The data of a success."""
        assert self.envelope["ok"], f"{self.envelope} {self.err}"
        data: Mapping[str, Any] = self.envelope["data"]
        return data

    @property
    def code(self) -> str | None:
        """The code of a refusal, None for a success."""
        return None if self.envelope["ok"] else str(self.envelope["error"]["code"])


def spoken(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of one command run in `folder`, in this process."""
    before = Path.cwd()
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run_command(["-C", str(folder), *arguments])
    finally:
        os.chdir(before)
    return code, out.getvalue(), err.getvalue()


def gfr(folder: Path, *arguments: str) -> Told:
    """One command with `--json`."""
    code, out, err = spoken(folder, *arguments, "--json")
    return Told(code, json.loads(out), err)


@dataclass(frozen=True, slots=True)
class Desk:
    """Somebody's key and clone."""

    name: str
    key: Path
    clone: Path

    @property
    def line(self) -> str:
        """Kind and blob of the public key."""
        return " ".join(Path(f"{self.key}.pub").read_text().split()[:2])

    def gfr(self, *arguments: str) -> Told:
        """Run a command in the clone."""
        return gfr(self.clone, *arguments)

    def git(self, *arguments: str, given: bytes | None = None, **environment: str) -> str:
        """What git printed, in the clone, without the newline at its end."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.clone,
            env=os.environ | environment,
            input=given,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().rstrip("\n")

    def write_policy(self, text: str) -> None:
        """Put a draft of the policy into the work tree."""
        (self.clone / ".breyta" / "policy.edn").write_text(text)

    def write_flow(self, slug: str, body: str, more: str = "") -> None:
        """Put a flow into the work tree and commit it."""
        (self.clone / ".breyta" / "flows" / f"{slug}.edn").write_text(flow_text(slug, body, more))
        self.git("add", "-A")
        self.git("commit", "-q", "-S", "-m", f"Flow {slug}")


ALONE = "{:type :singleton :on-new-version :coexist}"
LANES = "{:type :keyed :key-field :lane :on-new-version :coexist}"
LANE = '[{:name :lane :default "one"}]'


def flow_text(slug: str, body: str, more: str = "", *, concurrency: str = ALONE, inputs: str = "[]") -> str:
    """A flow's file with the parts that every flow has; `LANES` with `LANE` let one run a lane be open."""
    return f"""{{:slug :{slug} :name "{slug}" {more}
 :concurrency {concurrency}
 :invocations {{:default {{:inputs {inputs}}}}}
 :interfaces {{:manual [{{:id :start :invocation :default :label "Start"}}]}}
 :flow '{body}}}
"""


def desk(folder: Path, name: str, source: Path | None = None) -> Desk:
    """A person with a key of their own and an empty repository, or a clone of `source`."""
    keys, clone = folder / "keys", folder / name
    keys.mkdir(exist_ok=True)
    key = keys / name
    if not key.exists():
        keygen(keys, name, "-t", "ed25519")
    command = ["init", "-q", "-b", "main"] if source is None else ["clone", "-q", str(source)]
    subprocess.run(["git", *command, str(clone)], check=True, capture_output=True)
    found = Desk(name, key, clone)
    settings = {
        "user.name": name,
        "user.email": f"{name}@example.test",
        "gpg.format": "ssh",
        "user.signingkey": f"{key}.pub",
    }
    for setting, value in settings.items():
        found.git("config", setting, value)
    return found


def policy_of(
    people: Mapping[str, tuple[str, str]], *, version: int = 1, rules: str = "", more: str = ""
) -> str:
    """A policy's text; `people` are (what is said of them, key line) by name."""
    listed = "\n  ".join(
        f'"{n}" {{{about} :keys [{{:ssh "{line}"}}]}}' for n, (about, line) in people.items()
    )
    ruled = rules or '{:match {:flow "*"} :need 1 :role :dev :drafts true}'
    return (
        f"{{:policy/version {version}\n :people {{{listed}}}\n :rules [{ruled}]\n {HELLO_DUTIES} {more}}}\n"
    )
