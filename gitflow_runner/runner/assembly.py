"""The parts of one driven run, each made once from the parts below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from gitflow_runner.engine.program import Program, make_program
from gitflow_runner.ledger.blobs import RunBlobs
from gitflow_runner.ledger.journal import Journal
from gitflow_runner.ledger.lease import take_wake
from gitflow_runner.model.event import Recorded, StepStarted, WaitOpened, WaitResolved
from gitflow_runner.model.ids import Slug
from gitflow_runner.model.pin import Pin
from gitflow_runner.model.spec import Effect
from gitflow_runner.runner.attempt import Attempts
from gitflow_runner.runner.buffer import Buffer
from gitflow_runner.runner.callbacks import Callbacks
from gitflow_runner.runner.changes import Changes
from gitflow_runner.runner.children import Children, Launch, relatives_files
from gitflow_runner.runner.closing import Closing
from gitflow_runner.runner.code import Code
from gitflow_runner.runner.connections import RunConnections
from gitflow_runner.runner.draft_trust import require_signed_draft
from gitflow_runner.runner.drive import Driver
from gitflow_runner.runner.forge_desk import ForgeDesk
from gitflow_runner.runner.freshness import require_fresh
from gitflow_runner.runner.functions import FlowFunctions
from gitflow_runner.runner.inbox import Inbox
from gitflow_runner.runner.isolated import IsolatedFunctions
from gitflow_runner.runner.kv import open_scope
from gitflow_runner.runner.kv_port import KvPort
from gitflow_runner.runner.local_search import LocalSearch
from gitflow_runner.runner.orders import Orders
from gitflow_runner.runner.outbox import Outbox
from gitflow_runner.runner.ports import Ports
from gitflow_runner.runner.project_files import ProjectFiles
from gitflow_runner.runner.proposals import Proposals
from gitflow_runner.runner.publishing import RunPublishing
from gitflow_runner.runner.requests import Requests
from gitflow_runner.runner.runtime import LazyHttp, Runtime
from gitflow_runner.runner.settings import LimitSettings
from gitflow_runner.runner.slots import RunSlot
from gitflow_runner.runner.source import ProjectSource
from gitflow_runner.runner.stopping import Cancelling
from gitflow_runner.runner.stores import is_lonely, open_store
from gitflow_runner.runner.sync import fetch
from gitflow_runner.runner.table_port import TablePort
from gitflow_runner.runner.tables import open_tables
from gitflow_runner.runner.templates import FlowTemplates
from gitflow_runner.runner.waiting import Waits
from gitflow_runner.schemas.packaged import PackagedSchemas
from gitflow_runner.steps.base import Connections, Functions

VERIFIED_EVERY = 100  # events


@dataclass(frozen=True)
class Assembly:
    """A driver over a journal with everything a run needs.

    `launch` gives what starts and drives called runs, `drive` drives another run as far as it goes now,
    `above` is the run that called this one, where this process drives it.
    """

    runtime: Runtime
    journal: Journal
    pin: Pin
    code: Code
    launch: Callable[[Assembly], Launch]
    drive: Callable[[str, Slug], None]
    above: Assembly | None = None

    @property
    def limits(self) -> LimitSettings:
        """The run's bounds."""
        return self.code.settings.limits

    @cached_property
    def buffer(self) -> Buffer:
        """The journal with a sense of time."""
        return Buffer(self.journal, self.runtime.clock, self._durable, self.runtime.redactor)

    def _durable(self, events: Sequence[Recorded]) -> None:
        if self.runtime.told is not None:
            self.runtime.told(events)
        if (events[0].seq - 1) // VERIFIED_EVERY != events[-1].seq // VERIFIED_EVERY:
            # What this process writes needs no verifying by its successor, should it die.
            self.runtime.local.set_verified_tip(self.journal.run.run, self.journal.tip)

    @cached_property
    def requests(self) -> Requests:
        """Who steers the run."""
        return Requests(
            repository=self.runtime.repository,
            buffer=self.buffer,
            policies=self.runtime.policies,
            clock=self.runtime.clock,
            slug=Slug(self.pin.slug),
            told_to_end=self.orders.current,
        )

    @cached_property
    def slot(self) -> RunSlot:
        """The run's place among others."""
        return RunSlot(self.runtime, lambda: self.buffer.run, self.code.flow.concurrency.on_new_version)

    @cached_property
    def orders(self) -> Orders:
        """Which other runs end it."""
        hear = None if self.above is None else self.above.inbox.look_for_requests
        return Orders(self.runtime, self.slot, self.pin.caller, hear)

    def woken(self) -> bool:
        """Whether somebody asked for a look at this run, or at one that called it and is driven here."""
        own = take_wake(self.runtime.repository.common_dir, self.journal.run.run)
        return (self.above is not None and self.above.woken()) or own

    def _hurry(self) -> None:
        if self.slot.superseded_by() is None:  # what is to end itself ends nobody: that is its successor's
            for run in self.slot.ahead():
                self.drive(run, Slug(self.pin.slug))

    @cached_property
    def desk(self) -> ForgeDesk:
        """Where the run proposes."""
        return ForgeDesk(self.runtime, self.code.configured, self.pin.slug)

    @cached_property
    def proposals(self) -> Proposals:
        """What makes proposals and opens their changes."""
        return Proposals(self.desk, self.buffer, self.pin, self.runtime.forge_memory)

    @cached_property
    def changes(self) -> Changes:
        """What looks at the changes."""
        return Changes(self.desk, self.proposals, self.buffer, self.pin, self.runtime.forge_memory)

    @cached_property
    def closing(self) -> Closing:
        """What clears decided proposals away."""
        return Closing(self.desk, self.buffer, self.runtime.forge_memory)

    @cached_property
    def callbacks(self) -> Callbacks:
        """Who answers its event waits."""
        return Callbacks(
            repository=self.runtime.repository,
            buffer=self.buffer,
            policies=self.runtime.policies,
            clock=self.runtime.clock,
            slug=Slug(self.pin.slug),
            require_fresh=partial(require_fresh, self.runtime),
        )

    @cached_property
    def inbox(self) -> Inbox:
        """What people sent."""
        return Inbox(
            repository=self.runtime.repository,
            buffer=self.buffer,
            policies=self.runtime.policies,
            requests=self.requests,
            clock=self.runtime.clock,
            clock_watch=self.runtime.clock_watch,
            pin=self.pin,
            changes=self.changes,
            settle=self.closing.settle,
            callbacks=self.callbacks,
            fetch=partial(fetch, self.runtime),
            require_fresh=partial(require_fresh, self.runtime),
        )

    @cached_property
    def functions(self) -> Functions:
        """The flow's functions, where the settings want the code of such a run."""
        flow, wanted, fuel = self.code.flow, self.code.settings.functions, self.limits.fuel
        match wanted.drafts if self.pin.is_draft else wanted.releases:
            case "worker":
                return IsolatedFunctions(flow, self.runtime.worker(wanted.worker), fuel=fuel)
            case "in-process":
                return FlowFunctions(flow, fuel=fuel)

    @cached_property
    def http(self) -> LazyHttp:
        """The client for the run's requests; whoever drives closes it."""
        return self.runtime.http(self.code.settings.http)

    @cached_property
    def cancelling(self) -> Cancelling:
        """What lets a cancel reach a busy step."""
        return Cancelling(self.buffer, self.runtime.clock, self.woken, self.inbox.look_for_requests)

    @cached_property
    def ports(self) -> Ports:
        """What attempts reach."""
        runtime = self.runtime
        store = open_store(runtime)
        return Ports(
            buffer=self.buffer,
            clock=runtime.clock,
            http=self.http,
            mail=runtime.mail(self.code.settings.http),
            apprise=runtime.apprise(self.code.settings.http),
            functions=self.functions,
            blobs=RunBlobs(
                self.journal,
                store,
                lonely=is_lonely(runtime, store),
                relatives=lambda path: relatives_files(
                    runtime.repository, self.pin, self.journal.history(), path
                ),
            ),
            kv=KvPort(open_scope(runtime), runtime.redactor),
            tables=TablePort(
                open_tables(runtime), runtime.redactor, f"run {self.pin.slug}/{self.journal.run.run}"
            ),
            source=self.source,
            files=ProjectFiles(
                runtime.repository,
                runtime.git,
                self.source,
                RunPublishing(self.desk, self.pin, runtime.forge_memory, self.journal.run.run),
            ),
            search=LocalSearch(
                runtime,
                self.code.configured.connections,
                self.journal.run.run,
                partial(require_signed_draft, runtime, self.pin),
            ),
            connections=self.connections,
            templates=FlowTemplates(self.code.flow),
            databases=runtime.databases,
            pin=self.pin,
            live=runtime.local.root / "live" / self.journal.run.run,
            tokens=runtime.tokens,
            cancelling=self.cancelling,
            stop=runtime.stop,
            prices=self.code.settings.prices,
        )

    @cached_property
    def source(self) -> ProjectSource:
        """The project that the run belongs to."""
        runtime = self.runtime
        return ProjectSource(runtime.repository, runtime.git, self.pin.source.commit, self.pin.proposal)

    @cached_property
    def connections(self) -> Connections:
        """The services that the flow is bound to."""
        runtime = self.runtime
        return RunConnections(
            self.pin.slug,
            self.code.flow.requires,
            self.code.configured,
            "draft" if self.pin.is_draft else "live",
            runtime.secrets,
            partial(require_signed_draft, runtime, self.pin),
            runtime.redactor.learn,
            runtime.say,
        )

    @cached_property
    def attempts(self) -> Attempts:
        """What runs steps."""
        return Attempts(
            buffer=self.buffer,
            step=self.runtime.steps.get,
            ports=self.ports,
            clock=self.runtime.clock,
            jitter=self.runtime.jitter,
            home=self.runtime.local.home(),
            limits=self.limits,
            before_effect=_guard(self.buffer, self.inbox),
            schemas=PackagedSchemas(self.code.flow.steps),
        )

    @cached_property
    def waits(self) -> Waits:
        """What opens and ends waits."""
        outbox = Outbox(self.runtime, self.journal, self.ports)
        return Waits(
            buffer=self.buffer,
            policies=self.runtime.policies,
            inbox=self.inbox,
            clock=self.runtime.clock,
            pin=self.pin,
            refuse=self.attempts.refuse,
            proposals=self.proposals,
            changes=self.changes,
            tell=outbox.tell,
            remind=outbox.remind,
        )

    @cached_property
    def children(self) -> Children:
        """Calls of other flows."""
        return Children(
            runtime=self.runtime,
            buffer=self.buffer,
            pin=self.pin,
            limits=self.limits,
            launch=self.launch(self),
            drive=self.drive,
            refuse=self.attempts.refuse,
        )

    @cached_property
    def program(self) -> Program:
        """The analysed body."""
        return make_program(
            self.code.flow,
            self.runtime.specs,
            behaviour=self.pin.behaviour,
            fuel=self.limits.fuel,
            bound=self.code.configured.bound(self.code.flow),
        )

    @cached_property
    def driver(self) -> Driver:
        """The driver itself."""
        return Driver(
            program=self.program,
            buffer=self.buffer,
            attempts=self.attempts,
            waits=self.waits,
            children=self.children,
            inbox=self.inbox,
            slot=self.slot,
            hurry=self._hurry,
            clock=self.runtime.clock,
            limits=self.limits,
            stop=self.runtime.stop,
        )


def _guard(buffer: Buffer, inbox: Inbox) -> Callable[[Effect], None]:
    """What stands before the announcing turn of an effect: requests, and approvals that must still hold.

    An approval is held against the newest policy before the first effect after it; once that is announced
    the outcome is settled, and what a cancelled run cleans up does not rest on what was approved.
    """
    opened: dict[str, WaitOpened] = {}
    to_check: dict[str, WaitResolved] = {}
    looked_at = 0

    def before_effect(effect: Effect) -> None:
        nonlocal looked_at
        if effect == "unsafe":
            inbox.look_for_requests()
        for recorded in buffer.journal.history(looked_at):
            looked_at = recorded.seq
            match recorded.event:
                case WaitOpened() as event:
                    opened[event.folder] = event
                case WaitResolved(outcome="approved") as event:
                    to_check[event.folder] = event
                case StepStarted(effect="keyed" | "unsafe"):
                    to_check.clear()
                case _:
                    pass
        if buffer.run.cancel is not None:
            return
        for folder, resolved in tuple(to_check.items()):
            inbox.recheck(opened[folder], resolved)
            del to_check[folder]

    return before_effect
