"""The `:db` step: what it asks, what becomes of the answer, and how it counts as an effect."""

from __future__ import annotations

import pytest

from gitflow_runner.lang.template import parse
from gitflow_runner.steps.base import Context, Rows, Service
from gitflow_runner.steps.config import plain_config
from gitflow_runner.steps.db import SPEC, STEP
from gitflow_runner.steps.memory import MemoryConnections, RecordedDatabases
from tests.step_context import World, edn, failure, run, text

SHOP = Service("shop-db", "database", {"host": "db.example"}, {"password": "pw-canary"})
TWO = Rows(("id", "name"), ((1, "Ann"), (2, None)))


def context_with(answers: dict[str, Rows], **changes: object) -> tuple[Context, RecordedDatabases]:
    databases = RecordedDatabases(answers)
    connections = MemoryConnections(services={"shop": SHOP, "mail": Service("mail", "http-api", {})})
    given: dict[str, object] = {"databases": databases, "connections": connections}
    return World().context(**{**given, **changes}), databases


def asked(config: str, **changes: object) -> RecordedDatabases:
    context, databases = context_with({"SELECT 1": TWO}, **changes)
    run(STEP, config, context)
    return databases


BASE = ":database :postgres :connection :shop"


def test_rows_are_maps_found_by_keyword_and_by_text() -> None:
    context, databases = context_with({"SELECT 1": TWO})
    result = run(STEP, f'{{{BASE} :sql "SELECT 1" :params [1 "a" nil]}}', context)
    assert text(result) == '[{"id" 1, "name" "Ann"} {"id" 2, "name" nil}]'
    kind, target, query = databases.asked[0]
    assert (kind, target.name, target.settings, target.secrets) == (
        "postgres",
        "shop-db",
        SHOP.settings,
        SHOP.secrets,
    )
    assert (query.params, query.max_rows, query.writes) == ((1, "a", None), 5_000, False)


def test_the_older_name_of_the_statement_is_taken() -> None:
    assert asked(f'{{{BASE} :query "SELECT 1"}}').asked[0][2].sql == "SELECT 1"


def test_the_time_is_the_shorter_of_both_bounds() -> None:
    assert asked(f'{{{BASE} :sql "SELECT 1" :timeout 5}}').asked[0][2].deadline_ms == 5_000
    assert asked(f'{{{BASE} :sql "SELECT 1"}}').asked[0][2].deadline_ms == 60_000
    assert asked(f'{{{BASE} :sql "SELECT 1" :timeout "1h"}}').asked[0][2].deadline_ms == 900_000


@pytest.mark.parametrize("part", ["sql", "query"])
def test_a_template_gives_the_statement(part: str) -> None:
    templates = {"one": edn(f'{{:{part} "SELECT {{{{number}}}}"}}')}
    config = f"{{{BASE} :template :one :data {{:number 1}}}}"
    found = asked(config, templates=templates, render=lambda text, data: parse(text).render(data))
    assert found.asked[0][2].sql == "SELECT 1"


def test_a_statement_of_the_step_wins_over_the_templates() -> None:
    templates = {"one": edn('{:sql "SELECT 2"}')}
    assert (
        asked(f'{{{BASE} :template :one :sql "SELECT 1"}}', templates=templates).asked[0][2].sql == "SELECT 1"
    )


def test_a_write_says_how_many_rows_it_changed() -> None:
    context, databases = context_with({"DELETE": Rows((), (), changed=3)})
    assert text(run(STEP, f'{{{BASE} :sql "DELETE" :write true}}', context)) == "{:changed 3}"
    assert databases.asked[0][2].writes


@pytest.mark.parametrize(
    ("write", "effect"),
    [("", "read"), (":write false", "read"), (":write true", "unsafe"), (":write :repeatable", "keyed")],
)
def test_a_write_is_an_effect(write: str, effect: str) -> None:
    assert SPEC.effect_of(plain_config(edn(f'{{{BASE} :sql "x" {write}}}'))) == effect


def test_rows_beyond_the_bound_are_left_out_only_where_that_was_asked() -> None:
    context, _ = context_with({"SELECT 1": Rows(("id",), ((1,),), more=True)})
    assert text(run(STEP, f'{{{BASE} :sql "SELECT 1" :max-results 1}}', context)) == '[{"id" 1}]'
    assert failure(STEP, f'{{{BASE} :sql "SELECT 1"}}', context).code == "db.too_many_rows"


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ('{:connection :shop :sql "SELECT 1"}', "missing_config_key"),
        ('{:database :oracle :connection :shop :sql "SELECT 1"}', "config_choice"),
        ('{:database :postgres :sql "SELECT 1"}', "config_one_of"),
        (f"{{{BASE}}}", "config_one_of"),
        (f'{{{BASE} :sql "a" :query "b"}}', "config_one_of"),
        (f'{{{BASE} :sql "SELECT 1" :max-results 5001}}', "config_type"),
        (f'{{{BASE} :sql "SELECT 1" :write :twice}}', "config_choice"),
        (f'{{{BASE} :sql "SELECT 1" :params {{:a 1}}}}', "config_type"),
        (f"{{{BASE} :template :gone}}", "template.unknown"),
        ('{:database :postgres :connection :gone :sql "SELECT 1"}', "connection.unbound"),
        ('{:database :postgres :connection :mail :sql "SELECT 1"}', "connection.type"),
    ],
)
def test_a_wrong_step_is_told(config: str, code: str) -> None:
    context, databases = context_with({"SELECT 1": TWO})
    assert failure(STEP, config, context).code == code
    assert databases.asked == []


def test_without_databases_or_connections_it_says_so() -> None:
    config = f'{{{BASE} :sql "SELECT 1"}}'
    assert failure(STEP, config, context_with({}, databases=None)[0]).code == "db.unsupported"
    assert failure(STEP, config, context_with({}, connections=None)[0]).code == "connection.unbound"


def test_a_cancelled_step_asks_nothing() -> None:
    world = World()
    world.cancel.ask()
    context, databases = context_with({"DELETE": Rows((), (), changed=1)}, cancel=world.cancel)
    assert failure(STEP, f'{{{BASE} :sql "DELETE" :write true}}', context).code == "step.cancelled"
    assert databases.asked == []
