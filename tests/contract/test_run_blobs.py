"""Values by digest: small ones in the run's tree, large ones beside Git, always verified."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from gitflow_runner.errors import StepError, TransientError
from gitflow_runner.git.repository import Repository
from gitflow_runner.ledger.blobs import IN_TREE, BlobStore, RunBlobs
from gitflow_runner.ledger.journal import Journal, Turn
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
    sha256, size = blobs(repository, journal).put_stream((b"ab" for _ in range(1000)), "text/plain")
    assert (sha256, size) == (hashlib.sha256(b"ab" * 1000).hexdigest(), 2000)
    assert b"".join(BlobStore(repository.common_dir).chunks(sha256)) == b"ab" * 1000
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
