"""The `:table` step and `:persist {:type :table}`: what they give and refuse, and how often they write."""

from __future__ import annotations

from typing import Any

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map
from gitflow_runner.model.table import Table
from gitflow_runner.schemas.jsontext import to_plain
from gitflow_runner.steps.config import parse_config
from gitflow_runner.steps.table import SPEC, STEP
from gitflow_runner.tables import cells, change
from tests.kept_tables import UPSERT, Tables
from tests.step_context import World, at, edn, failure, text


def ids(result: Any) -> list[Any]:
    return [row["id"] for row in result["rows"]]


def test_persisted_rows_become_a_handle_with_counts_and_a_preview() -> None:
    handle = Tables().handle
    assert to_plain(handle) == {
        "type": "resource-ref",
        "uri": "res://table/kept",
        "ref": "res://table/kept",
        "resource-uri": "res://table/kept",
        "table": "kept",
        "revision": 1,
        "created?": True,
        "rows-created": 3,
        "rows-updated": 0,
        "row-count": 3,
        "columns": ["id", "total", "tags", "paid"],
        "preview": [
            {"row-id": 1, "id": "o1", "total": 5, "tags": ["a"], "paid": None},
            {"row-id": 2, "id": "o2", "total": 7.5, "tags": None, "paid": True},
            {"row-id": 3, "id": "o3", "total": None, "tags": None, "paid": None},
        ],
    }
    assert text(at(handle, "type")) == ":resource-ref"


def test_the_preview_is_short_however_long_the_rows_are() -> None:
    long = " ".join(f'{{:id {n} :text "{"x" * 1_500}"}}' for n in range(9))
    handle = to_plain(Tables(f"[{long}]").handle)
    assert isinstance(handle, dict)
    assert [row["id"] for row in handle["preview"]] == [0, 1]
    assert handle["row-count"] == 9


def test_rows_are_found_at_a_path_by_either_spelling() -> None:
    tables = Tables()
    for path, result in (
        ("[:body :items]", '{:body {"items" [{:id "p1"}]}}'),
        ('["body" "items"]', '{:body {:items [{"id" "p2"}]}}'),
        (":row", '{:row {:id "p3"}}'),
    ):
        settings = UPSERT[:-1] + f" :rows-path {path}}}"
        assert at(tables.keep(result, settings), "rows-created") == 1
    assert [row.cells["id"] for row in tables.table.rows[3:]] == ["p1", "p2", "p3"]


