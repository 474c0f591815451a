"""Tables: what can be wrong with one, with a write, and with a question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.catalog.codes.meaning import Meaning

TABLE_CODES: Final[Mapping[str, Meaning]] = {
    "persist.rows": Meaning(
        "The result holds no vector of maps where :rows-path leads, so there are no rows to keep.",
        "gfr logs RUN",
    ),
    "table.ambiguous": Meaning(
        "Several rows have the cells that :key gives. Name more of them, or the row by its :row-id.",
        "gfr resources show res://table/NAME",
    ),
    "table.cell": Meaning(
        "A value cannot stand in that cell: it is of a type that the column does not take, is too long, or "
        "belongs to a computed column.",
        "gfr resources show res://table/NAME",
    ),
    "table.column": Meaning(
        "No column has that name, two would have it, or it is no name: 1 to 128 printable characters, and "
        "not row-id.",
        "gfr resources show res://table/NAME",
    ),
    "table.contended": Meaning(
        "Other runs write the table all the time. It is tried again where the step has a :retry.",
        "gfr show RUN",
    ),
    "table.cursor": Meaning(
        "A cursor leads on in the question that gave it: the same table, :where and :sort.",
        "gfr logs RUN",
    ),
    "table.definition": Meaning(
        "A column's :definition contradicts itself or the other columns, or its :computed is no expression.",
        "gfr lint FLOW",
    ),
    "table.duplicate_key": Meaning(
        "A row with this key is there already, and a key stands once in a table or in a partition of it.",
        "gfr resources show res://table/NAME",
    ),
    "table.format": Meaning(
        "The table was written by a newer release of this program.",
        "gfr version",
    ),
    "table.gap": Meaning(
        "The revisions of a table do not follow one another: a commit was left out or put in.",
        "gfr audit verify",
    ),
    "table.key": Meaning(
        "A row lacks a part of its key, the table has another key, or :upsert was asked without :key-fields.",
        "gfr resources show res://table/NAME",
    ),
    "table.malformed": Meaning(
        "The files of a table cannot be read as this program writes them.",
        "gfr audit verify",
    ),
    "table.name": Meaning(
        "A table's name has lower-case letters, digits, _ and -, a letter first, at most 64 of them; its "
        "ref has the same name.",
        "gfr lint FLOW",
    ),
    "table.no_row": Meaning(
        "The row that was to be changed is not there.",
        "gfr resources show res://table/NAME",
    ),
    "table.partition": Meaning(
        "A table with partitions is written and asked by their names, and one without is not.",
        "gfr resources show res://table/NAME",
    ),
    "table.ref": Meaning(
        "A step names its table by what :persist {:type :table} gave, or by res://table/ and its name.",
        "gfr resources ls",
    ),
    "table.timeout": Meaning(
        "The step's :timeout was over before the table was looked through. Nothing was written.",
        "gfr logs RUN",
    ),
    "table.too_large": Meaning(
        "A table has at most 100,000 rows, 200 columns and 50 MB. Nothing was written.",
        "gfr resources ls",
    ),
    "table.unknown": Meaning(
        "There is no table of that name. A step with :persist {:type :table} makes one.",
        "gfr resources ls",
    ),
    "table.unsupported": Meaning(
        "The step runs where there are no tables.",
        "gfr doctor",
    ),
    "table.where": Meaning(
        "A condition is [field op value], several in a vector, [:and …], [:or …] or [:not …], with the "
        "operators := :!= :< :<= :> :>= :in :contains :contains-any.",
        "gfr lint FLOW",
    ),
    "table_rewound": Meaning(
        "The table does not continue what this clone saw of it before: its ref was moved back or taken away.",
        "gfr audit verify",
    ),
    "untrusted_table": Meaning(
        "The newest revision of the table is not signed by a runner that the policy lets drive, so it is "
        "not read.",
        "gfr audit verify",
    ),
}
