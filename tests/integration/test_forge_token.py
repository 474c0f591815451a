"""The forge's token as a secret of a connection: for its flow and its origin only, and never in Git."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitflow_runner.connections.records import Record
from gitflow_runner.model.secret import Secret
from gitflow_runner.runner.doctor import examine
from gitflow_runner.runner.hints import take_hint
from gitflow_runner.runner.secrets import permits
from tests.fakeforge.forge import BOB, Lies
from tests.fakeforge.server import TOKEN, Server
from tests.proposing import SECRET, SLUG, Proposing, config, propose
from tests.team import Team

NOW = 1_790_000_000_000


def connection(server: Server, auth: str = "{type: bearer, secret: REVIEW_TOKEN}") -> str:
    return f"connections:\n  review:\n    type: http-api\n    base-url: {server.api}\n    auth: {auth}\n"


@pytest.fixture
def there(team: Team, tmp_path: Path) -> Iterator[Proposing]:
    folder = tmp_path / "forge"
    folder.mkdir()
    with Server(folder, "gitlab") as server:
        (team.home / ".breyta/connections.yaml").write_text(connection(server))
        with propose(team, server, "gitlab") as found:
            (team.home / ".breyta/config.yaml").write_text(
                config(server, "gitlab", "origin", connection="review")
            )
            team.ann.git("commit", "-q", "-S", "-am", "The token is a secret of a connection")
            found.environment.clear()
            yield found


def keep(
    there: Proposing, *origins: str, flows: tuple[str, ...] = (SLUG,), name: str = "REVIEW_TOKEN"
) -> None:
    record = Record(name, "live", permits(flows, origins, "live"))
    there.runtime().secrets.keep(record, Secret(TOKEN if name == "REVIEW_TOKEN" else SECRET), "file")


def test_a_kept_token_opens_the_change_and_stands_in_no_object(there: Proposing) -> None:
    keep(there, there.server.origin)
    keep(there, there.server.origin, name="FORGE_SECRET")
    # A forge that repeats the token in its answers gets it no further.
    there.forge.lies = Lies(
        answer=lambda path, found: found | {"note": TOKEN} if isinstance(found, dict) else found
    )
    runtime = there.runtime(at=NOW)
    asked = there.start(runtime)
    there.forge.review(1, BOB)
    there.forge.merge(1, BOB)
    assert take_hint(runtime, *there.hint()) == (asked.run,), "the webhook's secret is a kept one, too"
    there.look(runtime)
    assert (there.state(asked).status, there.shipped()) == ("succeeded", '[["bob"]]')
    everything = there.team.ann.attempt(
        "git", "cat-file", "--batch-all-objects", "--batch", "--unordered"
    ).stdout
    assert TOKEN.encode() not in everything
    assert next(c.message for c in examine(runtime) if c.name == "forge").startswith(
        "gitlab knows the token as"
    )


@pytest.mark.parametrize("where", ["elsewhere", "another flow", "nowhere"])
def test_a_token_that_may_not_go_there_is_not_sent(there: Proposing, where: str) -> None:
    match where:
        case "elsewhere":
            keep(there, "https://forge.example.test:443")
        case "another flow":
            keep(there, there.server.origin, flows=("other",))
        case _:
            pass
    codes = {
        "elsewhere": "connection.refused",
        "another flow": "secret.not_allowed",
        "nowhere": "secret.unknown",
    }
    failure = there.begin().failure
    assert failure is not None
    assert (failure.code, there.server.asked) == (codes[where], [])


def test_a_token_that_is_gone_for_a_while_is_told_and_the_change_waits(there: Proposing) -> None:
    keep(there, there.server.origin)
    asked = there.start()
    runtime = there.runtime()
    runtime.secrets.remove(runtime.secrets.record("REVIEW_TOKEN", "live"))
    there.forge.review(1, BOB)
    there.forge.merge(1, BOB)
    there.look()
    assert there.standing(asked) == ("unproven", "secret.unknown")
    keep(there, there.server.origin)
    there.look()
    assert (there.state(asked).status, there.standing(asked)) == ("succeeded", ("merged", None))


def test_a_connection_of_another_kind_is_refused(there: Proposing) -> None:
    file = there.team.home / ".breyta/connections.yaml"
    file.write_text(connection(there.server, "{type: basic, username: x, secret: REVIEW_TOKEN}"))
    there.team.ann.git("commit", "-q", "-S", "-am", "Another kind")
    found = [c for c in examine(there.runtime()) if c.name == "forge"]
    assert [c.health for c in found] == ["bad"]
    assert "auth of type bearer" in found[0].message
