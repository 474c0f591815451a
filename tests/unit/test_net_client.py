"""The HTTP client against a real server: results, bounds, errors, pooling and cancel."""

from __future__ import annotations

import gzip
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.net.client import HttpClient
from gitflow_runner.net.exchange import HttpRequest
from tests.certificates import tls_for
from tests.loopback import Answer, Loopback, get

pytestmark = pytest.mark.seedless


class When:
    """A cancel that comes once a condition holds."""

    def __init__(self, condition: Callable[[], bool]) -> None:
        self.asked = condition


NEVER = When(lambda: False)


class Ticking:
    """A monotonic clock that goes on by `step` ms whenever it is read."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.now = 0

    def __call__(self) -> int:
        self.now += self.step
        return self.now


def clock() -> int:
    return time.monotonic_ns() // 1_000_000


def no_answer(host: str, port: int, **kinds: int) -> list[tuple[object, ...]]:
    raise socket.gaierror(socket.EAI_NONAME, "unknown")


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        yield running


@pytest.fixture
def client(server: Loopback) -> Iterator[HttpClient]:
    made = HttpClient(monotonic_ms=clock, allow=(server.origin,))
    yield made
    made.close()


def failure(client: HttpClient, request: HttpRequest, cancel: When = NEVER) -> tuple[str, bool, bool]:
    """Code, definiteness and retryability of the error that a request ends with."""
    with pytest.raises(StepError) as caught:
        client.send(request, cancel)
    return caught.value.code, caught.value.definite, caught.value.retryable


def test_an_answer_comes_back_whole(server: Loopback, client: HttpClient) -> None:
    server.on("/a", Answer(201, b"hello", {"X-One": "1"}))
    request = HttpRequest("POST", f"{server.origin}/a?b=c", (("X-Two", "2"),), b"body")
    response = client.send(request, NEVER)
    assert (response.status, response.body, response.header("x-one")) == (201, b"hello", "1")
    seen = server.seen[0]
    assert (seen.method, seen.path, seen.body) == ("POST", "/a?b=c", b"body")
    assert (seen.headers["x-two"], seen.headers["host"]) == ("2", f"127.0.0.1:{server.port}")


def test_connections_are_used_again(server: Loopback, client: HttpClient) -> None:
    server.on("/a", Answer(body=b"1"))
    for _ in range(3):
        client.send(get(f"{server.origin}/a"), NEVER)
    assert len({seen.connection for seen in server.seen}) == 1


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, lambda data: zlib.compress(data)[2:-4]])
def test_a_compressed_body_is_unpacked(
    server: Loopback, client: HttpClient, pack: Callable[[bytes], bytes]
) -> None:
    name = "gzip" if pack is gzip.compress else "deflate"
    server.on("/z", Answer(body=pack(b"x" * 100_000), headers={"Content-Encoding": name}))
    response = client.send(get(f"{server.origin}/z"), NEVER)
    assert (response.body, response.header("content-encoding")) == (b"x" * 100_000, None)


def test_two_gzip_members_are_one_body(server: Loopback, client: HttpClient) -> None:
    packed = gzip.compress(b"one ") + gzip.compress(b"two")
    server.on("/z", Answer(body=packed, headers={"Content-Encoding": "gzip"}))
    assert client.send(get(f"{server.origin}/z"), NEVER).body == b"one two"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(b"x" * 1000, mtime=0)[:-9], "gzip"),
        (b"not gzip at all", "gzip"),
        (b"x", "deflate"),
        (b"\xff\xff\xff\xff", "deflate"),
        (b"anything", "br"),
    ],
)
def test_a_damaged_or_unasked_encoding_is_told(
    server: Loopback, client: HttpClient, body: bytes, encoding: str
) -> None:
    server.on("/z", Answer(body=body, headers={"Content-Encoding": encoding}))
    assert failure(client, get(f"{server.origin}/z")) == ("http.protocol", False, False)


def test_an_answer_above_the_bound_is_given_up(server: Loopback, client: HttpClient) -> None:
    server.on("/big", Answer(body=b"x" * 1001))
    server.on("/fits", Answer(body=b"x" * 1000))
    assert len(client.send(get(f"{server.origin}/fits", max_response_bytes=1000), NEVER).body) == 1000
    request = get(f"{server.origin}/big", max_response_bytes=1000)
    assert failure(client, request) == ("http.too_large", False, False)


@pytest.mark.parametrize(
    "body", [gzip.compress(b"\0" * 50_000_000), gzip.compress(b"") * 20_000], ids=["bomb", "empty members"]
)
def test_a_compressed_body_above_the_bound_is_given_up(
    server: Loopback, client: HttpClient, body: bytes
) -> None:
    server.on("/z", Answer(body=body, headers={"Content-Encoding": "gzip"}))
    request = get(f"{server.origin}/z", max_response_bytes=10_000)
    assert failure(client, request) == ("http.too_large", False, False)


def test_a_connection_that_nobody_takes_surely_did_nothing() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{closed.getsockname()[1]}"
        client = HttpClient(monotonic_ms=clock, allow=(origin,))
        assert failure(client, get(origin)) == ("http.connect", True, True)
        client.close()


def test_an_unknown_name_surely_did_nothing() -> None:
    client = HttpClient(monotonic_ms=clock, resolver=no_answer)
    assert failure(client, get("https://nowhere.example/")) == ("http.connect", True, True)
    client.close()


def test_a_time_out_after_sending_leaves_the_outcome_open(server: Loopback) -> None:
    server.on("/never", Answer(hold=True))
    client = HttpClient(monotonic_ms=Ticking(700), allow=(server.origin,))
    request = get(f"{server.origin}/never", timeout_ms=5_000)
    assert failure(client, request) == ("http.timeout", False, True)
    client.close()


def test_a_time_out_before_sending_surely_did_nothing(server: Loopback) -> None:
    client = HttpClient(monotonic_ms=Ticking(10_000), allow=(server.origin,))
    request = get(f"{server.origin}/never", timeout_ms=5_000)
    assert failure(client, request) == ("http.timeout", True, True)
    assert server.seen == []
    client.close()


def test_a_cancel_reaches_a_request_that_waits(server: Loopback, client: HttpClient) -> None:
    server.on("/never", Answer(hold=True))
    outcome = failure(client, get(f"{server.origin}/never"), When(server.arrived.is_set))
    assert outcome == ("step.cancelled", False, False)


def test_a_cancel_before_the_request_sends_nothing(server: Loopback, client: HttpClient) -> None:
    outcome = failure(client, get(f"{server.origin}/a"), When(lambda: True))
    assert (outcome, server.seen) == (("step.cancelled", True, False), [])


@pytest.mark.parametrize(
    "answer",
    [Answer(body=b"x" * 100, cut=True), Answer(raw=b"no http\r\n\r\n"), Answer(raw=b"")],
    ids=["cut", "garbage", "silence"],
)
def test_an_answer_that_breaks_off_may_be_asked_for_again(
    server: Loopback, client: HttpClient, answer: Answer
) -> None:
    server.on("/odd", answer)
    assert failure(client, get(f"{server.origin}/odd")) == ("http.protocol", False, True)


@pytest.mark.parametrize(
    "header", [("Host", "x"), ("Content-Length", "9"), ("A", "b\r\nC: d"), ("A\n", "b"), ("Ä", "b")]
)
def test_a_header_that_bends_the_request_is_refused(
    server: Loopback, client: HttpClient, header: tuple[str, str]
) -> None:
    outcome = failure(client, HttpRequest("GET", f"{server.origin}/a", (header,)))
    assert (outcome, server.seen) == (("http.protocol", True, False), [])


@pytest.mark.parametrize(
    ("status", "method", "then", "body"),
    [
        (301, "POST", "GET", b""),
        (302, "POST", "GET", b""),
        (303, "PUT", "GET", b""),
        (303, "HEAD", "HEAD", b""),
        (307, "POST", "POST", b"data"),
        (308, "PUT", "PUT", b"data"),
    ],
)
def test_a_redirect_keeps_or_drops_the_method_as_its_status_says(
    server: Loopback, client: HttpClient, status: int, method: str, then: str, body: bytes
) -> None:
    server.on("/from", Answer(status, headers={"Location": "../to?x=1"}))
    server.on("/to", Answer(body=b"there"))
    data = None if method == "HEAD" else b"data"
    response = client.send(HttpRequest(method, f"{server.origin}/from", body=data), NEVER)
    assert response.url == f"{server.origin}/to?x=1"
    assert (server.seen[1].method, server.seen[1].body) == (then, body)


def test_a_sixth_redirect_is_one_too_many(server: Loopback, client: HttpClient) -> None:
    server.on("/loop", Answer(302, headers={"Location": "/loop"}))
    assert failure(client, get(f"{server.origin}/loop")) == ("http.redirects", False, False)
    assert server.count("/loop") == 6


def test_a_redirect_is_an_answer_where_nobody_follows(server: Loopback, client: HttpClient) -> None:
    server.on("/from", Answer(302, b"moved", {"Location": "/to"}))
    response = client.send(get(f"{server.origin}/from", follow_redirects=False), NEVER)
    assert (response.status, response.body, len(server.seen)) == (302, b"moved", 1)


def to_loopback(host: str, port: int, **kinds: int) -> list[tuple[object, ...]]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


@pytest.mark.parametrize("named", ["api.example", "other.example"])
def test_tls_checks_the_name_of_the_url_at_the_pinned_address(tmp_path: Path, named: str) -> None:
    serving, asking = tls_for("api.example", tmp_path)
    with Loopback(serving) as server:
        server.on("/a", Answer(body=b"safe"))
        client = HttpClient(
            monotonic_ms=clock, allow=("https://*.example:*",), resolver=to_loopback, tls=asking
        )
        request = get(f"https://{named}:{server.port}/a")
        if named == "api.example":
            assert client.send(request, NEVER).body == b"safe"
        else:
            assert failure(client, request) == ("http.connect", True, False)
            assert server.seen == []
        client.close()
