"""Columns of a table: types, lists of values, what is computed, and how cells are shown."""

from __future__ import annotations

import pytest

from gitflow_runner.errors import StepError
from tests.kept_tables import Tables


def test_a_column_widens_unless_its_type_was_set() -> None:
    tables = Tables()
    tables.keep('[{:id "o5" :paid "later"}]')
    tables.ask('{:op :set-column :column :total :definition {:type-hint :number :display-name "Total"}}')
    with pytest.raises(StepError) as caught:
        tables.keep('[{:id "o6" :total "7"}]')
    assert caught.value.code == "table.cell"
    tables.ask("{:op :set-column :column :due :definition {:type-hint :date}}")
    assert tables.error('{:op :update-cell :row-id 1 :column :due :value "tomorrow"}').code == "table.cell"
    assert (
        tables.ask('{:op :update-cell :row-id 1 :column :due :value "2026-11-25"}')["row"]["due"]
        == "2026-11-25"
    )
    columns = {column["name"]: column for column in tables.ask("{:op :schema}")["columns"]}
    assert columns["paid"] == {"name": "paid", "type": "mixed"}
    assert columns["total"] == {"name": "total", "type": "number", "display-name": "Total"}


def test_a_column_with_a_list_of_values_keeps_their_ids_and_grows() -> None:
    tables = Tables('[{:id 1 :state "new"}]')
    options = '[{:id "open" :name "Open" :aliases ["new"]} "done"]'
    tables.ask(f"{{:op :set-column :column :state :definition {{:enum {{:options {options}}}}}}}")
    tables.keep('[{:id 2 :state "Open"} {:id 3 :state "done"} {:id 4 :state "later"} {:id 5 :state nil}]')
    assert tables.ask("{:op :recompute}")["rows-updated"] == 1
    assert [row.cells.get("state") for row in tables.table.rows] == ["open", "open", "done", "later", None]
    (column,) = [c for c in tables.ask("{:op :schema}")["columns"] if c["name"] == "state"]
    assert [option["id"] for option in column["options"]] == ["open", "done", "later"]
    assert tables.error("{:op :update-cell :row-id 1 :column :state :value 5}").code == "table.cell"


def test_a_computed_column_follows_the_others() -> None:
    tables = Tables("[{:id 1 :n 2 :price 3.5} {:id 2 :n 4}]")
    tables.ask("{:op :set-column :column :sum :definition {:computed [:* :n [:coalesce :price 1]]}}")
    assert tables.ask("{:op :recompute :where [:id := 1]}")["rows-updated"] == 1
    assert [row.cells.get("sum") for row in tables.table.rows] == [7.0, None]
    tables.keep('[{:id 2 :price 2 :sum 99} {:id 3 :n 1 :price "x"}]')
    assert [row.cells.get("sum") for row in tables.table.rows] == [7.0, 8, None]
    assert tables.error("{:op :update-cell :row-id 1 :column :sum :value 1}").code == "table.cell"
    assert (
        tables.error("{:op :set-column :column :z :definition {:computed [:+ :sum 1]}}").code
        == "table.column"
    )
    assert (
        tables.error("{:op :set-column :column :n :definition {:computed [:+ :id 1]}}").code
        == "table.definition"
    )


def test_how_a_cell_is_shown_is_kept_beside_it() -> None:
    tables = Tables()
    config = "{:op :update-cell-format :row-id 1 :column :total :format %s}"
    tables.ask(config % '{:display "currency" :currency "EUR"}')
    assert tables.ask("{:op :get-row :row-id 1}")["formats"] == {
        "total": {"display": "currency", "currency": "EUR"}
    }
    assert tables.ask("{:op :query :where [:row-id := 1] :page {:limit 1}}")["rows"][0]["total"] == 5
    tables.ask(config % "nil")
    assert "formats" not in tables.ask("{:op :get-row :row-id 1}")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("[:+ :n 1]", 9),
        ("[:- :n 1.5]", 6.5),
        ("[:div :n 2]", 4),
        ("[:div :n 3]", 8 / 3),
        ("[:div :n 0]", None),
        ("[:* :n 9223372036854775807]", None),
        ("[:+ :n :text]", None),
        ("[:+ :n :nothing]", None),
        ('[:str :text {:value "-"} :n [:coalesce :nothing true] :list {}]', 'a-8true["x",1]'),
        ("[:coalesce :nothing {:value [1]}]", [1]),
        (":text", "a"),
    ],
)
def test_an_expression_gives_a_cell_or_nil(expression: str, expected: object) -> None:
    tables = Tables('[{:id 1 :n 8 :text "a" :list ["x" 1] :nothing nil}]')
    tables.ask(f"{{:op :set-column :column :made :definition {{:computed {expression}}}}}")
    tables.ask("{:op :recompute}")
    assert tables.table.rows[0].cells.get("made") == expected
