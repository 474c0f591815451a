"""Opening, reminding and expiring waits: what a person must see lies in the wait turn, and only there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import map_of
from gitflow_runner.lang.printer import canonical
from gitflow_runner.lang.values import Value, keyword
from gitflow_runner.model.command import OpenWait
from gitflow_runner.model.event import WaitOpened, WaitReminded, WaitResolved
from gitflow_runner.model.ids import step_folder
from gitflow_runner.model.pin import Pin
from gitflow_runner.model.run import OpenWaitState, Run
from gitflow_runner.runner.answers import EXPIRED, NOTHING
from gitflow_runner.runner.buffer import Buffer
from gitflow_runner.runner.changes import Changes
from gitflow_runner.runner.clock import Clock
from gitflow_runner.runner.inbox import Inbox
from gitflow_runner.runner.masking import masked_value
from gitflow_runner.runner.policies import Policies
from gitflow_runner.runner.proposals import PROPOSAL_FILE, Proposals
from gitflow_runner.steps.config import parse_config
from gitflow_runner.steps.wait import SPEC, WaitRequest, wait_request
from gitflow_runner.trust.policy import Policy, Rule

MAX_WAIT_MS = 30 * 86_400_000
_REMIND_AT = (0.5, 0.9)  # shares of the time, so that nothing expires silently

Refuse = Callable[[str, str, str, str, StepError], None]


class Waits:
    """The waits of one driver's run."""

    def __init__(
        self,
        *,
        buffer: Buffer,
        policies: Policies,
        inbox: Inbox,
        clock: Clock,
        pin: Pin,
        refuse: Refuse,
        proposals: Proposals,
        changes: Changes,
        tell: Callable[[OpenWaitState, WaitRequest], None],
        remind: Callable[[OpenWaitState], None],
    ) -> None:
        self._buffer = buffer
        self._policies = policies
        self._inbox = inbox
        self._clock = clock
        self._pin = pin
        self._refuse = refuse
        self._proposals = proposals
        self._changes = changes
        self._tell = tell
        self._remind = remind

    def open(self, command: OpenWait) -> None:
        """Open the wait in a turn of its own and tell the approvers; a bad config fails the step."""
        self._buffer.flush()
        run = self._buffer.run
        folder = step_folder(run.steps_begun + 1, command.step_id)
        try:
            default_key = f"{run.run}-{command.identity}"
            request = wait_request(parse_config(SPEC, command.config), default_key=default_key)
            now = self._clock.now_ms()
            if any(state.wait.key == request.key for state in run.waits):
                raise StepError("wait.key_taken", f"another open wait has the key {request.key!r}")
            opened, files = self._opened(command, run, folder, request, now)
        except StepError as error:
            self._refuse(command.identity, folder, "wait", command.input_hash, error)
            return
        self._buffer.add(opened, at=now)
        self._buffer.flush(files=files)
        state = self._buffer.run.wait(folder)
        assert state is not None, "the wait was just opened"
        self._changes.look(state, fresh=False)  # opens the change, so that people hear where it is
        self._tell(self._buffer.run.wait(folder) or state, request)

    def _opened(
        self, command: OpenWait, run: Run, folder: str, request: WaitRequest, now: int
    ) -> tuple[WaitOpened, Mapping[str, bytes]]:
        # Before the digest is made that people sign for.
        redactor = self._buffer.redactor
        title = redactor.text(request.title or command.step_id)
        payload = wait_payload(self._pin, run, folder, title, masked_value(request.payload, redactor))
        digest = "sha256:" + hashlib.sha256(payload).hexdigest()
        files = {"wait/payload.edn": payload}
        files |= {f"edit/{name}": text.encode() for name, text in request.edit.items()}
        need, human, limit = request.need, request.human, request.timeout_ms
        role, any_role = _roles(request)
        excluded: tuple[str, ...] = ()
        edits: tuple[str, ...] = ()
        editor_counts = False
        keys: tuple[str, ...] = ()
        policy_oid = None
        proposal = None
        if request.kind == "approval":
            policy, rule = self._rule(folder)
            policy_oid = self._policies.tip()
            files["wait/policy.edn"] = policy.text
            need, role, human = max(need, rule.need), role or rule.role, human or rule.human
            excluded = tuple(sorted({*self._excluded(run, rule), *request.exclude}))
            if rule.deadline_s is not None:
                limit = min(limit, rule.deadline_s * 1_000)
            if rule.edit:
                edits, editor_counts = tuple(request.edit), rule.editor_counts
            if request.propose is not None:
                onto = policy.protected_branch
                prepared = self._proposals.prepare(run, folder, title, digest, request.propose, onto, now)
                files[PROPOSAL_FILE], proposal = prepared.file, prepared.proposal
        elif request.roles:
            keys, policy_oid = self._keys(frozenset(request.roles)), self._policies.tip()
        length = min(limit, MAX_WAIT_MS)
        opened = WaitOpened(
            command.identity,
            folder,
            command.input_hash,
            request.kind,
            request.key,
            title,
            digest,
            policy_oid,
            now + length,
            request.actions,
            need,
            role,
            human,
            excluded,
            request.on_timeout,
            edits,
            editor_counts,
            tuple(now + int(length * share) for share in _REMIND_AT),
            proposal,
            keys,
            request.required,
            any_role,
        )
        return opened, files

    def _keys(self, roles: frozenset[str]) -> tuple[str, ...]:
        """The fingerprints of the keys whose owners may answer an event wait of these roles."""
        return tuple(
            sorted(
                key.key.fingerprint
                for person in self._policy().people.values()
                if person.kind != "runner"
                and not roles.isdisjoint(person.roles)
                and person.serves(self._pin.slug)
                for key in person.keys
            )
        )

    def _policy(self) -> Policy:
        policy = self._policies.newest()
        if policy is None:
            raise StepError(
                "policy.none",
                "a wait for people needs a policy that this clone trusts",
                hint="gfr trust pin <digest>, or gfr policy apply for a first one",
            )
        return policy

    def _rule(self, folder: str) -> tuple[Policy, Rule]:
        policy = self._policy()
        rule = policy.rule_for(self._pin.slug, folder, draft=self._pin.is_draft)
        if rule is None:
            kind = "a draft of " if self._pin.is_draft else ""
            raise StepError(
                "policy.no_rule",
                f"the policy has no rule for wait {folder} of {kind}{self._pin.slug}",
                hint="add a rule that matches it; without one nobody may approve",
            )
        return policy, rule

    def _excluded(self, run: Run, rule: Rule) -> tuple[str, ...]:
        found: set[str] = set()
        if "starter" in rule.excluded:
            if run.starter is None:
                raise StepError(
                    "starter_unknown",
                    "the rule leaves out whoever started the run, and the start was not signed",
                    hint="set gpg.format=ssh and user.signingkey, and start the run again",
                )
            found.add(run.starter)
        if "author" in rule.excluded:
            found |= set(self._pin.authors)
        if "proposer" in rule.excluded:
            found |= set(self._pin.proposers)
        return tuple(sorted(found))

    def expire(self) -> bool:
        """Remind, or end waits whose time is over, after a look that began later (protocol 4.5)."""
        now = self._clock.now_ms()
        acted = False
        for state in self._buffer.run.waits:
            due = [moment for moment in state.wait.remind_at if moment <= now]
            new = [moment for moment in due if moment not in state.reminded]
            if new and now <= state.wait.deadline:
                self._buffer.add(*(WaitReminded(state.wait.folder, moment) for moment in new))
                self._buffer.flush()
                self._remind(state)
                acted = True
        if not any(state.wait.deadline < now for state in self._buffer.run.waits):
            return acted
        if not self._inbox.look(fresh=True):
            return acted  # what lies at the remote may have been in time
        for state in self._buffer.run.waits:
            if state.wait.deadline < now:
                self._buffer.add(self._expired(state.wait))
                self._buffer.flush()
        return True

    def _expired(self, wait: WaitOpened) -> WaitResolved:
        # No default value ever stands in for an approval (protocol 6.2); for an event the engine has it.
        value = EXPIRED if wait.wait == "approval" else NOTHING
        return WaitResolved(wait.identity, wait.folder, "expired", None, (), (), value, None)

    def moments(self, state: OpenWaitState) -> Iterator[int]:
        """When (ms) something is due for an open wait: a reminder, or its end."""
        yield state.wait.deadline + 1
        yield from (m for m in state.wait.remind_at if m not in state.reminded)


def _roles(request: WaitRequest) -> tuple[str | None, tuple[str, ...]]:
    """One role stands alone; of several any will do, besides the one that the rule asks for."""
    return (request.roles[0], ()) if len(request.roles) == 1 else (None, request.roles)


def wait_payload(pin: Pin, run: Run, folder: str, title: str, payload: Value) -> bytes:
    """The bytes that people sign for: canonical EDN of what is asked, and one newline."""
    entries: list[tuple[str, Value]] = [
        ("flow", pin.slug),
        ("release", pin.label),
        ("run", run.run),
        ("wait", folder),
        ("question", title),
        ("payload", payload),
    ]
    text = canonical(map_of((keyword(name), value) for name, value in entries))
    return text.encode() + b"\n"
