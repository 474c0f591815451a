"""A full-text index of what Git holds: a cache beside it that may be deleted at any time.

Each source (a run's ref, the flows of a branch) is indexed as it stood at one tip and replaced whole when
that moves. Nothing decides by what is found here: whoever acts reads Git again.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gitflow_runner.errors import TransientError

FILE: Final = "search-index.sqlite"
SNIPPET: Final = 24  # words
_VERSION: Final = 1
_BUSY_S: Final = 5.0
_TITLE_WEIGHT: Final = 4.0
_TABLES: Final = """
CREATE TABLE seen (source TEXT PRIMARY KEY, tip TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE docs (id INTEGER PRIMARY KEY, target TEXT NOT NULL, name TEXT NOT NULL, facts TEXT NOT NULL,
                   UNIQUE (target, name));
CREATE TABLE held (source TEXT NOT NULL, doc INTEGER NOT NULL, PRIMARY KEY (source, doc)) WITHOUT ROWID;
CREATE INDEX held_by ON held (doc);
CREATE VIRTUAL TABLE texts USING fts5 (title, body, tokenize = 'unicode61 remove_diacritics 2');
"""
_WORD = re.compile(r"\w+")
_MAX_WORDS: Final = 20


@dataclass(frozen=True, slots=True)
class Document:
    """One thing that can be found: its kind, its name within it, its words, and facts told with it."""

    target: str
    name: str
    title: str
    body: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A document that has all the words; a higher score is a better one."""

    name: str
    title: str
    snippet: str
    score: float
    facts: Mapping[str, str]


class SearchIndex:
    """The index in one file; safe between processes, which wait for one another."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the clone's local one; the file is made when it is first needed."""
        self.path = folder / FILE

    def tips(self) -> Mapping[str, str]:
        """Every indexed source and the tip that it was indexed at."""
        with self._opened() as database:
            return dict(database.execute("SELECT source, tip FROM seen"))

    def replace(self, source: str, tip: str, documents: Iterable[Document]) -> None:
        """Let the source hold these documents and no others; one that several hold is kept once."""
        with self._opened() as database:
            self._drop(database, source)
            for document in documents:
                known = database.execute(
                    "SELECT id FROM docs WHERE target = ? AND name = ?", (document.target, document.name)
                ).fetchone()
                number = known[0] if known is not None else _added(database, document)
                database.execute("INSERT OR IGNORE INTO held VALUES (?, ?)", (source, number))
            database.execute("INSERT OR REPLACE INTO seen VALUES (?, ?)", (source, tip))

    def forget(self, sources: Iterable[str]) -> None:
        """Take these sources out."""
        with self._opened() as database:
            for source in sources:
                self._drop(database, source)
                database.execute("DELETE FROM seen WHERE source = ?", (source,))

    def find(self, target: str, text: str, limit: int) -> Sequence[Found]:
        """The documents of a kind with all the words, best first, equal ones by name.

        Words are letters and digits; case and accents do not count, and nothing in the text is syntax.
        """
        words = _WORD.findall(text)[:_MAX_WORDS]
        if not words:
            return ()
        query = " ".join(f'"{word}"' for word in words)
        with self._opened() as database:
            rows = database.execute(
                "SELECT docs.name, texts.title, snippet(texts, 1, '', '', '…', ?), docs.facts,"
                " bm25(texts, ?, 1.0) AS rank FROM texts JOIN docs ON docs.id = texts.rowid"
                " WHERE texts MATCH ? AND docs.target = ? ORDER BY rank, docs.name LIMIT ?",
                (SNIPPET, _TITLE_WEIGHT, query, target, limit),
            ).fetchall()
        return [
            Found(name, title, snippet, round(-rank, 6), json.loads(facts))
            for name, title, snippet, facts, rank in rows
        ]

    def _drop(self, database: sqlite3.Connection, source: str) -> None:
        held = [row[0] for row in database.execute("SELECT doc FROM held WHERE source = ?", (source,))]
        database.execute("DELETE FROM held WHERE source = ?", (source,))
        for number in held:
            if database.execute("SELECT 1 FROM held WHERE doc = ? LIMIT 1", (number,)).fetchone() is None:
                database.execute("DELETE FROM texts WHERE rowid = ?", (number,))
                database.execute("DELETE FROM docs WHERE id = ?", (number,))

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """One transaction; a file that is no index of ours is made anew.

        `TransientError` (`search.busy`, `search.unwritable`).
        """
        try:
            with closing(self._connected()) as database, database:
                yield database
        except sqlite3.OperationalError as error:
            code = "search.busy" if "locked" in str(error) else "search.unwritable"
            raise TransientError(
                code, f"the search index cannot be used: {error}", fix=("df -h .",)
            ) from None
        except sqlite3.DatabaseError as error:
            # It is a cache: what is damaged is thrown away, and the next call builds it again.
            self.path.unlink(missing_ok=True)
            raise TransientError(
                "search.damaged", f"the search index was damaged and is gone: {error}", fix=("gfr doctor",)
            ) from None

    def _connected(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self.path.exists():
            self.path.touch(mode=0o600)
        database = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level="IMMEDIATE")
        try:
            database.execute("PRAGMA synchronous = OFF")  # a cache need not outlive the power
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version != _VERSION:
                _begin_anew(database)
        except BaseException:
            database.close()
            raise
        return database


def _begin_anew(database: sqlite3.Connection) -> None:
    drops = "".join(f"DROP TABLE IF EXISTS {name};" for name in ("seen", "docs", "held", "texts"))
    database.executescript(f"BEGIN IMMEDIATE;{drops}{_TABLES}PRAGMA user_version = {_VERSION};COMMIT;")


def _added(database: sqlite3.Connection, document: Document) -> int:
    facts = json.dumps(dict(document.facts), sort_keys=True)
    made = database.execute(
        "INSERT INTO docs (target, name, facts) VALUES (?, ?, ?)", (document.target, document.name, facts)
    )
    database.execute(
        "INSERT INTO texts (rowid, title, body) VALUES (?, ?, ?)",
        (made.lastrowid, document.title, document.body),
    )
    assert made.lastrowid is not None, "a row was inserted"
    return made.lastrowid
