"""Releases by number, and the flow of one held to its digest."""

from pathlib import Path

import pytest

from gitflow_runner.catalog.closure import requires_digest
from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.releases import list_versions, next_number, released_flow
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.errors import RefusedError
from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.objects import BLOB_MODE, TREE_MODE, Commit, Ident, Oid, TreeEntry, blob, encode_tree
from gitflow_runner.git.repository import RefUpdate

FLOW = "{:slug :pay :concurrency {:type :singleton :on-new-version :drain} :flow '(flow/input)}"
WHO = Ident("Ann", "ann@example.test", 1_700_000_000)


def committed(repository: MemoryRepository) -> Oid:
    file = blob(FLOW.encode())
    flows = encode_tree([TreeEntry("pay.edn", BLOB_MODE, file.oid)])
    breyta = encode_tree([TreeEntry("flows", TREE_MODE, flows.oid)])
    root = encode_tree([TreeEntry(".breyta", TREE_MODE, breyta.oid)])
    commit = Commit(root.oid, (), WHO, WHO, "flows\n").encode()
    repository.write([file, flows, breyta, root, commit])
    return commit.oid


def test_versions_are_ordered_by_number_and_never_reused(tmp_path: Path) -> None:
    repository = MemoryRepository(tmp_path)
    commit = committed(repository)
    assert next_number(repository, "pay") == 1
    names = ("flow/pay/v2", "flow/pay/v10", "flow/pay/vx", "flow/pay2/v99")
    repository.swap([RefUpdate(f"refs/tags/{name}", None, commit) for name in names])
    assert [version.number for version in list_versions(repository, "pay")] == [2, 10]
    assert list_versions(repository, "pay")[0].ref("pay") == "refs/tags/flow/pay/v2"
    assert next_number(repository, "pay") == 11
    assert next_number(repository, "pay", seen=40) == 41


def test_a_release_is_held_to_the_digest_that_was_signed(tmp_path: Path) -> None:
    repository = MemoryRepository(tmp_path)
    commit = committed(repository)
    digest = load(MemoryTexts({"pay.edn": FLOW}), "pay").digest
    assert released_flow(repository, commit, "pay", f"sha256:{digest}").files[0].path == "pay.edn"
    with pytest.raises(RefusedError) as refused:
        released_flow(repository, commit, "pay", "sha256:" + "0" * 64)
    assert refused.value.code == "release.digest"


def test_the_digest_of_requirements_ignores_the_order_of_keys() -> None:
    def digest(requires: str) -> str:
        text = FLOW.replace(":flow", f":requires {requires} :flow")
        return requires_digest(load(MemoryTexts({"pay.edn": text}), "pay"))

    one = digest("[{:slot :api :type :http-api}]")
    assert one == digest("[{:type :http-api\n :slot :api}]")
    assert one != digest("[{:slot :api :type :ssh}]")
    assert digest("nil") == digest("[]")
