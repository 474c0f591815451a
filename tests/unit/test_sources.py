"""Where texts come from: what is read, what is listed, what is refused."""

import os
from pathlib import Path

import pytest

from gitflow_runner.catalog.sources import (
    MAX_FILE_BYTES,
    MemoryTexts,
    WorkTreeTexts,
    check_path,
    check_twins,
    folded,
)
from gitflow_runner.errors import GitflowError, RefusedError


def work_tree(tmp_path: Path, **files: str) -> Path:
    flows = tmp_path / ".breyta" / "flows"
    flows.mkdir(parents=True)
    for name, text in files.items():
        (flows / f"{name}.edn").write_text(text)
    return flows


def test_a_work_tree_shows_only_what_lies_below_the_flows_folder(tmp_path: Path) -> None:
    flows = work_tree(tmp_path, billing="{}")
    (flows / "lib").mkdir()
    (flows / "lib" / "sum.clj").write_text("(fn [x] x)")
    (tmp_path / "README.md").write_text("outside")
    texts = WorkTreeTexts(tmp_path)
    assert texts.names() == ("billing.edn", "lib/sum.clj")
    assert texts.read("lib/sum.clj") == b"(fn [x] x)"
    assert texts.read("lib/none.clj") is None
    assert texts.read("lib") is None


def test_a_work_tree_without_flows_is_empty(tmp_path: Path) -> None:
    texts = WorkTreeTexts(tmp_path)
    assert texts.names() == ()
    assert texts.read("billing.edn") is None


@pytest.mark.parametrize(
    "path", ["../secret", "/etc/passwd", "a//b", "a/./b", "", "a\\b", "a\nb", "a b", "a\u202eb"]
)
def test_a_path_that_could_mean_two_things_is_refused(path: str) -> None:
    with pytest.raises(RefusedError) as refused:
        check_path(path)
    assert refused.value.code == "closure.path"
    with pytest.raises(RefusedError):
        MemoryTexts({}).read(path)


def test_a_file_above_the_limit_is_refused_in_every_source(tmp_path: Path) -> None:
    flows = work_tree(tmp_path)
    (flows / "big.edn").write_bytes(b" " * (MAX_FILE_BYTES + 1))
    for texts in (WorkTreeTexts(tmp_path), MemoryTexts({"big.edn": b" " * (MAX_FILE_BYTES + 1)})):
        with pytest.raises(GitflowError) as refused:
            texts.read("big.edn")
        assert refused.value.code == "closure.size"
    (flows / "big.edn").write_bytes(b" " * MAX_FILE_BYTES)
    assert len(WorkTreeTexts(tmp_path).read("big.edn") or b"") == MAX_FILE_BYTES


def test_a_link_in_a_work_tree_is_listed_but_never_read(tmp_path: Path) -> None:
    flows = work_tree(tmp_path, billing="{}")
    (flows / "inside.edn").symlink_to("billing.edn")
    (flows / "outside.edn").symlink_to("/etc/hostname")
    (flows / "folder").symlink_to(tmp_path)
    texts = WorkTreeTexts(tmp_path)
    assert set(texts.names()) == {"billing.edn", "inside.edn", "outside.edn", "folder"}
    for path in ("inside.edn", "outside.edn", "folder/anything.edn"):
        with pytest.raises(RefusedError) as refused:
            texts.read(path)
        assert refused.value.code == "closure.mode"


def test_a_flows_folder_that_is_itself_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".breyta").mkdir()
    (tmp_path / ".breyta" / "flows").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError) as refused:
        WorkTreeTexts(tmp_path).names()
    assert refused.value.code == "closure.mode"


def test_a_pipe_in_the_place_of_a_file_does_not_hold_the_reader(tmp_path: Path) -> None:
    os.mkfifo(work_tree(tmp_path) / "stuck.edn")
    with pytest.raises(RefusedError) as refused:
        WorkTreeTexts(tmp_path).read("stuck.edn")
    assert refused.value.code == "closure.mode"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Deploy.edn", "deploy.edn"),
        ("caf\u00e9.edn", "cafe\u0301.edn"),
        ("lib/a.clj", "Lib/b.clj"),
        ("stra\u00dfe.edn", "STRASSE.edn"),
    ],
)
def test_names_that_one_file_system_would_take_for_one_are_twins(one: str, other: str) -> None:
    with pytest.raises(RefusedError) as refused:
        check_twins([one, other], [one])
    assert refused.value.code == "closure.twin"


def test_twins_far_from_the_closure_do_not_stop_it() -> None:
    check_twins(["billing.edn", "old/A.clj", "old/a.clj"], ["billing.edn"])


def test_folding_twice_changes_nothing() -> None:
    for name in ("Deploy", "\u0130stanbul", "\u1e9e", "caf\u00e9", "\u03a3\u03c2"):
        assert folded(folded(name)) == folded(name)
