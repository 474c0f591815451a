"""Every source of secrets over its real part: files, Git, programs, age."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest
from keyring.backends import fail, null

from gitflow_runner.connections.agefile import AgeSource
from gitflow_runner.connections.dotenv import DotenvSource
from gitflow_runner.connections.environment import EnvironmentSource
from gitflow_runner.connections.keychain import KeyringSource
from gitflow_runner.connections.program import ProgramSource
from gitflow_runner.connections.records import Record
from gitflow_runner.errors import GitflowError, RefusedError
from gitflow_runner.model.secret import Secret
from gitflow_runner.runner.secret_places import secrets_place
from tests.team import Team

VALUE = "a $NAME, a \\ and # too"


def of(name: str = "TOKEN", *command: str) -> Record:
    return Record(name, "live", (), command)


def test_the_environment_is_asked_by_the_very_name() -> None:
    source = EnvironmentSource({"TOKEN": VALUE, "EMPTY": ""})
    found = source.find(of())
    assert found is not None
    assert found.reveal() == VALUE
    assert (source.find(of("token")), source.find(of("EMPTY"))) == (None, None)


def test_dotenv_is_taken_as_it_stands_and_only_where_git_ignores_it(team: Team) -> None:
    runtime = team.runtime()
    (team.home / ".env").write_text(f"TOKEN='{VALUE}'\n")
    place = secrets_place(runtime.local, runtime.repository, runtime.git, {}, runtime.clock)
    assert place.dotenv is not None
    source = DotenvSource(place.dotenv, place.seen_by_git)
    with pytest.raises(RefusedError, match="does not ignore"):
        source.find(of())
    (team.home / ".git" / "info" / "exclude").write_text(".env\n")
    found = source.find(of())
    assert found is not None
    assert found.reveal() == VALUE
    team.ann.git("add", "-f", ".env")
    with pytest.raises(RefusedError, match="Git tracks"):
        source.find(of())
    assert source.find(of("OTHER")) is None


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("no-such-program-here",), "secret.command"),
        (("false",), "secret.command"),
        (("cat", "/dev/zero"), "secret.command"),
        (("sleep", "30"), "secret.timeout"),
        (("printf", "\\377\\376"), "secret.command"),
    ],
)
def test_a_program_that_gives_no_value_is_told(command: tuple[str, ...], code: str) -> None:
    source = ProgramSource({"PATH": "/usr/bin:/bin"}, timeout_s=2)
    with pytest.raises(GitflowError) as caught:
        source.find(of("TOKEN", *command))
    assert caught.value.code == code


def test_a_program_gets_its_arguments_without_a_shell() -> None:
    found = ProgramSource({"PATH": "/usr/bin:/bin"}).find(of("TOKEN", "printf", "%s\\n", "$HOME; `id` > x"))
    assert found is not None
    assert found.reveal() == "$HOME; `id` > x"


def test_an_age_file_opens_with_its_identity_only(tmp_path: Path) -> None:
    mine, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    for name, identity in (("mine", mine), ("other", other)):
        (tmp_path / name).write_text(f"# made for a test\n{identity}\n")
    data = pyrage.encrypt(f"TOKEN='{VALUE}'\n".encode(), [mine.to_public()])
    found = AgeSource(lambda: data, tmp_path / "mine").find(of())
    assert found is not None
    assert found.reveal() == VALUE
    with pytest.raises(GitflowError) as caught:
        AgeSource(lambda: data, tmp_path / "other").find(of())
    assert caught.value.code == "secret.age"


def test_a_keyring_that_cannot_be_used_is_told_and_one_that_forgets_has_nothing() -> None:
    record = replace(of(), kept_in="keyring")
    locked, empty = KeyringSource("home", fail.Keyring()), KeyringSource("home", null.Keyring())
    for act in (lambda: locked.find(record), lambda: locked.keep(record, Secret(VALUE))):
        with pytest.raises(GitflowError) as caught:
            act()
        assert (caught.value.code, caught.value.retryable) == ("secret.keyring", True)
        assert VALUE not in str(caught.value)
    assert empty.find(record) is None
    assert locked.find(of()) is None, "what was never kept there is not asked for"


IN_KEYRING = """
printf unlocked | gnome-keyring-daemon --unlock --components=secrets > /dev/null
printf %s "$VALUE" | "$PYTHON" -m gitflow_runner secrets set TOKEN --for https://a.example --keyring || exit 1
"$PYTHON" -m gitflow_runner secrets test TOKEN --json || exit 2
"$PYTHON" -m gitflow_runner secrets rm TOKEN --yes --json || exit 3
"$PYTHON" -m gitflow_runner secrets set OTHER --for https://a.example --keyring < /dev/null && exit 4
exit 0
"""


def test_the_systems_keyring_keeps_a_value_and_gives_it_back(
    team: Team, tmp_path: Path, real_part: Callable[[str], str]
) -> None:
    real_part("gnome-keyring-daemon")
    done = team.ann.attempt(
        real_part("dbus-run-session"),
        "--",
        "sh",
        "-c",
        IN_KEYRING,
        PYTHON=sys.executable,
        VALUE=VALUE,
        HOME=str(tmp_path),
        XDG_RUNTIME_DIR=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
    assert [(each["data"].get("source"), each["data"].get("emptied")) for each in told] == [
        ("keyring", None),
        (None, "keyring"),
    ]
    assert VALUE.encode() not in done.stdout + done.stderr
    kept = [path for path in (team.home / ".git/gitflow").rglob("*") if path.is_file()]
    assert not [path for path in kept if VALUE.encode() in path.read_bytes()]
    assert any(path.suffix == ".keyring" for path in tmp_path.rglob("*")), (
        "where the daemon keeps what it is given"
    )


def test_a_kept_value_lies_in_a_file_that_only_its_owner_reads(team: Team) -> None:
    command = "import sys; from gitflow_runner.cli.main import main; main(sys.argv[1:])"
    arguments = ("-C", str(team.home), "secrets", "set", "TOKEN", "--for", "https://a.example")
    done = subprocess.run(
        [sys.executable, "-c", command, *arguments],
        input=b"hunter2-hunter2\n",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"hunter2" not in done.stdout + done.stderr
    for name in ("live.json", "records.json"):
        mode = (team.home / ".git" / "gitflow" / "secrets" / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600
    assert "hunter2-hunter2" not in str(team.ann.gfr("secrets", "ls"))
    assert team.ann.gfr("secrets", "test", "TOKEN").data["length"] == 15
    assert team.ann.gfr("secrets", "rm", "TOKEN", "--yes").data["emptied"] == "file"
    assert team.ann.gfr("secrets", "test", "TOKEN").code == "secret.unknown"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("short 7", "it has 7 characters, and shorter ones than 8"),
        ("x" * 30, "repeats one character"),
        ("", "0"),
    ],
)
def test_a_value_that_cannot_be_masked_is_refused_with_the_reason(team: Team, value: str, why: str) -> None:
    arguments = ("gitflow_runner", "secrets", "set", "TOKEN", "--for", "https://a.example", "--json")
    done = team.ann.attempt(sys.executable, "-m", *arguments, given=value.encode() + b"\n")
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (2, "secret.unfit")
    assert why in error["message"]
    assert not value or value.encode() not in done.stdout + done.stderr
    assert team.ann.gfr("secrets", "ls").data["items"] == []
