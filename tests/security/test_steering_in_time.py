"""What is asked while a step is busy is heard before the next unsafe effect, and holds it back."""

from __future__ import annotations

from pathlib import Path

from gitflow_runner.runner.decide import ask
from gitflow_runner.runner.drive import Patience
from gitflow_runner.runner.service import Service
from gitflow_runner.trust.statement import Act
from tests.memory_runs import Moment, World, quietly

FLOW = """{:slug :hello :name "Two" :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(try
          (flow/step :http :one {:url "https://api.test/one" :method :post :unsafe true})
          (flow/step :http :two {:url "https://api.test/two" :method :post :unsafe true})
          (finally (flow/step :http :clean {:url "https://api.test/clean" :method :post :unsafe true})))}
"""


def asked_meanwhile(world: World, act: Act) -> Moment:
    """Somebody else asks, once, while the first step waits for its answer."""

    def moment(what: str) -> None:
        if what == "http answer /one":
            ask(world.runtime(quietly), world.at(), act)

    return moment


def sent(world: World) -> list[str]:
    return [arrived.path for arrived in world.outside.arrived]


def test_a_cancel_holds_back_the_next_unsafe_effect_and_lets_cleanup_through(tmp_path: Path) -> None:
    world = World(tmp_path / "world", FLOW)
    assert world.process(world.start, asked_meanwhile(world, "cancel"))
    assert (world.run().status, sent(world)) == ("cancelled", ["/one", "/clean"])


def test_a_pause_holds_back_the_next_unsafe_effect_until_the_run_is_resumed(tmp_path: Path) -> None:
    world = World(tmp_path / "world", FLOW)
    assert world.process(world.start, asked_meanwhile(world, "pause"))
    assert (world.run().status, sent(world)) == ("paused", ["/one"])
    world.process(lambda runtime: ask(runtime, world.at(), "resume") and None)
    world.process(lambda runtime: Service(runtime).drive(world.at(), Patience.NOW) and None)
    assert (world.run().status, sent(world)) == ("succeeded", ["/one", "/two", "/clean"])


def test_a_paused_run_can_be_cancelled(tmp_path: Path) -> None:
    world = World(tmp_path / "world", FLOW)
    assert world.process(world.start, asked_meanwhile(world, "pause"))
    world.process(lambda runtime: ask(runtime, world.at(), "cancel") and None)
    world.process(lambda runtime: Service(runtime).drive(world.at(), Patience.NOW) and None)
    assert (world.run().status, sent(world)) == ("cancelled", ["/one", "/clean"])
