"""A server of S3 as a process of the test's own on loopback, which checks signatures and permissions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree

from gitflow_runner.net.client import HttpClient
from gitflow_runner.net.exchange import HttpRequest
from gitflow_runner.net.s3 import Bucket, BucketSite
from gitflow_runner.net.sigv4 import AwsKey, signed
from tests.free_port import free_port

REGION = "eu-central-1"
NAME = "values"
_MAY = ["s3:GetObject", "s3:PutObject", "s3:ListBucket"]


@dataclass(frozen=True)
class Server:
    """A running server with one bucket and one user's key."""

    origin: str
    key: AwsKey

    @property
    def url(self) -> str:
        """The bucket."""
        return f"{self.origin}/{NAME}"

    def bucket(self, *, prefix: str = "team", key: AwsKey | None = None) -> Bucket:
        """The bucket through the client that the runner uses."""
        http = HttpClient(monotonic_ms=lambda: time.monotonic_ns() // 1_000_000, allow=(self.origin,))
        site = BucketSite(self.url, prefix, REGION, key or self.key, (self.origin,))
        return Bucket(site, http, Never(), now_ms)

    def overwrite(self, name: str, data: bytes) -> None:
        """Put other bytes where an object is, as only somebody with the key could."""
        request = HttpRequest("PUT", f"{self.url}/{name}", (("Content-Type", "application/octet-stream"),))
        request = signed(
            request,
            self.key,
            region=REGION,
            service="s3",
            now_ms=now_ms(),
            digest="UNSIGNED-PAYLOAD",
        )
        _ask(request.method, request.url, data, dict(request.headers))


class Never:
    """Nobody cancels."""

    def asked(self) -> bool:
        return False


def now_ms() -> int:
    """The wall clock, which signatures are held against."""
    return time.time_ns() // 1_000_000


@contextmanager
def s3(log: Path) -> Iterator[Server]:
    """Start it, make the bucket and the user, and let it check every request from then on; stop it."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]},
        )
        try:
            _await(process, origin, log)
            yield Server(origin, _prepared(origin))
        finally:
            process.kill()
            process.wait(30)


def _await(process: subprocess.Popen[bytes], origin: str, log: Path) -> None:
    began = time.monotonic()
    while True:
        try:
            _ask("GET", f"{origin}/moto-api/data.json")
            return
        except (urllib.error.URLError, ConnectionError):
            ended = process.poll() is not None
            if ended or time.monotonic() - began > 60:
                raise AssertionError(log.read_text()[-2_000:]) from None
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05)  # it begins to listen, or ends


def _prepared(origin: str) -> AwsKey:
    _ask("PUT", f"{origin}/{NAME}", f"<CreateBucketConfiguration><LocationConstraint>{REGION}"
         "</LocationConstraint></CreateBucketConfiguration>".encode())  # fmt: skip
    _iam(origin, Action="CreateUser", UserName="runner")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": _MAY, "Resource": "*"}]}
    _iam(
        origin,
        Action="PutUserPolicy",
        UserName="runner",
        PolicyName="values",
        PolicyDocument=json.dumps(document),
    )
    made = ElementTree.fromstring(_iam(origin, Action="CreateAccessKey", UserName="runner"))
    found = {node.tag.rpartition("}")[2]: node.text or "" for node in made.iter()}
    _ask("POST", f"{origin}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})
    return AwsKey(found["AccessKeyId"], found["SecretAccessKey"])


def _iam(origin: str, **fields: str) -> bytes:
    stamp = (
        f"AWS4-HMAC-SHA256 Credential=A/20260101/{REGION}/iam/aws4_request, SignedHeaders=host, Signature=0"
    )
    form = "application/x-www-form-urlencoded"
    return _ask(
        "POST", origin + "/", urlencode(fields).encode(), {"Authorization": stamp, "Content-Type": form}
    )


def _ask(method: str, url: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
    request = urllib.request.Request(url, data, headers or {}, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        body: bytes = answer.read()
    return body
