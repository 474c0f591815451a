"""A code is explained by its name, with or without its family."""

import pytest

from gitflow_runner.catalog.explain import explain
from gitflow_runner.errors import NotFoundError


def test_a_code_is_found_by_its_name() -> None:
    assert [(each.severity, each.next) for each in explain("unknown_slot")] == [("error", "gfr lint FLOW")]


def test_a_bare_reason_finds_the_codes_of_all_families() -> None:
    assert [each.code for each in explain("payload")] == ["approval.payload", "wait.payload"]


def test_an_unknown_code_names_the_nearest() -> None:
    with pytest.raises(NotFoundError) as missing:
        explain("unknown_slott")
    assert missing.value.code == "code.unknown"
    assert "unknown_slot" in (missing.value.hint or "")
