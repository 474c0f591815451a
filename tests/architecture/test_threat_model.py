"""The page of attacks tells the truth: it leaves none out, and every test and code that it names is there."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from gitflow_runner.trust.reasons import ApprovalReason
from tests.architecture.source import ROOT

PAGE = (ROOT / "docs/threat-model.md").read_text()
LINES = [line for line in PAGE.splitlines() if line.startswith("| ")]
ROWS = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in LINES]
ATTACKS = [row for row in ROWS if row[0].isdigit()]
RULES = [row for row in ROWS if re.fullmatch(r"\d\.\d+", row[0])]
TEST = re.compile(r"`([a-z]+/test_\w+\.py)::(test_\w+)`")
NOT_BUILT = {"25"}
"""What there is nothing of to attack yet."""

SOURCE = "".join(path.read_text() for path in sorted((ROOT / "gitflow_runner").rglob("*.py")))
SOURCE += "".join(path.read_text() for path in sorted((ROOT / "hooks").iterdir()) if path.is_file())


def test_no_attack_and_no_rule_is_left_out() -> None:
    assert [row[0] for row in ATTACKS] == [str(number) for number in range(1, 36)]
    last = {4: 7, 5: 4, 6: 10, 7: 5, 8: 2}
    assert [row[0] for row in RULES] == [f"{part}.{n}" for part in last for n in range(1, last[part] + 1)]


@pytest.mark.parametrize("row", [*ATTACKS, *RULES], ids=lambda row: row[0])
def test_what_holds_it_is_there(row: list[str]) -> None:
    named = TEST.findall(row[-1])
    assert (row[-1] == "not built", not named) == (row[0] in NOT_BUILT, row[0] in NOT_BUILT)
    assert len(named) == row[-1].count("`") // 2
    for file, test in named:
        assert re.search(rf"^ *def {test}\(", (ROOT / "tests" / file).read_text(), re.MULTILINE), (file, test)


@pytest.mark.parametrize("row", ATTACKS, ids=lambda row: row[0])
def test_its_codes_are_ours_and_asserted(row: list[str]) -> None:
    tests = "".join((ROOT / "tests" / file).read_text() for file, _ in TEST.findall(row[-1]))
    for code in re.findall(r"`([^`]+)`", row[3]):
        reason = code.removeprefix("approval.")
        assert re.search(rf"(?<![\w.]){re.escape(code)}\b", SOURCE) or reason in get_args(ApprovalReason), (
            code
        )
        assert re.search(rf"\b{reason}\b", tests), f"no test asserts {code}"
