"""The main job, shown and checked: a run of our own flow, approved with plain Git, released and run live.

Everything happens in clones of this repository below a temporary folder, with keys made for two people,
and without a network. A line that begins with `ok` was checked; any failed check ends the demo.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).resolve().parent.parent
GFR = [sys.executable, "-m", "gitflow_runner"]
FLOW = "release-notes"


class Person:
    """Somebody with a key and a clone."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self.email = f"{name}@example.test"
        self.key = root / f"{name}_ed25519"
        self.clone = root / name
        self.environment = _environment(root)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.email, "-f", str(self.key)], self)

    def configure(self) -> None:
        """Tell Git in the clone who this is and which key signs."""
        settings = {
            "user.name": self.name,
            "user.email": self.email,
            "gpg.format": "ssh",
            "user.signingkey": f"{self.key}.pub",
        }
        for key, value in settings.items():
            run(["git", "config", key, value], self, self.clone)

    @property
    def public_key(self) -> str:
        """Kind and blob of the public key."""
        return " ".join(Path(f"{self.key}.pub").read_text().split()[:2])


def main() -> None:
    """Show the main job."""
    with tempfile.TemporaryDirectory(prefix="gitflow-demo-") as folder:
        root = Path(folder).resolve()
        ann, bob = Person(root, "ann"), Person(root, "bob")
        prepare(ann, bob)
        first = draft(ann, bob)
        second = live(ann, bob)
        prove(ann, (first, second))
    say("done: every line marked ok was checked")


def prepare(ann: Person, bob: Person) -> None:
    """Ann's clone of this repository, with a policy that names both people and her runner."""
    title("Ann clones this repository and prepares it for runs")
    git(ann, "clone", "--quiet", "--no-local", str(HERE), str(ann.clone), cwd=ann.key.parent)
    git(ann, "switch", "--quiet", "--force-create", "main")
    ann.configure()
    prepared = gfr(ann, "init")
    policy = ann.clone / ".breyta/policy.edn"
    text = policy.read_text()
    someone = f'"{bob.email}" {{:kind :human :roles #{{:dev :release}} :keys [{{:ssh "{bob.public_key}"}}]}}'
    # The runner's line is there already, behind two discards.
    policy.write_text(
        text.replace('#_ "runner@', f'{someone}\n  "runner@').replace('" #_ {:kind', '" {:kind')
    )
    applied = gfr(ann, "policy", "apply")
    check(applied["version"] == 2, "version 2 of the policy, signed by Ann, names Bob and the runner")
    check(str(prepared["policy_root"]).startswith("sha256:"), f"its root is {prepared['policy_root']}")
    git(ann, "commit", "--quiet", "--gpg-sign", "--all", "--message", "Let Bob approve")


def draft(ann: Person, bob: Person) -> str:
    """A run of the draft that Bob approves with nothing but Git."""
    title(f"Ann runs the draft of {FLOW}")
    started = gfr(ann, "run", FLOW, expect=7)
    run_id = str(started["run"])
    say(f"  run {run_id} is {started['status']}")
    check(started["status"] == "waiting", "the run waits for somebody other than Ann")
    refused = gfr_error(ann, "approve", run_id, "--payload", payload_of(started), "--yes", expect=4)
    check(refused == "approval.self_approval", "Ann may not approve what she started")
    approve_with_git(ann, bob, run_id)
    return finish(ann, bob, run_id)


def approve_with_git(ann: Person, bob: Person, run_id: str) -> None:
    """Paste the printed commands into Bob's clone."""
    title("Bob approves with plain Git: the commands are those that the runner printed")
    if not bob.clone.exists():
        git(bob, "clone", "--quiet", str(ann.clone), str(bob.clone), cwd=bob.key.parent)
        bob.configure()
    wait = waiting(gfr(ann, "show", run_id))
    question = gfr(ann, "show", run_id, str(wait["wait"]))
    block = str(mapping(question["git_commands"])["approve"])
    say("".join(f"  | {line}\n" for line in block.splitlines()).rstrip())
    before = git(bob, "status", "--porcelain") + git(bob, "rev-parse", "HEAD")
    run(["sh", "-e", "-c", block], bob, bob.clone)
    after = git(bob, "status", "--porcelain") + git(bob, "rev-parse", "HEAD")
    check(before == after, "Bob's work tree and branch are as they were")


