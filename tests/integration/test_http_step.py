"""The `:http` step over the real client, to a real server."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitflow_runner.net.client import HttpClient
from gitflow_runner.steps.http import STEP
from tests.loopback import Answer, Loopback
from tests.real_clone import SLUG, Clone
from tests.step_context import World, at, failure, run, text


def clock() -> int:
    return time.monotonic_ns() // 1_000_000


def test_a_step_that_fails_for_a_while_sends_the_same_key_again() -> None:
    with Loopback() as server:
        made = Answer(201, b'{"id":7}', {"Content-Type": "application/json"})
        server.on("/items", Answer(503, headers={"Retry-After": "2"}), made)
        client = HttpClient(monotonic_ms=clock, allow=(server.origin,))
        world = World()
        config = f'{{:url "{server.origin}/items" :method :post :json {{:name "a"}}}}'
        error = failure(STEP, config, world.context(http=client))
        result = run(STEP, config, world.context(http=client, attempt=2))
        client.close()
    assert (error.code, error.definite, error.retry_after_ms) == ("http.status", False, 2_000)
    assert text(at(result, "body")) == '{"id" 7}'
    first, second = server.seen
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == "ab" * 32
    assert json.loads(first.body) == json.loads(second.body) == {"name": "a"}


def test_a_step_does_not_reach_the_inside_unless_it_is_listed() -> None:
    with Loopback() as server:
        client = HttpClient(monotonic_ms=clock)
        error = failure(STEP, f'{{:url "{server.origin}/"}}', World().context(http=client))
        client.close()
    assert (error.code, server.seen) == ("http.refused_address", [])


STORED = ":persist {:type :blob :tier :ephemeral}"


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


@pytest.fixture
def client(server: Loopback) -> Iterator[HttpClient]:
    made = HttpClient(monotonic_ms=clock, allow=(server.origin,), max_response_bytes=1_000)
    yield made
    made.close()


def test_what_goes_into_the_store_is_not_held_against_memory(server: Loopback, client: HttpClient) -> None:
    server.on("/big", Answer(body=b"x" * 5_000))
    world = World()
    context = world.context(http=client)
    assert failure(STEP, f'{{:url "{server.origin}/big"}}', context).code == "http.too_large"
    raised = f'{{:url "{server.origin}/big" :client-opts {{:max-response-bytes 9000}}}}'
    assert failure(STEP, raised, context).code == "http.too_large", "a step cannot raise the owner's bound"
    result = run(STEP, f'{{:url "{server.origin}/big" {STORED}}}', context)
    assert world.blobs.get(str(at(result, "uri"))) == b"x" * 5_000
    own = f'{{:url "{server.origin}/big" {STORED} :client-opts {{:max-response-bytes 4999}}}}'
    assert failure(STEP, own, context).code == "http.too_large"


def test_a_compressed_answer_is_stored_unpacked_and_bounded_unpacked(
    server: Loopback, client: HttpClient
) -> None:
    server.on("/z", Answer(body=gzip.compress(b"x" * 5_000_000), headers={"Content-Encoding": "gzip"}))
    world = World()
    result = run(STEP, f'{{:url "{server.origin}/z" {STORED}}}', world.context(http=client))
    assert at(result, "size-bytes") == 5_000_000
    bounded = f'{{:url "{server.origin}/z" {STORED} :client-opts {{:max-response-bytes 4999999}}}}'
    assert failure(STEP, bounded, world.context(http=client)).code == "http.too_large"


def test_a_failing_answer_is_told_and_not_stored(server: Loopback, client: HttpClient) -> None:
    server.on("/bad", Answer(500, b"broken"))
    error = failure(STEP, f'{{:url "{server.origin}/bad" {STORED}}}', World().context(http=client))
    assert (error.code, error.details["body"]) == ("http.status", "broken")


def test_a_stored_answer_that_breaks_off_is_a_failure(server: Loopback, client: HttpClient) -> None:
    server.on("/cut", Answer(body=b"x" * 100_000, cut=True))
    error = failure(STEP, f'{{:url "{server.origin}/cut" {STORED}}}', World().context(http=client))
    assert (error.code, error.definite, error.retryable) == ("http.protocol", False, True)


def test_an_answer_without_a_body_is_stored_as_an_empty_one(server: Loopback, client: HttpClient) -> None:
    server.on("/none", Answer(204))
    world = World()
    result = run(STEP, f'{{:url "{server.origin}/none" :method :head {STORED}}}', world.context(http=client))
    assert (at(result, "size-bytes"), world.blobs.get(str(at(result, "uri")))) == (0, b"")


def test_a_stored_body_is_sent_again_where_a_redirect_asks_for_it(
    server: Loopback, client: HttpClient
) -> None:
    server.on("/here", Answer(307, headers={"Location": "/there"}))
    server.on("/there", Answer(200))
    world = World()
    put = world.blobs.put(b"stored" * 20_000, "text/plain")
    part = f'[{{:name "f" :filename "a.txt" :from-ref "{put.uri}" :content-type "text/plain"}}]'
    for body in (f':body-from-ref "{put.uri}"', f":multipart {part}"):
        run(STEP, f'{{:url "{server.origin}/here" :method :post {body}}}', world.context(http=client))
        first, second = server.seen[-2:]
        assert first.body == second.body
        assert b"stored" * 20_000 in second.body
        assert int(second.headers["content-length"]) == len(second.body)


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1/"><a/>',
        "<a>&undefined;</a>",
        "<a>" * 300 + "</a>" * 300,
    ],
)
def test_a_document_that_defines_anything_is_not_read(
    server: Loopback, client: HttpClient, document: str
) -> None:
    server.on("/x", Answer(body=document.encode(), headers={"Content-Type": "application/xml"}))
    config = f'{{:url "{server.origin}/x" :response-as :xml :client-opts {{:max-response-bytes 10000}}}}'
    big = HttpClient(monotonic_ms=clock, allow=(server.origin,))
    error = failure(STEP, config, World().context(http=big))
    big.close()
    assert (error.code, len(str(error.details["excerpt"])) <= 500) == ("http.body", True)


def test_words_about_a_doctype_are_only_words(server: Loopback, client: HttpClient) -> None:
    server.on("/x", Answer(body=b"<a><!-- <!DOCTYPE --><![CDATA[<!ENTITY]]></a>"))
    result = run(STEP, f'{{:url "{server.origin}/x" :response-as :xml}}', World().context(http=client))
    assert text(at(result, "body", "content")) == '["<!ENTITY"]'


def test_the_bound_of_the_settings_holds_in_a_run(tmp_path: Path, server: Loopback) -> None:
    server.on("/big", Answer(body=b"x" * 5_000, headers={"Content-Type": "text/plain"}))
    flow = f"""{{:slug :hello :name "Big" :concurrency {{:type :singleton :on-new-version :coexist}}
     :flow '(:status (flow/step :http :get {{:url "{server.origin}/big"}}))}}"""
    made = Clone(tmp_path / "clone", flow, origin=server.origin)
    assert json.loads(made.gfr("run", SLUG, "--json"))["data"]["status"] == "succeeded"
    settings = f"http:\n  allow: ['{server.origin}']\n  max-response-bytes: 4999\n"
    (made.folder / ".breyta/config.yaml").write_text(settings)
    made.git("commit", "-q", "--no-gpg-sign", "-am", "a bound")
    told = json.loads(made.gfr("run", SLUG, "--json", codes=(1,)))["data"]
    assert told["failure"]["code"] == "http.too_large"
