"""`connections.yaml` and installations: what is read, and what does not belong there."""

from __future__ import annotations

import json
import pickle

import pytest

from gitflow_runner.catalog.installations import parse_installation
from gitflow_runner.connections.file import parse_connections
from gitflow_runner.connections.lookalike import looks_secret
from gitflow_runner.errors import UsageError
from gitflow_runner.model.connection import Binding, origin_of
from gitflow_runner.model.secret import Secret

RANDOM = "q8Rz3Kv0Lw9Xt5Yb2Nc7Md4Pf6Hg1Js"


def refused(text: str) -> str:
    """The code of one connection's entry."""
    with pytest.raises(UsageError) as caught:
        parse_connections(f"connections:\n  shop: {text}\n".encode())
    assert RANDOM not in str(caught.value)
    return caught.value.code


@pytest.mark.parametrize("way", ["basic", "post"])
def test_oauth_says_how_the_client_proves_itself(way: str) -> None:
    entry = "{type: http-api, auth: {type: oauth, token-url: 'https://a.example/t', client-auth: %s}}"
    found = parse_connections(f"connections:\n  shop: {entry % way}\n".encode())["shop"]
    assert found.settings["client-auth"] == way
    assert refused(entry % "header") == "connections.choice"


def test_a_connection_is_read_with_the_names_of_its_secrets() -> None:
    text = b"""connections:
  s: {type: http-api, base-url: 'https://a.example/v1', auth: {type: api-key, secret: KEY, header: X-Key},
      headers: {X-Team: blue}, timeout: 5}
"""
    found = parse_connections(text)["s"]
    assert (found.base_url, found.auth, dict(found.secrets)) == (
        "https://a.example/v1",
        "api-key",
        {"api-key": "KEY"},
    )
    assert dict(found.settings) == {"header": "X-Key", "header:X-Team": "blue", "timeout": 5}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{base-url: 'https://a.example'}", "connections.missing"),
        ("{type: soap}", "connections.type"),
        ("{type: http-api, base-url: 'file:///etc/passwd'}", "connections.url"),
        ("{type: http-api, base-url: 'https://u:pass@a.example'}", "connections.secret_value"),
        ("{type: http-api, auth: {type: magic, secret: A}}", "connections.auth"),
        ("{type: http-api, auth: {type: bearer}}", "connections.missing"),
        ("{type: http-api, auth: {type: basic, secret: A}}", "connections.missing"),
        ("{type: http-api, auth: {type: bearer, secret: A, colour: red}}", "connections.unknown_key"),
        (f"{{type: http-api, auth: {{type: bearer, token: {RANDOM}}}}}", "connections.secret_value"),
        (f"{{type: http-api, auth: {{type: bearer, secret: {RANDOM}}}}}", "connections.secret_value"),
        ("{type: http-api, headers: {Authorization: Basic x}}", "connections.secret_value"),
        ("{type: database, password: hunter2}", "connections.secret_value"),
        ("{type: database, secrets: {token: A}}", "connections.unknown_key"),
        ("{type: http-api, type: http-api}", "connections.unreadable"),
        ("&a {type: http-api, description: *a}", "connections.unreadable"),
        ("!!python/object:os.system {}", "connections.unreadable"),
        ("[]", "connections.type"),
    ],
)
def test_what_does_not_belong_there_has_a_code(text: str, code: str) -> None:
    assert refused(text) == code


def test_a_file_that_is_too_large_is_not_parsed() -> None:
    with pytest.raises(UsageError) as caught:
        parse_connections(b"connections: {}\n#" + b"x" * 300_000)
    assert caught.value.code == "connections.unreadable"


@pytest.mark.parametrize(
    "text", ["SHOP_TOKEN", "https://api.example.com/v1", "eu-central-1", "a b c", "openai"]
)
def test_names_and_places_look_like_no_secret(text: str) -> None:
    assert looks_secret(text) is None


@pytest.mark.parametrize(
    "text", [RANDOM, "ghp_" + "a1B2" * 9, "AKIA" + "ABCD1234" * 2, "-----BEGIN KEY", "Bearer abcdefgh12"]
)
def test_tokens_and_keys_give_themselves_away(text: str) -> None:
    assert looks_secret(text) is not None


def test_an_installation_binds_slots_and_fills_in_a_form() -> None:
    text = b"flow: order\nbindings: {shop: north, signing: {secret: KEY}}\nactivation: {region: EU, n: 2}\n"
    found = parse_installation(text, "customer-a")
    assert (found.flow, dict(found.activation)) == ("order", {"region": "EU", "n": 2})
    assert dict(found.bindings) == {"shop": Binding("north"), "signing": Binding(secret="KEY")}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("colour: red", "installation.unknown_key"),
        ("bindings: {shop: {connection: a, secret: B}}", "installation.binding"),
        (f"activation: {{token: {RANDOM}}}", "installation.secret_value"),
        ("activation: {at: 2026-01-01}", "installation.type"),
        ("enabled: maybe", "installation.type"),
    ],
)
def test_what_does_not_belong_into_an_installation_has_a_code(text: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_installation(text.encode(), "x")
    assert caught.value.code == code


def test_a_secret_is_never_shown() -> None:
    secret = Secret("hunter2-hunter2")
    assert (repr(secret), str(secret), f"{secret}", f"{secret:>10}") == ("***",) * 4
    for encode in (json.dumps, pickle.dumps):
        with pytest.raises(TypeError):
            encode(secret)


def test_an_origin_has_one_spelling() -> None:
    assert origin_of("HTTPS://Api.Example.com/") == "https://api.example.com:443"
    assert origin_of("postgres://db.example") == origin_of("postgresql://db.example:5432")
    for text in ("https://*.example.com", "https://a.example/path", "https://u:p@a.example", "a.example"):
        with pytest.raises(UsageError):
            origin_of(text)
