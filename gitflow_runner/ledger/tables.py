"""Tables: one chain of signed commits a table, each with all of its rows as lines of JSON.

Rows lie 256 to a file by their numbers, so that a write makes new only the files that it changes, and
`git log -p` of a table's ref shows which rows changed. Beside them lies what every write was answered
with under its idempotency key: a step that is run again after a crash changes nothing (protocol 3.3).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import groupby
from typing import Any, Final, cast, get_args

from gitflow_runner.errors import DamagedError, TransientError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import TABLES, parse_table_ref, table_ref
from gitflow_runner.git.repository import ObjectReader, Repository
from gitflow_runner.ledger.chain import file_in, head_of, read_object
from gitflow_runner.ledger.committer import Committer
from gitflow_runner.ledger.link import TRIES, link_upon, take
from gitflow_runner.ledger.message import clean
from gitflow_runner.ledger.tree import entry_oid, split_tree
from gitflow_runner.model.table import Column, ColumnType, Option, Row, Table

FORMAT: Final = 1
TABLE_FILE: Final = "table.json"
_PER_FILE: Final = 256

Change = Callable[[Table | None], tuple[Table, str]]


class TableStore:
    """The tables of one repository; safe between processes: a lost swap is decided again from what stands."""

    def __init__(
        self,
        repository: Repository,
        committer: Committer,
        now_ms: Callable[[], int],
        trusted: Callable[[str], Oid | None],
    ) -> None:
        """`trusted` gives where a table's ref stands, None where there is none, and refuses to if it cannot
        be believed (protocol 5.1)."""
        self._repository = repository
        self._committer = committer
        self._now_ms = now_ms
        self._trusted = trusted
        self._last: tuple[Oid, Table] | None = None  # a step after another mostly wants the same one

    def read(self, name: str) -> Table | None:
        """The table as it stands, None if there is none; `DamagedError` (`table.malformed`, `table.name`)."""
        tip = self._trusted(name)
        return None if tip is None else self._at(tip, name)

    def update(self, name: str, idempotency_key: str, change: Change, told: str = "") -> str:
        """Swap the table: `change` maps it to its next revision and an answer.

        Applied once for each `idempotency_key`, later calls get the answer of the first. `change` may be
        called several times. `told` stands in the commit's message, for people. `TransientError`
        (`table.contended`) if others never let this writer through.
        """
        path = _answer_path(idempotency_key)
        for _ in range(TRIES):
            tip = self._trusted(name)
            if tip is not None:
                known = file_in(self._repository, head_of(self._repository, tip)[0], path)
                if known is not None:
                    return known.decode()
            old = None if tip is None else self._at(tip, name)
            new, answer = change(old)
            if self._write(tip, old, new, {path: answer.encode()}, told):
                return answer
        raise TransientError("table.contended", f"the table {name} is written all the time")

    def _at(self, tip: Oid, name: str) -> Table:
        tree = head_of(self._repository, tip)[0]
        if self._last is None or self._last[0] != tree:
            self._last = (tree, read_table(self._repository, tree))
        check_name(self._last[1], name)
        return self._last[1]

    def _write(
        self, tip: Oid | None, old: Table | None, new: Table, files: Mapping[str, bytes], told: str
    ) -> bool:
        link = link_upon(
            self._repository,
            self._committer,
            tip,
            (*files.items(), (TABLE_FILE, _encode_head(new)), *_changed_files(old, new)),
            f"table {new.name} revision {new.revision}: {len(new.rows)} rows\n\n{clean(told, 200)}\n",
            self._now_ms(),
        )
        if not take(self._repository, table_ref(new.name), tip, link):
            return False
        self._last = (link.tree, new)
        return True


def table_names(reader: ObjectReader) -> Iterator[tuple[str, Oid]]:
    """Every table's name, in order, and where its ref stands."""
    for ref, oid in reader.refs(TABLES):
        name = parse_table_ref(ref)
        if name is not None:
            yield name, oid


def check_name(table: Table, name: str) -> None:
    """Refuse (`DamagedError`, `table.name`) the table of another name that lies under this one's ref."""
    if table.name != name:
        raise DamagedError("table.name", f"{table_ref(name)} holds the table {table.name}")


def read_table(reader: ObjectReader, tree: Oid) -> Table:
    """The table that a commit's tree holds; `DamagedError` (`table.malformed`, `table.format`)."""
    table, count = read_summary(reader, tree)
    folder = split_tree(read_object(reader, tree, "tree")).get(b"rows/")
    files = {} if folder is None else split_tree(read_object(reader, entry_oid(folder), "tree"))
    known = {column.name for column in table.columns}
    with _readable(tree):
        rows = tuple(
            _row(fields)
            for key in sorted(files)
            for fields in _lines(read_object(reader, entry_oid(files[key]), "blob"))
        )
        numbers = [row.id for row in rows]
        if numbers != sorted(set(numbers)) or any(number >= table.next_row for number in numbers):
            raise ValueError("rows out of order")
        if len(rows) != count or any(not known.issuperset(row.cells) for row in rows):
            raise ValueError("rows too many or too few, or a cell without a column")
    return replace(table, rows=rows)


