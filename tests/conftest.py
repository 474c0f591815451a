"""What every kind of test may lean on: a clean environment, real programs, the soak clock."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.mariadb_server import MariaServer, running_mariadb
from tests.postgres_server import Server, running_server
from tests.soak import LONG_S, Soak, write_report
from tests.team import Team, build_team

IN_CI = os.environ.get("CI") == "true"

# Shared machines pause for longer than any deadline worth having. In CI the examples are the same each time.
settings.register_profile("shared", deadline=None, print_blob=True)
settings.register_profile("repeatable", deadline=None, print_blob=True, derandomize=True, database=None)
settings.load_profile("repeatable" if IN_CI else "shared")

_home = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Cut the caller's Git away: its variables (we may run inside a hook), its settings, its home."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "SSH_AUTH_SOCK", "XDG_"))]:
        del os.environ[name]
    config.stash[_home] = home = Path(tempfile.mkdtemp(prefix="gfr-tests-home-"))
    os.environ |= {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the home made above."""
    home = config.stash.get(_home, None)
    if home is not None:
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def real_part() -> Callable[[str], str]:
    """`real_part("sshd")`: the path of a program that a test drives; or of a file, given in full.

    Where it is missing the test skips with the reason, in CI (`CI=true`) it fails: `.ci/packages` lists
    what has to be there.
    """

    def find(program: str) -> str:
        found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin:/sbin")
        if found is None and program.startswith("/") and os.path.exists(program):
            found = program
        if found is None:
            reason = f"{program} is not installed"
            if IN_CI:
                pytest.fail(f"{reason}; name its package in .ci/packages")
            pytest.skip(reason)
        return found

    return find


@pytest.fixture(scope="session")
def postgres(real_part: Callable[[str], str]) -> Iterator[Server]:
    """A PostgreSQL that this session started."""
    with running_server(real_part) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb(real_part: Callable[[str], str]) -> Iterator[MariaServer]:
    """A MariaDB that this session started."""
    with running_mariadb(real_part) as server:
        yield server


@pytest.fixture(scope="session")
def team_template(tmp_path_factory: pytest.TempPathFactory) -> Team:
    """The team as it was made; tests work in copies."""
    return build_team(tmp_path_factory.mktemp("team"))


@pytest.fixture
def team(team_template: Team, tmp_path: Path) -> Team:
    """People with keys, a policy and flows that wait, in a repository of this test's own."""
    return team_template.copy(tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting needs root: " + mounted.stderr.decode().strip()[:80])
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def soak(request: pytest.FixtureRequest) -> Soak:
    """The time that a test marked `soak` has, and a place for figures; GFR_SOAK_SEED repeats a round."""
    seconds = float(os.environ.get("GFR_SOAK_SECONDS", "1"))
    seed = os.environ.get("GFR_SOAK_SEED") or (secrets.randbelow(1 << 31) if seconds >= LONG_S else 1)
    request.node.add_report_section("setup", "seed", f"GFR_SOAK_SEED={seed}")
    return Soak(seconds, request.node.user_properties, int(seed))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures of the soak tests that passed; write them where GFR_SOAK_REPORT says."""
    found = [
        (report.nodeid, value)
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if report.when == "call" and name == "soak"
    ]
    if not found:
        return
    terminalreporter.section("soak")
    for test, figure in found:
        terminalreporter.line(f"{test}: {figure}")
    if "GFR_SOAK_REPORT" in os.environ:
        write_report(Path(os.environ["GFR_SOAK_REPORT"]), found)
