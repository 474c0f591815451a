"""Which place large values lie in: what this machine says, then what the protected branch says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitflow_runner.errors import StepError, UsageError
from gitflow_runner.ledger.bucket import BucketStore
from gitflow_runner.ledger.store import BlobStore
from gitflow_runner.runner.compose import compose
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.settings import ResourceSettings, parse_settings
from gitflow_runner.runner.stores import is_lonely, open_store
from tests.projects import git, made_project

CONFIG = b"resources: {connection: values}\n"
SIGNED = b"""connections:
  values:
    type: http-api
    base-url: https://s3.example/b
    auth: {type: aws-sigv4, region: r, service: s3, secrets: {secret-access-key: K, access-key-id: I}}
"""
NOWHERE = "0" * 64


def runtime(folder: Path, config: bytes = CONFIG, connections: bytes = SIGNED) -> Runtime:
    made_project(folder, {".breyta/config.yaml": config, ".breyta/connections.yaml": connections})
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    return compose(folder, environment=environment)


def test_a_bucket_is_shared_and_nothing_asks_for_its_key_before_it_is_needed(tmp_path: Path) -> None:
    here = runtime(tmp_path)
    git(tmp_path, "config", "gitflow.remote", "origin")
    store = open_store(here)
    assert (type(store), is_lonely(here, store)) == (BucketStore, False)
    with pytest.raises(StepError) as caught:
        store.size(NOWHERE)
    assert caught.value.code == "secret.unknown"


def test_what_this_machine_says_goes_first(tmp_path: Path) -> None:
    here = runtime(tmp_path)
    git(tmp_path, "config", "gitflow.resources", "local")
    assert type(open_store(here)) is BlobStore


def test_a_draft_names_no_bucket(tmp_path: Path) -> None:
    here = runtime(tmp_path, b"limits: {steps: 5}\n")
    git(tmp_path, "checkout", "-q", "-b", "draft")
    (tmp_path / ".breyta/config.yaml").write_bytes(CONFIG)
    git(tmp_path, "commit", "-q", "-a", "-m", "a bucket of mine")
    assert type(open_store(here)) is BlobStore


@pytest.mark.parametrize(("before", "after"), [(b"values:", b"other:"), (b"service: s3", b"service: sqs")])
def test_a_connection_that_is_not_signed_for_s3_is_refused(
    tmp_path: Path, before: bytes, after: bytes
) -> None:
    store = open_store(runtime(tmp_path, connections=SIGNED.replace(before, after)))
    with pytest.raises(StepError) as caught:
        store.size(NOWHERE)
    assert caught.value.code == "res.bucket_settings"


def test_a_prefix_is_a_path_that_leads_nowhere_else() -> None:
    good = parse_settings(b"resources: {connection: values, prefix: team/a.b}")
    assert good.resources == ResourceSettings("values", "team/a.b")
    for bad in ("{prefix: a}", "{connection: v, prefix: ../x}", "{connection: v, prefix: a b}", "values"):
        with pytest.raises(UsageError) as caught:
            parse_settings(f"resources: {bad}".encode())
        assert caught.value.code == "config.type"