def finish(ann: Person, bob: Person, run_id: str) -> str:
    """Let the runner look into its inbox, and hold the kept notes to their digest."""
    gfr(ann, "worker", "--once")
    shown = gfr(ann, "show", run_id)
    check(shown["status"] == "succeeded", f"the run went on and is {shown['status']}")
    step = next(s for s in items(shown["steps"]) if s["type"] == "wait")
    check(step["by"] == [bob.email], f"approved by {bob.email}, found by key, not by name")
    result = str(mapping(shown["output"])["preview"])
    digest = result.split('"res://sha256/', 1)[1].split('"', 1)[0]
    notes = git(ann, "show", f"{shown['ref']}:res/{digest}")
    check(hashlib.sha256(notes.encode()).hexdigest() == digest, f"the notes lie at res://sha256/{digest}")
    check(f"Approved by {bob.email}." in notes, "and name their approver:")
    say("".join(f"  | {line}\n" for line in notes.splitlines()[:8]).rstrip())
    return run_id


def live(ann: Person, bob: Person) -> str:
    """The same flow as a signed release that was promoted to live."""
    title("Ann releases the flow, promotes it, and runs what is live")
    released = gfr(ann, "release", FLOW, "-m", "First release.", "--yes")
    check(released["tag"] == f"flow/{FLOW}/v1", f"signed tag {released['tag']}")
    promoted = gfr(ann, "promote", FLOW, "--yes")
    check(promoted["live"] == 1, "live is v1")
    started = gfr(ann, "run", FLOW, "--ref", "live", expect=7)
    run_id = str(started["run"])
    check(started["release"] == f"flow/{FLOW}/v1", f"run {run_id} is pinned to {started['release']}")
    approve_with_git(ann, bob, run_id)
    return finish(ann, bob, run_id)


def prove(ann: Person, runs: tuple[str, ...]) -> None:
    """Everything again from Git alone."""
    title("What Git says")
    for run_id in runs:
        log = git(ann, "log", "--format=%h %G? %an %s", f"refs/runs/{FLOW}/{run_id}")
        say(log.rstrip())
        marks = {line.split()[1] for line in log.splitlines()}
        check(marks == {"G"}, "every commit of the run has a good signature")
        verified = gfr(ann, "runs", "verify", run_id)
        check(verified["verdict"] == "ok", f"gfr runs verify {run_id}: {verified['verdict']}")
    problems = [line for line in git(ann, "fsck", "--strict").splitlines() if not line.startswith("dangling")]
    check(problems == [], "git fsck finds nothing wrong")


def gfr(person: Person, *arguments: str, expect: int = 0) -> Mapping[str, object]:
    """The data of a command's envelope; its exit code must be the expected one."""
    say(f"$ gfr {' '.join(arguments)}")
    return mapping(_envelope(person, arguments, expect)["data"])


def gfr_error(person: Person, *arguments: str, expect: int) -> str:
    """The code of a command's error."""
    say(f"$ gfr {' '.join(arguments)}")
    return str(mapping(_envelope(person, arguments, expect)["error"])["code"])


def _envelope(person: Person, arguments: tuple[str, ...], expect: int) -> Mapping[str, object]:
    done = subprocess.run(
        [*GFR, *arguments, "--json"],
        cwd=person.clone,
        env=person.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != expect:
        fail(f"gfr {arguments[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return mapping(json.loads(done.stdout))


def git(person: Person, *arguments: str, cwd: Path | None = None) -> str:
    """What a git command prints."""
    return run(["git", *arguments], person, cwd or person.clone)


def run(command: list[str], person: Person, cwd: Path | None = None) -> str:
    """Run a command to a good end."""
    done = subprocess.run(
        command, cwd=cwd, env=person.environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        fail(f"{' '.join(command)[:200]} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def waiting(shown: Mapping[str, object]) -> Mapping[str, object]:
    """The first open wait of a run."""
    return items(shown["waits"])[0]


def payload_of(shown: Mapping[str, object]) -> str:
    """The digest that people type."""
    return str(waiting(shown)["payload"])


def items(value: object) -> list[Mapping[str, object]]:
    """A list of maps."""
    assert isinstance(value, list)
    return value


def mapping(value: object) -> Mapping[str, object]:
    """A map."""
    assert isinstance(value, dict)
    return value


def check(holds: bool, claim: str) -> None:
    """Print a claim once it is known to hold."""
    if not holds:
        fail(f"not so: {claim}")
    say(f"ok  {claim}")


def title(text: str) -> None:
    """A heading."""
    say(f"\n== {text}")


def say(text: str) -> None:
    """A line of the demo."""
    print(text, flush=True)


def fail(text: str) -> NoReturn:
    """End the demo."""
    sys.exit(f"demo failed: {text}")


def _environment(root: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "SSH_", "GFR_"))}
    home = root / "home"
    home.mkdir(exist_ok=True)
    return {
        **kept,
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PYTHONPATH": str(HERE),
        "LC_ALL": "C.UTF-8",
    }


if __name__ == "__main__":
    main()
