"""Every code can be explained."""

import pytest

from gitflow_runner.catalog.explain import explain, explanations
from gitflow_runner.errors import NotFoundError


def test_every_code_has_one_sentence_at_least() -> None:
    assert all(each.text.endswith(".") and len(each.text) > 20 for each in explanations())


def test_a_code_is_found_by_its_name() -> None:
    assert explain("unknown_slot").severity == "error"
    assert explain("flow_include_invalid").code == "flow_include_invalid"


def test_an_unknown_code_names_the_nearest() -> None:
    with pytest.raises(NotFoundError) as missing:
        explain("unknown_slott")
    assert missing.value.code == "code.unknown"
    assert "unknown_slot" in (missing.value.hint or "")
