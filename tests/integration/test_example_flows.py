"""The example flows run as they are, in a repository of their own."""

from __future__ import annotations

import json
import re

import pytest

from tests.real_clone import ROOT, Clone

EXAMPLES = ROOT / "templates/examples"
HELLO = (ROOT / "templates/init/hello.edn").read_text()
SUCCEEDED, WAITING = 0, 7


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone that holds every example."""
    made = Clone(tmp_path_factory.mktemp("examples") / "project", HELLO)
    for path in EXAMPLES.glob("*.edn"):
        (made.folder / ".breyta/flows" / path.name).write_text(path.read_text())
    made.git("add", "-A")
    made.git("commit", "-q", "--no-gpg-sign", "-m", "examples")
    return made


def run(clone: Clone, slug: str, code: int = SUCCEEDED) -> str:
    """What the run of an example came to, as EDN; empty while it waits."""
    envelope = json.loads(clone.gfr("run", slug, "--json", codes=(code,)))
    assert envelope["ok"] is True
    output = envelope["data"].get("output")
    return str(output["preview"]) if output else ""


@pytest.mark.parametrize(
    ("slug", "output"),
    [
        ("function", r'\[\{:word "a", :count 2\} \{:word "bee", :count 2\} .*\]'),
        ("kv", r"\{:runs 1, :before 0\}"),
        ("git", r"\{:commits \[.*examples.*\], :files \[.*config.yaml.*\]\}"),
        ("files", r"\{:branch \"notes/first\", :changed 1, :patch .*The first one.*\}"),
        ("search", r"\{:count \d+, :first \"\w+\"\}"),
        ("sleep", r"\{:slept\? true.*\}"),
        ("table", r"\{:revision 2, :open \[\{\"id\" \"o1\", \"total\" 250\}\], :sums \[.*\]\}"),
        ("time", r'"20\d\d-\d\d-\d\dT.*Z"'),
    ],
)
def test_an_example_runs(clone: Clone, slug: str, output: str) -> None:
    assert re.fullmatch(output, run(clone, slug))


def test_the_example_of_a_wait_waits(clone: Clone) -> None:
    assert run(clone, "wait", WAITING) == ""


def test_a_template_is_rendered_in_a_run(clone: Clone) -> None:
    run(clone, "notify")
    newest = sorted(
        name for name in clone.git("for-each-ref", "--format=%(refname)", "refs/runs/notify").split()
    )
    log = clone.git("grep", "-h", "Hello", newest[-1], "--", "logs")
    assert "Hello team: app, docs passed" in log
