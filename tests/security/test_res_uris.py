"""A stored value is named by its digest; nothing that looks like a path gets anywhere."""

from __future__ import annotations

import hashlib

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.model.resource import digest_of, resource_uri
from gitflow_runner.steps.memory import MemoryBlobs

DIGEST = hashlib.sha256(b"value").hexdigest()


@pytest.mark.parametrize(
    "uri",
    [
        "res://../x",
        "res://sha256/../../etc/passwd",
        f"res://sha256/{DIGEST}/..",
        f"res://sha256/../{DIGEST}",
        f"res://sha256//{DIGEST}",
        f"res:///sha256/{DIGEST}",
        "res:///etc/passwd",
        "/etc/passwd",
        f"res://sha256/{DIGEST}\0",
        f"res://sha256/{DIGEST}\n",
        f"res://sha256/{DIGEST[:-1]}",
        f"res://sha256/{DIGEST}0",
        f"res://sha256/{DIGEST.upper()}",
        f"res://sha256/%2e%2e%2f{DIGEST[9:]}",
        f"res://sha256/{DIGEST[:-2]}%30",
        f"res://sha1/{DIGEST[:40]}",
        f"RES://sha256/{DIGEST}",
        f"file://sha256/{DIGEST}",
        f"res://user@sha256/{DIGEST}",
        f"res://sha256/{DIGEST}?a=b",
        "res://sha256/" + "\u0660" * 64,
        "",
    ],
)
def test_whatever_is_not_a_digest_is_refused(uri: str) -> None:
    with pytest.raises(StepError) as caught:
        MemoryBlobs().get(uri)
    assert caught.value.code == "res.malformed"


def test_a_digest_goes_there_and_back() -> None:
    assert digest_of(resource_uri(DIGEST)) == DIGEST
