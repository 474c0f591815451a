"""Every place that large values can lie in keeps one contract: beside Git, a shared folder, a bucket."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.ledger.bucket import BucketStore
from gitflow_runner.ledger.store import BlobStore, ValueStore
from gitflow_runner.net.exchange import HttpRequest, HttpResponse
from gitflow_runner.net.s3 import Bucket, BucketSite
from gitflow_runner.net.sigv4 import AwsKey
from tests.s3_server import Never, Server, s3

LARGE = [b"x" * 700_000, b"y" * 700_000]
DIGEST = hashlib.sha256(b"".join(LARGE)).hexdigest()
SIZE = 1_400_000
NOWHERE = "0" * 64


@dataclass
class Place:
    """One kind of store: what clones open, and what puts other bytes where its values lie."""

    open: Callable[[str], ValueStore]
    overwrite: Callable[[str, bytes], None]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with s3(tmp_path_factory.mktemp("s3") / "log") as running:
        yield running


@pytest.fixture(params=["beside Git", "folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "bucket":
        running: Server = request.getfixturevalue("server")
        prefix = hashlib.sha256(str(tmp_path).encode()).hexdigest()[:12]  # each test has a folder of its own
        bucket = running.bucket(prefix=prefix)
        return Place(
            lambda clone: BucketStore(BlobStore(tmp_path / clone), lambda: bucket),
            lambda sha256, data: running.overwrite(f"{prefix}/{sha256[:2]}/{sha256}", data),
        )
    shared = tmp_path / "shared" if request.param == "folder" else None

    def overwrite(sha256: str, data: bytes) -> None:
        folder = shared or tmp_path / "one/gitflow/objects-ext"
        (folder / sha256[:2] / sha256).write_bytes(data)

    return Place(lambda clone: BlobStore(tmp_path / clone, shared), overwrite)


def reader(place: Place) -> ValueStore:
    """Who has to look where the values of a place really lie."""
    return place.open("two" if place.open("one").is_shared else "one")


def test_what_is_stored_is_found_and_read_back(place: Place) -> None:
    store = place.open("one")
    assert (store.size(DIGEST), store.contains(DIGEST)) == (None, False)
    assert store.put(iter(LARGE)) == store.put(LARGE) == (DIGEST, SIZE)
    for each in (store, reader(place)):
        assert (each.size(DIGEST), each.contains(DIGEST)) == (SIZE, True)
        assert b"".join(each.chunks(DIGEST)) == b"".join(LARGE)


def test_what_was_never_stored_is_unknown(place: Place) -> None:
    with pytest.raises(StepError) as caught:
        list(place.open("one").chunks(NOWHERE))
    assert caught.value.code == "res.unknown"


def test_bytes_that_lie_about_their_digest_are_not_handed_out_as_whole(place: Place) -> None:
    place.open("one").put(LARGE)
    place.overwrite(DIGEST, b"z" * SIZE)
    given: list[bytes] = []
    with pytest.raises(StepError) as caught:
        given.extend(reader(place).chunks(DIGEST))
    assert (caught.value.code, len(b"".join(given)) < SIZE) == ("res.damaged", True)


def test_a_stream_that_breaks_off_stores_nothing(place: Place) -> None:
    def breaking() -> Iterator[bytes]:
        yield LARGE[0]
        raise StepError("http.protocol", "broke off")

    with pytest.raises(StepError, match="broke off"):
        place.open("one").put(breaking())
    assert not reader(place).contains(hashlib.sha256(LARGE[0]).hexdigest())


def test_what_lies_in_the_bucket_stays_whoever_puts_what(server: Server) -> None:
    server.overwrite(f"team/{DIGEST[:2]}/{DIGEST}", b"of another size")
    bucket = server.bucket()
    with pytest.raises(StepError) as caught:
        bucket.put(DIGEST, Listed())
    assert (caught.value.code, bucket.size(DIGEST)) == ("res.bucket_refused", 15)


def test_what_was_fetched_once_is_read_from_this_disk(server: Server, tmp_path: Path) -> None:
    BucketStore(BlobStore(tmp_path / "one"), lambda: server.bucket(prefix="twice")).put(LARGE)
    two = BucketStore(BlobStore(tmp_path / "two"), lambda: server.bucket(prefix="twice"))
    assert b"".join(two.chunks(DIGEST)) == b"".join(LARGE)

    def nobody() -> Bucket:
        raise AssertionError("the bucket is asked again")

    again = BucketStore(BlobStore(tmp_path / "two"), nobody)
    assert (again.size(DIGEST), b"".join(again.chunks(DIGEST))) == (SIZE, b"".join(LARGE))


def test_a_wrong_key_is_refused_and_what_cannot_be_reached_may_be_tried_again(server: Server) -> None:
    wrong = server.bucket(key=AwsKey(server.key.id, "of somebody else"))
    gone = Server("http://127.0.0.1:1", server.key).bucket()
    told: list[tuple[str, bool]] = []
    for bucket in (wrong, gone):
        with pytest.raises(StepError) as caught:
            bucket.size(DIGEST)
        told.append((caught.value.code, caught.value.retryable))
    assert told == [("res.bucket_refused", False), ("res.bucket", True)]


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [(503, "res.bucket", True), (429, "res.bucket", True), (301, "res.bucket_refused", False)],
)
def test_what_a_service_answers_says_whether_to_try_again(status: int, code: str, retryable: bool) -> None:
    answer = HttpResponse(status, (), b"<Error><Code>SlowDown</Code></Error>", "")
    client = Recording([answer])
    site = BucketSite(
        "https://s3.example/b", "", "r", AwsKey("A", "secret-of-a"), ("https://s3.example:443",)
    )
    with pytest.raises(StepError) as caught:
        Bucket(site, client, Never(), lambda: 0).get(DIGEST, SIZE, lambda pieces: None)
    assert (caught.value.code, caught.value.retryable) == (code, retryable)
    assert "SlowDown" in caught.value.message
    (asked,) = client.asked
    assert (asked.url, asked.origins) == (f"https://s3.example/b/{DIGEST[:2]}/{DIGEST}", site.origins)
    assert not asked.follow_redirects


class Recording:
    """A client that keeps what was asked, for answers that a healthy server does not give."""

    def __init__(self, answers: list[HttpResponse]) -> None:
        self.answers = answers
        self.asked: list[HttpRequest] = []

    def send(self, request: HttpRequest, cancel: object, sink: object = None) -> HttpResponse:
        """The next answer."""
        self.asked.append(request)
        return self.answers.pop(0)


class Listed:
    """A value to put."""

    size = SIZE

    def chunks(self) -> Iterator[bytes]:
        return iter(LARGE)
