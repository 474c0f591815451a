"""The clock and the figures of a soak test, and the page that long rounds are written to."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

LONG_S = 300
HEAD = """\
# Soak figures

Written by `make soak`: the newest round of each check, and only if it passed.

| date (UTC) | check | figure |
| --- | --- | --- |
"""


@dataclass(frozen=True)
class Soak:
    """Use as `for n in soak.rounds(): …`, then `soak.figure("turns", n)`.

    `seed` is for what is made up. It is a new one in every long round, so that each looks where none has.
    """

    seconds: float
    properties: list[tuple[str, object]]
    seed: int = 1

    @property
    def is_long(self) -> bool:
        """Whether the time is long enough for what only chance finds, and for somebody who looks at it."""
        return self.seconds >= LONG_S

    def rounds(self) -> Iterator[int]:
        """0, 1, 2, … until the time is up; always at least one."""
        end = time.monotonic() + self.seconds
        number = 0
        while number == 0 or time.monotonic() < end:
            yield number
            number += 1

    def figure(self, what: str, value: float) -> None:
        """Report one result of this round; `what` may hold the unit."""
        self.properties.append(("soak", f"{value:,.10g} {what} in {self.seconds:,.10g} s"))


def write_report(page: Path, found: Sequence[tuple[str, object]]) -> None:
    """Replace the rows of the checks in `found` (test id, figure), keep all others, sort by check."""
    rows: dict[str, list[str]] = {}
    for line in page.read_text().splitlines() if page.exists() else ():
        if line.startswith("| 2"):
            rows.setdefault(line.split("|")[2].strip(), []).append(line)
    for test in {test for test, _ in found}:
        rows.pop(test, None)
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    for test, figure in found:
        rows.setdefault(test, []).append(f"| {today} | {test} | {figure} |")
    page.write_text(HEAD + "".join(f"{row}\n" for test in sorted(rows) for row in rows[test]))
