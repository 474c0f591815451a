"""A wait in a real repository and people who answer it with nothing but git, for the tests of trust."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from gitflow_runner.git.objects import Commit, Oid
from gitflow_runner.git.pygit import open_repository
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.trust.approval import OpenWait
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.quorum import Outcome, SignedApproval, judge
from gitflow_runner.trust.signer import FileSigner, load_signer, sign_commit
from tests.policies import KEYS, policy
from tests.repositories import NoJitter, StillClock
from tests.signed_objects import DAY, NOW, git, ident, keygen

RUN, WAIT = "20260921-131402-7k3m9q", "00004-publish"
PAYLOAD_FILE = b'{:question "push build 412?"}\n'
DATES = {"GIT_COMMITTER_DATE": f"{NOW // 1000} +0000", "GIT_AUTHOR_DATE": f"{NOW // 1000} +0000"}


def payload_digest(payload: bytes = PAYLOAD_FILE) -> str:
    return "sha256:" + hashlib.sha256(payload).hexdigest()


class RealWait:
    """A work clone with a wait on a run's ref; ann, bob and the runner have real key files."""

    def __init__(self, folder: Path, flow: str = "hello") -> None:
        self.folder = folder / "clone"
        self.keys = folder / "keys"
        self.keys.mkdir()
        git(folder, "init", "-q", "-b", "main", str(self.folder))
        git(self.folder, "config", "gpg.format", "ssh")
        self.signers = {
            name: self._key(name) for name in ("ann", "bob", "dev", "agent", "stranger", "runner")
        }
        listed = {name: (self.signers[name],) for name in KEYS if name in self.signers}
        self.policy = policy(keys={"cat": KEYS["cat"]} | listed)
        self.repo = open_repository(self.folder, StillClock(), NoJitter())
        self.wait = self.open_wait(flow, RUN, WAIT)

    def _key(self, name: str) -> FileSigner:
        return load_signer(keygen(self.keys, name, "-t", "ed25519").read_bytes())

    def open_wait(self, flow: str, run: str, wait: str, payload: bytes = PAYLOAD_FILE) -> OpenWait:
        """A signed wait turn on a run's ref."""
        tree = self.write_tree({"run.json": b"{}", "payload.edn": payload, "nonce": run.encode()})
        turn = sign_commit(Commit(tree, (), ident(), ident(), f"wait {wait}\n"), self.signers["runner"])
        self.repo.write([turn])
        self.repo.swap([RefUpdate(f"refs/runs/{flow}/{run}", None, turn.oid)])
        return OpenWait(run, wait, turn.oid, tree, payload_digest(payload), NOW + DAY, flow=flow)

    def write_tree(self, files: Mapping[str, bytes]) -> Oid:
        """A flat tree, made by git."""
        lines = []
        for name, content in files.items():
            oid = git(self.folder, "hash-object", "-w", "--stdin", given=content)
            lines.append(f"100644 blob {oid}\t{name}\n")
        return Oid(git(self.folder, "mktree", given="".join(lines).encode()))

    def message(self, decision: str = "approve", **changes: str) -> str:
        """What the printed command puts into its here-document."""
        values = {
            "Gitflow-Statement": "approval",
            "Gitflow-Run": self.wait.run,
            "Gitflow-Wait": self.wait.wait,
            "Gitflow-Decision": decision,
            "Gitflow-Payload": self.wait.payload,
        } | {f"Gitflow-{name}": value for name, value in changes.items()}
        return f"{decision} it\n\n" + "".join(f"{key}: {value}\n" for key, value in values.items())

    def commit(
        self,
        who: str,
        message: str | None = None,
        *,
        parent: Oid | None = None,
        tree: Oid | None = None,
        signed: bool = True,
        **environment: str,
    ) -> Oid:
        """A commit as a person makes it with `git commit-tree -S`."""
        options = ["-c", f"user.signingkey={self.keys / who}", "commit-tree"] + (["-S"] if signed else [])
        git(self.folder, "config", "user.name", who)
        text = (message or self.message()).encode()
        return Oid(
            git(
                self.folder,
                *options,
                "-p",
                parent or self.wait.commit,
                tree or self.wait.tree,
                given=text,
                **(DATES | environment),
            )
        )

    def raw(self, oid: Oid) -> bytes:
        return self.repo.read(oid).data

    def write_raw(self, data: bytes) -> Oid:
        """An object that git itself would not write."""
        options = ("hash-object", "-w", "--literally", "-t", "commit", "--stdin")
        return Oid(git(self.folder, *options, given=data))

    def judge(
        self, *approvals: Oid, seen: int = NOW, newest: Policy | None = None, pinned: Policy | None = None
    ) -> Outcome:
        evidence = [SignedApproval(oid, seen) for oid in approvals]
        return judge(
            self.wait,
            evidence,
            reader=self.repo,
            pinned=pinned or self.policy,
            newest=newest or self.policy,
            now=seen,
        )

    def reasons(self, *approvals: Oid, seen: int = NOW, newest: Policy | None = None) -> list[str | None]:
        return [result.reason for result in self.judge(*approvals, seen=seen, newest=newest).results]
