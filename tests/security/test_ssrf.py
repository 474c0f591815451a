"""No flow reaches the inside of a network: by address, by name, by spelling, by redirect or by rebinding."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator

import pytest

from gitflow_runner.errors import StepError, UsageError
from gitflow_runner.net.address import AllowPattern, Origin, is_public
from gitflow_runner.net.client import HttpClient
from gitflow_runner.net.exchange import HttpRequest, HttpResponse
from tests.loopback import Answer, Loopback, get


class Never:
    """A cancel that nobody asks for."""

    def asked(self) -> bool:
        return False


class Names:
    """A resolver that answers from a table, and with the next answer at each call."""

    def __init__(self, **answers: list[str]) -> None:
        self.answers = {name.replace("_", "."): given for name, given in answers.items()}
        self.calls: list[str] = []

    def __call__(self, host: str, port: int, **kinds: int) -> list[tuple[object, ...]]:
        self.calls.append(host)
        given = self.answers[host]
        now = given.pop(0) if len(given) > 1 else given[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (part, port)) for part in now.split()]


def clock() -> int:
    return time.monotonic_ns() // 1_000_000


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        running.on("/", Answer(body=b"the inside"))
        yield running


def refusal(client: HttpClient, url: str, **settings: object) -> tuple[str, bool]:
    """Code and definiteness of the error that a request ends with."""
    try:
        with pytest.raises(StepError) as caught:
            client.send(get(url, **settings), Never())
    finally:
        client.close()
    return caught.value.code, caught.value.definite


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1.2.3",
        "127.0.0.1.",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "0",
        "0.0.0.0",
        "10.0.0.8",
        "172.16.4.4",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "168.63.129.16",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::a00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fe80::1]",
        "[fec0::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
    ],
)
def test_an_inside_address_is_refused_in_any_spelling(host: str) -> None:
    names = Names()
    client = HttpClient(monotonic_ms=clock, resolver=names)
    assert refusal(client, f"http://{host}:8080/") == ("http.refused_address", True)
    assert names.calls == []


@pytest.mark.parametrize("url", ["http://[fe80::1%25eth0]/", "http://1.2.3.4.5/", "http://a.example.0x/"])
def test_an_odd_host_is_never_looked_up(url: str) -> None:
    names = Names()
    assert refusal(HttpClient(monotonic_ms=clock, resolver=names), url)[0].startswith("http.")
    assert names.calls == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://a.example/",
        "gopher://a.example/",
        "//a.example/",
        "a.example",
        "http:///x",
        "",
    ],
)
def test_only_http_and_https_are_fetched(url: str) -> None:
    assert refusal(HttpClient(monotonic_ms=clock, resolver=Names()), url) == ("http.scheme", True)


def test_a_url_with_a_password_is_refused() -> None:
    client = HttpClient(monotonic_ms=clock, resolver=Names())
    assert refusal(client, "http://user:pass@a.example/") == ("http.protocol", True)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "93.184.216.34 127.0.0.1", "fd00::1"])
def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    client = HttpClient(monotonic_ms=clock, resolver=Names(inside_example=[address]))
    assert refusal(client, "http://inside.example/") == ("http.refused_address", True)


def test_a_name_is_looked_up_once_so_that_rebinding_finds_no_gap() -> None:
    # The second answer is the inside; nobody may ask for it between the check and the connection.
    names = Names(rebind_example=["93.184.216.34 127.0.0.1", "127.0.0.1"])
    client = HttpClient(monotonic_ms=clock, resolver=names)
    assert refusal(client, "http://rebind.example/") == ("http.refused_address", True)
    assert names.calls == ["rebind.example"]


def test_a_rebound_name_is_refused_at_the_next_connection(server: Loopback) -> None:
    names = Names(first_example=["127.0.0.1"], second_example=["127.0.0.1"])
    client = HttpClient(monotonic_ms=clock, resolver=names, allow=(f"http://first.example:{server.port}",))
    assert client.send(get(f"http://first.example:{server.port}/"), Never()).body == b"the inside"
    assert refusal(client, f"http://second.example:{server.port}/") == ("http.refused_address", True)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:{port}/", "http://2130706433:{port}/", "//[::1]:{port}/"]
)
def test_a_redirect_to_the_inside_is_refused(server: Loopback, target: str) -> None:
    with Loopback() as outside:
        outside.on("/go", Answer(302, headers={"Location": target.format(port=server.port)}))
        client = HttpClient(monotonic_ms=clock, allow=(outside.origin,))
        assert refusal(client, f"{outside.origin}/go")[0] == "http.refused_address"
    assert server.seen == []


class Everything:
    """A sink that takes whatever comes."""

    limit = 1_000_000

    def __init__(self) -> None:
        self.taken = b""

    def wants(self, head: HttpResponse) -> bool:
        return True

    def take(self, head: HttpResponse, chunks: Iterator[bytes]) -> None:
        self.taken = b"".join(chunks)


def test_a_streamed_answer_follows_no_redirect_to_the_inside_either(server: Loopback) -> None:
    with Loopback() as outside:
        outside.on("/go", Answer(302, headers={"Location": f"{server.origin}/"}))
        client = HttpClient(monotonic_ms=clock, allow=(outside.origin,))
        sink = Everything()
        with pytest.raises(StepError) as caught:
            client.send(get(f"{outside.origin}/go"), Never(), sink)
        client.close()
    assert (caught.value.code, sink.taken, server.seen) == ("http.refused_address", b"", [])


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://127.0.0.1:70/x"])
def test_a_redirect_to_another_scheme_is_refused(server: Loopback, target: str) -> None:
    server.on("/go", Answer(302, headers={"Location": target}))
    client = HttpClient(monotonic_ms=clock, allow=(server.origin,))
    assert refusal(client, f"{server.origin}/go") == ("http.scheme", False)


def test_credentials_stay_behind_at_a_redirect_to_another_origin(server: Loopback) -> None:
    secrets = (
        ("Authorization", "Bearer s3cret"),
        ("Cookie", "s3cret"),
        ("X-Api-Key", "s3cret"),
        ("Idempotency-Key", "s3cret"),
    )
    with Loopback() as first:
        first.on("/near", Answer(307, headers={"Location": "/far"}))
        first.on("/far", Answer(307, headers={"Location": f"{server.origin}/"}))
        client = HttpClient(monotonic_ms=clock, allow=(first.origin, server.origin))
        client.send(HttpRequest("GET", f"{first.origin}/near", (*secrets, ("Accept", "text/plain"))), Never())
        client.close()
        assert first.seen[1].headers["authorization"] == "Bearer s3cret"
    arrived = server.seen[0].headers
    assert arrived["accept"] == "text/plain"
    assert "s3cret" not in str(arrived)


def test_a_request_with_a_secret_goes_only_where_the_secret_may(server: Loopback) -> None:
    with Loopback() as first:
        first.on("/go", Answer(302, headers={"Location": f"{server.origin}/"}))
        client = HttpClient(monotonic_ms=clock, allow=(first.origin, server.origin))
        code, _ = refusal(client, f"{first.origin}/go", origins=(first.origin,))
    assert (code, server.seen) == ("http.refused_address", [])


@pytest.mark.parametrize(
    ("pattern", "url", "matches"),
    [
        ("http://127.0.0.1:8080", ("http", "127.0.0.1", 8080), True),
        ("http://127.0.0.1:8080", ("http", "127.0.0.1", 8081), False),
        ("http://127.0.0.1:8080", ("https", "127.0.0.1", 8080), False),
        ("http://127.0.0.1:*", ("http", "127.0.0.1", 9), True),
        ("*://[::1]:*", ("https", "::1", 9), True),
        ("https://Corp.example", ("https", "corp.example", 443), True),
        ("https://*.corp.example", ("https", "a.corp.example", 443), True),
        ("https://*.corp.example", ("https", "corp.example", 443), False),
        ("https://*.corp.example", ("https", "evilcorp.example", 443), False),
    ],
)
def test_an_allowed_origin_is_matched_exactly(pattern: str, url: tuple[str, str, int], matches: bool) -> None:
    assert AllowPattern.parse(pattern).matches(Origin(*url)) is matches


@pytest.mark.parametrize(
    "pattern", ["127.0.0.1", "ftp://a:1", "http://a*b:1", "http://*", "http://a:1/path", ""]
)
def test_a_malformed_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError) as caught:
        AllowPattern.parse(pattern)
    assert caught.value.code == "http.allow"


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
