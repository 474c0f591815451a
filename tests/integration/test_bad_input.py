"""Bad arguments and odd repositories, through the commands: a code and a way out, never a traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest

from gitflow_runner.cli.main import COMMANDS, Commands, cli
from tests.spoken import Told, spoken
from tests.team import Team

UNKNOWN_RUN = "20260101-000000-aaaaaa"
# What every command says in a repository where nothing of that name exists: arguments, exit, code.
BAD: Mapping[str, tuple[tuple[tuple[str, ...], int, str], ...]] = {
    "init": ((("--nonsense",), 2, "usage"),),
    "doctor": ((("extra",), 2, "usage"),),
    "lint": ((("nothing",), 3, "flow.unknown"), (("no such thing",), 3, "flow.unknown")),
    "run": (
        ((), 2, "usage"),
        (("shiip",), 3, "flow.unknown"),
        (("ship", "--ref", "nobranch"), 3, "branch.unknown"),
        (("ship", "--ref", "v9"), 3, "release.unknown"),
        (("ship", "--ref", "live"), 3, "live.none"),
        (("ship", "--ref", "a..b"), 4, "ref.malformed"),
        (("ship", "-i", "novalue"), 2, "input.malformed"),
        (("ship", "--input-file", "nowhere.json"), 2, "usage"),
        (("../ship",), 3, "flow.unknown"),
        (("-x",), 2, "usage"),
    ),
    "watch": (((UNKNOWN_RUN,), 3, "run.unknown"),),
    "show": (
        ((UNKNOWN_RUN,), 3, "run.unknown"),
        (("",), 3, "run.unknown"),
        (("../../x",), 3, "run.unknown"),
        ((UNKNOWN_RUN, "ask"), 3, "run.unknown"),
    ),
    "logs": (
        ((UNKNOWN_RUN,), 3, "run.unknown"),
        ((UNKNOWN_RUN, "--since", "soon"), 2, "usage.time"),
        ((UNKNOWN_RUN, "--attempt", "0"), 2, "usage"),
        ((UNKNOWN_RUN, "-f", "--failed"), 2, "usage.logs"),
    ),
    "waits": (
        (("extra",), 2, "usage"),
        (("complete", UNKNOWN_RUN, "--payload", "{}"), 3, "run.unknown"),
        (("complete", UNKNOWN_RUN), 2, "usage.answer"),
        (("complete", UNKNOWN_RUN, "ask", "--key", "k", "--payload", "{}"), 2, "usage.wait"),
    ),
    "approve": (((UNKNOWN_RUN,), 3, "run.unknown"), ((), 2, "usage")),
    "reject": (((UNKNOWN_RUN,), 3, "run.unknown"), ((), 2, "usage")),
    "resolve": (
        ((UNKNOWN_RUN, "step", "--retry"), 3, "run.unknown"),
        ((UNKNOWN_RUN, "step"), 2, "usage.resolve"),
        ((UNKNOWN_RUN, "step", "--done", "{:a"), 2, "usage.value"),
    ),
    "cancel": (((UNKNOWN_RUN,), 3, "run.unknown"),),
    "release": ((("shiip", "--yes"), 3, "flow.unknown"), (("ship",), 2, "usage.confirm")),
    "promote": (
        (("ship", "v9", "--yes"), 3, "release.unknown"),
        (("ship", "nine", "--yes"), 2, "release.malformed"),
        (("../x", "--yes"), 4, "ref.malformed"),
    ),
    "rollback": ((("ship", "--yes"), 3, "live.none"),),
    "runs": (
        ((), 2, "usage"),
        (("ls", "-L", "0"), 2, "usage.limit"),
        (("ls", "-L", "many"), 2, "usage"),
        (("verify", UNKNOWN_RUN), 3, "run.unknown"),
        (("nonsense",), 2, "usage"),
    ),
    "resources": (
        (("ls", "-L", "0"), 2, "usage.limit"),
        (("ls", UNKNOWN_RUN), 3, "run.unknown"),
        (("show", "zz"), 2, "res.malformed"),
        (("show", "abcdef0"), 3, "res.unknown"),
        (("show", "res://table/none"), 3, "table.unknown"),
        (("get", "res://table/../x", "-o", "x"), 2, "res.malformed"),
        (("get", "abcdef0", "-o", "x"), 3, "res.unknown"),
        (("rm",), 2, "usage.resources"),
        (("rm", "abcdef0"), 2, "res.malformed"),
        (("rm", "0" * 64), 3, "res.unknown"),
    ),
    "flows": (
        (("import", "nowhere.clj"), 3, "import.missing"),
        (("migrate", "nothing"), 3, "flow.unknown"),
        (("nonsense",), 2, "usage"),
    ),
    "fmt": ((("nowhere.edn",), 3, "file.unreadable"), (("--nonsense",), 2, "usage")),
    "test": ((("shiip",), 3, "flow.unknown"), (("ship",), 3, "tests.none")),
    "explain": ((("nonsense",), 3, "code.unknown"),),
    "eval": (((), 2, "usage.arguments"), (("(+ 1",), 1, "clojure_delimiters_invalid")),
    "read": ((("nowhere.edn",), 3, "file.unreadable"),),
    "verify": (((), 2, "usage.verify"), (("nothing",), 3, "object.unknown")),
    "audit": ((("--since", "soon"), 2, "usage.time"), (("nonsense",), 2, "usage")),
    "policy": (
        (("nonsense",), 2, "usage"),
        (("explain", UNKNOWN_RUN), 3, "run.unknown"),
        (("judge",), 2, "usage.batch"),
        (("sign", "abcdef"), 2, "policy.proposal"),
        (("sign", "abcdef0"), 3, "policy.no_proposal"),
        (("propose",), 5, "policy.unchanged"),
    ),
    "retire": (((), 2, "usage"), (("ship",), 2, "usage.confirm")),
    "versions": ((("shiip",), 3, "release.unknown"),),
    "diff": ((("shiip",), 3, "release.unknown"),),
    "hooks": ((("nonsense",), 2, "usage"),),
    "trust": (
        (("pin", "x"), 2, "trust.malformed"),
        (("pin",), 2, "usage"),
        (("checkpoint", "x"), 2, "usage"),
        (("fresh",), 3, "trust.no_checkpoint"),
    ),
    "configure": (
        ((), 2, "usage"),
        (("shiip",), 3, "flow.unknown"),
        (("ship", "--set", "nothing"), 2, "configure.set"),
        (("ship", "--set", "shop.conn=x"), 2, "configure.slot"),
        (("check", "shiip"), 3, "flow.unknown"),
        (("check", "ship", "--installation", "nowhere"), 3, "installation.unknown"),
        (("suggest", "ship", "--ref", "v9"), 3, "release.unknown"),
    ),
    "connections": (
        ((), 2, "usage"),
        (("show", "nothing"), 3, "connection.unknown"),
        (("usages", "nothing"), 3, "connection.unknown"),
        (("create", "shop"), 2, "connections.missing"),
        (("create", "shop", "--type", "soap"), 2, "usage"),
        (("test",), 2, "usage.connections"),
        (("test", "nothing"), 3, "connection.unknown"),
        (("rm", "nothing"), 3, "connection.unknown"),
    ),
    "secrets": (
        ((), 2, "usage"),
        (("set", "TOKEN", "the-value-itself"), 2, "secret.on_argv"),
        (("set", "no name"), 2, "secret.name"),
        (("set", "TOKEN"), 2, "secret.nowhere"),
        (("set", "TOKEN", "--for", "example.com"), 2, "origin.malformed"),
        (
            ("set", "TOKEN", "--for", "https://a.example", "--from-cmd", "no-such-program"),
            2,
            "secret.command",
        ),
        (("allow", "TOKEN"), 2, "secret.nowhere"),
        (("test", "TOKEN"), 3, "secret.unknown"),
        (("rm", "TOKEN", "--yes"), 3, "secret.unknown"),
    ),
    "gates": (
        (("nonsense",), 2, "usage"),
        (("explain", "main"), 2, "usage"),
        (("explain", "main", "nowhere"), 3, "git.unknown_revision"),
        (("explain", "-x", "HEAD"), 2, "usage"),
        (("explain", "..", "HEAD"), 4, "ref.malformed"),
        (("break", "main", "HEAD"), 2, "gate.no_reason"),
        (("break", "main", "HEAD", "--reason", "x"), 2, "gate.no_move"),
        (("break", "other", "HEAD", "--reason", "x"), 4, "gate.no_glass"),
    ),
    "worker": ((("extra",), 2, "usage"),),
    "version": ((("extra",), 2, "usage"),),
}
CASES = [(name, *case) for name, cases in BAD.items() for case in cases]


def envelope(text: str) -> Mapping[str, Any]:
    """The one JSON document on stdout."""
    (line,) = text.splitlines()
    found: Mapping[str, Any] = json.loads(line)
    assert set(found) == {"ok", "schema", "error", "meta"}
    return found


@pytest.fixture(scope="module")
def there(team_template: Team, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that these commands leave as it is."""
    return team_template.copy(tmp_path_factory.mktemp("bad")).home


