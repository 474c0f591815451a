"""The HTTP client: one exchange with redirects, bounds and errors that say whether anything happened."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from urllib.parse import urljoin

import httpcore
import httpx

from gitflow_runner.errors import StepError
from gitflow_runner.net.address import (
    DEFAULT_PORTS,
    AllowPattern,
    Origin,
    Resolver,
    literal_address,
    system_resolver,
)
from gitflow_runner.net.exchange import Cancel, HttpRequest, HttpResponse, Sink
from gitflow_runner.net.inflate import ACCEPTED, Decoder, Overflow, decoder_for
from gitflow_runner.net.pinned import Current, Exchange, PinnedBackend

MAX_REDIRECTS = 5
MAX_RESPONSE_BYTES = 10_000_000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "keep-alive"}
)
_RAW_HOST = re.compile(r"[a-z]+://([^/?#:]*).*", re.DOTALL)
_CROSS_ORIGIN = frozenset({"accept", "accept-language", "content-type", "user-agent", "range"})
"""Headers that may follow a redirect to another origin; any other might carry a credential."""


class HttpClient:
    """The `Http` port over pooled connections; safe to share between threads."""

    def __init__(
        self,
        *,
        monotonic_ms: Callable[[], int],
        allow: Sequence[str] = (),
        resolver: Resolver = system_resolver,
        tls: ssl.SSLContext | None = None,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        max_connections: int = 64,
        keepalive_s: float = 30.0,
    ) -> None:
        """`allow` lists `scheme://host:port` patterns that may lead to addresses inside the network.

        `max_response_bytes` bounds every body that is read into memory.
        """
        self._monotonic_ms = monotonic_ms
        self._current = Current()
        self._most = max_response_bytes
        patterns = tuple(AllowPattern.parse(text) for text in allow)
        context = tls or httpx.create_ssl_context(trust_env=False)
        self._pools = {
            scheme: httpcore.ConnectionPool(
                ssl_context=context,
                max_connections=max_connections,
                max_keepalive_connections=max_connections,
                keepalive_expiry=keepalive_s,
                network_backend=PinnedBackend(scheme, patterns, resolver, self._current),
            )
            for scheme in DEFAULT_PORTS
        }

    def close(self) -> None:
        """Close every pooled connection."""
        for pool in self._pools.values():
            pool.close()

    def send(self, request: HttpRequest, cancel: Cancel, sink: Sink | None = None) -> HttpResponse:
        """Send and read, following at most five redirects; a body that `sink` wants goes there alone.

        `StepError`: `http.scheme`, `http.refused_address`, `http.connect`, `http.timeout`,
        `http.too_large`, `http.redirects`, `http.protocol`, `step.cancelled`; definite only as long as no
        byte of a request has left.
        """
        exchange = Exchange(self._monotonic_ms() + request.timeout_ms, self._monotonic_ms, cancel)
        previous, self._current.exchange = self._current.exchange, exchange
        try:
            return self._follow(request, exchange, sink)
        except StepError as error:
            error.definite = not exchange.sent
            raise
        finally:
            self._current.exchange = previous

    def _follow(self, request: HttpRequest, exchange: Exchange, sink: Sink | None) -> HttpResponse:
        for _ in range(MAX_REDIRECTS + 1):
            response = self._one(request, exchange, sink)
            target = response.header("location")
            if not request.follow_redirects or response.status not in _REDIRECTS or target is None:
                return response
            request = _redirected(request, response.status, target)
        raise StepError("http.redirects", f"more than {MAX_REDIRECTS} redirects")

    def _one(self, request: HttpRequest, exchange: Exchange, sink: Sink | None) -> HttpResponse:
        url, origin = _read_url(request.url)
        _check(request, origin)
        headers = [(name.encode("ascii"), value.encode()) for name, value in _headers(request)]
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=origin.port, target=url.raw_path)
        limit = {"pool": exchange.remaining_s(), "connect": exchange.remaining_s()}
        body = request.body
        try:
            with self._pools[origin.scheme].stream(
                request.method,
                target,
                headers=headers,
                content=body if body is None or isinstance(body, bytes) else body.chunks(),
                extensions={"timeout": limit},
            ) as response:
                return _read(request, response, exchange, self._most, sink)
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise _told(error, origin, exchange) from None


def _read_url(text: str) -> tuple[httpx.URL, Origin]:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        literal_address(_RAW_HOST.sub(r"\1", text))
        raise StepError("http.protocol", "the URL cannot be read") from None
    if url.scheme not in DEFAULT_PORTS or not url.raw_host:
        raise StepError(
            "http.scheme",
            f"{url.scheme[:20] or 'a URL without a scheme'} is not fetched",
            hint="write a URL that begins with https:// or http:// and names a host",
        )
    if url.userinfo:
        raise StepError(
            "http.protocol",
            f"the URL for {url.host[:100]} carries a name or password",
            hint="use a connection, or :auth with a :secret-ref",
        )
    host = url.raw_host.decode("ascii").lower().strip("[]")
    return url, Origin(url.scheme, host, url.port or DEFAULT_PORTS[url.scheme])


def _check(request: HttpRequest, origin: Origin) -> None:
    if request.method not in _METHODS:
        raise StepError("http.protocol", f"{request.method[:20]!r} is not a method that is sent")
    for name, value in request.headers:
        if name.lower() in _OURS or any(mark in name + value for mark in "\r\n\0") or not name.isascii():
            raise StepError("http.protocol", f"the header {name[:40]!r} cannot be set")
    if request.origins and str(origin) not in request.origins:
        raise StepError(
            "http.refused_address",
            f"the secret of this request may not go to {origin}",
        )


def _headers(request: HttpRequest) -> list[tuple[str, str]]:
    given = {name.lower() for name, _ in request.headers}
    ours = (("User-Agent", "gitflow-runner"), ("Accept", "*/*"), ("Accept-Encoding", ACCEPTED))
    headers = [*request.headers, *((name, value) for name, value in ours if name.lower() not in given)]
    if request.body is not None and not isinstance(request.body, bytes):
        headers.append(("Content-Length", str(request.body.size)))
    return headers


def _redirected(request: HttpRequest, status: int, target: str) -> HttpRequest:
    url = urljoin(request.url, target)
    headers = request.headers
    if _authority(url) != _authority(request.url):
        headers = tuple(pair for pair in headers if pair[0].lower() in _CROSS_ORIGIN)
    to_get = status == 303 or (status in (301, 302) and request.method == "POST")
    if to_get and request.method != "HEAD":
        headers = tuple(pair for pair in headers if not pair[0].lower().startswith("content-"))
        return replace(request, method="GET", url=url, headers=headers, body=None)
    return replace(request, url=url, headers=headers)


def _authority(text: str) -> tuple[str, bytes, int | None]:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        raise StepError("http.protocol", "a redirect's URL cannot be read") from None
    return url.scheme, url.raw_host.lower(), url.port or DEFAULT_PORTS.get(url.scheme)


def _read(
    request: HttpRequest, response: httpcore.Response, exchange: Exchange, most: int, sink: Sink | None
) -> HttpResponse:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers)
    answer = HttpResponse(response.status, headers, b"", request.url)
    if response.status < 200:
        raise StepError("http.protocol", "the answer switches to another protocol")
    if request.follow_redirects and response.status in _REDIRECTS and answer.header("location") is not None:
        return answer
    if request.method == "HEAD":
        return answer
    decoder = decoder_for(answer.header("content-encoding"))
    answer = replace(answer, headers=_plain(headers))
    if sink is not None and sink.wants(answer):
        sink.take(answer, _pieces(response, decoder, sink.limit, exchange))
        return answer
    limit = most if request.max_response_bytes is None else min(request.max_response_bytes, most)
    return replace(answer, body=b"".join(_pieces(response, decoder, limit, exchange)))


def _pieces(response: httpcore.Response, decoder: Decoder, limit: int, exchange: Exchange) -> Iterator[bytes]:
    room = raw_room = limit
    try:
        for chunk in response.iter_stream():
            exchange.remaining_s()
            raw_room -= len(chunk)
            for piece in decoder.feed(chunk, room):
                room -= len(piece)
                yield piece
            # An endless run of empty compressed blocks must come to an end as well.
            if raw_room < -65_536:
                raise Overflow
    except Overflow:
        raise StepError(
            "http.too_large",
            f"the answer is larger than {limit} bytes",
            hint="ask for less, store it with :persist {:type :blob}, or raise http: max-response-bytes: in"
            " config.yaml",
        ) from None
    decoder.finish()


def _plain(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The headers without those that speak of the compressed form."""
    if not any(name.lower() == "content-encoding" for name, _ in headers):
        return headers
    return tuple(p for p in headers if p[0].lower() not in ("content-encoding", "content-length"))


def _told(error: Exception, origin: Origin, exchange: Exchange) -> StepError:
    if isinstance(error, httpcore.TimeoutException):
        return exchange.timed_out()
    if not exchange.sent and isinstance(error, httpcore.NetworkError):
        why = str(error)[:200]
        certificate = "CERTIFICATE_VERIFY_FAILED" in why
        return StepError("http.connect", f"cannot connect to {origin}: {why}", retryable=not certificate)
    return StepError(
        "http.protocol",
        f"the exchange with {origin} broke off: {str(error)[:200] or type(error).__name__}",
        retryable=exchange.sent,
    )