def read_summary(reader: ObjectReader, tree: Oid) -> tuple[Table, int]:
    """The table of a tree with its rows unread, and how many there are; errors as `read_table`."""
    data = file_in(reader, tree, TABLE_FILE)
    with _readable(tree):
        fields = json.loads(data or b"")
        if fields["format"] != FORMAT:
            raise DamagedError("table.format", f"the table has the format {fields['format']}")
        table = Table(
            name=str(fields["name"]),
            columns=tuple(_column(each) for each in fields["columns"]),
            key_fields=tuple(map(str, fields["key"])),
            index_fields=tuple(map(str, fields["index"])),
            partitioned=bool(fields["partitioned"]),
            revision=int(fields["revision"]),
            next_row=int(fields["next"]),
            size=int(fields["size"]),
        )
        return table, int(fields["rows"])


@contextmanager
def _readable(tree: Oid) -> Iterator[None]:
    """What is not as we write it is damage, whatever Python says of it."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DamagedError("table.malformed", f"the table of tree {tree} cannot be read: {error}") from None


def _lines(data: bytes) -> list[Any]:
    """The JSON values of a file of lines, read in one go, which takes half the time."""
    found = json.loads(b"[" + b",".join(data.splitlines()) + b"]")
    assert isinstance(found, list), "an array is read as a list"
    return found


def _changed_files(old: Table | None, new: Table) -> Iterator[tuple[str, bytes]]:
    """The files whose rows are not the very rows of before; no row is ever taken away."""
    before = {} if old is None else {row.id: row for row in old.rows}
    for number, group in groupby(new.rows, key=lambda row: row.id // _PER_FILE):
        rows = list(group)
        if any(before.get(row.id) is not row for row in rows):
            yield f"rows/{number:06d}.jsonl", b"".join(map(_encode_row, rows))


def _encode_row(row: Row) -> bytes:
    fields: dict[str, object] = {"row": row.id, "cells": dict(row.cells)}
    if row.partition is not None:
        fields["partition"] = row.partition
    if row.formats:
        fields["formats"] = dict(row.formats)
    return _line(fields)


def _row(fields: Mapping[str, Any]) -> Row:
    cells, formats = fields["cells"], fields.get("formats", {})
    partition = fields.get("partition")
    if type(fields["row"]) is not int or not isinstance(cells, dict) or not isinstance(formats, dict):
        raise ValueError("an ill-typed row")
    return Row(fields["row"], cells, partition if isinstance(partition, str) else None, formats)


def _encode_head(table: Table) -> bytes:
    fields = {
        "format": FORMAT,
        "name": table.name,
        "revision": table.revision,
        "next": table.next_row,
        "size": table.size,
        "rows": len(table.rows),
        "key": table.key_fields,
        "index": table.index_fields,
        "partitioned": table.partitioned,
        "columns": [asdict(column) for column in table.columns],
    }
    return json.dumps(fields, ensure_ascii=False, indent=1).encode() + b"\n"


def _column(fields: Mapping[str, Any]) -> Column:
    options = fields["options"]
    if fields["type"] not in get_args(ColumnType) or not isinstance(fields["shown"], dict):
        raise ValueError("an ill-typed column")
    return Column(
        str(fields["name"]),
        cast(ColumnType, fields["type"]),
        bool(fields["declared"]),
        None if options is None else tuple(_option(each) for each in options),
        fields["computed"],
        fields["shown"],
    )


def _option(fields: Mapping[str, Any]) -> Option:
    return Option(str(fields["id"]), str(fields["name"]), tuple(map(str, fields["aliases"])))


def _line(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _answer_path(idempotency_key: str) -> str:
    digest = hashlib.sha256(idempotency_key.encode()).hexdigest()
    return f"answers/{digest[:2]}/{digest}.edn"


def history(reader: ObjectReader, tip: Oid) -> Iterable[tuple[Oid, int]]:
    """The commits of a table, newest first, each with its revision; `DamagedError` where they do not join."""
    oid: Oid | None = tip
    expected: int | None = None
    while oid is not None:
        tree, parents = head_of(reader, oid)
        revision = read_summary(reader, tree)[0].revision
        if (expected is not None and revision != expected) or (revision == 1) != (not parents):
            raise DamagedError("table.gap", f"revision {revision} of the table at {oid} does not fit in")
        yield oid, revision
        expected, oid = revision - 1, parents[0] if parents else None
