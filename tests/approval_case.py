"""A wait in a repository in memory and the approvals sent to it, for the tests of trust."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from gitflow_runner.git.objects import Commit, RawObject, decode_commit
from gitflow_runner.trust.approval import OpenWait, build_approval
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.quorum import Evidence, Outcome, SignedApproval, judge
from gitflow_runner.trust.signer import FileSigner, sign_commit
from tests.policies import RUNNER, policy
from tests.signed_objects import DAY, HOUR, NOW, Objects, ident

RUN, WAIT = "20260921-131402-7k3m9q", "00004-publish"
PAYLOAD = "sha256:" + "ab" * 32
POLICY = policy()
FILES = {
    "run.json": b"{}",
    "wait/payload.edn": b"{:question 1}\n",
    "edit/text.md": b"hello\n",
    "edit/form.edn": b"{}\n",
}


@dataclass
class Case:
    """A wait in a repository, and what was sent to it."""

    flow: str | None = "hello"
    pinned: Policy = POLICY
    newest: Policy = POLICY
    objects: Objects = field(default_factory=Objects)
    sent: list[Evidence] = field(default_factory=list)
    now: int = NOW + HOUR

    def __post_init__(self) -> None:
        tree = self.objects.folder(FILES)
        turn = Commit(tree, (), ident(), ident(), "wait opened\n")
        commit = self.objects.add(sign_commit(turn, RUNNER))
        self.wait = OpenWait(RUN, WAIT, commit, tree, PAYLOAD, NOW + DAY, flow=self.flow, edit=True)

    def terms(self, **changes: object) -> Case:
        self.wait = replace(self.wait, **changes)  # type: ignore[arg-type]
        return self

    def send(
        self,
        key: FileSigner,
        action: str = "approve",
        *,
        seen: int = NOW,
        time: int = NOW,
        in_time: bool = False,
        edits: Mapping[str, bytes] | None = None,
        text: str = "",
    ) -> Case:
        objects = build_approval(
            self.wait,
            action,
            ident(time),
            key,
            self.objects,
            edits=edits,
            text=text or f"no. {len(self.sent)}",
        )
        self.sent.append(SignedApproval(self.objects.add(*objects), seen, in_time))
        return self

    def send_changed(self, key: FileSigner, change: Callable[[Commit], Commit]) -> Case:
        """A good approval, changed before it was signed."""
        built = build_approval(self.wait, "approve", ident(), key, self.objects)
        commit = decode_commit(built[-1].data)
        changed = change(replace(commit, headers=()))
        self.sent.append(SignedApproval(self.objects.add(sign_commit(changed, key)), NOW))
        return self

    def send_raw(self, raw: RawObject, seen: int = NOW) -> Case:
        self.sent.append(SignedApproval(self.objects.add(raw), seen))
        return self

    def judge(self) -> Outcome:
        return judge(
            self.wait, self.sent, reader=self.objects, pinned=self.pinned, newest=self.newest, now=self.now
        )

    def reasons(self) -> list[str | None]:
        found = self.judge().results
        assert all(result.counted == (result.reason is None) for result in found)
        return [result.reason for result in found]