@pytest.mark.parametrize(
    ("result", "settings", "code"),
    [
        ("[1 2]", UPSERT, "persist.rows"),
        ('"text"', UPSERT, "persist.rows"),
        ("{:items 3}", UPSERT[:-1] + " :rows-path [:items]}", "persist.rows"),
        ("[{:total 1}]", UPSERT, "table.key"),
        ("[{:id nil}]", UPSERT, "table.key"),
        ('[{:id "o1"}]', '{:type :table :table "kept"}', "table.duplicate_key"),
        ('[{:id "o9"}]', '{:type :table :table "kept" :key-fields [:total]}', "table.key"),
        ('[{:id "o9"}]', '{:type :table :table "new" :write-mode :upsert}', "table.key"),
        ('[{:id "o9"}]', UPSERT[:-1] + ' :partitions {:key "2026"}}', "table.partition"),
        ('[{:id "o9" :row-id 4}]', UPSERT, "table.column"),
        ('[{:id "o9" "a\\nb" 4}]', UPSERT, "table.column"),
        ('[{:id "o9" :n 9223372036854775808}]', UPSERT, "table.cell"),
        ('[{:id "o9" :n ##Inf}]', UPSERT, "json.unwritable"),
        ("[]", '{:type :table :table "Kept"}', "table.name"),
        ("[]", '{:type :table :table "../kept"}', "table.name"),
        ("[]", "{:type :table}", "missing_config_key"),
        ("[]", '{:type :table :table "kept" :write-mode :replace}', "config_choice"),
        ("[]", '{:type :table :table "kept" :columns [:id]}', "unknown_config_key"),
        ("[]", UPSERT[:-1] + ' :partitions {:keys ["a" "b"]}}', "config_type"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_changes_nothing(result: str, settings: str, code: str) -> None:
    tables = Tables()
    before = tables.table
    with pytest.raises(StepError) as caught:
        tables.keep(result, settings)
    assert (caught.value.code, caught.value.definite) == (code, True)
    assert tables.table is before
    assert tables.world.tables.read("new") is None


def test_a_cell_and_a_table_have_bounds() -> None:
    tables = Tables()
    with pytest.raises(StepError) as caught:
        tables.keep(f'[{{:id "big" :text "{"x" * (cells.MAX_CELL + 1)}"}}]')
    assert caught.value.code == "table.cell"
    wide = " ".join(f":c{n} 1" for n in range(cells.MAX_COLUMNS))
    with pytest.raises(StepError) as caught:
        tables.keep(f'[{{:id "wide" {wide}}}]')
    assert caught.value.code == "table.too_large"
    many = [{"n": n} for n in range(cells.MAX_ROWS + 1)]
    with pytest.raises(StepError) as caught:
        change.write_rows(Table("many"), many, change.Writing(), lambda: None)
    assert caught.value.code == "table.too_large"


def test_a_step_that_is_tried_again_writes_once_and_hears_the_same() -> None:
    tables = Tables()
    config = '{:op :update-cell :key {:id "o1"} :column :total :value 6}'
    first = tables.ask(config, key="again")
    tables.ask('{:op :update-cell :key {:id "o1"} :column :total :value 7}')
    assert tables.ask(config, key="again") == first
    assert tables.table.rows[0].cells["total"] == 7
    appended = '{:type :table :table "log"}'
    handle = tables.keep("[{:n 1}]", appended, key="twice")
    assert text(tables.keep("[{:n 2}]", appended, key="twice")) == text(handle)
    log = tables.world.tables.read("log")
    assert log is not None
    assert [dict(row.cells) for row in log.rows] == [{"n": 1}]


def test_an_upsert_lays_cells_over_the_row_and_nil_takes_one_away() -> None:
    tables = Tables()
    handle = to_plain(tables.keep('[{:id "o1" :total nil :paid false} {:id "o4"} {:id "o4" :paid true}]'))
    assert isinstance(handle, dict)
    assert (handle["rows-created"], handle["rows-updated"], handle["created?"]) == (1, 1, False)
    assert dict(tables.table.rows[0].cells) == {"id": "o1", "tags": ["a"], "paid": False}
    assert dict(tables.table.rows[3].cells) == {"id": "o4", "paid": True}


def test_a_question_gives_a_page_and_where_the_next_begins() -> None:
    tables = Tables()
    found = tables.ask("{:op :query :select [:id :row-id] :sort [[:total :desc]] :page {:limit 2}}")
    assert found == {
        "rows": [{"id": "o2", "row-id": 2}, {"id": "o1", "row-id": 1}],
        "count": 2,
        "page": {
            "mode": "offset",
            "limit": 2,
            "has-more": True,
            "offset": 0,
            "next-offset": 2,
            "total-count": 3,
        },
    }
    assert ids(tables.ask("{:op :query :sort [[:total :desc]] :page {:limit 2 :offset 2}}")) == ["o3"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ('[:id := "o1"]', ["o1"]),
        ("[:total :> 5]", ["o2"]),
        ("[[:total :>= 5] [:total :< 7]]", ["o1"]),
        ("[:total :!= 5]", ["o2", "o3"]),
        ("[:total := nil]", ["o3"]),
        ('[:or [:id := "o3"] [:paid := true]]', ["o2", "o3"]),
        ("[:not [:paid := true]]", ["o1", "o3"]),
        ('[:id :in ["o1" "o3" 7]]', ["o1", "o3"]),
        ('[:tags :contains "a"]', ["o1"]),
        ('[:id :contains "3"]', ["o3"]),
        ('[:tags :contains-any ["b" "a"]]', ["o1"]),
        ('[:tags := ["a"]]', ["o1"]),
        ("[:row-id :> 2]", ["o3"]),
        ("[:paid := 1]", []),
        ("[]", ["o1", "o2", "o3"]),
    ],
)
def test_a_condition_chooses_rows(where: str, expected: list[str]) -> None:
    assert ids(Tables().ask(f"{{:op :query :where {where} :page {{:limit 9}}}}")) == expected


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ("{:op :query}", "missing_config_key"),
        ("{:op :drop}", "config_choice"),
        ("{:op :query :page {}}", "missing_config_key"),
        ("{:op :query :page {:limit 1001}}", "config_type"),
        ("{:op :query :page {:limit 1 :offset -1}}", "config_type"),
        ("{:op :query :page {:mode :cursor :limit 1}}", "missing_config_key"),
        ("{:op :query :page {:mode :cursor :limit 1 :offset 1} :sort [:id]}", "config_one_of"),
        ('{:op :query :page {:limit 1 :cursor "eHg="} :sort [:id]}', "table.cursor"),
        ("{:op :query :page {:limit 1 :size 2}}", "unknown_config_key"),
        ("{:op :query :page {:limit 1} :select [:totl]}", "table.column"),
        ("{:op :query :page {:limit 1} :sort [[:id :down]]}", "config_type"),
        ("{:op :query :page {:limit 1} :where [:totl := 1]}", "table.column"),
        ("{:op :query :page {:limit 1} :where [:total :like 1]}", "table.where"),
        ("{:op :query :page {:limit 1} :where [:total :> true]}", "table.where"),
        ("{:op :query :page {:limit 1} :where [:total :in 1]}", "table.where"),
        ("{:op :query :page {:limit 1} :where [:not [:id := 1] [:id := 2]]}", "table.where"),
        (f"{{:op :query :page {{:limit 1}} :where {'[:not ' * 12}[:id := 1]{']' * 12}}}", "table.where"),
        (f"{{:op :query :page {{:limit 1}} :where [{'[:id := 1] ' * 101}]}}", "table.where"),
        ("{:op :get-row}", "config_one_of"),
        ("{:op :get-row :row-id 1 :key {:id 1}}", "config_one_of"),
        ("{:op :get-row :key {}}", "missing_config_key"),
        ("{:op :get-row :key {:idd 1}}", "table.column"),
        ("{:op :aggregate :metrics [{:op :median :field :total}]}", "config_choice"),
        ("{:op :aggregate :metrics [{:op :sum}]}", "missing_config_key"),
        ("{:op :aggregate :group-by [:id] :metrics [{:op :count :as :id}]}", "config_type"),
        ("{:op :aggregate :having [[:total :> 1]]}", "table.column"),
        ("{:op :export :format :xlsx}", "config_choice"),
        ("{:op :update-cell :row-id 9 :column :total :value 1}", "table.no_row"),
        ("{:op :update-cell :row-id 1 :column :nothing :value 1}", "table.column"),
        ('{:op :update-cell :row-id 1 :column :id :value "o2"}', "table.duplicate_key"),
        ("{:op :update-cell :row-id 1 :column :id :value nil}", "table.key"),
        ("{:op :update-cell :row-id 1 :column :total}", "missing_config_key"),
        ("{:op :set-column :column :total :definition {:type-hint :money}}", "config_choice"),
        ("{:op :set-column :column :total :definition {:type-hint :text}}", "table.cell"),
        ("{:op :set-column :column :total :definition {:enum {:options [:a]}}}", "table.definition"),
        ("{:op :set-column :column :x :definition {:reference {}}}", "unknown_config_key"),
        ("{:op :set-column :column :x :definition {:computed [:eval :id]}}", "table.definition"),
        ("{:op :set-column :column :x :definition {:computed [:* :x 2]}}", "table.column"),
        ("{:op :set-column :column :id :definition {:computed [:* :total 2]}}", "table.definition"),
        ("{:op :set-column :column :id :definition {:enum {:options [:a]}}}", "table.definition"),
        ('{:op :query :table "res://table/none" :page {:limit 1}}', "table.unknown"),
        ('{:op :query :table "orders" :page {:limit 1}}', "table.ref"),
        ('{:op :query :table {:uri "res://sha256/00"} :page {:limit 1}}', "table.ref"),
        ('{:op :schema :table {:ref "res://table/none"}}', "table.unknown"),
        (
            '{:op :query :table {:ref "res://table/orders" :partitions {:key "x"}} :page {:limit 1}}',
            "table.partition",
        ),
    ],
)
def test_what_is_asked_wrongly_is_told_before_anything_happens(config: str, code: str) -> None:
    tables = Tables()
    before = tables.table
    if " :table " in config:
        assert failure(STEP, config, tables.world.context()).code == code
    else:
        assert tables.error(config).code == code
    assert tables.table is before


