"""How soon hostile files are refused: by commands in this process, and by programs above Python's start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.benchmarks.conftest import Figure, seconds
from tests.integration.test_hostile_files import FILES, PATH
from tests.spoken import spoken
from tests.team import Team

WITHIN_MS = 100.0
COMMANDS = (f"lint {PATH}", f"fmt --check {PATH}", f"read {PATH}", "eval -", "run bad")


@pytest.fixture(scope="module")
def there(team_template: Team, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a flow `bad`."""
    return team_template.copy(tmp_path_factory.mktemp("refusals")).home


def gfr(there: Path, *arguments: str, given: bytes = b"") -> None:
    """One program, refused."""
    command = [sys.executable, "-m", "gitflow_runner", *arguments]
    done = subprocess.run(
        command, cwd=there, input=given, capture_output=True, env={"PYTHONPATH": str(ROOT)}, timeout=120
    )
    assert done.returncode in (1, 2), done.stderr


@pytest.mark.parametrize("command", [each for each in COMMANDS if each != "eval -"])
@pytest.mark.parametrize(
    "name", ["1 MB", "10,000 nested brackets", "a number of 5,000 digits", "NUL in code"]
)
def bench_a_refusal_in_process(there: Path, figure: Figure, command: str, name: str) -> None:
    (there / PATH).write_bytes(FILES[name][0])
    arguments = command.replace(PATH, str(there / PATH)).split()
    figure(f"gfr {command.split()[0]}: {name}", lambda: spoken(there, *arguments), within_ms=WITHIN_MS)


@pytest.mark.parametrize("command", COMMANDS)
def bench_a_refusal_by_a_program(there: Path, figure: Figure, command: str) -> None:
    data = FILES["10,000 nested brackets"][0]
    (there / PATH).write_bytes(data)
    start = min(seconds(lambda: subprocess.run([sys.executable, "-c", ""], check=True)) for _ in range(7))
    given = data if command == "eval -" else b""
    figure(
        f"gfr {command.split()[0]}, the whole program; Python alone takes {start * 1_000:.0f} ms",
        lambda: gfr(there, *command.split(), given=given),
        within_ms=WITHIN_MS + start * 1_000,
    )
