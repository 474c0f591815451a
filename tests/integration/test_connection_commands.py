"""Connections written, tried and taken away by commands, over real services; no secret is ever told."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gitflow_runner.connections.file import parse_connections
from tests.certificates import tls_for
from tests.integration.test_notifiers import known, running
from tests.loopback import Answer
from tests.model_server import ModelServer
from tests.oauth_server import CLIENT, SECRET, OAuthServer
from tests.postgres_server import PASSWORD, Server
from tests.secrets_case import TOKEN, Shop, shop
from tests.spoken import Told
from tests.team import Team

LOOKALIKE = "ghp_" + "a1B2c3D4e5F6g7H8i9J0"
FILE = ".breyta/connections.yaml"


@pytest.fixture
def server() -> Iterator[OAuthServer]:
    with OAuthServer() as running_server:
        yield running_server


@pytest.fixture
def there(team: Team, server: OAuthServer) -> Shop:
    return shop(team, server)


def created(there: Shop, *arguments: str) -> Told:
    return there.team.ann.gfr("connections", "create", *arguments)


def tried(there: Shop, *arguments: str) -> Told:
    told = there.team.ann.gfr("connections", "test", *arguments)
    for secret in (TOKEN, SECRET, PASSWORD):
        assert secret not in f"{told.envelope} {told.err}"
    return told


def stages(told: Told) -> Mapping[str, str]:
    """The states of the one connection that was tried, or the code of what failed."""
    (one,) = told.data["items"]
    found: dict[str, Any] = {stage["stage"]: stage["code"] or stage["state"] for stage in one["stages"]}
    assert (told.exit == 0) == one["ok"] == told.data["ok"]
    assert all(stage["fix"] for stage in one["stages"] if stage["state"] == "failed"), one
    return found


def text(there: Shop) -> str:
    return (there.team.home / FILE).read_text()


def test_a_connection_is_written_with_all_that_can_be_inferred(there: Shop) -> None:
    there.write(FILE, "# ours\nconnections:\n  old: {type: ssh} # stays\n\n# the end\n")
    slot = '[{:slot :store :type :http-api :base-url "https://shop.example" :auth {:type :basic}}]'
    there.flow("call", requires=slot)
    made = created(there, "store", "--set", "auth.username=ann", "--secret", "STORE_PW")
    assert (made.data["type"], made.data["base_url"], made.data["auth"]) == (
        "http-api",
        "https://shop.example",
        "basic",
    )
    assert made.data["lacking"] == ["gfr secrets set STORE_PW --for https://shop.example:443"]
    assert created(there, "db", "--base-url", "postgresql://ann@db.example/shop").data["settings"] == {
        "host": "db.example",
        "user": "ann",
        "database": "shop",
        "backend": "postgres",
    }
    assert created(there, "api", "--base-url", "https://a.example", "--auth", "bearer").data["secrets"] == {
        "token": "API_TOKEN"
    }
    mail = created(there, "mail", "--base-url", "smtps://robot@mail.example", "--secret", "MAIL_PW")
    assert (mail.data["type"], mail.data["settings"]["security"]) == ("email", "tls")
    assert text(there).startswith("# ours\nconnections:\n  old: {type: ssh} # stays\n  store:\n")
    assert text(there).endswith("\n\n# the end\n")
    assert list(parse_connections(text(there).encode())) == ["old", "store", "db", "api", "mail"]


def test_writing_twice_changes_nothing_and_another_one_is_replaced_on_purpose(there: Shop) -> None:
    place = ("--base-url", "https://a.example")
    assert created(there, "api", *place, "--secret", "TOKEN").data["changed"] is True
    before = text(there)
    assert created(there, "api", *place, "--secret", "TOKEN").data["changed"] is False
    refused = created(there, "api", *place, "--secret", "OTHER")
    assert (refused.exit, refused.code) == (5, "connection.exists")
    assert text(there) == before
    assert created(there, "api", *place, "--secret", "OTHER", "--replace").exit == 0
    assert text(there) == before.replace("TOKEN", "OTHER")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("9lives", "--base-url", "https://a.example"), "connections.name"),
        (("api",), "connections.missing"),
        (("api", "--type", "http-api"), "connections.missing"),
        (("api", "--base-url", "nowhere", "--type", "http-api"), "connections.url"),
        (("api", "--base-url", f"https://a:{TOKEN}@a.example"), "connections.secret_value"),
        (("db", "--base-url", f"postgresql://a:{TOKEN}@a.example/d"), "connections.secret_value"),
        (("api", "--base-url", "https://a.example", "--secret", LOOKALIKE), "connections.secret_value"),
        (("api", "--base-url", "https://a.example", "--secret", f"key={TOKEN}"), "connections.secret_role"),
        (("api", "--base-url", "https://a.example", "--auth", "basic"), "connections.missing"),
        (
            ("api", "--base-url", "https://a.example", "--set", f"headers.Cookie={TOKEN}"),
            "connections.secret_value",
        ),
        (("api", "--base-url", "https://a.example", "--set", "colour"), "connections.malformed"),
        (("api", "--base-url", "https://a.example", "--set", "a.b.c=1"), "connections.malformed"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(
    there: Shop, arguments: tuple[str, ...], code: str
) -> None:
    told = created(there, *arguments)
    assert (told.code, told.exit) == (code, 2)
    assert not [secret for secret in (TOKEN, LOOKALIKE) if secret in f"{told.envelope} {told.err}"]
    assert not (there.team.home / FILE).exists()


def test_a_file_behind_a_link_is_not_written(there: Shop, tmp_path: Path) -> None:
    (there.team.home / FILE).symlink_to(tmp_path / "elsewhere.yaml")
    assert created(there, "api", "--base-url", "https://a.example").code == "config.link"
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_a_service_is_tried_stage_by_stage(there: Shop) -> None:
    there.connect()
    assert stages(tried(there, "shop")) == {
        "trust": "ok",
        "secrets": "secret.unknown",
        "answer": "skipped",
        "auth": "skipped",
    }
    there.secret(origins=("https://elsewhere.example:443",))
    assert stages(tried(there, "shop"))["secrets"] == "connection.refused"
    there.secret()
    there.server.on("/", Answer(404))
    assert stages(tried(there, "shop")) == {
        "trust": "ok",
        "secrets": "ok",
        "answer": "ok",
        "auth": "unproven",
    }
    assert stages(tried(there, "shop", "--path", "/me"))["auth"] == "ok"
    assert there.server.seen[-1].headers["authorization"] == f"Bearer {TOKEN}"
    there.server.on("/me", Answer(401, TOKEN.encode()))
    assert stages(tried(there, "shop", "--path", "/me"))["auth"] == "connection.auth_refused"
    there.server.on("/me", Answer(503))
    assert stages(tried(there, "shop", "--path", "/me"))["answer"] == "connection.unavailable"
    there.server.on("/me", Answer(302, headers={"Location": "https://evil.example/"}))
    assert stages(tried(there, "shop", "--path", "/me"))["auth"] == "unproven"
    there.write(".breyta/config.yaml", "")
    assert stages(tried(there, "shop"))["answer"] == "http.refused_address"


def test_live_secrets_go_where_the_protected_branch_says(there: Shop) -> None:
    there.connect()
    there.secret(store="live")
    assert stages(tried(there, "shop"))["secrets"] == "secret.unknown", "drafts do not see it"
    assert tried(there, "shop", "--live").code == "connection.unknown"
    there.commit()
    assert stages(tried(there, "shop", "--live", "--path", "/me"))["auth"] == "ok"


def test_what_nobody_signed_is_not_tried(there: Shop) -> None:
    there.connect()
    there.secret()
    there.commit(signed=False)
    assert stages(tried(there, "shop"))["trust"] == "connection.draft"
    assert there.server.seen == []


def test_an_oauth_client_is_tried_with_its_token(there: Shop, server: OAuthServer) -> None:
    stated = f"token-url: '{server.origin}/token', client-id: '{CLIENT}'"
    there.connect(f"{{type: oauth, secrets: {{client-secret: API_SECRET}}, {stated}}}")
    there.secret("API_SECRET", SECRET)
    assert stages(tried(there, "shop", "--path", "/api")) == {
        "trust": "ok",
        "secrets": "ok",
        "token": "ok",
        "answer": "ok",
        "auth": "ok",
    }
    there.secret("API_SECRET", "another-secret")
    assert stages(tried(there, "shop", "--path", "/api"))["token"] == "auth.refused"


def test_a_database_is_asked_with_its_password(there: Shop, postgres: Server) -> None:
    url = f"postgres://shop@127.0.0.1:{postgres.port}/shop"
    created(there, "data", "--base-url", url, "--secret", "DB_PW")
    # The other spelling of the scheme is the same place.
    there.secret("DB_PW", PASSWORD, origins=(f"postgresql://127.0.0.1:{postgres.port}",))
    assert stages(tried(there, "data")) == {"trust": "ok", "secrets": "ok", "answer": "ok"}
    there.secret("DB_PW", "wrong-" + PASSWORD, origins=(f"postgres://127.0.0.1:{postgres.port}",))
    told = there.team.ann.gfr("connections", "test", "data")
    assert told.data["items"][0]["stages"][-1]["code"] == "db.connect"


def test_a_mail_server_is_greeted_and_logged_in_at(there: Shop, tmp_path: Path) -> None:
    serving, _ = tls_for("localhost", tmp_path)
    options = {"tls_context": serving, "require_starttls": True, "authenticator": known}
    with running(**options) as sink:
        there.write(".breyta/config.yaml", f'http:\n  allow: ["*://localhost:{sink.port}"]\n')
        created(there, "mail", "--base-url", f"smtp://robot@localhost:{sink.port}", "--secret", "MAIL_PW")
        there.secret("MAIL_PW", "c0rrect-horse", origins=(f"smtp://localhost:{sink.port}",))
        command = (sys.executable, "-m", "gitflow_runner", "connections", "test", "mail", "--plain")
        done = there.team.ann.attempt(*command, SSL_CERT_FILE=str(tmp_path / "pair.pem"))
        assert (done.returncode, b"logged in as robot" in done.stdout) == (0, True), done
        done = there.team.ann.attempt(*command)
        assert (done.returncode, b"mail.connect" in done.stdout) == (1, True), "nobody vouches for it"
        there.secret("MAIL_PW", "wr0ng-horse", origins=(f"smtp://localhost:{sink.port}",))
        done = there.team.ann.attempt(*command, SSL_CERT_FILE=str(tmp_path / "pair.pem"))
        assert (done.returncode, b"mail.refused" in done.stdout) == (1, True)
        assert b"horse" not in done.stdout + done.stderr
    assert sink.mails == []


def test_a_model_is_asked_for_its_list(there: Shop) -> None:
    with ModelServer([{"text": "pong"}]) as model:
        there.write(".breyta/config.yaml", f'http:\n  allow: ["{model.origin}"]\n')
        arguments = ("--base-url", f"{model.origin}/v1", "--type", "llm-provider", "--secret", "AI_KEY")
        created(there, "ai", *arguments)
        there.secret("AI_KEY", TOKEN, origins=(model.origin,))
        assert stages(tried(there, "ai"))["auth"] == "ok"
        path, headers, _ = model.seen[-1]
        assert (path, headers["authorization"]) == ("/v1/models", f"Bearer {TOKEN}")


def test_one_in_use_stays(there: Shop) -> None:
    there.connect()
    there.secret()
    there.flow("call", '(flow/step :wait :hold {:kind :event :key "k" :timeout "1h"})')
    there.commit()
    run = there.run("call").data["run"]
    there.flow("call", "1", requires="[]")
    there.write(".breyta/installations/north.yaml", "flow: gone\nbindings: {api: shop}\n")
    told = there.team.ann.gfr("connections", "rm", "shop")
    assert (told.exit, told.code) == (5, "connection.in_use")
    users = told.envelope["error"]["details"]["users"]
    assert [(user["flow"], user["slot"], user["installation"], user["run"]) for user in users] == [
        ("gone", "api", "north", None),
        ("call", "shop", "call", run),
    ]
    (there.team.home / ".breyta/installations/north.yaml").unlink()
    assert there.team.ann.gfr("connections", "rm", "shop").code == "connection.in_use"
    allowed = (there.team.home / ".breyta/config.yaml").read_text()
    there.write(".breyta/config.yaml", allowed + "forge: {kind: github, project: a/b, connection: shop}\n")
    used = there.team.ann.gfr("connections", "usages", "shop").data["items"]
    assert [(use["flow"], use["slot"]) for use in used] == [("*", "forge"), ("call", "shop")]
    there.write(".breyta/config.yaml", allowed)
    assert there.team.ann.gfr("cancel", run).exit == 0
    there.team.look()
    gone = there.team.ann.gfr("connections", "rm", "shop")
    assert gone.data["secrets"] == ["SHOP_TOKEN"]
    assert text(there) == "connections:\n"
    assert there.team.ann.gfr("connections", "ls").data["items"] == []


def test_what_runs_as_live_keeps_its_connection(there: Shop) -> None:
    there.connect()
    there.secret(store="live")
    there.flow("call")
    there.commit()
    ann = there.team.ann
    assert ann.gfr("release", "call", "-m", "first", "--yes").exit == 0
    assert ann.gfr("promote", "call", "--yes").exit == 0
    there.flow("call", "1", requires="[]")
    told = ann.gfr("connections", "rm", "shop")
    users = told.envelope["error"]["details"]["users"]
    assert [(user["flow"], user["slot"], user["run"]) for user in users] == [("call", "shop", None)]
    assert ann.gfr("retire", "call", "--yes").exit == 0
    assert ann.gfr("connections", "rm", "shop").exit == 0