def test_pages_by_cursor_go_on_where_the_last_one_ended() -> None:
    tables = Tables()
    config = "{:op :query :select [:id] :sort [[:total :desc]] :page {:mode :cursor :limit 1%s}}"
    first = tables.ask(config % "")
    tables.keep('[{:id "o9" :total 9} {:id "o0" :total 6}]')
    second = tables.ask(config % f' :cursor "{first["page"]["next-cursor"]}" :include-total-count? true')
    assert (ids(first), ids(second)) == (["o2"], ["o0"])
    assert "total-count" not in first["page"]
    assert second["page"]["total-count"] == 5
    other = config.replace(":desc", ":asc") % f' :cursor "{first["page"]["next-cursor"]}"'
    assert tables.error(other).code == "table.cursor"


def test_one_row_is_found_by_its_number_or_its_cells() -> None:
    tables = Tables()
    assert tables.ask("{:op :get-row :row-id 2}")["row"]["id"] == "o2"
    assert tables.ask('{:op :get-row :key {:id "o3" :total nil}}')["row-id"] == 3
    assert tables.ask("{:op :get-row :row-id 7}") == {"row": None, "exists?": False}
    tables.keep('[{:id "o4" :total 5}]')
    assert tables.error("{:op :get-row :key {:total 5}}").code == "table.ambiguous"


