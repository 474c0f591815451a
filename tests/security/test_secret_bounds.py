"""Where secrets must not go: other origins, drafts that nobody answers for, and whoever a branch names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.loopback import Answer, Loopback
from tests.secrets_case import TOKEN, Shop, shop
from tests.spoken import Told
from tests.team import Team

OTHER = "live-" + "Xw4" * 9


@pytest.fixture
def there(team: Team) -> Iterator[Shop]:
    with Loopback() as server:
        yield shop(team, server)


def failure(told: Told) -> str:
    """The code that the run failed with."""
    assert told.exit == 1, told
    return str(told.data["failure"]["code"])


def received(server: Loopback) -> list[str | None]:
    return [seen.headers.get("authorization") for seen in server.seen]


def test_a_secret_in_a_file_of_the_project_is_neither_shown_nor_written_again(there: Shop) -> None:
    edit = '(flow/step :files :edit {:op :replace :changeset begun :path "leak.txt" :old "was" :new "is"})'
    begun = "(flow/step :files :begin {:op :init-changeset})"
    there.flow("edit", f"(let [begun {begun}] {edit})", requires="[]")
    there.flow("read", '(:content (flow/step :files :read {:op :read :path "leak.txt"}))', requires="[]")
    there.flow("pack", "(flow/step :files :pack {:op :materialize})", requires="[]")
    there.write("leak.txt", f"it was {TOKEN}\n")
    there.commit()
    there.secret()
    assert failure(there.run("edit")) == failure(there.run("pack")) == "files.secret"
    assert there.run("read").data["output"]["preview"] == '"it was ***\\n"'


def test_a_redirect_to_another_origin_is_not_followed_with_the_secret(there: Shop) -> None:
    with Loopback() as other:
        other.on("/me", Answer(200, b"got it"))
        there.write(".breyta/config.yaml", f'http:\n  allow: ["{there.server.origin}", "{other.origin}"]\n')
        there.server.on("/me", Answer(307, headers={"Location": f"{other.origin}/me"}))
        there.connect()
        there.flow("call")
        there.commit()
        there.secret()
        assert failure(there.run("call")) == "http.refused_address"
        assert received(there.server) == [f"Bearer {TOKEN}"]
        assert other.seen == []


def test_a_step_cannot_take_a_connections_secret_to_another_url(there: Shop) -> None:
    with Loopback() as other:
        there.write(".breyta/config.yaml", f'http:\n  allow: ["{there.server.origin}", "{other.origin}"]\n')
        there.connect()
        there.flow("call", f'(flow/step :http :call {{:url "{other.origin}/x" :auth {{:type :bearer '
                           f':secret-ref "SHOP_TOKEN"}}}})', requires="[]")  # fmt: skip
        there.commit()
        there.secret()
        assert failure(there.run("call")) == "http.refused_address"
        assert other.seen == []


def test_a_base_url_that_is_not_on_the_allow_list_is_refused_before_anything_is_sent(there: Shop) -> None:
    there.connect()
    there.flow("call")
    there.commit()
    there.secret(origins=("https://elsewhere.example:443",))
    assert failure(there.run("call")) == "connection.refused"
    assert there.server.seen == []


def test_a_secret_that_is_allowed_to_another_flow_is_not_opened(there: Shop) -> None:
    there.connect()
    there.flow("call")
    there.commit()
    there.secret(flows=("ship",))
    assert failure(there.run("call")) == "secret.not_allowed"
    assert there.server.seen == []


def test_a_draft_does_not_see_the_secrets_of_live_runs(there: Shop) -> None:
    there.connect()
    there.flow("call")
    there.commit()
    there.secret(store="live")
    assert failure(there.run("call")) == "secret.unknown"
    assert there.server.seen == []


def test_a_draft_that_nobody_signed_has_no_connections(there: Shop) -> None:
    there.connect()
    there.flow("call")
    there.commit(signed=False)
    there.secret()
    assert failure(there.run("call")) == "connection.draft"
    assert there.server.seen == []


def live(there: Shop) -> None:
    """The flow is released and live; the secrets of both stores may go to the server."""
    there.connect()
    there.flow("call")
    there.commit()
    there.secret()
    there.secret(value=OTHER, store="live")
    assert there.team.ann.gfr("release", "call", "-m", "first", "--yes").exit == 0
    assert there.team.ann.gfr("promote", "call", "--yes").exit == 0


def test_a_feature_branchs_connections_change_nothing_for_live(there: Shop) -> None:
    live(there)
    there.team.ann.git("checkout", "-q", "-b", "feature")
    with Loopback() as other:
        other.on("/me", Answer(200, b"{}"))
        there.write(".breyta/config.yaml", f'http:\n  allow: ["{there.server.origin}", "{other.origin}"]\n')
        there.write(
            ".breyta/connections.yaml",
            f"connections:\n  shop: {{type: http-api, base-url: '{other.origin}',"
            " auth: {type: bearer, secret: SHOP_TOKEN}}\n",
        )
        there.commit()
        assert there.run("call", "--ref", "live").exit == 0
        assert (received(there.server), other.seen) == ([f"Bearer {OTHER}"], [])
        assert failure(there.run("call")) == "connection.refused"
        assert other.seen == []


def test_a_run_goes_on_with_the_configuration_that_it_was_pinned_to(there: Shop) -> None:
    body = """(do (flow/step :wait :ask {:title "Go on?" :payload 1 :timeout "1h"})
                  (:body (flow/step :http :call {:connection :shop :path "/me" :method :post})))"""
    there.connect()
    there.flow("call", body)
    there.commit()
    there.secret()
    told = there.run("call")
    assert told.exit == 7, told
    run = str(told.data["run"])
    there.connect("{type: basic, username: u, secret: SHOP_TOKEN}")
    waiting = there.team.waiting(run, "call")
    bob = there.team.sign("bob", waiting)
    there.team.send(waiting, bob)
    there.team.look()
    assert there.team.state(waiting).status == "succeeded"
    assert received(there.server) == [f"Bearer {TOKEN}"]


def test_an_input_of_type_secret_takes_a_name_and_never_a_value(there: Shop) -> None:
    there.flow("asks", "(:token (flow/input))", requires="[]")
    path = ".breyta/flows/asks.edn"
    text = (there.team.home / path).read_text()
    there.write(path, text.replace(":inputs []", ":inputs [{:name :token :type :secret :required true}]"))
    there.commit()
    there.secret()
    before = there.team.ann.git("for-each-ref", "refs/runs/asks")
    told = there.run("asks", "-i", f"token={TOKEN}x")
    assert (told.exit, told.code) == (2, "input.secret")
    assert f"{TOKEN}x" not in str(told)
    assert there.team.ann.git("for-each-ref", "refs/runs/asks") == before
    assert there.run("asks", "-i", "token=SHOP_TOKEN").exit == 0


def test_what_a_person_says_is_not_signed_with_a_secret_in_it(there: Shop) -> None:
    there.secret()
    asked = there.team.start("ship")
    told = there.team.ann.gfr("cancel", asked.run, "--reason", f"it said {TOKEN}")
    assert (told.exit, told.code) == (4, "secret.exposed")
    assert TOKEN not in str(told)
    assert TOKEN.encode() not in there.everything()


def test_a_flow_that_holds_a_secret_itself_is_not_recorded(there: Shop) -> None:
    there.secret()
    there.flow("tells", f'"the token is {TOKEN}"', requires="[]")
    told = there.run("tells")
    assert (told.exit, told.code) == (4, "secret.exposed")
    assert TOKEN.encode() not in there.everything()
