"""A table in memory and the `:table` step over it: every call is a step of its own."""

from __future__ import annotations

from typing import Any

from gitflow_runner.errors import StepError
from gitflow_runner.lang.values import Value
from gitflow_runner.model.table import Table
from gitflow_runner.schemas.jsontext import to_plain
from gitflow_runner.steps.config import parse_config
from gitflow_runner.steps.persist import persist
from gitflow_runner.steps.table import SPEC, STEP
from tests.step_context import World, edn, failure

ORDERS = '[{:id "o1" :total 5 :tags ["a"]} {:id "o2" :total 7.5 :paid true} {:id "o3" :tags nil}]'
UPSERT = '{:type :table :table "kept" :write-mode :upsert :key-fields [:id]}'


class Tables:
    """One world with a table `kept` in it."""

    def __init__(self, rows: str = ORDERS, settings: str = UPSERT) -> None:
        self.world = World()
        self.steps = 0
        self.handle = self.keep(rows, settings)

    def keep(self, rows: str, settings: str = UPSERT, **context: object) -> Value:
        self.steps += 1
        made = self.world.context(**{"key": f"key{self.steps}"} | context)
        return persist(edn(rows), {"persist": edn(settings)}, made)

    def ask(self, config: str, **context: object) -> Any:
        """The result as plain data."""
        self.steps += 1
        made = self.world.context(**{"key": f"key{self.steps}"} | context)
        config = '{:table "res://table/kept" ' + config.strip()[1:]
        return to_plain(STEP.run(parse_config(SPEC, edn(config)), made))

    def error(self, config: str, **context: object) -> StepError:
        config = '{:table "res://table/kept" ' + config.strip()[1:]
        return failure(STEP, config, self.world.context(**{"key": "failing"} | context))

    @property
    def table(self) -> Table:
        found = self.world.tables.read("kept")
        assert found is not None
        return found
