"""Which runs called one another: up from a called run."""

from __future__ import annotations

from gitflow_runner.errors import NotFoundError
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.ledger.chain import file_in, head_of
from gitflow_runner.ledger.codec import decode_pin
from gitflow_runner.ledger.listing import find_run


def callers_of(reader: ObjectReader, run: str) -> frozenset[str]:
    """The run and those that called one another down to it, as far as they are recorded here."""
    found: set[str] = set()
    at: str | None = run
    while at is not None and at not in found:
        found.add(at)
        try:
            data = file_in(reader, head_of(reader, find_run(reader, at).tip)[0], "pin.json")
        except NotFoundError:
            break
        at = None if data is None else decode_pin(data).caller
    return frozenset(found)
