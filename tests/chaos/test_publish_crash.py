"""A run that publishes, killed at every single moment: one commit, always the same, on one branch."""

from __future__ import annotations

from pathlib import Path

from gitflow_runner.git.refs import branch_ref
from gitflow_runner.git.repository import Repository
from tests.memory_runs import Bomb, World, quietly

FLOW = """{:slug :hello
 :name "Publish"
 :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(let [begun (flow/step :files :begin {:op :init-changeset})
              one (flow/step :files :one {:op :write-file :changeset begun :path "docs/one.md" :content "1"})
              two (flow/step :files :two {:op :delete-file :changeset one :path ".breyta/config.yaml"})
              done (flow/step :files :publish {:op :publish :changeset two
                                                      :branch "docs/one" :message "One"})]
          {:commit (:commit done) :branch (:branch done)})}
"""
BRANCH = branch_ref("docs/one")


def published(repository: Repository) -> str | None:
    return repository.resolve(BRANCH)


def test_a_publication_cut_at_any_moment_comes_to_the_same_commit(tmp_path: Path) -> None:
    born = World(tmp_path / "born", FLOW)
    counted, counting = born.again(tmp_path / "counted"), Bomb()
    assert counted.process(counted.start, counting)
    assert counted.run().status == "succeeded"
    # From the turn that announces the effect; what comes before `test_run_crash.py` cuts everywhere.
    begins = counting.moments.index(f"ref {BRANCH}") - 15
    assert begins > 0
    for number, what in enumerate(counting.moments[begins:], start=begins + 1):
        world, where = born.again(tmp_path / str(number)), f"killed at moment {number}, {what}"
        assert not world.process(world.start, Bomb(number)), where
        before = published(world.repository)
        world.now += 60_000
        world.settle()
        after = published(world.repository)
        assert (world.run().status, before in (None, after)) == ("succeeded", True), where
        assert after is not None, where
        commit = world.repository.commit(after)
        assert commit.parents == (world.repository.resolve(branch_ref("main")),), where
        assert world.repository.entry(commit.tree, "docs/one.md") is not None, where
        started = next(r for r in world.history() if getattr(r.event, "effect", "") == "keyed")
        assert commit.committer.time == started.at // 1_000, where


def test_what_was_changed_lies_in_the_run_itself(tmp_path: Path) -> None:
    world = World(tmp_path / "world", FLOW)
    assert world.process(world.start, quietly)
    tip, branch = world.at().tip, published(world.repository)
    assert branch is not None
    written = world.repository.entry(world.repository.commit(branch).tree, "docs/one.md")
    folder = world.repository.entry(world.repository.commit(tip).tree, "res")
    assert written is not None
    assert folder is not None
    assert written.oid in {entry.oid for entry in world.repository.tree(folder.oid)}
