"""Packaged steps are held to their schemas: before the run where the text tells, else as they are called."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.loopback import Answer, Loopback
from tests.secrets_case import Shop, shop
from tests.team import Team

STEPS = """:functions [{:id :twice :code '(fn [m] (if (= 13 (:n m)) {:n "unlucky"} {:n (* 2 (:n m))}))}]
 :steps [{:id :tools/twice :type :function :defaults {:ref :twice}
          :input-schema [:map {:closed true} [:n [:int {:min 0}]]] :output-schema [:map [:n :int]]}
         {:id :tools/tell :type :http :defaults {:connection :shop :path "/me" :method :post}
          :input-schema {:type :object :properties {:json {:$ref "#/$defs/order"}} :required [:json]
                         :$defs {:order {:type :object :required ["id"]
                                         :properties {"id" {:type "integer"}}}}}
          :output-schema [:map [:body [:map [:ok :boolean]]]]}
         {:id :tools/nap :type :sleep :input-schema [:map [:seconds [:int {:max 5}]]]}]"""
CATCH = "(try %s (catch :default e (select-keys (ex-data e) [:code :problems :message])))"


@pytest.fixture
def there(team: Team) -> Iterator[Shop]:
    with Loopback() as server:
        yield Shop(team, server)


def flow(there: Shop, body: str) -> None:
    there.flow("call", body, requires=f"[{{:slot :shop :type :http-api}}]\n {STEPS}")


def given(value: str, body: str) -> str:
    """The body with `n` bound to a value that only the run knows."""
    return f"(let [n (:n (flow/step :function :n {{:code '(fn [m] {{:n {value}}})}}))] {body})"


def test_what_is_given_and_what_comes_back_are_held_to_the_schemas(there: Shop) -> None:
    flow(there, given("2", "(flow/step :tools/twice {:n n})"))
    assert there.output("call") == "{:n 4}"
    flow(there, given("13", CATCH % "(flow/step :tools/twice {:n n})"))
    assert there.output("call") == (
        "{:code \"step.output_schema\", :problems [\"n: 'unlucky' is not of type 'integer'\"], :message "
        "\"the result of :tools/twice is not what its schema says: n: 'unlucky' is not of type 'integer'\"}"
    )
    flow(there, given("-1", CATCH % "(flow/step :tools/twice {:n n :timeout n})"))
    wrong = there.output("call")
    assert '"step.input_schema"' in wrong
    assert "'timeout' was unexpected" in wrong, "the whole map is the input of a function"
    assert "n: -1 is less than the minimum of 0" in wrong
    flow(there, given("-1", "(flow/step :tools/twice {:n n})"))
    told = there.run("call")
    assert (told.exit, told.data["failure"]["code"], told.data["failure"]["step"]) == (
        1,
        "step.input_schema",
        "twice",
    )


def test_nothing_is_sent_that_the_schema_does_not_allow(team: Team) -> None:
    with Loopback() as server:
        there = shop(team, server)
        there.connect("{type: none}")
        call = '(flow/step :tools/tell %s {:json {"id" id} :timeout "5s" :retry {:max-attempts 3}})'
        flow(there, f"(let [id (str (flow/step :time :t {{}}))] {CATCH % (call % ':a')})")
        assert "json/id: " in there.output("call")
        assert server.seen == []
        flow(there, f"(let [id (count [1])] {CATCH % (call % ':a')})")
        assert '"ok" true' in there.output("call")
        server.on("/me", Answer(200, b'{"ok": "yes"}', {"Content-Type": "application/json"}))
        told = there.output("call")
        assert "body/ok: 'yes' is not of type 'boolean'" in told
        assert len(server.seen) == 2, "a breach of the schema is not tried again"


def test_a_sleep_is_not_begun_that_is_too_long(there: Shop) -> None:
    there.connect()
    flow(there, f"(let [n (count (range 60))] {CATCH % '(flow/step :tools/nap {:seconds n})'})")
    assert "seconds: 60 is greater than the maximum of 5" in there.output("call")


def test_lint_finds_before_the_run_what_the_text_tells(there: Shop) -> None:
    flow(there, '(flow/step :tools/twice {:n "two"})')
    told = there.team.ann.gfr("lint", "call")
    assert told.exit == 1
    assert "packaged_input_invalid" in str(told.envelope)


def test_a_test_holds_mocks_to_the_schemas(there: Shop) -> None:
    flow(there, '(:body (flow/step :tools/tell :tell {:json {"id" 1}}))')
    mock = '{:name "told" :steps {:tell {:returns {:body {:ok %s}}}} :expect {:output {:ok true}}}'
    there.write(".breyta/flows/call.tests.edn", f"[{mock % 'true'}]")
    assert there.team.ann.gfr("test", "call").exit == 0
    there.write(".breyta/flows/call.tests.edn", f"[{mock % 7}]")
    told = there.team.ann.gfr("test", "call")
    assert (told.exit, "step.output_schema" in str(told.envelope)) == (1, True)
