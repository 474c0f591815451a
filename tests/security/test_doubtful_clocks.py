"""A clock that is set while a worker runs, or that lies behind the record, ends, opens and judges nothing."""

from __future__ import annotations

from gitflow_runner.runner.clock import ManualClock
from gitflow_runner.runner.compose import compose
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.service import Service
from gitflow_runner.runner.stack import on_big_stack
from gitflow_runner.runner.worker import Worked, work_once
from tests.team import HOUR, Team


def worker(team: Team, at: int) -> tuple[Runtime, ManualClock, list[str]]:
    """The tools of one process that stays, its clock, and what it says."""
    clock, said = ManualClock(at), list[str]()
    return compose(team.home, clock=clock, say=said.append), clock, said


def look(runtime: Runtime) -> Worked:
    (worked,) = on_big_stack(lambda: tuple(work_once(runtime)), lambda: None)
    return worked


def test_a_clock_set_ahead_ends_no_wait_and_no_run(team: Team) -> None:
    asked = team.start()
    began = asked.deadline - HOUR // 2
    runtime, clock, said = worker(team, began)
    look(runtime)
    tip = team.ann.git("rev-parse", asked.ref)
    clock.set(began + 400 * 24 * HOUR)  # past the deadline, and past the age of any run
    for _ in range(2):
        stood = look(runtime).stood
        assert stood is not None
        assert (stood.run.status, stood.due) == ("waiting", None)
        assert "was set ahead by" in (stood.doubt or "")
    assert team.ann.git("rev-parse", asked.ref) == tip
    assert [line.split(":")[0] for line in said if "clock" in line] == ["clock_suspect"]  # told once
    good = team.send(asked, team.sign("bob", asked))
    look(runtime)
    assert good not in team.decisions(asked)
    clock.set(began + 1_000)
    assert look(runtime).stood is not None
    assert (team.state(asked).status, team.decisions(asked)[good]) == ("succeeded", (None, "bob"))


def test_a_clock_that_is_off_gives_no_wait_its_end(team: Team) -> None:
    asked = team.start()  # so that the process has driven something before
    runtime, clock, _ = worker(team, asked.deadline - HOUR // 2)
    look(runtime)
    clock.set(asked.deadline + 24 * HOUR)
    service = Service(runtime)
    stood = on_big_stack(
        lambda: service.start("ship", "draft", {}, told=lambda run, changed: None), lambda: None
    )
    assert (stood.run.status, stood.run.waits) == ("running", ())
    assert "was set ahead by" in (stood.doubt or "")


def test_a_clock_behind_the_record_is_told_by_the_command(team: Team) -> None:
    asked = team.start()
    team.send(asked, team.sign("bot", asked))
    team.look(asked.deadline - HOUR // 2)  # half an hour from now is on record
    told = team.ann.gfr("worker", "--once")
    (item,) = told.data["items"]
    assert (item["status"], item["due"], item["problem"]["code"]) == ("waiting", None, "clock_suspect")
    assert "behind what is on record" in item["problem"]["message"]
    assert "clock_suspect" in told.err
