"""A proposal whose runner is killed at every write, push and question to the forge: one change, once."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.objects import Commit, Ident, Oid
from gitflow_runner.git.program import StoredSettings
from gitflow_runner.git.refs import ALL
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.ledger.lease import standings
from gitflow_runner.model.change import ChangeCleared, ChangeOpened, DecisionAttested
from gitflow_runner.model.event import Event
from gitflow_runner.net.exchange import Cancel, HttpRequest, HttpResponse, Sink
from gitflow_runner.runner.policy_change import apply_change
from gitflow_runner.runner.releases import make_promotion, make_release
from gitflow_runner.runner.runtime import ClosableHttp, Runtime
from gitflow_runner.runner.verify import check_run
from tests.fakeforge.dialects import PROJECT, Missing, answer
from tests.fakeforge.forge import ANN, Forge, Lies, Method, Pull
from tests.memory_runs import IN_PROCESS, SLUG, T0, Bomb, Moment, World, quietly

API = "https://forge.test"
CONFIG = f"""{IN_PROCESS}
forge: {{kind: github, url: {API}, project: {PROJECT}, token: FORGE_TOKEN, remote: origin}}
"""
FLOW = """{:slug :hello :name "Limits" :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(let [answer (flow/step :wait :ask {:title "Raise it?" :timeout "1d"
                                            :propose {:files {"conf/limits.edn" "{:limit 50}\\n"}}})
              sent (flow/step :http :send {:url "https://api.test/send" :method :post :json answer})]
          {:did (:action answer) :status (:status sent)})}
