"""Whole runs in memory: the real runner over a repository in dictionaries, and a process that can be killed.

A `World` is what outlives processes: the repository, the clone's local folder, the outside that counts
what reached it, and time. `World.process()` is a fresh process over it.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from gitflow_runner.connections.redactor import Redactor
from gitflow_runner.engine.keys import idempotency_key
from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.objects import Commit, Ident, Oid, RawObject, blob
from gitflow_runner.git.program import StoredSettings
from gitflow_runner.git.refs import branch_ref, run_ref
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.ledger.chain import read_history, read_run
from gitflow_runner.ledger.listing import RunRef, find_run
from gitflow_runner.ledger.tree import Tree
from gitflow_runner.model.event import (
    Event,
    Recorded,
    StepFailed,
    StepStarted,
    StepSucceeded,
    StepUnknown,
    WaitOpened,
)
from gitflow_runner.model.ids import RunId, Slug
from gitflow_runner.model.run import Run
from gitflow_runner.net.exchange import Cancel, HttpRequest, HttpResponse, Sink
from gitflow_runner.providers import scripted
from gitflow_runner.runner.clock import CountedJitter, ManualClock
from gitflow_runner.runner.decide import ask, decide, find_question
from gitflow_runner.runner.drive import Patience
from gitflow_runner.runner.local import LocalState
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.secret_places import open_secrets
from gitflow_runner.runner.service import Service
from gitflow_runner.runner.setup import prepare
from gitflow_runner.runner.worker import Worked, work_once
from gitflow_runner.steps.registry import Steps

SLUG = "hello"  # the flow that the scaffold's policy lets its only person approve
T0 = 1_790_000_000_000  # ms
IN_PROCESS = "functions: {drafts: in-process}\n"  # so that a killed process leaves none of its own behind
KEY_HEADER = "idempotency-key"
Moment = Callable[[str], None]


class Killed(BaseException):
    """The process is gone: no handler may take it for an error and tidy up."""


def quietly(what: str) -> None:
    """The moment hook of a process that nobody kills."""


class Bomb:
    """Kills at the n-th moment (writes to the repository, requests leaving, answers arriving); counts all."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.moments: list[str] = []

    def __call__(self, what: str) -> None:
        self.moments.append(what)
        if len(self.moments) == self.at:
            raise Killed(what)


def telling(moments: list[str]) -> list[tuple[int, str]]:
    """The moments, numbered from 1, at which a death leaves something behind: objects alone are nothing."""
    return [(n, what) for n, what in enumerate(moments, start=1) if not what.startswith("object ")]


