"""Values by digest: small ones in the run's tree, large ones beside Git, always verified."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitflow_runner.errors import StepError, TransientError
from gitflow_runner.git.repository import Repository
from gitflow_runner.ledger.blobs import IN_TREE, RunBlobs
from gitflow_runner.ledger.journal import Journal, Turn
from gitflow_runner.ledger.store import BlobStore
from gitflow_runner.model.resource import resource_uri
from tests.repositories import repositories
from tests.run_histories import COMMITTER, REF, T0, first_turn, step_started

SMALL = b"small"
LARGE = b"x" * (IN_TREE + 1)


@pytest.fixture(params=["memory", "pygit"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    return repositories(request.param, tmp_path)


@pytest.fixture
def journal(repository: Repository) -> Journal:
    return Journal.create(repository, REF, COMMITTER, first_turn())


def blobs(repository: Repository, journal: Journal) -> RunBlobs:
    return RunBlobs(journal, BlobStore(repository.common_dir))


def file_of(repository: Repository, data: bytes) -> Path:
    sha256 = hashlib.sha256(data).hexdigest()
    return repository.common_dir / "gitflow" / "objects-ext" / sha256[:2] / sha256


def test_a_small_value_rides_on_the_next_turn(repository: Repository, journal: Journal) -> None:
    sha256 = blobs(repository, journal).put(SMALL, "text/plain")
    assert blobs(repository, journal).get(resource_uri(sha256)) == SMALL
    journal.append(Turn((step_started(1),), T0))
    again = Journal.open(repository, REF, COMMITTER)
    assert again.read(f"res/{sha256}") == SMALL
    assert blobs(repository, again).get(resource_uri(sha256)) == SMALL
    assert not file_of(repository, SMALL).exists()


def test_a_large_value_lies_beside_git_with_a_pointer_in_the_run(
    repository: Repository, journal: Journal
) -> None:
    sha256 = blobs(repository, journal).put(LARGE, "application/x")
    journal.append(Turn((step_started(1),), T0))
    again = Journal.open(repository, REF, COMMITTER)
    assert again.read(f"res/{sha256}") == (
        b'{"ref":"res://sha256/%s","size":1000001,"media_type":"application/x"}\n' % sha256.encode()
    )
    assert blobs(repository, again).get(resource_uri(sha256)) == LARGE
    assert file_of(repository, LARGE).read_bytes() == LARGE


def test_a_stream_is_stored_without_ever_being_whole(repository: Repository, journal: Journal) -> None:
    piece = b"ab" * 1000
    sha256, size = blobs(repository, journal).put_stream((piece for _ in range(1000)), "text/plain")
    assert (sha256, size) == (hashlib.sha256(piece * 1000).hexdigest(), 2_000_000)
    assert b"".join(BlobStore(repository.common_dir).chunks(sha256)) == piece * 1000
    assert not list((repository.common_dir / "gitflow" / "objects-ext").glob("tmp-*"))


def test_the_same_large_value_is_stored_once_and_made_young_again(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    sha256, _ = store.put([LARGE])
    (path,) = [p for p in tmp_path.rglob(sha256) if p.is_file()]
    os.utime(path, (1, 1))
    assert store.put([LARGE]) == (sha256, len(LARGE))
    assert path.stat().st_mtime > 1


@pytest.mark.parametrize(
    "uri", ["res://sha256/abc", "res://sha256/../x", "file:///etc/passwd", "", "res://sha256/" + "A" * 64]
)
def test_a_malformed_reference_is_refused(repository: Repository, journal: Journal, uri: str) -> None:
    with pytest.raises(StepError) as caught:
        blobs(repository, journal).get(uri)
    assert caught.value.code == "res.malformed"


def test_a_value_that_this_run_does_not_name_is_unknown(repository: Repository, journal: Journal) -> None:
    sha256, _ = BlobStore(repository.common_dir).put([b"of another run"])
    with pytest.raises(StepError) as caught:
        blobs(repository, journal).get(resource_uri(sha256))
    assert caught.value.code == "res.unknown"


def test_a_value_that_lies_about_its_digest_is_damaged(repository: Repository, journal: Journal) -> None:
    store = blobs(repository, journal)
    sha256 = store.put(LARGE, "x/y")
    file_of(repository, LARGE).write_bytes(b"other")
    journal.attach({"res/" + "0" * 64: b"not what it says", "res/" + "1" * 64: b'{"ref":1}'})
    for uri in (resource_uri(sha256), resource_uri("0" * 64), resource_uri("1" * 64)):
        with pytest.raises(StepError) as caught:
            store.get(uri)
        assert caught.value.code == "res.damaged"


def test_a_disk_that_refuses_is_told_as_passing(tmp_path: Path) -> None:
    (tmp_path / "gitflow").write_text("a file where the folder should be")
    with pytest.raises(TransientError) as caught:
        BlobStore(tmp_path).put([b"x"])
    assert caught.value.code == "res.disk"


def test_a_short_stream_rides_on_the_next_turn_as_any_small_value(
    repository: Repository, journal: Journal
) -> None:
    run = blobs(repository, journal)
    sha256, size = run.put_stream(iter([b"sm", b"all"]), "text/plain")
    assert (sha256, size) == (hashlib.sha256(SMALL).hexdigest(), len(SMALL))
    assert (run.get(resource_uri(sha256)), run.size(resource_uri(sha256))) == (SMALL, len(SMALL))
    assert not file_of(repository, SMALL).exists()


def test_a_stream_that_breaks_off_leaves_nothing(repository: Repository, journal: Journal) -> None:
    def breaking() -> Iterator[bytes]:
        yield LARGE
        raise StepError("http.protocol", "broke off")

    with pytest.raises(StepError) as caught:
        blobs(repository, journal).put_stream(breaking(), "x/y")
    assert caught.value.code == "http.protocol"
    assert [p for p in repository.common_dir.rglob("*") if p.is_file() and "objects-ext" in str(p)] == []


def test_the_end_of_a_damaged_value_is_never_handed_out(repository: Repository, journal: Journal) -> None:
    run = blobs(repository, journal)
    data = LARGE * 3
    uri = resource_uri(run.put(data, "x/y"))
    file_of(repository, data).write_bytes(b"y" + data[1:])
    given: list[bytes] = []
    with pytest.raises(StepError) as caught:
        given.extend(run.chunks(uri))
    assert (caught.value.code, len(b"".join(given)) < len(data)) == ("res.damaged", True)


def test_a_large_value_that_other_clones_would_miss_is_refused(
    repository: Repository, journal: Journal
) -> None:
    run = RunBlobs(journal, BlobStore(repository.common_dir), lonely=True)
    assert run.put(SMALL, "text/plain") == hashlib.sha256(SMALL).hexdigest()
    with pytest.raises(StepError) as caught:
        run.put(LARGE, "x/y")
    assert (caught.value.code, file_of(repository, LARGE).exists()) == ("blob_not_shared", False)


def test_a_value_that_another_clone_kept_for_itself_is_told_apart(
    repository: Repository, journal: Journal
) -> None:
    run = blobs(repository, journal)
    uri = resource_uri(run.put(LARGE, "x/y"))
    file_of(repository, LARGE).unlink()
    with pytest.raises(StepError) as caught:
        run.size(uri)
    assert caught.value.code == "blob_not_shared"


def test_clones_with_one_folder_find_each_others_values(
    repository: Repository, journal: Journal, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    uri = resource_uri(RunBlobs(journal, BlobStore(repository.common_dir, shared)).put(LARGE, "x/y"))
    other = RunBlobs(journal, BlobStore(tmp_path / "elsewhere", shared))
    assert (other.get(uri), file_of(repository, LARGE).exists()) == (LARGE, False)
