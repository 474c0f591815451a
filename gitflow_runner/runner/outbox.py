"""Telling people about a wait, once the turn that opened it is durable and, with a remote, pushed."""

from __future__ import annotations

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.refs import approvals_prefix
from gitflow_runner.lang.collection import Map, map_of
from gitflow_runner.lang.values import keyword
from gitflow_runner.ledger.journal import Journal
from gitflow_runner.model.event import WaitOpened
from gitflow_runner.model.run import OpenWaitState
from gitflow_runner.runner.ports import Ports
from gitflow_runner.runner.printed import Asked, decision_block
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.sync import push_ref
from gitflow_runner.steps.config import plain_config
from gitflow_runner.steps.notify import STEP as NOTIFY
from gitflow_runner.steps.wait import WaitRequest

_NOTIFY_MS = 30_000


class Outbox:
    """The messages of one driven run. A channel that fails is said, and stops nothing: the wait stands."""

    def __init__(self, runtime: Runtime, journal: Journal, ports: Ports) -> None:
        self._runtime = runtime
        self._journal = journal
        self._ports = ports

    def tell(self, state: OpenWaitState, request: WaitRequest) -> None:
        """Announce an open wait over its `:notify` channels."""
        push_ref(self._runtime, self._journal.ref, self._journal.tip)
        if request.notify is not None:
            self._send(state, request.notify)

    def remind(self, state: OpenWaitState) -> None:
        """Say again that a wait is open, before it ends."""
        push_ref(self._runtime, self._journal.ref, self._journal.tip)
        left = max(0, state.wait.deadline - self._runtime.clock.now_ms()) // 60_000
        self._runtime.say(f"{state.wait.folder} still waits; it ends in {left} min")

    def _send(self, state: OpenWaitState, notify: Map) -> None:
        wait = state.wait
        config = plain_config(notify)
        asked = asked_of(self._runtime, self._journal, wait)
        variables = {
            "title": wait.title,
            "run": asked.run,
            "wait": wait.folder,
            "payload": wait.payload,
            "approve-command": f"gfr approve {asked.run} {wait.folder}",
            "change-url": (state.change and state.change.url) or "",
            "git-commands": decision_block(asked, wait.actions[0]) if wait.actions else "",
        }
        data = config.get("data")
        given = dict(data.items()) if isinstance(data, Map) else {}
        config["data"] = map_of({**{keyword(k): v for k, v in variables.items()}, **given}.items())
        config.setdefault("message", f"{wait.title}: gfr approve {asked.run} {wait.folder}")
        clock = self._runtime.clock
        deadline, now = clock.monotonic_ms() + _NOTIFY_MS, clock.now_ms()
        try:
            with self._ports.attempt(
                f"{wait.identity}/notify", wait.folder, 1, wait.payload, deadline, now
            ) as context:
                NOTIFY.run(config, context)
        except GitflowError as error:
            self._runtime.say(f"the notification of {wait.folder} was not sent: {error.message}")


def asked_of(runtime: Runtime, journal: Journal, wait: WaitOpened) -> Asked:
    """What the printed commands for a wait are made of."""
    run = journal.run.run
    remote = runtime.remote or own_address(runtime)
    return Asked(
        remote,
        run,
        journal.ref,
        wait.folder,
        journal.wait_commit(wait.folder),
        wait.payload.removeprefix("sha256:"),
        runtime.signer.key.line,
        approvals_prefix(run, wait.folder),
    )


def own_address(runtime: Runtime) -> str:
    """Where approvers fetch from and push to without a remote: this very repository (architecture 2.4)."""
    repository = runtime.repository
    return str((repository.work_dir or repository.common_dir).resolve())
