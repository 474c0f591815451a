"""Stored values as people work with them: which there are, what is in one, and which nobody needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gitflow_runner.errors import ConflictError, NotFoundError, StepError, UsageError
from gitflow_runner.git.objects import Oid
from gitflow_runner.ledger.blobs import FOLDER, Pointer, pointer_in
from gitflow_runner.ledger.bucket import BucketStore
from gitflow_runner.ledger.collect import Collected, collect, named_values, remove_leftovers
from gitflow_runner.ledger.lease import hold_maintenance
from gitflow_runner.ledger.listing import RunRef, find_run, run_refs
from gitflow_runner.model.resource import named_digest
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.stores import open_store

SEARCHED = 1_000_000  # bytes of one value that a search looks at
PREVIEW = 4_096  # characters of a value that are shown
_SHORTEST = 6  # hex digits that a person types at least


@dataclass(frozen=True, slots=True)
class Resource:
    """A stored value; `place` is `git`, `store`, `bucket`, or `missing` where another clone has it or nobody.

    What is said to be in the bucket is not on this disk; the bucket was not asked.
    """

    sha256: str
    size: int
    media_type: str | None  # a small value in a run's tree does not say
    place: str
    runs: tuple[RunRef, ...]
    blob: Oid  # the value itself, or the pointer to it


def list_resources(runtime: Runtime, *, run: str | None, limit: int) -> tuple[Resource, ...]:
    """The values of one run, or of the newest `limit` runs, each once; the newest run's come first."""
    reader = runtime.repository
    elsewhere = "bucket" if isinstance(open_store(runtime), BucketStore) else "missing"
    found: dict[str, Resource] = {}
    for at in [find_run(reader, run)] if run is not None else run_refs(reader)[:limit]:
        folder = reader.entry(reader.commit(at.tip).tree, FOLDER)
        for entry in reader.tree(folder.oid) if folder is not None else ():
            known = found.get(entry.name)
            if known is not None:
                found[entry.name] = replace(known, runs=(*known.runs, at))
            else:
                found[entry.name] = _described(runtime, at, entry.name, entry.oid, elsewhere)
    return tuple(found.values())


def find_resource(runtime: Runtime, typed: str) -> Resource:
    """The value that a URI, a digest or its first digits name.

    `NotFoundError` (`res.unknown`, `res.ambiguous`), `UsageError` (`res.malformed`).
    """
    begin = (named_digest(typed) or typed).lower()
    if len(begin) < _SHORTEST or not all(c in "0123456789abcdef" for c in begin):
        raise UsageError(
            "res.malformed",
            f"{typed[:100]!r} names no stored value",
            hint=f"res://sha256/<64 hex>, or at least the first {_SHORTEST} hex digits",
        )
    every = list_resources(runtime, run=None, limit=1_000_000)
    found = [resource for resource in every if resource.sha256.startswith(begin)]
    if not found:
        raise NotFoundError("res.unknown", f"no run has a value {begin[:64]}", fix=("gfr resources ls",))
    if len(found) > 1:
        raise NotFoundError(
            "res.ambiguous",
            f"{len(found)} values begin with {begin}",
            details={"matches": [resource.sha256 for resource in found]},
            fix=tuple(f"gfr resources show {resource.sha256[:12]}" for resource in found[:5]),
        )
    return found[0]


def resource_chunks(runtime: Runtime, resource: Resource) -> Iterator[bytes]:
    """The value piece by piece; `StepError` (`res.*`, and of the bucket's connection `secret.*`)."""
    if resource.place == "git":
        return iter((runtime.repository.blob(resource.blob),))
    return open_store(runtime).chunks(resource.sha256)


def beginning(runtime: Runtime, resource: Resource, size: int) -> bytes:
    """The first `size` bytes, all of it read and verified where that is not much more."""
    taken = bytearray()
    for chunk in resource_chunks(runtime, resource):
        taken += chunk
        if len(taken) >= size:
            break
    return bytes(taken[:size])


def search_resources(
    runtime: Runtime, text: str, *, run: str | None, limit: int
) -> Iterator[tuple[Resource, str]]:
    """The values that hold `text`, case left aside, each with the line where it first stands.

    Only texts on this disk are looked at, and of a large one the beginning.
    """
    wanted = text.casefold()
    for resource in list_resources(runtime, run=run, limit=limit):
        if resource.place not in ("git", "store"):
            continue
        try:
            content = beginning(runtime, resource, SEARCHED).decode("utf-8", "strict")
        except UnicodeDecodeError:
            continue
        line = next((line for line in content.splitlines() if wanted in line.casefold()), None)
        if line is not None:
            yield resource, line.strip()[:200]


def remove_resources(runtime: Runtime, digests: Sequence[str], *, dry_run: bool) -> Collected:
    """Take values away that no ref names, all such or those of `digests` only.

    One younger than a week stays: a run may be about to name it. `ConflictError` (`res.in_use`) for one that
    is named, `NotFoundError` (`res.unknown`) for one that is not on this disk, `RefusedError` (`res.shared`).
    A bucket is left to its owner: what others name there cannot be seen from here.
    """
    now = runtime.clock.now_ms()
    with hold_maintenance(runtime.repository.common_dir, runtime.who):
        named = named_values(runtime.repository)
        for sha256 in digests:
            if sha256 in named:
                raise ConflictError(
                    "res.in_use",
                    f"{sha256[:12]} is named by {', '.join(named[sha256][:3])}",
                    hint="a value goes when no run names it any more",
                    details={"refs": list(named[sha256])},
                )
            if not runtime.folder.contains(sha256):
                raise NotFoundError("res.unknown", f"no value {sha256[:64]} lies beside Git here")
        done = collect(runtime.folder, named, now, dry_run=dry_run, only=digests or None)
        if not dry_run and not digests:
            remove_leftovers(runtime.folder, now)
    return done


def look_up(runtime: Runtime, pointer: Pointer) -> str | None:
    """What is wrong with the value behind a pointer, all of it read: `incomplete`, `res.digest`, or None.

    `StepError` (`res.bucket*`, `connection.refused`, `secret.*`) where it cannot be told.
    """
    store = open_store(runtime)
    if store.size(pointer.sha256) is None:
        return "incomplete"
    try:
        size = sum(len(chunk) for chunk in store.chunks(pointer.sha256))
    except StepError as error:
        if error.code not in ("res.damaged", "res.unknown"):
            raise  # a bucket that is not well says nothing about the value
        return "res.digest"
    return None if size == pointer.size else "res.digest"


def _described(runtime: Runtime, at: RunRef, sha256: str, blob: Oid, elsewhere: str) -> Resource:
    data = runtime.repository.blob(blob)
    pointer = pointer_in(data)
    if pointer is None or pointer.sha256 != sha256:
        return Resource(sha256, len(data), None, "git", (at,), blob)
    place = "store" if runtime.folder.contains(sha256) else elsewhere
    return Resource(sha256, pointer.size, pointer.media_type, place, (at,), blob)
