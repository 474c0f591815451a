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
