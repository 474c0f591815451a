"""Runs over named connections to services that grant tokens, or answer as models do; nothing stays behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.model_server import ModelServer
from tests.oauth_server import CLIENT, SECRET, OAuthServer
from tests.secrets_case import TOKEN, Shop, shop
from tests.security.test_secret_leaks import spellings
from tests.team import Team

CALL = """[(:status (flow/step :http :first {:connection :shop :path "/api"}))
           (:status (flow/step :http :second {:connection :shop :path "/api"}))]"""
ROTATED = "once-" + "Kd4" * 8
REQUIRES = "[{:slot :shop :type :http-api}]"


@pytest.fixture
def server() -> Iterator[OAuthServer]:
    with OAuthServer() as running:
        yield running


@pytest.fixture
def there(team: Team, server: OAuthServer) -> Shop:
    made = shop(team, server)
    made.flow("call", CALL)
    return made


def oauth(there: Shop, secrets: str, **more: str) -> None:
    """A connection whose tokens come from the server."""
    settings = {"token-url": f"{there.server.origin}/token", "client-id": CLIENT, **more}
    stated = "".join(f", {key}: '{value}'" for key, value in settings.items())
    there.connect(f"{{type: oauth, secrets: {{{secrets}}}{stated}}}")
    there.commit()
    there.secret("CLIENT_SECRET", SECRET)


def logged(there: Shop) -> str:
    (run,) = there.team.ann.gfr("runs", "ls", "-L", "1").data["items"]
    return str(there.team.ann.gfr("logs", run["run"]).data)


def holds_no(there: Shop, *secrets: str) -> bool:
    objects = there.everything()
    return not [each for secret in secrets for each in spellings(secret) if each in objects]


def test_a_client_gets_one_token_for_all_requests_of_a_run(there: Shop, server: OAuthServer) -> None:
    oauth(there, "client-secret: CLIENT_SECRET", scopes="read write")
    assert there.output("call") == "[200 200]"
    asked = [(form["grant_type"], form["scope"]) for form in server.grants.asked]
    assert asked == [("client_credentials", "read write")]
    assert holds_no(there, SECRET)


def test_a_refresh_token_that_is_good_once_gives_way_to_the_next(there: Shop, server: OAuthServer) -> None:
    server.grants.rotate = ROTATED
    oauth(there, "client-secret: CLIENT_SECRET, refresh-token: REFRESH")
    server.grants.refresh = f"{ROTATED}-first"
    there.secret("REFRESH", server.grants.refresh)
    for _ in range(3):
        # Each command opens the secret anew: what the one before was given has to be there.
        assert there.output("call") == "[200 200]"
    traded = [form["refresh_token"] for form in server.grants.asked]
    assert traded == [f"{ROTATED}-first", f"{ROTATED}-1", f"{ROTATED}-2"]
    assert there.team.ann.gfr("secrets", "test", "REFRESH", "--draft").data["source"] == "file"
    assert holds_no(there, SECRET, server.grants.refresh, *traded)


def test_a_refused_token_is_asked_for_anew_with_the_newest_refresh_token(
    there: Shop, server: OAuthServer
) -> None:
    server.grants.rotate = ROTATED
    oauth(there, "client-secret: CLIENT_SECRET, refresh-token: REFRESH")
    server.grants.refresh = f"{ROTATED}-first"
    there.secret("REFRESH", server.grants.refresh)
    there.flow(
        "call",
        """(let [first (flow/step :http :first {:connection :shop :path "/api"})]
             (flow/step :http :revoke {:connection :shop :path "/revoke" :method :post})
             [(:status first) (:status (flow/step :http :second {:connection :shop :path "/api"}))])""",
    )
    there.commit()
    assert there.output("call") == "[200 200]"
    assert [form["refresh_token"] for form in server.grants.asked] == [f"{ROTATED}-first", f"{ROTATED}-1"]


def test_what_cannot_be_kept_is_told_and_holds_for_the_run(there: Shop, server: OAuthServer) -> None:
    server.grants.rotate = ROTATED
    server.grants.refresh = f"{ROTATED}-first"
    oauth(there, "client-secret: CLIENT_SECRET, refresh-token: REFRESH")
    arguments = ("--for", server.origin, "--draft", "--from-cmd", f"printf %s {server.grants.refresh}")
    assert there.team.ann.gfr("secrets", "set", "REFRESH", *arguments).exit == 0
    told = there.run("call")
    assert told.exit == 0, told
    assert "secret.not_renewed" in told.err
    assert "gfr secrets set REFRESH" in told.err
    assert "secret.not_renewed" in logged(there)
    assert (there.run("call").exit, len(server.grants.asked)) == (1, 2)
    assert holds_no(there, SECRET, f"{ROTATED}-first", f"{ROTATED}-1")


def test_a_model_is_asked_over_a_named_connection(team: Team) -> None:
    script = [{"text": f"You sent {TOKEN}."}]
    with ModelServer(script) as model:
        there = Shop(team, model)
        there.write(".breyta/config.yaml", f'http:\n  allow: ["{model.origin}"]\n')
        there.connect()
        body = '(:content (flow/step :llm :ask {:connection :shop :model "m" :prompt "Who am I?"}))'
        there.flow("ask", body, requires=REQUIRES)
        there.commit()
        there.secret()
        assert there.output("ask") == '"You sent ***."'
        assert [headers["authorization"] for _, headers, _ in model.seen] == [f"Bearer {TOKEN}"]
    assert holds_no(there, TOKEN)


def test_a_command_that_prints_the_key_of_a_model_runs_once(team: Team) -> None:
    with ModelServer([{"text": "Hello"}]) as model:
        there = Shop(team, model)
        there.write(".breyta/config.yaml", f'http:\n  allow: ["{model.origin}"]\n')
        there.connect()
        body = '(:content (flow/step :llm :ask {:connection :shop :model "m" :prompt "Hi"}))'
        there.flow("ask", body, requires=REQUIRES)
        there.commit()
        counted = there.team.root / "counted"
        command = f"sh -c 'echo x >> {counted}; printf %s {TOKEN}'"
        arguments = ("--for", model.origin, "--draft", "--from-cmd", command)
        assert there.team.ann.gfr("secrets", "set", "SHOP_TOKEN", *arguments).exit == 0
        counted.unlink()
        assert there.output("ask") == '"Hello"'
        assert counted.read_text() == "x\n"
