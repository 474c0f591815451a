"""The page of soak figures keeps the newest row of each check, and the clock grants at least one round."""

from __future__ import annotations

from pathlib import Path

from tests.soak import HEAD, Soak, write_report


def rows(page: Path) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.split("|")[2:4]]
        for line in page.read_text().removeprefix(HEAD).splitlines()
    ]


def test_a_new_page_holds_the_figures_sorted_by_check(tmp_path: Path) -> None:
    page = tmp_path / "soak.md"
    write_report(page, [("b", "2 turns in 5 s"), ("a", "7 runs in 5 s"), ("a", "1 crash in 5 s")])
    assert page.read_text().startswith(HEAD)
    assert rows(page) == [["a", "7 runs in 5 s"], ["a", "1 crash in 5 s"], ["b", "2 turns in 5 s"]]


def test_a_later_round_replaces_its_own_rows_only(tmp_path: Path) -> None:
    page = tmp_path / "soak.md"
    write_report(page, [("a", "7 runs in 5 s"), ("b", "2 turns in 5 s")])
    write_report(page, [("a", "9 runs in 5 s")])
    assert rows(page) == [["a", "9 runs in 5 s"], ["b", "2 turns in 5 s"]]


def test_even_no_time_is_one_round() -> None:
    assert list(Soak(0.0, []).rounds()) == [0]


def test_a_figure_says_what_it_counts_and_how_long() -> None:
    properties: list[tuple[str, object]] = []
    Soak(3600.0, properties).figure("turns", 1234567)
    assert properties == [("soak", "1,234,567 turns in 3,600 s")]
