"""`.breyta/config.yaml`: where functions run, and the refusal of what is not known."""

from __future__ import annotations

import pytest

from gitflow_runner.errors import UsageError
from gitflow_runner.runner.settings import FunctionSettings, WorkerLimits, parse_settings


def test_drafts_run_in_a_worker_and_releases_in_process_unless_told_otherwise() -> None:
    assert parse_settings(None).functions == FunctionSettings("worker", "in-process", WorkerLimits())
    assert WorkerLimits() == WorkerLimits(512 * 2**20, 10, 10_000)


def test_every_setting_of_functions_is_read() -> None:
    text = (
        b"functions: {drafts: in-process, releases: worker, memory-mb: 64, cpu-seconds: 2, wall-seconds: 3}"
    )
    expected = FunctionSettings("in-process", "worker", WorkerLimits(64 * 2**20, 2, 3_000))
    assert parse_settings(text).functions == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"functions: {drafts: nowhere}", "config.type"),
        (b"functions: {releases: true}", "config.type"),
        (b"functions: {memory-mb: 0}", "config.type"),
        (b"functions: {memory: 1}", "config.unknown_key"),
        (b"functions: worker", "config.type"),
    ],
)
def test_what_is_not_known_is_refused(text: bytes, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_settings(text)
    assert caught.value.code == code


def test_a_connection_brings_address_and_token_of_a_forge() -> None:
    forge = parse_settings(b"forge: {kind: gitea, project: a/b, connection: review}").forge
    assert forge is not None
    assert (forge.connection, forge.url, forge.token) == ("review", "", None)


@pytest.mark.parametrize("also", [b"url: https://x.example", b"token: X"])
def test_a_forge_takes_its_token_by_one_way_only(also: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        parse_settings(b"forge: {kind: gitea, connection: review, " + also + b"}")
    assert caught.value.code == "config.type"


PRICES = b"""models:
  prices:
    swift-1: {input-per-million: 2, output-per-million: 4.5}
    anthropic/*: {input-per-million: 3, currency: EUR}
    "*": {input-per-million: 9}
"""


@pytest.mark.parametrize(
    ("provider", "models", "price"),
    [
        ("mock", ("swift-1",), 2),
        ("anthropic", ("swift-1",), 2),
        ("anthropic", ("slow-2",), 3),
        ("mock", (None, "slow-2"), 9),
        ("mock", ("slow-2", "swift-1"), 2),
        ("mock", (None,), None),
    ],
)
def test_prices_of_models_are_found_by_name_then_by_pattern(
    provider: str, models: tuple[str | None, ...], price: int | None
) -> None:
    assert parse_settings(PRICES).prices.of(provider, *models).get("input-per-million") == price
    assert parse_settings(None).prices.of(provider, *models) == {}, "the runner knows no price"


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("{input-per-million: -1}", "config.type"),
        ("{input-per-million: much}", "config.type"),
        ("{currency: 7}", "config.type"),
        ("{per-hour: 7}", "config.unknown_key"),
        ("7", "config.type"),
    ],
)
def test_a_price_is_a_number_from_zero(entry: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_settings(f"models: {{prices: {{m: {entry}}}}}".encode())
    assert caught.value.code == code