def test_groups_are_counted_summed_and_chosen() -> None:
    tables = Tables('[{:id 1 :c "x" :n 1} {:id 2 :c "y" :n 2.5} {:id 3 :c "x" :n nil} {:id 4 :n "no"}]')
    found = tables.ask(
        "{:op :aggregate :group-by [:c] :order-by [[:total :desc]] :having [:rows :>= 1] :limit 2"
        " :metrics [{:op :count :as :rows} {:op :sum :field :n :as :total} {:op :avg :field :n}]}"
    )
    assert found == {
        "rows": [
            {"c": "y", "rows": 1, "total": 2.5, "avg-n": 2.5},
            {"c": "x", "rows": 2, "total": 1, "avg-n": 1.0},
        ],
        "count": 2,
        "has-more": True,
    }
    assert tables.ask("{:op :aggregate :where [:id :> 9]}")["rows"] == [{"count": 0}]


def test_a_table_tells_its_schema_and_is_exported() -> None:
    tables = Tables()
    schema = tables.ask("{:op :schema}")
    assert [(column["name"], column["type"]) for column in schema.pop("columns")] == [
        ("id", "text"),
        ("total", "number"),
        ("tags", "json"),
        ("paid", "boolean"),
    ]
    assert schema == {
        "table": "kept",
        "revision": 1,
        "row-count": 3,
        "key-fields": ["id"],
        "index-fields": [],
        "partitions": None,
    }
    csv = tables.ask("{:op :export :where [:total :!= nil] :sort [[:id :desc]]}")
    assert csv == 'id,total,tags,paid\r\no2,7.5,,true\r\no1,5,"[""a""]",\r\n'
    assert (
        tables.ask('{:op :export :format :json :select ["id"] :where [:row-id := 1]}')
        == '[\n {\n  "id": "o1"\n }\n]\n'
    )


