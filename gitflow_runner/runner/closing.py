"""Clearing a decided wait's proposal away: its change is closed with a word on why, its branch deleted.

Every part may be done again: what is done is found done. While the run goes on it is recorded; once the run
has ended nothing more can be, so then the run's lease stays until this is done.
"""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.errors import ConflictError, GitflowError, StepError
from gitflow_runner.forges.base import Remark
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import branch_ref
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.model.change import ChangeCleared, ChangeState, LeftBranch, LeftChange
from gitflow_runner.runner.buffer import Buffer
from gitflow_runner.runner.changes import MAX_REST_MS, OUTSIDE
from gitflow_runner.runner.forge_desk import ForgeDesk
from gitflow_runner.runner.forge_memory import ForgeMemory
from gitflow_runner.runner.leftovers import Leftover, Proposed
from gitflow_runner.runner.sync import push_ref

AGAIN_MS = 300_000
GIVE_UP_MS = 86_400_000  # after the end of a run

_LEFT: Mapping[ChangeState, LeftChange] = {"open": "closed", "closed": "was_closed", "merged": "merged"}


class Closing:
    """What is left of the proposals of one driven run."""

    def __init__(self, desk: ForgeDesk, buffer: Buffer, memory: ForgeMemory) -> None:
        self._desk = desk
        self._runtime = desk.runtime
        self._buffer = buffer
        self._memory = memory
        self._proposed = Proposed()
        self._followed = 0

    def settle(self) -> bool:
        """Clear away what is due; False if something is left that should be tried again."""
        new = self._buffer.journal.history(self._followed)
        self._proposed.follow(new)
        self._followed += len(new)
        owed = self._proposed.owed()
        done = [self._settle(left) for left in owed]
        return all(done) or self._is_given_up(owed)

    def _settle(self, left: Leftover) -> bool:
        key = (self._buffer.run.run, f"close {left.folder}")
        now = self._runtime.clock.monotonic_ms()
        if now < self._memory.next_look.get(key, now):
            return False
        self._memory.next_look[key] = now + AGAIN_MS
        try:
            # What people are told of is durable, and where they fetch from (protocol 1.5).
            self._buffer.flush()
            push_ref(self._runtime, self._buffer.journal.ref, self._buffer.journal.tip)
            closed = ChangeCleared(left.folder, self._close(left), self._delete(left))
        except GitflowError as error:
            if not error.code.startswith(OUTSIDE):
                raise
            if isinstance(error, StepError) and error.retry_after_ms is not None:
                self._memory.next_look[key] = now + min(error.retry_after_ms, MAX_REST_MS)
            self._runtime.say(f"the change of {left.folder} was not cleared away: {error}")
            return False
        if self._buffer.run.is_over:
            self._proposed.drop(left.folder)
        else:
            self._buffer.add(closed)
            self._buffer.flush()
        return True

    def _is_given_up(self, owed: tuple[Leftover, ...]) -> bool:
        ended = self._buffer.run.ended
        if ended is None or self._runtime.clock.now_ms() - ended < GIVE_UP_MS:
            return False
        branches = ", ".join(left.proposal.branch for left in owed)
        self._runtime.say(f"{branches} could not be cleared away for a day, and is left to people")
        return True

    def _close(self, left: Leftover) -> LeftChange:
        desk, proposal = self._desk, left.proposal
        if not desk.forge.tells:
            return "none"
        ports, number = desk.ports(self._memory), left.number
        if number is None:
            # A crash, or an answer that was lost, may have hidden that it was opened.
            found = desk.forge.find(desk.site, proposal.branch, proposal.target, ports)
            number = None if found is None else found.number
        if number is None:
            return "none"
        try:
            stood = desk.forge.close(desk.site, number, self._remark(left), ports)
        except StepError as error:
            if error.code == "forge.no_change":
                return "none"
            raise
        return _LEFT[stood]

    def _remark(self, left: Leftover) -> Remark:
        run = self._buffer.run.run
        mark = f"gitflow: {run} {left.folder} {left.proposal.head}"
        body = (
            f"Wait `{left.folder}` of run `{run}` is over: {left.why}. Nothing waits for this change any "
            f"more, so the runner closes it.\n\n<!-- {mark} -->"
        )
        return Remark(body, mark)

    def _delete(self, left: Leftover) -> LeftBranch:
        """Take the branch away where it is still what the runner pushed, and nobody has it checked out."""
        desk, runtime = self._desk, self._runtime
        ref, head = branch_ref(left.proposal.branch), Oid(left.proposal.head)
        if desk.remote is None:
            stands = runtime.repository.resolve(ref)
        else:
            stands = dict(runtime.git.remote_refs(desk.remote, (ref,))).get(ref)
        if stands is None:
            return "gone"
        if stands != head or (desk.remote is None and self._is_checked_out(ref)):
            return "kept"
        gone = [RefUpdate(ref, head, None)]
        try:
            if desk.remote is None:
                runtime.repository.swap(gone)
            else:
                runtime.git.push(desk.remote, gone)
        except ConflictError as error:
            if error.code != "git.ref_moved":
                raise
            return "kept"
        return "deleted"

    def _is_checked_out(self, ref: str) -> bool:
        trees = self._runtime.git.run("worktree", "list", "--porcelain").decode("utf-8", "replace")
        return f"branch {ref}" in trees.splitlines()
