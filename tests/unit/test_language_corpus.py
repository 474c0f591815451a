"""Texts that once broke the language, or could: each has a coded answer in time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.language_trials import fault

CORPUS = sorted((Path(__file__).parent.parent / "corpus").glob("*.txt"))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_text_of_the_corpus_gets_coded_answers(path: Path) -> None:
    assert fault(path.read_bytes().decode("utf-8", "surrogatepass")) is None
