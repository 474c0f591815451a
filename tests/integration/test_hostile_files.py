"""Files that no flow is made of, through the commands that read them: a code, the place, a next command."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.spoken import spoken
from tests.team import Team

HEAD = b"{:slug :bad :concurrency {:type :singleton :on-new-version :drain} :flow '(do\n "
FILES = {
    "1 MB": (HEAD + b'"' + b"x" * 1_000_000 + b'")}', "closure.size", None),
    "10,000 nested brackets": (HEAD + b"(" * 10_000 + b")" * 10_000 + b")}", "reader_limit", 2),
    "10,000 open brackets": (b"[" * 10_000, "reader_limit", 1),
    "a number of 5,000 digits": (HEAD + b"9" * 5_000 + b")}", "clojure_reader_invalid", 2),
    "NUL in a text": (HEAD + b'"a\0b")}', "clojure_reader_invalid", 2),
    "NUL in code": (HEAD + b"\0)}", "clojure_reader_invalid", 2),
    "NUL in a comment": (HEAD + b"; \0\n 1)}", "clojure_reader_invalid", 2),
    "no UTF-8": (HEAD + b'"\xff")}', "encoding_invalid", 2),
    "half a surrogate pair as bytes": (HEAD + b'"\xed\xa0\x80")}', "encoding_invalid", 2),
    "half a surrogate pair as an escape": (HEAD + b'"\\ud800")}', "clojure_reader_invalid", 2),
}
PATH = ".breyta/flows/bad.edn"


@pytest.fixture(scope="module")
def there(team_template: Team, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose flow `bad` each test writes anew."""
    return team_template.copy(tmp_path_factory.mktemp("hostile")).home


def refused(there: Path, *arguments: str) -> Mapping[str, Any]:
    """The one error of a command, of whatever shape its answer is."""
    ended, out, err = spoken(there, *arguments, "--json")
    told: Mapping[str, Any] = json.loads(out)
    assert (ended in (1, 2), "Traceback" in err) == (True, False)
    if not told["ok"]:
        error: Mapping[str, Any] = told["error"]
        return error
    (found,) = told["data"]["errors"] if "errors" in told["data"] else told["data"]["items"]
    return {"at": found, "fix": [f"gfr explain {found['code']}"]} | found


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", ["lint bad", f"fmt --check {PATH}", f"read {PATH}", "run bad"])
def test_a_hostile_file_is_refused_at_its_place(there: Path, command: str, name: str) -> None:
    data, code, line = FILES[name]
    (there / PATH).write_bytes(data)
    error = refused(there, *command.replace(PATH, str(there / PATH)).split())
    assert (error["code"], error["at"].get("line")) == (code, line)
    assert error["at"]["file"].endswith("bad.edn")
    assert error["fix"]
    assert len(error["message"]) < 300, "a message does not repeat what is too long"


@pytest.mark.parametrize(
    "name", [name for name, (data, _, _) in FILES.items() if data.isascii() and 0 not in data]
)
def test_a_hostile_expression_is_refused_at_its_place(there: Path, name: str) -> None:
    data, code, line = FILES[name]
    error = refused(there, "eval", data.decode())
    expected = ("size_exceeded", None) if name == "1 MB" else (code, line)
    assert (error["code"], error["at"].get("line")) == expected
    assert error["fix"]
