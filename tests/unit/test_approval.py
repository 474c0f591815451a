"""One approval commit against its wait: message, parent, tree and edited text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from gitflow_runner.git.objects import (
    BLOB_MODE,
    EXEC_MODE,
    LINK_MODE,
    TREE_MODE,
    Commit,
    Oid,
    RawObject,
    TreeEntry,
    blob,
    decode_commit,
    encode_tree,
)
from gitflow_runner.trust.approval import MAX_EDIT_BYTES, edited_digest
from gitflow_runner.trust.quorum import judge
from gitflow_runner.trust.reasons import Refusal
from tests.approval_case import FILES, PAYLOAD, POLICY, RUN, WAIT, Case
from tests.policies import ANN, BOB, CAT, DEV
from tests.signed_objects import EMPTY_TREE, NOW, ident


def message_with(old: str, new: str) -> Callable[[Commit], Commit]:
    def change(commit: Commit) -> Commit:
        assert commit.message.count(old) == 1
        return replace(commit, message=commit.message.replace(old, new))

    return change


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (f"Run: {RUN}", "Run: 20260921-131402-other1", "run"),
        (f"Wait: {WAIT}", "Wait: 00005-publish", "wait"),
        (PAYLOAD, "sha256:" + "cd" * 32, "payload"),
        ("Decision: approve", "Decision: retry", "trailers"),
        ("Decision: approve", "Decision: approve\nGitflow-Decision: reject", "trailers"),
        ("Statement: approval", "Statement: start", "trailers"),
        ("Gitflow-Decision", "gitflow-decision", "trailers"),
        ("Decision: approve", f"Decision: approve\nGitflow-Edited: {PAYLOAD}", "edited_digest"),
    ],
)
def test_an_approval_that_says_something_else_is_refused(old: str, new: str, reason: str) -> None:
    assert Case().send_changed(DEV, message_with(old, new)).reasons() == [reason]


@pytest.mark.parametrize("kind", ["none", "other", "two", "tip"])
def test_the_only_parent_is_the_wait_commit(kind: str) -> None:
    case = Case()
    other = case.objects.add(Commit(EMPTY_TREE, (case.wait.commit,), ident(), ident(), "later\n").encode())
    parents = {
        "none": (),
        "other": (other,),
        "two": (case.wait.commit, other),
        "tip": (other, case.wait.commit),
    }
    assert case.send_changed(DEV, lambda commit: replace(commit, parents=parents[kind])).reasons() == [
        "parent"
    ]


def with_tree(case: Case, files: Mapping[str, bytes]) -> Callable[[Commit], Commit]:
    return lambda commit: replace(commit, tree=case.objects.folder(dict(files)))


@pytest.mark.parametrize(
    "files",
    [
        {**FILES, "run.json": b"{1}"},
        {**FILES, "more": b""},
        {**FILES, "wait/payload.edn": b"{}\n"},
        {**FILES, "edit/new.md": b""},
        {path: data for path, data in FILES.items() if path != "edit/text.md"},
        {path: data for path, data in FILES.items() if not path.startswith("edit/")},
        {path: data for path, data in FILES.items() if not path.startswith("edit/")} | {"edit": b"file"},
    ],
    ids=["outside", "added", "payload", "new edit", "edit gone", "folder gone", "folder to file"],
)
def test_a_tree_that_differs_elsewhere_is_refused(files: Mapping[str, bytes]) -> None:
    case = Case("edit-x")
    assert case.send_changed(ANN, with_tree(case, files)).reasons() == ["tree"]


@pytest.mark.parametrize("mode", [EXEC_MODE, LINK_MODE, 0o160000])
def test_an_edit_that_changes_a_files_mode_is_refused(mode: int) -> None:
    case = Case("edit-x")
    root = {entry.name: entry for entry in case.objects.tree(case.wait.tree)}
    inner = {entry.name: entry for entry in case.objects.tree(root["edit"].oid)}
    inner["text.md"] = replace(inner["text.md"], mode=mode)
    folder = case.objects.add(encode_tree(inner.values()))
    root["edit"] = TreeEntry("edit", root["edit"].mode, folder)
    tree = case.objects.add(encode_tree(root.values()))
    assert case.send_changed(ANN, lambda commit: replace(commit, tree=tree)).reasons() == ["tree"]


def test_an_empty_folder_beside_an_edit_is_refused() -> None:
    case = Case("edit-x")
    root = {entry.name: entry for entry in case.objects.tree(case.objects.folder({**FILES, **EDIT}))}
    inner = (*case.objects.tree(root["edit"].oid), TreeEntry("more", TREE_MODE, EMPTY_TREE))
    case.objects.folder({})
    root["edit"] = replace(root["edit"], oid=case.objects.add(encode_tree(inner)))
    tree = case.objects.add(encode_tree(root.values()))
    assert case.send_changed(ANN, lambda commit: replace(commit, tree=tree)).reasons() == ["tree"]


def with_root(case: Case, **changes: TreeEntry | None) -> Callable[[Commit], Commit]:
    """The wait's tree with these entries in place of its own."""
    root = {entry.name: entry for entry in case.objects.tree(case.wait.tree)} | changes
    tree = case.objects.add(encode_tree([entry for entry in root.values() if entry is not None]))
    return lambda commit: replace(commit, tree=tree, message=_edited(commit.message, case, tree))