class OneTurn:
    """Kills at the first moment after the process has made one turn of the run."""

    def __init__(self) -> None:
        self._made = False

    def __call__(self, what: str) -> None:
        if self._made:
            raise Killed(what)
        self._made = what.startswith("ref refs/runs/")


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request as the outside saw it, with the tip that was durable then."""

    path: str
    key: str
    tip: Oid | None


@dataclass
class Outside:
    """Answers by path, the same for the same key; what it did for a key it does not do again.

    A model behind it says what `script` tells it (`providers.scripted`).
    """

    arrived: list[Arrived] = field(default_factory=list)
    told: list[Oid | None] = field(default_factory=list)
    script: list[dict[str, object]] = field(default_factory=list)

    def answer(self, path: str, key: str) -> HttpResponse:
        """`/busy` refuses the first key that it ever sees, `/gone` all, the others say which path it was."""
        first = next((a.key for a in self.arrived if a.path == path), key)
        status = 404 if path == "/gone" else 429 if path == "/busy" and key == first else 200
        headers = (("content-type", "application/json"),)
        return HttpResponse(status, headers, b'{"path":"%s"}' % path.encode(), "")

    def keys(self, path: str) -> list[str]:
        """The idempotency keys of the requests for `path`, in order."""
        return [a.key for a in self.arrived if a.path == path]


class Wire:
    """The HTTP port of one process: a request passes two moments, before it leaves and once it was served."""

    def __init__(self, outside: Outside, moment: Moment, tip: Callable[[], Oid | None]) -> None:
        self._outside = outside
        self._moment = moment
        self._tip = tip

    def close(self) -> None:
        """There is nothing to close."""

    def send(self, request: HttpRequest, cancel: Cancel, sink: Sink | None = None) -> HttpResponse:
        """Count, answer; nothing is streamed here."""
        headers = {name.lower(): value for name, value in request.headers}
        path = request.url.partition("://")[2].partition("/")[2]
        self._moment(f"http request /{path}")
        self._outside.arrived.append(Arrived(f"/{path}", headers[KEY_HEADER], self._tip()))
        if path.endswith("/completions"):
            said = scripted.answer(request.url, json.loads(request.body or b"{}"), self._outside.script)
            answer = HttpResponse(said.status, said.headers, said.body, request.url)
        else:
            answer = self._outside.answer(f"/{path}", headers[KEY_HEADER])
        if sink is not None and sink.wants(answer):
            sink.take(answer, iter((answer.body,)))
            answer = replace(answer, body=b"")
        self._moment(f"http answer /{path}")
        return answer


class World:
    """One repository with a policy and one flow, and everything that outlives a process."""

    def __init__(self, folder: Path, flow: str, *, config: str = IN_PROCESS, **others: str) -> None:
        """`others` are further flows by their slugs, `config` is what the protected branch says."""
        self._folder = folder
        self._settings = StoredSettings({"user.name": "Ann", "user.email": "ann@example.test"})
        self.now = T0
        self.processes = 0
        self.outside = Outside()
        work = folder / "work"
        work.mkdir(parents=True)
        self.repository = MemoryRepository(folder / "git", work_dir=work)
        prepare(self.runtime(quietly), create_key=True, commit=False)
        files = {f".breyta/flows/{slug}.edn": text for slug, text in {SLUG: flow, **others}.items()}
        committed = {**files, ".breyta/config.yaml": config}
        self._commit({path: text.encode() for path, text in committed.items()})
        for path, text in files.items():
            (work / path).write_text(text)

    def again(self, folder: Path) -> World:
        """An independent world that is now as this one is."""
        shutil.copytree(self._folder, folder)
        other = copy.copy(self)
        other._folder = folder
        other.repository = self.repository.copy(folder / "git", folder / "work")
        other.outside = Outside()
        return other

    def _commit(self, files: dict[str, bytes], branch: str = "main") -> None:
        def no_tree(oid: str) -> bytes:
            raise AssertionError(f"the tree is new, {oid} is not read")

        tree, objects = Tree(no_tree, None), dict[Oid, RawObject]()
        for path, data in files.items():
            item = blob(data)
            objects[item.oid] = item
            tree.put(path, item.oid)
        who = Ident("Ann", "ann@example.test", T0 // 1_000)
        commit = Commit(tree.write(objects), (), who, who, "flows\n").encode()
        self.repository.write([*objects.values(), commit])
        self.repository.swap([RefUpdate(branch_ref(branch), None, commit.oid)])

    def runtime(self, moment: Moment) -> Runtime:
        """A new process's tools; every write passes `moment` first."""
        self.processes += 1
        self.now += 1_000
        repository = self.repository.seen_by(moment)
        clock = ManualClock(self.now)
        self.clock = clock

        def tip() -> Oid | None:
            found = self.repository.refs(f"refs/runs/{SLUG}/")
            return found[0][1] if found else None

        redactor = Redactor()
        return Runtime(
            repository,
            self._settings,
            LocalState(self._folder / "git" / "gitflow"),
            clock,
            CountedJitter(1_000 * self.processes),
            {},
            "host",
            f"process {self.processes}",
            Steps(),
            lambda settings: Wire(self.outside, moment, tip),
            lambda text: None,
            lambda: False,
            open_secrets(repository, self._settings, {}, redactor, clock),
            redactor,
        )

    def process(self, act: Callable[[Runtime], None], moment: Moment = quietly) -> bool:
        """Let a fresh process do `act`; False if it was killed meanwhile."""
        runtime = self.runtime(moment)
        try:
            act(runtime)
        except Killed:
            return False
        finally:
            self.now = self.clock.now_ms()
        return True

    def branch(self, name: str, files: dict[str, str]) -> None:
        """Another branch with these files alone."""
        self._commit({path: text.encode() for path, text in files.items()}, name)

    def start(self, runtime: Runtime, ref: str = "main") -> None:
        """`gfr run`: to the end or the first wait; what was told counts as acknowledged."""

        def told(run: RunId, changed: tuple[str, ...]) -> None:
            self.outside.told.append(runtime.repository.resolve(run_ref(Slug(SLUG), run)))

        Service(runtime).start(SLUG, ref, {}, told=told)
        self.outside.told.append(self.at().tip)

    def work(self, runtime: Runtime) -> list[Worked]:
        """`gfr worker --once`."""
        return list(work_once(runtime))

    def drive(self, runtime: Runtime) -> None:
        """Go on with the run through sleeps."""
        Service(runtime).drive(self.at(), Patience.TIMERS)
        self.outside.told.append(self.at().tip)

    def approve(self, runtime: Runtime, action: str = "approve") -> None:
        """`gfr approve` without the driving that follows."""
        question = find_question(runtime, self.at().run, None)
        decide(runtime, question, action, note="fine", payload=question.digest)

    def resolve(self, runtime: Runtime, outcome: str, value: bytes | None = None) -> None:
        """`gfr resolve` of the one step in doubt, without the driving that follows."""
        step = next(s for s in self.run().steps if s.unknown)
        ask(runtime, self.at(), "resolve", step=step.folder, outcome=outcome, value=value)  # type: ignore[arg-type]

    def is_begun(self) -> bool:
        """Whether a run is recorded."""
        return bool(self.repository.refs(f"refs/runs/{SLUG}/"))

    def at(self) -> RunRef:
        """The one run."""
        ((name, _),) = self.repository.refs(f"refs/runs/{SLUG}/")
        return find_run(self.repository, name.rpartition("/")[2])

    def run(self) -> Run:
        """Its durable state."""
        return read_run(self.repository, self.at().tip)

    def history(self, tip: Oid | None = None) -> tuple[Recorded, ...]:
        """Its durable events, up to `tip`."""
        return read_history(self.repository, tip if tip is not None else self.at().tip)

    def chain(self) -> list[Oid]:
        """Its turns, newest first."""
        return list(self.repository.ancestors(self.at().tip, first_parent=True))

    def settle(self, *, most: int = 40) -> None:
        """Fresh processes, people's answers and time, until the run is over or was never begun."""
        for _ in range(most):
            self.process(lambda runtime: self.work(runtime) and None)
            if not self.is_begun() or self.run().is_over:
                self.process(lambda runtime: self.work(runtime) and None)
                return
            if self.run().waits and not self._has_approval():
                self.process(self.approve)
            elif any(step.unknown for step in self.run().steps):
                self.process(lambda runtime: self.resolve(runtime, "done", b"{:status 200}"))
            else:
                self.now += 60_000
        raise AssertionError(f"the run does not come to its end: {self.run()}")

    def _has_approval(self) -> bool:
        return bool(self.repository.refs("refs/approvals/"))


