"""The tutorial of the server, pasted as a newcomer would: every claim of the page is what happens."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from demo import two_people_and_an_agent as story
from tests.architecture.source import ROOT

AGENT_FAILS = {
    "approval.not_human",
    "release_moved",
    "untrusted_run",
    "history_rewritten",
    "policy.no_consent",
    "gate.no_run",
    "gate.waiting",
}


def test_the_page_pasted_block_by_block(real_part: Callable[[str], str]) -> None:
    for part in ("ssh-keygen", "bash"):
        real_part(part)
    script = ROOT / "demo" / "two_people_and_an_agent.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr
    told = done.stdout.splitlines()
    refused = [line.removeprefix("ok  refused: ") for line in told if line.startswith("ok  refused: ")]
    assert refused == [part.refused for part in story.read_page() if part.refused]
    assert told[-1] == "done: every line marked ok was checked"


def test_the_page_holds_what_the_story_is_about() -> None:
    parts = story.read_page()
    assert {part.refused for part in parts if part.refused} >= AGENT_FAILS
    headings = [part.title for part in parts if part.title]
    assert set(story.CLAIMS) <= set(headings)
    blocks = story.PAGE.read_text().count("```sh")
    assert blocks == len([part for part in parts if part.title is None]), "a block that nobody pastes"