"""
MAIN = "refs/heads/main"


class MemoryForge(Forge):
    """The fake forge over a repository in memory."""

    def __init__(self, there: MemoryRepository, pulls: dict[int, Pull], opened: int = 0) -> None:
        self.there = there
        self.pulls = pulls
        self.opened = opened
        self.lies = Lies()

    def tip(self, branch: str) -> str:
        found = self.there.resolve(f"refs/heads/{branch}")
        assert found is not None, branch
        return found

    def _merge(self, pull: Pull, method: Method) -> str:
        base, head = Oid(self.tip(pull.base)), Oid(pull.head)
        who = Ident("Forge", "noreply@forge.test", T0 // 1_000)
        # Nothing else went in meanwhile, so what was proposed is what the merge holds.
        commit = Commit(self.there.commit(head).tree, (base, head), who, who, "merge\n").encode()
        self.there.write([commit])
        self.there.swap([RefUpdate(f"refs/heads/{pull.base}", base, commit.oid)])
        return commit.oid


class Remote(StoredSettings):
    """Git of one process with one remote; each question and each push passes a moment before and after."""

    def __init__(
        self, settings: dict[str, str], here: MemoryRepository, there: MemoryRepository, moment: Moment
    ) -> None:
        super().__init__(settings)
        self._here, self._there, self._moment = here, there, moment

    def fetch(self, remote: str, refspecs: Sequence[str]) -> tuple[str, ...]:
        self._moment("git fetch")
        for source, _, target in (spec.partition(":") for spec in refspecs):
            found = self._there.resolve(source)
            if found is not None:
                _carry(self._there, self._here)
                self._here.swap([RefUpdate(target, self._here.resolve(target), found)])
        return ()

    def push(self, remote: str, updates: Sequence[RefUpdate], *, atomic: bool = True) -> None:
        self._moment(f"git push {updates[0].name}")
        _carry(self._here, self._there)
        self._there.swap(updates)
        self._moment(f"git pushed {updates[0].name}")

    def remote_refs(self, remote: str, prefixes: Sequence[str] = (ALL,)) -> tuple[tuple[str, Oid], ...]:
        self._moment("git ls-remote")
        return tuple((name, oid) for name, oid in self._there.refs(ALL) if name in prefixes)


def _carry(source: MemoryRepository, target: MemoryRepository) -> None:
    target._objects |= source._objects


class ForgeWire:
    """The HTTP port of one process: the forge answers what is meant for it, everything else goes on."""

    def __init__(self, forge: Forge, moment: Moment, others: ClosableHttp) -> None:
        self._forge, self._moment, self._others = forge, moment, others

    def close(self) -> None:
        self._others.close()

    def send(self, request: HttpRequest, cancel: Cancel, sink: Sink | None = None) -> HttpResponse:
        if not request.url.startswith(API):
            return self._others.send(request, cancel, sink)
        target = request.url.removeprefix(API)
        self._moment(f"forge {request.method} {target}")
        try:
            found = answer(
                "github",
                self._forge,
                request.method,
                target,
                json.loads(request.body) if request.body else None,
            )
        except Missing as missing:
            return HttpResponse(missing.status, (), b"{}", request.url)
        self._moment(f"forge answers {request.method} {target}")
        return HttpResponse(200, (), json.dumps(found).encode(), request.url)


class ForgeWorld(World):
    """A world with a forge, whose flow is released and live; `forge` outlives every process."""

    def __init__(self, folder: Path) -> None:
        self.forge: MemoryForge | None = None
        super().__init__(folder, FLOW, config=CONFIG)
        assert self.process(_live)
        there = self.repository.copy(folder / "there")
        self.forge = MemoryForge(there, {})

    def again(self, folder: Path) -> ForgeWorld:
        other = super().again(folder)
        assert isinstance(other, ForgeWorld)
        there = self.there.there.copy(folder / "there")
        other.forge = MemoryForge(there, copy.deepcopy(self.there.pulls), self.there.opened)
        return other

    @property
    def there(self) -> MemoryForge:
        assert self.forge is not None
        return self.forge

    def runtime(self, moment: Moment) -> Runtime:
        made = super().runtime(moment)
        if self.forge is None:
            return made
        forge, inner = self.forge, made.make_http
        settings = dict(self._settings._settings)
        git = Remote(settings, self.repository.seen_by(quietly), forge.there, moment)
        return replace(
            made,
            git=git,
            environment={"FORGE_TOKEN": "forge-token-1"},
            make_http=lambda s: ForgeWire(forge, moment, inner(s)),
        )

    def events(self, kind: type[Event]) -> list[Event]:
        return [recorded.event for recorded in self.history() if isinstance(recorded.event, kind)]


def _live(runtime: Runtime) -> None:
    path = runtime.repository.work_dir
    assert path is not None
    policy = path / ".breyta/policy.edn"
    text = policy.read_text().replace('#_ "runner@', '"runner@').replace('" #_ {:kind', '" {:kind')
    text = text.replace("#{:drive}", "#{:drive :attest-forge}").replace(
        ":policy/version 1", ":policy/version 2"
    )
    policy.write_text(text.replace("{:kind :human", f"{{:forge {{:github {ANN.id}}} :kind :human"))
    apply_change(runtime, None)
    make_release(runtime, SLUG, notes="first")
    make_promotion(runtime, SLUG, None, "promote", reason=None)


def start(world: ForgeWorld, moment: Moment) -> bool:
    return world.process(lambda runtime: world.start(runtime, "live"), moment)


def look(world: ForgeWorld, moment: Moment = quietly) -> bool:
    world.now += 60_000
    return world.process(lambda runtime: world.work(runtime) and None, moment)


def merge(world: ForgeWorld) -> None:
    """Ann presses the button, once."""
    if world.there.pulls and not world.there.pulls[1].merged:
        world.there.merge(1, ANN)


def sign(world: ForgeWorld) -> None:
    """Ann signs, once; her process is not killed."""
    if world.run().waits and not world._has_approval():
        assert world.process(world.approve)


def settle(world: ForgeWorld, decide: Callable[[ForgeWorld], None]) -> None:
    for _ in range(10):
        look(world)
        if not world.is_begun() or world.run().is_over:
            break
        decide(world)
    look(world)


def check(world: ForgeWorld, where: str, *, merged: bool) -> None:
    assert world.run().status == "succeeded", where
    assert [e.number for e in world.events(ChangeOpened)] == [1], where  # type: ignore[attr-defined]
    assert (world.there.opened, len(world.there.pulls)) == (1, 1), where
    attested = world.events(DecisionAttested)
    assert [e.proof for e in attested] == (["forge-merge"] if merged else []), where  # type: ignore[attr-defined]
    cleared = [(e.change, e.branch) for e in world.events(ChangeCleared)]  # type: ignore[attr-defined]
    # What a killed process had done already is found done.
    wanted = {"merged"} if merged else {"closed", "was_closed"}
    assert len(cleared) == 1, where
    assert cleared[0][0] in wanted, where
    assert cleared[0][1] in ("deleted", "gone"), where
    pull = world.there.pulls[1]
    assert (pull.state, pull.merged, len(pull.comments)) == ("closed", merged, 0 if merged else 1), where
    assert [name for name, _ in world.there.there.refs("refs/heads/")] == [MAIN], where
    assert standings(world.repository) == (), where
    assert len(set(world.outside.keys("/send"))) == 1, where
    runtime = world.runtime(quietly)
    assert list(check_run(runtime, world.at().ref, tip=world.at().tip)) == [], where


@pytest.fixture(scope="module")
def born(tmp_path_factory: pytest.TempPathFactory) -> ForgeWorld:
    return ForgeWorld(tmp_path_factory.mktemp("worlds") / "born")


def test_killed_while_it_proposes_and_while_it_sees_the_merge(born: ForgeWorld, tmp_path: Path) -> None:
    def live(world: ForgeWorld, moment: Moment) -> bool:
        if not start(world, moment):
            return False
        merge(world)
        return look(world, moment)

    counting, calm = Bomb(), born.again(tmp_path / "calm")
    assert live(calm, counting)
    check(calm, "nobody killed", merged=True)
    asked = [what for what in counting.moments if what.startswith(("forge", "git"))]
    assert {what.partition("?")[0] for what in asked} >= {
        f"forge GET /repos/{PROJECT}/pulls",
        f"forge POST /repos/{PROJECT}/pulls",
        f"forge answers POST /repos/{PROJECT}/pulls",
        f"forge GET /repos/{PROJECT}/pulls/1/reviews",
    }
    for number, what in enumerate(counting.moments, start=1):
        world, where = born.again(tmp_path / str(number)), f"killed at moment {number}, {what}"
        assert not live(world, Bomb(number)), where
        settle(world, merge)
        if not world.is_begun():
            assert (world.there.opened, standings(world.repository)) == (0, ()), where
            assert [name for name, _ in world.there.there.refs("refs/heads/")] == [MAIN], where
            continue
        check(world, where, merged=True)


def test_killed_while_it_clears_away_what_a_signature_decided(born: ForgeWorld, tmp_path: Path) -> None:
    waiting = born.again(tmp_path / "waiting")
    assert start(waiting, quietly)
    sign(waiting)
    counting, calm = Bomb(), waiting.again(tmp_path / "calm")
    assert look(calm, counting)
    check(calm, "nobody killed", merged=False)
    assert f"forge answers PATCH /repos/{PROJECT}/pulls/1" in counting.moments
    assert any(what.startswith("git pushed refs/heads/gitflow/") for what in counting.moments)
    for number, what in enumerate(counting.moments, start=1):
        world, where = waiting.again(tmp_path / str(number)), f"killed at moment {number}, {what}"
        assert not look(world, Bomb(number)), where
        settle(world, sign)
        check(world, where, merged=False)


def test_killed_again_and_again_it_still_opens_one_change(born: ForgeWorld, tmp_path: Path) -> None:
    world = born.again(tmp_path / "again")
    number = 1
    while not world.is_begun():
        start(world, Bomb(40 + number))
        number += 1
    for number in range(1, 60):
        if look(world, Bomb(number)):
            break
    settle(world, merge)
    check(world, "killed at later and later moments", merged=True)
