"""The index of what Git holds: found by words, in one order, and built again from nothing."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from gitflow_runner.errors import TransientError
from gitflow_runner.ledger.index import Document, SearchIndex


def names(index: SearchIndex, text: str, target: str = "runs", limit: int = 10) -> Sequence[str]:
    return [found.name for found in index.find(target, text, limit)]


@pytest.fixture
def index(tmp_path: Path) -> SearchIndex:
    made = SearchIndex(tmp_path / "local")
    made.replace("one", "t1", [Document("runs", "b", "release failed", "the disk was full", {"flow": "x"})])
    made.replace("two", "t2", [Document("runs", "a", "release", "notes of the release"),
                               Document("resources", "r", "", "Übergröße")])  # fmt: skip
    return made


def test_all_words_must_be_there_and_titles_count_more(index: SearchIndex) -> None:
    assert (names(index, "release"), names(index, "release disk"), names(index, "disk")) == (
        ["a", "b"],
        ["b"],
        ["b"],
    )
    assert names(index, "RELEASE Full") == ["b"]
    assert names(index, "ubergroße", "resources") == ["r"]
    assert (names(index, "gone"), names(index, " .,- "), names(index, "release", limit=1)) == ([], [], ["a"])
    (found,) = index.find("runs", "disk", 5)
    assert (found.title, found.snippet, found.facts) == ("release failed", "the disk was full", {"flow": "x"})


def test_equal_ones_come_by_name(tmp_path: Path) -> None:
    index = SearchIndex(tmp_path)
    for name in ("c", "a", "b"):
        index.replace(name, "t", [Document("runs", name, "same", "words")])
    assert names(index, "words") == ["a", "b", "c"]


@pytest.mark.parametrize(
    "text", ['"', "a OR b", "NEAR(a b)", "title:release", "rel*", "release NOT disk", "') --", "(("]
)
def test_nothing_in_the_words_is_syntax(index: SearchIndex, text: str) -> None:
    assert names(index, text) == []


def test_a_source_is_replaced_whole_and_what_two_hold_stays(index: SearchIndex) -> None:
    shared = Document("resources", "s", "", "shared")
    index.replace("one", "t3", [shared])
    index.replace("two", "t4", [shared])
    assert (names(index, "release"), names(index, "shared", "resources")) == ([], ["s"])
    index.forget(["one"])
    assert names(index, "shared", "resources") == ["s"]
    index.forget(["two"])
    assert (names(index, "shared", "resources"), index.tips()) == ([], {})


def test_the_file_is_the_owners_and_may_go_at_any_time(index: SearchIndex) -> None:
    assert stat.S_IMODE(index.path.stat().st_mode) == 0o600
    index.path.unlink()
    assert (index.tips(), names(index, "release")) == ({}, [])


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\0" + bytes(500)])
def test_a_damaged_file_is_thrown_away(index: SearchIndex, content: bytes) -> None:
    index.path.write_bytes(content)
    with pytest.raises(TransientError) as caught:
        index.tips()
    assert caught.value.code == "search.damaged"
    assert index.tips() == {}
