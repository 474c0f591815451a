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


def test_what_a_flow_lacks_is_told_with_the_way_to_it(there: Shop) -> None:
    there.flow("call")
    told = there.team.ann.gfr("configure", "check", "call")
    assert told.exit == 1
    assert [(m["kind"], m["name"]) for m in told.data["missing"]] == [("connection", "shop")]
    there.connect()
    told = there.team.ann.gfr("configure", "suggest", "call")
    assert told.exit == 1
    assert told.data["suggestions"] == [f"gfr secrets set SHOP_TOKEN --for {there.server.origin} --draft"]
    there.secret()
    assert there.team.ann.gfr("configure", "check", "call").exit == 0
    assert there.team.ann.gfr("configure", "check", "call").data["missing"] == []


def test_a_live_run_does_not_start_while_its_secret_is_missing(there: Shop) -> None:
    there.connect()
    there.flow("call")
    there.commit()
    ann = there.team.ann
    assert ann.gfr("release", "call", "-m", "first", "--yes").exit == 0
    assert ann.gfr("promote", "call", "--yes").exit == 0
    told = there.run("call", "--ref", "live")
    assert (told.exit, told.code) == (2, "configure.missing")
    assert told.envelope["error"]["details"]["missing"][0]["name"] == "SHOP_TOKEN"
    assert ann.git("for-each-ref", "refs/runs/call") == ""
    there.secret(store="live")
    assert there.run("call", "--ref", "live").exit == 0


def test_an_installation_binds_slots_and_fills_in_the_setup(there: Shop) -> None:
    there.connect(name="north")
    requires = """[{:slot :shop :type :http-api} {:kind :form :fields
                   [{:key :region :field-type :select :options ["EU" "US"] :required true}]}]"""
    body = """{:region (:region (:activation (flow/input))) :bound (flow/slot-bound? :shop)
               :said (:body (flow/step :http :call {:connection :shop :path "/me" :method :post}))}"""
    there.flow("call", body, requires=requires)
    there.write(".breyta/installations/call.yaml", "bindings: {shop: north}\nactivation: {region: MARS}\n")
    there.commit()
    there.secret()
    assert there.run("call").code == "input.choice"
    there.write(".breyta/installations/call.yaml", "bindings: {shop: north}\nactivation: {region: EU}\n")
    assert there.output("call") == '{:region "EU", :bound true, :said {"ok" true}}'
    used = there.team.ann.gfr("connections", "usages", "north").data["items"]
    assert used == [{"flow": "call", "slot": "shop", "installation": "call", "run": None}]


def test_a_commit_that_would_hold_a_known_secret_is_refused(there: Shop) -> None:
    there.secret()
    assert there.team.ann.gfr("hooks", "install").exit == 0
    there.write("notes.txt", f"one\ntwo {TOKEN}\n")
    there.team.ann.git("add", "notes.txt")
    health = {c["name"]: c for c in there.team.ann.gfr("doctor").envelope["data"]["items"]}
    assert (health["secrets"]["health"], TOKEN in str(health)) == ("bad", False)
    done = there.team.ann.attempt("git", "commit", "-m", "Oops")
    assert done.returncode == 1
    assert b"notes.txt:2: holds the value of a secret (secret.staged)" in done.stderr
    assert TOKEN.encode() not in done.stderr
    there.write("notes.txt", "one\ntwo\n")
    there.team.ann.git("add", "notes.txt")
    assert there.team.ann.attempt("git", "commit", "-m", "Fine").returncode == 0


def test_what_is_written_like_a_token_is_pointed_out_and_not_refused(there: Shop) -> None:
    there.secret()  # without any, and without a flow that is staged, the hook does not look at all
    assert there.team.ann.gfr("hooks", "install").exit == 0
    there.write("notes.txt", "one\ntwo\nkey = ghp_" + "a1B2c3D4e5F6g7H8i9J0\n")
    there.write("pub.pem", "-----BEGIN CERTIFICATE-----\n")
    there.write("key.pem", "\n-----BEGIN OPENSSH PRIVATE KEY-----\n")
    there.team.ann.git("add", "notes.txt", "pub.pem", "key.pem")
    told = [c for c in there.team.ann.gfr("doctor").envelope["data"]["items"] if c["name"] == "secrets"]
    assert [each["message"].partition(" ")[0] for each in told if each["health"] == "warn"] == [
        "key.pem:2",
        "notes.txt:3",
    ]
    done = there.team.ann.attempt("git", "commit", "-m", "Fine")
    assert done.returncode == 0
    assert b"notes.txt:3: is written like a token or a key (secret.lookalike)" in done.stderr
    assert b"ghp_a1" not in done.stderr
