"""What this clone knows of each secret besides its value: where it may go, and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast, get_args

from gitflow_runner.errors import DamagedError, UsageError
from gitflow_runner.model.connection import Environment, Permit, is_secret_name, origin_of

FORMAT: Final = 1
_ENVIRONMENTS: Final = get_args(Environment)

Records = Mapping[tuple[Environment, str], "Record"]


@dataclass(frozen=True, slots=True)
class Record:
    """One secret of one store; drafts have a store of their own, which is empty at first.

    `command` is the program with its arguments that prints the value, where one was named.
    """

    name: str
    store: Environment
    permits: tuple[Permit, ...] = ()
    command: tuple[str, ...] = ()
    set_at: int | None = None  # ms, when a value was kept last
    kept_in: str | None = None  # `file` or `keyring`, where it was

    def origins(self, flow: str, environment: Environment) -> tuple[str, ...]:
        """Where a run of that flow may send it."""
        return tuple(sorted({p.origin for p in self.permits if p.covers(flow, environment)}))


def encode_records(records: Records) -> bytes:
    """The file's bytes; values are never in it."""
    items = [
        {
            "name": record.name,
            "store": record.store,
            "allow": [
                {"flow": p.flow, "environment": p.environment, "origin": p.origin} for p in record.permits
            ],
            "command": list(record.command),
            "set_at": record.set_at,
            "kept_in": record.kept_in,
        }
        for _, record in sorted(records.items())
    ]
    return json.dumps({"format": FORMAT, "secrets": items}, indent=1).encode() + b"\n"


def decode_records(data: bytes | None) -> Records:
    """The records by store and name; `DamagedError` (`secrets.damaged`) for a file that is not ours."""
    if data is None:
        return {}
    try:
        document = json.loads(data)
        if document["format"] != FORMAT:
            raise ValueError("another format")
        found = [_record(item) for item in document["secrets"]]
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError, UsageError) as error:
        raise DamagedError(
            "secrets.damaged",
            f"the list of secrets in this clone's local state cannot be read: {error}",
            hint="no secret is opened without it; set them again, or restore the file",
        ) from None
    return {(record.store, record.name): record for record in found}


def _record(item: Mapping[str, object]) -> Record:
    name, store, set_at, kept_in = item["name"], item["store"], item["set_at"], item["kept_in"]
    if not isinstance(name, str) or not is_secret_name(name) or store not in _ENVIRONMENTS:
        raise ValueError("a record without a name")
    if set_at is not None and type(set_at) is not int:
        raise ValueError("a time that is none")
    command = cast("list[object]", item["command"])
    return Record(
        name,
        cast(Environment, store),
        tuple(_permit(each) for each in cast("list[Mapping[str, object]]", item["allow"])),
        tuple(str(part) for part in command),
        set_at,
        None if kept_in is None else str(kept_in),
    )


def _permit(item: Mapping[str, object]) -> Permit:
    environment = item["environment"]
    if environment not in _ENVIRONMENTS:
        raise ValueError("an unknown environment")
    return Permit(str(item["flow"]), cast(Environment, environment), origin_of(str(item["origin"])))