def outline(events: Iterable[Recorded]) -> list[tuple[object, ...]]:
    """A history without times, ids of commits, and whether an attempt was made twice."""
    return [_outline(recorded.event) for recorded in events]


def _outline(event: Event) -> tuple[object, ...]:
    named = (getattr(event, "identity", None), getattr(event, "attempt", None))
    match event:
        case StepStarted():
            return (event.kind, *named, event.effect, event.input_hash, event.generation)
        case StepSucceeded():
            return (event.kind, *named, event.output)
        case StepFailed():
            return (event.kind, *named, event.failure.code, event.definite, event.retry_at is None)
        case WaitOpened():
            return (event.kind, *named, event.title, event.actions, event.need)
        case _:
            return (event.kind, *named, getattr(event, "output", None), getattr(event, "outcome", None))


def expected_key(world: World, step: StepStarted) -> str:
    """The key that the protocol names for this attempt."""
    home = (world.repository.common_dir / "gitflow" / "home").read_text().strip()
    return idempotency_key(home, world.at().run, step.identity, step.generation)


def in_doubt(events: Iterable[Recorded]) -> set[str]:
    """The keys of the attempts that were begun and whose outcome is not recorded."""
    begun: dict[tuple[str, int], str] = {}
    for recorded in events:
        match recorded.event:
            case StepStarted() as event:
                begun[event.identity, event.attempt] = event.key
            case (StepSucceeded() | StepFailed() | StepUnknown()) as event:
                begun.pop((event.identity, event.attempt), None)
            case _:
                pass
    return set(begun.values())
