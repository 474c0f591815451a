"""What functions and steps may be called."""

from __future__ import annotations

import pytest

from gitflow_runner.model.ids import is_label, is_name


@pytest.mark.parametrize("text", ["total", "valid?", "->csv!", "2nd", "meta-1.5", "größe", "x" * 128])
def test_a_label_is_what_a_keyword_holds(text: str) -> None:
    assert is_label(text)


@pytest.mark.parametrize(
    "text", ["", "a b", "a/b", "a#1", "a{k}", "a:b", "a\n", "a\u202eb", "x" * 129, '"', "a\x00"]
)
def test_nothing_that_an_identity_or_a_terminal_would_take_for_more(text: str) -> None:
    assert not is_label(text)


def test_a_name_is_narrower_since_refs_and_files_carry_it() -> None:
    assert [is_name(text) for text in ("total", "valid?", "2nd")] == [True, False, False]
