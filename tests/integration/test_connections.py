"""Runs with connections: what arrived at the service, and what the history says of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.loopback import Answer, Loopback
from tests.secrets_case import TOKEN, Shop, shop
from tests.team import Team


@pytest.fixture
def there(team: Team) -> Iterator[Shop]:
    with Loopback() as server:
        yield shop(team, server)


def test_a_draft_calls_its_service_with_a_secret_of_the_draft_store(there: Shop) -> None:
    there.connect()
    there.flow("call")
    there.commit()
    there.secret()
    assert there.output("call") == '{"ok" true}'
    assert [seen.headers["authorization"] for seen in there.server.seen] == [f"Bearer {TOKEN}"]
    assert TOKEN.encode() not in there.everything()


def test_what_a_service_repeats_of_the_secret_is_masked_before_the_body_sees_it(there: Shop) -> None:
    there.server.on("/me", Answer(200, f"you are {TOKEN}!".encode(), {"Content-Type": "text/plain"}))
    there.connect()
    there.flow("call")
    there.commit()
    there.secret()
    assert there.output("call") == '"you are ***!"'
    assert TOKEN.encode() not in there.everything()
