"""Whatever may happen to a run, its record tells the same story when it is read back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from gitflow_runner.errors import UsageError
from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.objects import Oid, RawObject
from gitflow_runner.ledger import codec
from gitflow_runner.ledger.chain import read_history
from gitflow_runner.ledger.fsck import verify_run
from gitflow_runner.ledger.journal import Journal, Turn
from gitflow_runner.ledger.message import clean
from gitflow_runner.ledger.tree import Tree, check_path, entry_oid, split_tree
from gitflow_runner.model.event import Event, Recorded
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.projection import fold
from gitflow_runner.model.stored import Stored
from tests.run_histories import COMMITTER, REF, histories

folders = st.from_regex(r"[0-9]{5}-[a-z0-9-]{1,40}", fullmatch=True)
st.register_type_strategy(Stored, st.text(st.characters(exclude_categories=["Cs"])).map(Stored))


@st.composite
def any_event(draw: st.DrawFn) -> Event:
    """Any event at all, its fields by their types alone; only its folder has a form."""
    cls: Any = draw(st.sampled_from(get_args(Event)))
    fixed = {"folder": folders} if "folder" in cls.__slots__ else {}
    found: Event = draw(st.builds(cls, **fixed))
    return found


@given(st.integers(1), st.integers(), any_event())
def test_any_event_comes_back_as_it_was(seq: int, at: int, event: Event) -> None:
    files: dict[str, bytes] = {}
    places = codec.Places()

    def place(value: Stored, path: str) -> str:
        where = places.of(seq, value, path)
        files[where] = value.text.encode()
        return where

    line = codec.encode_event(Recorded(seq, at, event), place)
    back = codec.decode_event(line, lambda path, digest: files[path])
    assert back == Recorded(seq, at, event)
    assert codec.encode_event(back, lambda value, path: codec.Places().of(seq, value, path)) == line
    failure = getattr(event, "failure", None)
    if isinstance(failure, Failure) and failure.data is not None:
        assert back.event.failure.data.text == failure.data.text  # type: ignore[union-attr]


@settings(deadline=None, max_examples=60)
@given(histories())
def test_a_recorded_run_folds_to_its_state_and_verifies(turns: tuple[Turn, ...]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repository = MemoryRepository(Path(folder))
        journal = Journal.create(repository, REF, COMMITTER, turns[0])
        for turn in turns[1:]:
            journal.append(turn)
        again = Journal.open(repository, REF, COMMITTER)
        history = again.history()
        assert history == journal.history()
        assert fold(history) == again.run == journal.run
        assert [r.seq for r in history] == list(range(1, len(history) + 1))
        assert verify_run(repository, REF, lambda oid, raw: None) == ()


@settings(deadline=None, max_examples=40)
@given(histories(), st.randoms(use_true_random=False))
def test_how_events_are_cut_into_turns_changes_nothing(turns: tuple[Turn, ...], chance: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repository = MemoryRepository(Path(folder))
        journal = Journal.create(repository, REF, COMMITTER, turns[0])
        for turn in turns[1:]:
            if "wait/payload.edn" in turn.files:
                if journal.noted:
                    journal.append(Turn((), turn.at))
                journal.append(turn)
                continue
            for event in turn.events:
                resolves = [r for r in journal.noted if r.event.kind == "wait.resolved"]
                if journal.noted and (resolves or chance.random() < 0.3):
                    journal.append(Turn((), turn.at))
                journal.note([event], turn.at)
        if journal.noted:
            journal.append(Turn((), journal.ahead.at))
        found = [r.event for r in read_history(repository, journal.tip)]
        assert found == [event for turn in turns for event in turn.events]


changes_of_paths = st.lists(
    st.tuples(
        st.booleans(),
        st.lists(st.sampled_from(["a", "b", "a.b", "a0"]), min_size=1, max_size=3).map("/".join),
    )
)


@given(changes_of_paths)
def test_a_tree_changed_path_by_path_is_the_tree_of_its_files(changes: list[tuple[bool, str]]) -> None:
    written: dict[Oid, RawObject] = {}
    tree = Tree(lambda oid: written[oid].data, None)
    files: dict[str, Oid] = {}
    for number, (adds, path) in enumerate(changes):
        if adds:
            oid = RawObject("blob", b"%d" % number).oid
            tree.put(path, oid)
            files = {p: o for p, o in files.items() if not _clash(p, path)} | {path: oid}
        else:
            tree.remove(path)
            files = {p: o for p, o in files.items() if p != path and not p.startswith(path + "/")}
        if number % 3 == 0:
            root = tree.write(written)
            tree = Tree(lambda oid: written[oid].data, root)
    root = tree.write(written)
    assert dict(_files(written, root, "")) == files
    fresh = Tree(lambda oid: written[oid].data, None)
    for path, oid in files.items():
        fresh.put(path, oid)
    assert fresh.write({}) == root


def _clash(one: str, other: str) -> bool:
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def _files(objects: dict[Oid, RawObject], tree: Oid, prefix: str) -> list[tuple[str, Oid]]:
    found = []
    for key, entry in split_tree(objects[tree].data).items():
        if key.endswith(b"/"):
            found += _files(objects, entry_oid(entry), prefix + key.decode())
        else:
            found.append((prefix + key.decode(), entry_oid(entry)))
    return found


@given(st.text(), st.integers(4, 300))
def test_a_cleaned_value_is_one_short_printable_line(text: str, limit: int) -> None:
    found = clean(text, limit)
    assert found.isprintable()
    assert 1 <= len(found.encode()) <= limit
    assert found == found.strip()


@given(st.text(st.sampled_from("a./\\:\x00 ~gitGIT"), max_size=12))
def test_a_checked_path_has_no_part_that_git_would_not_take(path: str) -> None:
    try:
        check_path(path)
    except UsageError:
        return
    assert not any(part in ("", ".", "..") or part.lower().startswith(".git") for part in path.split("/"))