def test_every_command_is_tried() -> None:
    assert set(COMMANDS) == set(BAD)


@pytest.mark.parametrize(
    ("name", "arguments", "exit", "code"), CASES, ids=lambda v: " ".join(v) if isinstance(v, tuple) else None
)
def test_a_bad_argument_has_a_code_in_one_envelope(
    there: Path, name: str, arguments: tuple[str, ...], exit: int, code: str
) -> None:
    ended, out, err = spoken(there, name, *arguments, "--json")
    error = envelope(out)["error"]
    assert (ended, error["exit"], error["code"]) == (exit, exit, code)
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("name", "arguments", "exit", "code"),
    [case for case in CASES if case[0] != "read"],  # which speaks JSON always
    ids=lambda v: " ".join(v) if isinstance(v, tuple) else None,
)
def test_a_bad_argument_is_told_in_words_on_stderr(
    there: Path, name: str, arguments: tuple[str, ...], exit: int, code: str
) -> None:
    ended, out, err = spoken(there, name, *arguments)
    assert (ended, out) == (exit, "")
    assert f"({code})" in err
    assert "Traceback" not in err


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group) and not isinstance(command, Commands):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name)


WITHOUT_REPOSITORY = {
    ("version",),
    ("explain",),
    ("eval",),
    ("read",),
    ("fmt",),
    ("policy", "check"),
    ("policy", "judge"),
}
IN_REPOSITORY = [command for command in leaves(cli) if command not in WITHOUT_REPOSITORY]


