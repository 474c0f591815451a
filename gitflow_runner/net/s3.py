"""Values in a bucket that speaks S3: put once under their digest, looked up, read, never deleted."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from gitflow_runner.errors import StepError
from gitflow_runner.net.exchange import Body, Cancel, HttpRequest, HttpResponse, Sink
from gitflow_runner.net.sigv4 import EMPTY_DIGEST, AwsKey, signed

_ANSWER_MS: Final = 60_000
_BYTES_PER_MS: Final = 1_000  # an exchange that is slower than that is given up
_CODE: Final = re.compile(rb"<Code>([A-Za-z0-9.]{1,60})</Code>")
_FOR_GOOD: Final = frozenset({"http.refused_address", "http.scheme", "http.too_large", "http.redirects"})
_PASSING: Final = frozenset({408, 409, 429})


class Sender(Protocol):
    """Sends a request; an HTTP client."""

    def send(self, request: HttpRequest, cancel: Cancel, sink: Sink | None = None) -> HttpResponse:
        """One exchange, its body into `sink` if that wants it; `StepError` (`http.*`, `step.cancelled`)."""
        ...


@dataclass(frozen=True, slots=True)
class BucketSite:
    """Where the bucket is and how requests are signed.

    `url` leads to the bucket, by host or by path; values lie at `<prefix>/<xx>/<sha256>` below it. `origins`
    is where the key may be sent to.
    """

    url: str
    prefix: str
    region: str
    key: AwsKey
    origins: tuple[str, ...]


class Bucket:
    """One bucket; each method is one to three requests, none of which follows a redirect.

    Errors: `StepError` (`res.bucket` where the service cannot be reached or is not well, retryable as the
    failure is; `res.bucket_refused` where it says no; `step.cancelled`).
    """

    def __init__(self, site: BucketSite, http: Sender, cancel: Cancel, now_ms: Callable[[], int]) -> None:
        self._site = site
        self._http = http
        self._cancel = cancel
        self._now_ms = now_ms

    def size(self, sha256: str) -> int | None:
        """The bytes of the value, None if it is not there."""
        answer = self._send("HEAD", sha256, EMPTY_DIGEST)
        if answer.status == 404:
            return None
        self._require(answer, 200)
        stated = answer.header("content-length") or ""
        if not stated.isdecimal():
            raise StepError("res.bucket_refused", f"{self._site.url} does not say how large a value is")
        return int(stated)

    def put(self, sha256: str, body: Body) -> None:
        """Put the value where there is none of that name; it is there, whole, once this returns."""
        if self.size(sha256) == body.size:
            return
        answer = self._send(
            "PUT",
            sha256,
            sha256,
            (
                ("Content-Type", "application/octet-stream"),
                # What is there stays, whoever put it: its name says what it has to be.
                ("If-None-Match", "*"),
                ("X-Amz-Checksum-Sha256", base64.b64encode(bytes.fromhex(sha256)).decode()),
            ),
            body,
        )
        if answer.status != 412:
            self._require(answer, 200)
        stored = self.size(sha256)
        if stored != body.size:
            raise StepError(
                "res.bucket_refused",
                f"the bucket holds {stored} bytes as {sha256[:12]}, which has {body.size}",
                hint="its owner has to take the object away",
            )

    def get(self, sha256: str, size: int, take: Callable[[Iterator[bytes]], None]) -> None:
        """Hand the bytes to `take` as they come, `size` at most and not verified."""
        self._require(self._send("GET", sha256, EMPTY_DIGEST, sink=_Into(size, take)), 200)

    def _send(
        self,
        method: str,
        sha256: str,
        digest: str,
        headers: tuple[tuple[str, str], ...] = (),
        body: Body | None = None,
        sink: Sink | None = None,
    ) -> HttpResponse:
        site = self._site
        name = "/".join(part for part in (site.prefix, sha256[:2], sha256) if part)
        size = body.size if body is not None else sink.limit if sink is not None else 0
        request = HttpRequest(
            method,
            f"{site.url}/{name}",
            (("Accept-Encoding", "identity"), *headers),
            body,
            _ANSWER_MS + size // _BYTES_PER_MS,
            follow_redirects=False,
            origins=site.origins,
        )
        request = signed(
            request, site.key, region=site.region, service="s3", now_ms=self._now_ms(), digest=digest
        )
        try:
            return self._http.send(request, self._cancel, sink)
        except StepError as error:
            if not error.code.startswith("http."):
                raise
            refused = error.code in _FOR_GOOD
            raise StepError(
                "res.bucket_refused" if refused else "res.bucket",
                f"the bucket at {site.url} cannot be used: {error.message}",
                retryable=error.retryable and not refused,
                hint=error.hint,
            ) from None

    def _require(self, answer: HttpResponse, status: int) -> None:
        if answer.status == status:
            return
        passing = answer.status in _PASSING or answer.status >= 500
        why = _CODE.search(answer.body)
        told = f": {why[1].decode()}" if why is not None else ""
        raise StepError(
            "res.bucket" if passing else "res.bucket_refused",
            f"the bucket at {self._site.url} answered {answer.status}{told}",
            retryable=passing,
            data={"status": answer.status},
            # Who may not list is answered 403 for what is not there.
            hint=None if passing else "its key needs s3:GetObject, s3:PutObject and s3:ListBucket",
        )


@dataclass(frozen=True, slots=True)
class _Into:
    """A sink for values only: what else is answered is short and read as usual."""

    limit: int
    read: Callable[[Iterator[bytes]], None]

    def wants(self, head: HttpResponse) -> bool:
        return head.status == 200

    def take(self, head: HttpResponse, chunks: Iterator[bytes]) -> None:
        self.read(chunks)