def _edited(message: str, case: Case, tree: Oid) -> str:
    """The message with the digest of the edited text, so that nothing but the tree is at fault."""
    try:
        return message.rstrip("\n") + f"\nGitflow-Edited: {edited_digest(tree, case.objects)}\n"
    except Refusal:
        return message


def edited_folder(case: Case, **modes: int) -> TreeEntry:
    """The `edit` folder with another text, and these modes."""
    root = case.objects.tree(case.objects.folder({**FILES, **EDIT}))
    folder = next(entry for entry in root if entry.name == "edit")
    inner = [replace(e, mode=modes.get(e.name[:4], e.mode)) for e in case.objects.tree(folder.oid)]
    return replace(folder, oid=case.objects.add(encode_tree(inner)))


def refusal(case: Case, change: Callable[[Commit], Commit]) -> str:
    """What is wrong with this one approval, in words; its code is `tree`."""
    (result,) = case.send_changed(ANN, change).judge().results
    assert (result.counted, result.reason) == (False, "tree")
    return result.detail


def test_an_edit_does_not_carry_another_change_in() -> None:
    case = Case("edit-x")
    other = TreeEntry("run.json", BLOB_MODE, case.objects.add(blob(b"{1}")))
    assert "'run.json', which is not under edit/" in refusal(
        case, with_root(case, edit=edited_folder(case), **{"run.json": other})
    )
    case = Case("edit-x")
    assert "changes the mode" in refusal(case, with_root(case, edit=edited_folder(case, text=EXEC_MODE)))


def test_an_edit_is_bounded_in_size_and_depth() -> None:
    case = Case("edit-x")
    large = case.objects.folder({"text.md": b"x" * (MAX_EDIT_BYTES + 1), "form.edn": b"{}\n"})
    assert "is larger than" in refusal(case, with_root(case, edit=TreeEntry("edit", TREE_MODE, large)))
    case = Case("edit-x")
    deep = case.objects.folder({"/".join(["a"] * 18): b"x"})
    assert "nested too deep" in refusal(case, with_root(case, edit=TreeEntry("edit", TREE_MODE, deep)))


def test_a_tree_that_can_be_read_in_two_ways_is_refused() -> None:
    case = Case("edit-x")
    root = case.objects.read(case.wait.tree).data
    assert root.startswith(b"40000 edit\0")
    padded = case.objects.add(RawObject("tree", b"0" + root))
    assert "written in another way" in refusal(case, lambda commit: replace(commit, tree=padded))
    case = Case("edit-x")
    entry = b"100644 run.json\0" + bytes.fromhex(case.objects.add(blob(b"{1}")))
    twice = case.objects.add(RawObject("tree", root + entry))
    assert "holds a name twice" in refusal(case, lambda commit: replace(commit, tree=twice))