def test_partitions_are_asked_by_name_only() -> None:
    settings = '{:type :table :table "kept" :key-fields [:id] :partitions {:key "%s"}}'
    tables = Tables('[{:id "o1"}]', settings % "2025")
    assert to_plain(at(tables.handle, "partitions")) == {"key": "2025"}
    tables.keep('[{:id "o1" :n 1} {:id "o2"}]', settings % "2026")
    assert tables.error("{:op :query :page {:limit 9}}").code == "table.partition"
    both = (
        '{:table {:ref "res://table/kept" :partitions {:keys ["2025" "2026"]}} :op :query :page {:limit 9}}'
    )
    context = tables.world.context()
    assert isinstance(tables.handle, Map)
    assert ids(to_plain(STEP.run(parse_config(SPEC, edn(both)), context))) == ["o1", "o1", "o2"]
    one = {"op": edn(":query"), "table": tables.handle, "page": edn("{:limit 9}")}
    assert ids(to_plain(STEP.run(one, context))) == ["o1"], "the handle of a write leads to its partition"
    assert tables.ask("{:op :schema}")["partitions"] == ["2025", "2026"]


@pytest.mark.parametrize(
    ("how", "project", "expected"),
    [
        ("", "[:name]", [("o1", "Ann"), ("o1", "Anna"), ("o2", None)]),
        (":join-type :inner", "[{:field :name :as :who}]", [("o1", "Ann"), ("o1", "Anna")]),
        ("", "{:keep-left [:id] :right-fields [:name]}", [("o1", "Ann"), ("o1", "Anna"), ("o2", None)]),
    ],
)
def test_two_tables_are_joined_into_a_third(how: str, project: str, expected: list[Any]) -> None:
    tables = Tables('[{:id "o1" :c 1} {:id "o2" :c nil}]')
    config = (
        '{:op :materialize-join :left {:table "res://table/kept" :where [:row-id :< 9]}'
        ' :right {:rows [{:key 1 :name "Ann"} {:key 1.0 :name "Anna"} {:name "Ben"}]}'
        f' :on [{{:left-field :c :right-field :key}}] :project {project} {how} :into {{:table "joined"}}}}'
    )
    handle = STEP.run(parse_config(SPEC, edn(config)), tables.world.context(key="join"))
    assert at(handle, "uri") == "res://table/joined"
    joined = tables.world.tables.read("joined")
    assert joined is not None
    found = [(row.cells["id"], row.cells.get("name", row.cells.get("who"))) for row in joined.rows]
    assert found == expected
    assert text(STEP.run(parse_config(SPEC, edn(config)), tables.world.context(key="join"))) == text(handle)


def test_work_stops_when_the_step_is_given_up_or_out_of_time() -> None:
    tables = Tables()
    tables.world.cancel.ask()
    assert tables.error("{:op :update-cell :row-id 1 :column :total :value 1}").code == "step.cancelled"
    late = tables.error("{:op :query :page {:limit 1}}", deadline_ms=0)
    assert (late.code, late.retryable) == ("table.timeout", True)
    with pytest.raises(StepError) as caught:
        tables.keep('[{:id "late"}]', deadline_ms=0)
    assert (caught.value.code, caught.value.retryable) == ("table.timeout", False), "the step itself is over"
    assert tables.table.revision == 1


def test_without_the_port_there_are_no_tables() -> None:
    context = World().context(tables=None)
    assert failure(STEP, SPEC.example, context).code == "table.unsupported"
