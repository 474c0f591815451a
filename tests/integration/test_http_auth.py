"""Every kind of auth against a real token server and a real API, over the real client."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gitflow_runner.net.client import HttpClient
from gitflow_runner.steps.base import Context, HttpAuth, HttpConnection
from gitflow_runner.steps.http import STEP
from gitflow_runner.steps.memory import MemoryConnections
from tests.loopback import Answer, Loopback
from tests.oauth_server import CLIENT, REFRESH, SECRET, OAuthServer
from tests.step_context import World, at, failure, run

CALL = '{:connection :api :path "api"}'


@pytest.fixture
def server() -> Iterator[OAuthServer]:
    with OAuthServer() as running:
        yield running


@pytest.fixture
def client(server: OAuthServer) -> Iterator[HttpClient]:
    made = HttpClient(monotonic_ms=lambda: time.monotonic_ns() // 1_000_000, allow=("http://127.0.0.1:*",))
    yield made
    made.close()


def service(server: Loopback, kind: str, secrets: dict[str, str], **settings: object) -> HttpConnection:
    given = {name.replace("_", "-"): value for name, value in settings.items()}
    return HttpConnection(server.origin, origins=(server.origin,), auth=HttpAuth(kind, given, secrets))


def oauth(server: OAuthServer, **more: object) -> HttpConnection:
    settings = {"token_url": f"{server.origin}/token", "client_id": CLIENT, "scopes": "read"} | more
    return service(server, "oauth", {"client-secret": SECRET}, **settings)


def over(client: HttpClient, made: HttpConnection, world: World | None = None, **changes: object) -> Context:
    connections = MemoryConnections({"api": made})
    return (world or World()).context(http=client, connections=connections, **changes)


@pytest.mark.parametrize("client_auth", ["basic", "post"])
def test_a_token_is_fetched_once_and_used_again(
    server: OAuthServer, client: HttpClient, client_auth: str
) -> None:
    context = over(client, oauth(server, client_auth=client_auth, audience="api"))
    for _ in range(3):
        assert at(run(STEP, CALL, context), "status") == 200
    assert (server.count("/token"), server.count("/api")) == (1, 3)
    asked = server.grants.asked[0]
    assert (asked["grant_type"], asked["scope"], asked["audience"]) == ("client_credentials", "read", "api")
    assert isinstance(context.connections, MemoryConnections)
    assert context.connections.hidden == ["token-1"], "what was handed out is masked from then on"


def test_a_token_is_renewed_before_it_ends(server: OAuthServer, client: HttpClient) -> None:
    world = World()
    context = over(client, oauth(server), world, deadline_ms=10**9)
    run(STEP, CALL, context)
    world.clock.advance(3_600_000 - 60_001)
    run(STEP, CALL, context)
    assert server.count("/token") == 1
    world.clock.advance(2)
    run(STEP, CALL, context)
    assert server.count("/token") == 2


def test_a_token_that_is_refused_is_fetched_once_more(server: OAuthServer, client: HttpClient) -> None:
    context = over(client, oauth(server))
    run(STEP, CALL, context)
    server.grants.revoke()
    assert at(run(STEP, CALL, context), "status") == 200
    assert (server.count("/token"), server.count("/api")) == (2, 3)


def test_a_fresh_token_that_is_refused_is_a_failure(server: OAuthServer, client: HttpClient) -> None:
    made = oauth(server)
    server.on("/other", Answer(401, b"no"))
    error = failure(STEP, '{:connection :api :path "other"}', over(client, made))
    assert (error.code, error.details["status"], server.count("/token")) == ("http.status", 401, 1)


def test_a_refresh_token_is_traded_in(server: OAuthServer, client: HttpClient) -> None:
    made = service(
        server,
        "oauth",
        {"client-secret": SECRET, "refresh-token": REFRESH},
        token_url=f"{server.origin}/token",
        client_id=CLIENT,
    )
    assert at(run(STEP, CALL, over(client, made)), "status") == 200
    assert server.grants.asked[0]["grant_type"] == "refresh_token"


def test_a_rotated_secret_never_meets_the_old_token(server: OAuthServer, client: HttpClient) -> None:
    first = over(client, oauth(server))
    run(STEP, CALL, first)
    rotated = service(
        server,
        "oauth",
        {"client-secret": "another"},
        token_url=f"{server.origin}/token",
        client_id=CLIENT,
        scopes="read",
    )
    error = failure(STEP, CALL, over(client, rotated, tokens=first.tokens))
    assert (error.code, server.count("/token")) == ("auth.refused", 2)


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [(401, "auth.refused", False), (429, "auth.refused", True), (503, "auth.unavailable", True)],
)
def test_a_token_that_is_not_granted_is_told_without_the_secret(
    server: OAuthServer, client: HttpClient, status: int, code: str, retryable: bool
) -> None:
    server.grants.status = 200 if status == 401 else status
    made = service(
        server, "oauth", {"client-secret": "wr0ng"}, token_url=f"{server.origin}/token", client_id="x"
    )
    world = World()
    error = failure(STEP, CALL, over(client, made, world))
    assert (error.code, error.definite, error.retryable) == (code, True, retryable)
    assert server.count("/api") == 0
    told = f"{error} {dict(error.details)} {world.log.lines}"
    assert "wr0ng" not in told
    assert SECRET not in told


def test_a_secret_goes_to_no_token_url_outside_its_list(server: OAuthServer, client: HttpClient) -> None:
    with Loopback() as other:
        made = oauth(server, token_url=f"{other.origin}/token")
        error = failure(STEP, CALL, over(client, made))
        assert (error.code, other.seen) == ("http.refused_address", [])


def test_a_token_url_that_redirects_gets_no_secret_posted_on(server: OAuthServer, client: HttpClient) -> None:
    server.on("/moved", Answer(307, headers={"Location": "/token"}))
    error = failure(STEP, CALL, over(client, oauth(server, token_url=f"{server.origin}/moved")))
    assert (error.code, server.count("/token")) == ("auth.unavailable", 0)


def test_a_google_service_account_signs_for_its_token(server: OAuthServer, client: HttpClient) -> None:
    made = service(
        server, "google-service-account", {"service-account": server.account()}, scopes="read write"
    )
    context = over(client, made)
    for _ in range(2):
        assert at(run(STEP, CALL, context), "status") == 200
    assert server.count("/token") == 1


@pytest.mark.parametrize(
    ("kind", "secrets", "settings"),
    [
        ("kerberos", {}, {}),
        ("oauth", {"client-secret": "x"}, {}),
        ("oauth", {}, {"token_url": "https://a.example/t", "client_id": "x"}),
        ("aws-sigv4", {"access-key-id": "x"}, {"region": "r", "service": "s"}),
        ("google-service-account", {"service-account": "{}"}, {"scopes": "a"}),
        (
            "google-service-account",
            {"service-account": '{"client_email":"a","private_key":"no","token_uri":"https://a.example/"}'},
            {"scopes": "a"},
        ),
    ],
)
def test_a_connection_that_lacks_something_says_what_before_anything_is_sent(
    server: OAuthServer, client: HttpClient, kind: str, secrets: dict[str, str], settings: dict[str, object]
) -> None:
    error = failure(STEP, CALL, over(client, service(server, kind, secrets, **settings)))
    assert (error.code, error.definite, server.seen) == ("connection.auth", True, [])


def test_a_signed_request_arrives_as_it_was_signed(server: OAuthServer, client: HttpClient) -> None:
    server.on("/bucket/a%20b", Answer())
    made = service(
        server,
        "aws-sigv4",
        {"access-key-id": "AKID", "secret-access-key": "secret", "session-token": "sess"},
        region="eu-north-1",
        service="s3",
    )
    world = World()
    put = world.blobs.put(b"stored", "text/plain")
    where = ':connection :api :path "bucket/a b" :method :put :query {:x "a b+c"}'
    config = f'{{{where} :body-from-ref "{put.uri}"}}'
    run(STEP, config, over(client, made, world))
    seen = server.seen[0]
    assert seen.path == "/bucket/a%20b?x=a%20b%2Bc"
    assert (seen.headers["x-amz-content-sha256"], seen.headers["x-amz-security-token"]) == (
        put.sha256,
        "sess",
    )
    assert seen.headers["authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKID/20231114/eu-north-1/s3/"
    )
    assert "secret" not in str(seen.headers)


def test_secrets_without_a_list_of_origins_go_nowhere(server: OAuthServer, client: HttpClient) -> None:
    made = replace(oauth(server), origins=())
    error = failure(STEP, CALL, over(client, made))
    assert (error.code, server.seen) == ("connection.auth", [])
