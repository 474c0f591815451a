"""The records of concurrency slots: one chain of signed commits a slot, gone once no run is in it.

A slot names the runs that it admits before anything of them is recorded (protocol 4.1). Its record only
orders starts: what a run is and where it stands is read from the run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from gitflow_runner.errors import ConflictError, DamagedError, TransientError
from gitflow_runner.git.objects import Oid, RawObject
from gitflow_runner.git.refs import SLOTS, slot_ref
from gitflow_runner.git.repository import ObjectReader, RefUpdate, Repository
from gitflow_runner.ledger.chain import file_in, head_of
from gitflow_runner.ledger.committer import Committer
from gitflow_runner.ledger.link import TRIES, link_upon
from gitflow_runner.ledger.shape import Shape, ShapeError, json_text, object_text
from gitflow_runner.model.slot import Slot

SLOT_FILE: Final = "slot.json"
MAX_BYTES: Final = 8 * 1024 * 1024  # of a record, before it is parsed
_SHAPE: Final = Shape(Slot, {}, {})

Read = tuple[Oid | None, Slot]


class SlotRecord:
    """One slot; safe between processes."""

    def __init__(
        self,
        repository: Repository,
        committer: Committer,
        slug: str,
        digest: str,
        check: Callable[[str, Oid], None],
    ) -> None:
        """`check` refuses the commit at a ref that no runner of ours signed."""
        self.ref = slot_ref(slug, digest)
        self._repository = repository
        self._committer = committer
        self._name = f"{slug}/{digest}"
        self._check = check

    def read(self) -> Read:
        """Where it stands, and what it says; `DamagedError` (`slot.malformed`), and what `check` raises."""
        tip = self._repository.resolve(self.ref)
        if tip is None:
            return None, Slot()
        self._check(self.ref, tip)
        return tip, read_slot(self._repository, tip, self._name)

    def move(self, tip: Oid | None, slot: Slot, at: int) -> tuple[tuple[RawObject, ...], RefUpdate]:
        """The objects and the swap that let the slot be so, from `tip` on; `at` is ms."""
        if slot.is_empty:
            return (), RefUpdate(self.ref, tip, None)
        last = slot.decisions[-1] if slot.decisions else None
        told = f"slot of {self._name.partition('/')[0]}"
        message = told if last is None else f"{told}: {last.decision} {last.run}"
        files = [(SLOT_FILE, _encode(slot, self._name))]
        link = link_upon(self._repository, self._committer, tip, files, f"{message}\n", at, anew=True)
        return link.objects, RefUpdate(self.ref, tip, link.oid)

    def update(
        self,
        change: Callable[[Slot], Slot],
        at: int,
        after: Callable[[], tuple[RefUpdate, ...]] = tuple,
    ) -> Slot:
        """Swap the slot in a loop; `after` are refs that move behind it in the same transaction.

        `change` may be called several times. Raises as `read`, and `TransientError` (`slot.contended`).
        """
        for _ in range(TRIES):
            tip, slot = self.read()
            fresh = change(slot)
            others = after()
            if fresh == slot and not others:
                return slot
            objects, move = ((), None) if fresh == slot else self.move(tip, fresh, at)
            if objects:
                self._repository.write(objects)
            try:
                self._repository.swap([*([] if move is None else [move]), *others])
            except ConflictError as error:
                if error.code != "git.ref_moved":
                    raise
                continue
            return fresh
        raise self.contended()

    def contended(self) -> TransientError:
        """What is said where others never let a writer through."""
        return TransientError("slot.contended", f"the slot {self._name} is written all the time")


def read_slot(reader: ObjectReader, tip: Oid, name: str) -> Slot:
    """The slot `<slug>/<digest>` as the commit has it, whoever signed that; `DamagedError`."""
    data = file_in(reader, head_of(reader, tip)[0], SLOT_FILE)
    try:
        if data is None or len(data) > MAX_BYTES:
            raise ShapeError("no record of a slot")
        fields = json.loads(data)
        if type(fields) is not dict or fields.pop("slot", None) != name:
            raise ShapeError("the record of another slot")
        found: Slot = _SHAPE.decode(fields, _no_value)
    except (ValueError, RecursionError) as error:
        raise DamagedError(
            "slot.malformed",
            f"the slot {name} cannot be read: {error}"[:300],
            hint="remove it, then let open runs take their places in it again",
            fix=(f"git update-ref -d {SLOTS}{name}", "gfr worker --once"),
        ) from None
    return found


def _encode(slot: Slot, name: str) -> bytes:
    members = [f'"slot":{json_text(name)}', *_SHAPE.members(slot, _no_file)]
    return object_text(members).encode() + b"\n"


def _no_file(*_: object) -> str:
    raise AssertionError("a slot holds no values")


def _no_value(path: str, digest: str) -> Any:
    raise ShapeError("a slot holds no values")
