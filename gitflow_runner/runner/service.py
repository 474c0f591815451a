"""Every use case, one short method each: what the faces call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from gitflow_runner.errors import GitflowError
from gitflow_runner.lang.values import Value
from gitflow_runner.ledger.chain import read_history, read_run
from gitflow_runner.ledger.fsck import Finding
from gitflow_runner.ledger.lease import hold_run
from gitflow_runner.ledger.listing import ListedRun, RunRef, find_run, list_runs
from gitflow_runner.model.event import Recorded
from gitflow_runner.model.ids import RunId, Slug
from gitflow_runner.model.projection import fold
from gitflow_runner.model.run import Run
from gitflow_runner.runner.checkpoints import freshness
from gitflow_runner.runner.code import resolve_code
from gitflow_runner.runner.drive import Patience, Stood
from gitflow_runner.runner.driving import Target, drive_held, drive_recorded
from gitflow_runner.runner.resources import look_up
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.slots import Queued, queued_at
from gitflow_runner.runner.start import begin_run, new_run_id
from gitflow_runner.runner.sync import fetch
from gitflow_runner.runner.upkeep import after_driving
from gitflow_runner.runner.verify import examine, is_signed_by_runner
from gitflow_runner.runner.views import RunView, view_run


class Service:
    """The use cases over one runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def start(
        self,
        slug: str,
        ref: str,
        given: Mapping[str, Value],
        installation: str | None = None,
        *,
        told: Callable[[RunId, tuple[str, ...]], None],
    ) -> Stood:
        """Start a run and drive it to its end or its first wait.

        `installation` is the target's id, None for the flow's own. `told` hears the run's id (and
        uncommitted files) as soon as the first turn is durable.
        """
        fetch(self.runtime)
        code = resolve_code(self.runtime, slug, ref, installation)
        run = new_run_id(self.runtime)
        with hold_run(self.runtime.repository.common_dir, run, self.runtime.who):
            begun = begin_run(self.runtime, run, code, given)
            told(run, code.changed)
            stood = drive_held(self.runtime, begun.journal, begun.pin, begun.code, Patience.TIMERS)
        after_driving(self.runtime)
        return stood

    def drive(self, at: RunRef, patience: Patience = Patience.TIMERS) -> Stood:
        """Go on with a recorded run of this clone."""
        stood = drive_recorded(self.runtime, Target(RunId(at.run), Slug(at.slug)), patience)
        after_driving(self.runtime)
        return stood

    def find(self, typed: str) -> RunRef:
        """The run that was typed."""
        return find_run(self.runtime.repository, typed)

    def show(self, typed: str) -> RunView:
        """A run with its steps; one that does not verify is shown as such."""
        at = self.find(typed)
        reader = self.runtime.repository
        run = read_run(reader, at.tip)
        findings: tuple[Finding, ...] = ()
        if self.runtime.local.verified_tip(at.run) != at.tip:
            findings = examine(self.runtime, at)
        history: tuple[Recorded, ...] = ()
        try:
            history = read_history(reader, at.tip)
            fold(history)
        except GitflowError:
            if not findings:
                raise
            history = ()  # the findings say what is wrong with it
        return view_run(at, run, history, findings, self.queued(at, run))

    def queued(self, at: RunRef, run: Run) -> Queued | None:
        """Where a queued run of this clone stands; None for one that does not queue, or queues elsewhere."""
        return queued_at(self.runtime, run) if at.remote is None and self.runtime.local.is_ready() else None

    def runs(self, *, slug: str | None, limit: int) -> tuple[ListedRun, ...]:
        """The newest runs; `is_trusted` tells those apart that no runner of ours signed."""
        return list_runs(self.runtime.repository, slug=slug, limit=limit)

    def is_trusted(self, at: RunRef) -> bool:
        """Whether the last turn's key may drive the run: enough for a list, not for driving."""
        return is_signed_by_runner(self.runtime, at)

    def verify(self, typed: str) -> tuple[RunRef, tuple[Finding, ...]]:
        """All findings about one run, from Git and from the store of large values."""
        at = self.find(typed)
        found = examine(self.runtime, at, look_up=partial(look_up, self.runtime))
        return at, (*found, *freshness(self.runtime))