@pytest.mark.parametrize("command", IN_REPOSITORY, ids=" ".join)
def test_outside_a_repository_every_command_says_so(tmp_path: Path, command: tuple[str, ...]) -> None:
    ended, out, err = spoken(tmp_path, *command, *filled(command), "--json")
    error = envelope(out)["error"]
    assert (ended, error["code"]) == (4, "git.not_a_repository")
    assert error["fix"][0] == "git init"
    assert "Traceback" not in err


def filled(command: tuple[str, ...]) -> list[str]:
    """Arguments that a command cannot do without."""
    found: click.Command = cli
    for name in command:
        assert isinstance(found, click.Group)
        inner = found.get_command(click.Context(found), name)
        assert inner is not None
        found = inner
    given = ["x" for p in found.params if isinstance(p, click.Argument) and p.required]
    more = {
        "verify": ["x"],
        "waits": ["--payload", "{}"],
        "resolve": ["--retry"],
        "release": ["--yes"],
        "promote": ["--yes"],
        "rollback": ["--yes"],
        "retire": ["--yes"],
    }
    return given + more.get(command[0], [])


def nearest(told: Told) -> list[str]:
    found: list[str] = told.envelope["error"]["details"].get("nearest", [])
    return found


def test_an_unknown_name_is_answered_with_the_nearest(team: Team) -> None:
    asked = team.start()
    wrong = asked.run[:-1] + ("a" if asked.run[-1] != "a" else "b")
    told = team.ann.gfr("show", wrong)
    assert (told.exit, told.code, nearest(told)[0]) == (3, "run.unknown", asked.run)
    told = team.ann.gfr("run", "shiip")
    assert (told.exit, told.code) == (3, "flow.unknown")
    assert "gfr run ship" in told.envelope["error"]["fix"] or "ship" in str(told.envelope["error"])
    code, _, err = spoken(team.home, "shwo", asked.run)
    assert (code, "show" in err) == (2, True)


def test_an_ambiguous_id_is_answered_with_the_matches(team: Team) -> None:
    first = team.start()
    other = f"20260101-000000-{first.run[-6:]}"
    team.ann.git("update-ref", f"refs/runs/pair/{other}", first.ref)
    told = team.ann.gfr("show", first.run[-6:])
    assert (told.exit, told.code) == (3, "run.ambiguous")
    assert sorted(told.envelope["error"]["details"]["matches"]) == sorted([first.run, other])
    assert team.ann.gfr("show", f"ship/{first.run[-6:]}").data["run"] == first.run


def test_unreadable_edn_names_the_place_and_nothing_is_recorded(team: Team) -> None:
    path = team.home / ".breyta/flows/ship.edn"
    path.write_text('{:slug :ship\n :name "Ship"\n :flow \'(let [x 1]\n')
    told = team.ann.gfr("run", "ship")
    at = told.envelope["error"]["at"]
    assert told.exit in (1, 2)
    assert (at["file"], at["line"]) == (".breyta/flows/ship.edn", 3)
    assert team.ann.git("for-each-ref", "refs/runs", "refs/runner/active") == ""


def test_a_body_that_cannot_be_analysed_leaves_no_run_behind(team: Team) -> None:
    path = team.home / ".breyta/flows/ship.edn"
    path.write_text(path.read_text().replace("(flow/step :wait", "(flow/nonsense :wait"))
    told = team.ann.gfr("run", "ship")
    assert told.exit == 1
    assert told.envelope["error"]["at"]["line"] == 5
    assert team.ann.git("for-each-ref", "refs/runs", "refs/runner/active") == ""


def test_settings_that_cannot_be_read_leave_no_run_behind(team: Team) -> None:
    (team.home / ".breyta/config.yaml").write_text("limits: {fuel: lots}\n")
    told = team.ann.gfr("run", "ship")
    assert (told.exit, told.code) == (2, "config.type")
    assert team.ann.git("for-each-ref", "refs/runs", "refs/runner/active") == ""
