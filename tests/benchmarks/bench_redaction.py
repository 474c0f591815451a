"""Masking against plain copying: 100 KB with 50 secrets known."""

from __future__ import annotations

import json
import random
import string
import time
from collections.abc import Callable

import pytest

from gitflow_runner.connections.redactor import Redactor

SIZE = 100_000
SECRETS = 50
TARGET_MS = 1.0
ROUNDS = 50


def letters(chance: random.Random, alphabet: str, length: int) -> str:
    return "".join(chance.choice(alphabet) for _ in range(length))


def document(kind: str, secrets: list[str]) -> str:
    chance = random.Random(7)
    match kind:
        case "json":
            rows = [
                {"id": n, "name": letters(chance, "abcdef", 9), "text": "lorem ipsum " * 6}
                for n in range(900)
            ]
            return json.dumps(rows)[:SIZE]
        case "base64":
            return letters(chance, string.ascii_letters + string.digits + "+/", SIZE)
        case _:
            clean = document("json", [])
            return "".join(
                clean[n : n + 1_000] + secrets[n // 1_000 % SECRETS] for n in range(0, SIZE, 1_000)
            )


@pytest.mark.parametrize("kind", ["json", "base64", "secrets"])
def test_masking_takes_less_than_a_millisecond(kind: str) -> None:
    chance = random.Random(1)
    punctuated = string.ascii_letters + string.digits + string.punctuation
    secrets = [
        letters(chance, punctuated if n % 5 == 0 else string.ascii_letters, 32) for n in range(SECRETS)
    ]
    redactor = Redactor()
    redactor.learn(*secrets)
    text = document(kind, secrets)
    took = fastest(lambda: redactor.text(text))
    print(f"{kind}: {took:.3f} ms for {len(text)} characters with {SECRETS} secrets")  # noqa: T201 - the figure
    assert (redactor.text(text) != text) == (kind == "secrets")
    assert took < TARGET_MS


def fastest(act: Callable[[], object]) -> float:
    """The best of many rounds, in ms of CPU time: others are busy beside us."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        act()
        best = min(best, (time.process_time() - began) * 1_000)
    return best
