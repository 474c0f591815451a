"""What our hooks cost: a ref that is none of ours, and a push of twenty decisions."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.architecture.source import ROOT
from tests.gated import MAIN, guard
from tests.hooked import install, must, repository
from tests.server import serve
from tests.team import Team, build_team

Compare = Callable[[str, Callable[[], object], Callable[[], object]], float]
MOVES, DECISIONS = 10, 20


def bench_moving_a_foreign_ref(tmp_path: Path, compare: Compare) -> None:
    plain, hooked = repository(tmp_path / "plain"), repository(tmp_path / "hooked")
    install(hooked)

    def move(folder: Path) -> None:
        for number in range(MOVES):
            must(folder, "update-ref", f"refs/heads/b{number}", "HEAD")
            must(folder, "update-ref", "-d", f"refs/heads/b{number}")

    assert (
        compare(f"{2 * MOVES} moves with the hook beside none", lambda: move(hooked), lambda: move(plain)) < 8
    )


def bench_judging_a_push_of_decisions(tmp_path: Path, compare: Compare) -> None:
    team: Team = build_team(tmp_path)
    server = serve(team)
    asked = team.start()
    sent = [team.sign("bob", asked, f"no. {n}\n\n{asked.message()}") for n in range(DECISIONS)]
    must(server.folder, "config", "core.hooksPath", "/dev/null")
    assert server.push(*(f"{oid}:refs/heads/kept/{oid}" for oid in sent)) == []  # the objects, not the refs
    must(
        server.folder, "config", "gpg.ssh.allowedSignersFile", str(team.home / ".git/gitflow/allowed_signers")
    )
    lines = "".join(f"{'0' * 40} {oid} {asked.inbox}/{oid}\n" for oid in sent).encode()

    def ours() -> None:
        subprocess.run(
            [sys.executable, "-P", "-m", "gitflow_runner.hooks", "pre-receive"],
            cwd=server.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "GIT_DIR": "."},
            input=lines,
            check=True,
        )

    def theirs() -> None:
        for oid in sent:
            must(server.folder, "verify-commit", oid)

    ratio = compare(f"{DECISIONS} decisions judged beside as many git verify-commit", ours, theirs)
    assert ratio < 4


def bench_looking_up_a_pass(tmp_path: Path, compare: Compare) -> None:
    """A push to a guarded branch, with six other flows live."""
    gated = guard(build_team(tmp_path))
    for slug in ("ship", "pair", "twice", "branch", "both", "tidy"):
        assert gated.ann.gfr("release", slug, "-m", "first", "--yes").exit == 0
        assert gated.ann.gfr("promote", slug, "--yes").exit == 0
    good = gated.commit()
    gated.ask(good)
    gated.work()
    old = must(gated.folder, "rev-parse", MAIN)
    line = f"{old} {good} {MAIN}\n".encode()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "GIT_DIR": "."}
    call = [sys.executable, "-P", "-m", "gitflow_runner.hooks", "gates"]

    def ours() -> None:
        subprocess.run(call, cwd=gated.folder, env=environment, input=line, check=True)

    def theirs() -> None:  # the same program and all that it loads, with nothing to judge
        subprocess.run(call, cwd=gated.folder, env=environment, input=b"", check=True)

    assert compare("a gate looked up beside a hook that judges nothing", ours, theirs) < 4