def test_an_object_of_another_kind_is_no_tree() -> None:
    case = Case("edit-x")
    text = case.objects.add(blob(b"hello, you\n"))
    assert "is a blob, not a tree" in refusal(case, lambda commit: replace(commit, tree=text))
    case = Case("edit-x")
    file = TreeEntry("edit", BLOB_MODE, case.objects.folder({"text.md": b"x", "form.edn": b"{}\n"}))
    assert "edit is not a folder" in refusal(case, with_root(case, edit=file))


def test_a_tree_that_is_not_here_is_refused() -> None:
    case = Case()
    gone = Oid("34" * 20)
    assert case.send_changed(DEV, lambda commit: replace(commit, tree=gone)).reasons() == ["tree"]


EDIT = {"edit/text.md": b"hello, you\n"}


def test_an_edit_where_the_rule_forbids_it_is_refused() -> None:
    assert Case("hello").send(DEV, edits=EDIT).reasons() == ["tree"]


def test_an_edit_without_its_digest_or_with_another_is_refused() -> None:
    case = Case("edit-x")
    case.send_changed(ANN, with_tree(case, {**FILES, **EDIT}))
    assert case.reasons() == ["edited_digest"]


def test_the_editor_does_not_count_for_the_own_text_but_others_do() -> None:
    case = Case("edit-x").send(ANN, edits=EDIT)
    assert case.reasons() == ["self_approval"]
    assert case.judge().results[0].proposes
    found = case.send(BOB, edits=EDIT, seen=NOW + 1).judge()
    assert (found.state, found.by) == ("approved", ("bob",))
    tree = decode_commit(case.objects.read(case.sent[0].oid).data).tree
    assert found.edited == edited_digest(tree, case.objects)


def test_an_editor_counts_where_rule_and_wait_say_so() -> None:
    found = Case("solo-x").terms(human=False, editor_counts=True).send(DEV, edits=EDIT).judge()
    assert (found.state, found.by) == ("approved", ("dev",))
    assert Case("solo-x").terms(human=False).send(DEV, edits=EDIT).reasons() == ["self_approval"]


def test_filling_in_the_form_is_an_answer_and_needs_no_leave_to_edit() -> None:
    found = Case("hello").terms(edit=False).send(DEV, edits={"edit/form.edn": b"{:size 3}\n"}).judge()
    assert (found.state, found.by) == ("approved", ("dev",))
    assert found.edited is not None


def test_a_quorum_is_people_who_agree_on_the_same_text() -> None:
    case = Case("deploy-site")
    case.send(ANN, edits={"edit/form.edn": b"{:size 3}\n"}).send(BOB, edits={"edit/form.edn": b"{:size 4}\n"})
    assert (case.judge().state, case.judge().have) == ("open", 1)
    assert case.send(CAT, edits={"edit/form.edn": b"{:size 4}\n"}).judge().by == ("bob", "cat")


def test_edited_files_pass_the_callers_check() -> None:
    case = Case("edit-x").send(ANN, edits=EDIT).send(BOB, edits=EDIT)
    found = judge(
        case.wait,
        case.sent,
        reader=case.objects,
        pinned=POLICY,
        newest=POLICY,
        now=NOW,
        check_edit=lambda files: "too cheerful" if b"you" in files["edit/text.md"] else None,
    )
    assert [result.reason for result in found.results] == ["tree", "tree"]
    assert "too cheerful" in found.results[0].detail


def test_an_unknown_action_is_never_built() -> None:
    with pytest.raises(Exception, match="knows no decision") as problem:
        Case().send(DEV, "explode")
    assert problem.value.code == "approval.trailers"  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["run.json", "edit/none.md", "edit", "edit/text.md/x", "../x"])
def test_an_edit_of_anything_but_an_existing_file_is_never_built(path: str) -> None:
    with pytest.raises(Exception, match="is not a file under edit/") as problem:
        Case("edit-x").send(ANN, edits={path: b""})
    assert problem.value.code == "approval.tree"  # type: ignore[attr-defined]
