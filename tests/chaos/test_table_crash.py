"""A run that writes tables, killed at every single moment: each write is there once, and only whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.git.refs import table_ref
from gitflow_runner.ledger.chain import head_of
from gitflow_runner.ledger.tables import history, read_table
from gitflow_runner.model.table import Table
from gitflow_runner.runner.tables import check_table
from tests.memory_runs import Bomb, Moment, World, outline, quietly

FLOW = """{:slug :hello
 :name "Tables"
 :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(let [seen (flow/step :http :read {:url "https://api.test/read" :persist
                     {:type :table :table "seen" :rows-path [:body]}})
              again (flow/step :http :post {:url "https://api.test/post" :method :post :persist
                      {:type :table :table "seen" :rows-path [:body]}})
              marked (flow/step :table :mark {:op :update-cell :table seen :row-id 1
                                              :column "path" :value "/x"})]
          (:rows (flow/step :table :ask {:op :query :table seen :page {:limit 9}})))}
"""


def live(world: World, moment: Moment) -> bool:
    return world.process(world.start, moment)


def table(world: World) -> Table | None:
    tip = world.repository.resolve(table_ref("seen"))
    return None if tip is None else read_table(world.repository, head_of(world.repository, tip)[0])


@pytest.fixture(scope="module")
def born(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world in which nothing has run yet."""
    return World(tmp_path_factory.mktemp("worlds") / "born", FLOW)


def test_a_kill_at_any_moment_writes_each_row_once(born: World, tmp_path: Path) -> None:
    calm = born.again(tmp_path / "calm")
    counting = Bomb()
    assert live(calm, counting)
    expected = table(calm)
    assert expected is not None
    assert [dict(row.cells) for row in expected.rows] == [
        {"path": "/x"},
        {"path": "/post"},
    ]
    assert expected.revision == 3
    writes = [what for what in counting.moments if what.startswith("ref refs/runner/tables/")]
    assert len(writes) == 3
    for number, what in enumerate(counting.moments, start=1):
        world = born.again(tmp_path / str(number))
        where = f"killed at moment {number}, {what}"
        assert not live(world, Bomb(number)), where
        begun = world.is_begun()
        world.settle()
        if not begun:
            assert table(world) is None, where
            continue
        assert world.run().status == "succeeded", where
        assert table(world) == expected, where
        assert outline(world.history()) == outline(calm.history()), where
        tip = world.repository.resolve(table_ref("seen"))
        assert tip is not None
        assert [revision for _, revision in history(world.repository, tip)] == [3, 2, 1], where
        assert list(check_table(world.runtime(quietly), "seen", tip)) == [], where
