"""Secrets opened for runs: found in their source, held to their allow-list, masked before they are used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from gitflow_runner.connections.base import Source
from gitflow_runner.connections.lookalike import looks_secret
from gitflow_runner.connections.records import Record, Records, decode_records, encode_records
from gitflow_runner.connections.redactor import Redactor
from gitflow_runner.connections.registry import (
    KEEPERS,
    Place,
    all_sources,
    cheap_sources,
    keeper,
    program,
)
from gitflow_runner.errors import GitflowError, NotFoundError, RefusedError, TransientError, UsageError
from gitflow_runner.model.connection import Environment, Permit, is_secret_name
from gitflow_runner.model.secret import Secret, unfit
from gitflow_runner.runner.local import LocalState

FOLDER: Final = "secrets"
RECORDS: Final = f"{FOLDER}/records.json"
_LIMIT: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Opened:
    """One secret for one run: its value, every origin that it may be sent to, and where it was found."""

    secret: Secret
    origins: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class SecretRenewal:
    """A secret that is being renewed: `keep` puts the new value where the old one was found."""

    secrets: Secrets
    record: Record
    secret: Secret
    source: str

    @property
    def value(self) -> str:
        """The value as it is now."""
        return self.secret.reveal()

    def keep(self, value: str) -> str | None:
        """Put the new value there; why it could not be put there, or None."""
        return self.secrets.put_back(self.record, self.source, self.secret, Secret(value))


class Secrets:
    """All secrets that this clone knows."""

    def __init__(
        self,
        local: LocalState,
        place: Callable[[], Place],
        redactor: Redactor,
        now_ms: Callable[[], int],
    ) -> None:
        """`place` is asked when the first source is."""
        self._local = local
        self._find_place = place
        self._redactor = redactor
        self._now_ms = now_ms
        self._sources: Sequence[Source] | None = None
        self._renewed: dict[tuple[str, str], tuple[Secret, Secret]] = {}  # (old, new) of this process

    @cached_property
    def _place(self) -> Place:
        return self._find_place()

    @property
    def records(self) -> Records:
        """What is known of each; `DamagedError` (`secrets.damaged`)."""
        return decode_records(self._local.read(RECORDS, _LIMIT))

    def known_values(self) -> Iterable[str]:
        """The values that are had for nothing, to be masked from the start."""
        records = self.records
        if not records:
            return ()
        found = []
        for source in cheap_sources(self._place):
            for record in records.values():
                # What may not be used, for whatever reason, is said where it is opened.
                with suppress(GitflowError):
                    secret = source.find(record) if _serves(source, record) else None
                    if secret is not None:
                        found.append(secret.reveal())
        return found

    def record(self, name: str, environment: Environment) -> Record:
        """The record that a run in that environment goes by; `NotFoundError` (`secret.unknown`).

        A draft sees its own store, and of the others what is allowed to drafts by name.
        """
        records = self.records
        found = records.get((environment, name))
        if found is not None:
            return found
        live = records.get(("live", name))
        if live is not None and any(permit.environment == environment for permit in live.permits):
            return live
        draft = " --draft" if environment == "draft" else ""
        kept = " (there is one for live runs, which drafts do not see)" if live is not None else ""
        raise NotFoundError(
            "secret.unknown",
            f"{environment} runs have no secret {name[:128]}{kept}",
            hint="set its value, and say where it may be sent",
            fix=(f"gfr secrets set {name[:128]} --for https://HOST{draft}",),
        )

    def is_known(self, environment: Environment, name: str) -> bool:
        """Whether a run in that environment could open a secret of this name, its flow permitting."""
        try:
            self.record(name, environment)
        except NotFoundError:
            return False
        return True

    def open(self, name: str, flow: str, environment: Environment) -> Opened:
        """The secret for a run of that flow.

        Raises `NotFoundError` (`secret.unknown`, `secret.missing`), `RefusedError` (`secret.not_allowed`,
        `secret.unfit`), and what its source says.
        """
        record = self.record(name, environment)
        origins = record.origins(flow, environment)
        if not origins:
            draft = " --draft" if environment == "draft" else ""
            raise RefusedError(
                "secret.not_allowed",
                f"{environment} runs of {flow} may not use the secret {name}",
                hint="its allow-list says which flows may send it, and where to",
                fix=(f"gfr secrets allow {name} --for https://HOST --flow {flow}{draft}",),
            )
        secret, source = self.find(record)
        # Before anybody can use it, so that no record of any use can hold it.
        self._redactor.learn(secret.reveal())
        self._note_use(record)
        return Opened(secret, origins, source)

    def find(self, record: Record) -> tuple[Secret, str]:
        """The value and the name of the source that has it; errors as `open`."""
        if self._sources is None:
            self._sources = all_sources(self._place)
        for source in self._sources:
            secret = source.find(record) if _serves(source, record) else None
            if secret is not None:
                return self._newest(record, _fit(record, secret, source.name)), source.name
        names = ", ".join(source.name for source in self._sources if _serves(source, record))
        draft = " --draft" if record.store == "draft" else ""
        raise NotFoundError(
            "secret.missing",
            f"no value of {record.name} was found in {names}",
            fix=(f"gfr secrets set {record.name}{draft}",),
        )

    @contextmanager
    def renewing(self, name: str, flow: str, environment: Environment) -> Iterator[SecretRenewal]:
        """The secret, opened while no other process of this clone renews it; errors as `open`."""
        record = self.record(name, environment)
        with self._local.locked(f"{FOLDER}/renewing/{record.store}/{record.name}"):
            opened = self.open(name, flow, environment)
            yield SecretRenewal(self, record, opened.secret, opened.source)

    def put_back(self, record: Record, source: str, old: Secret, new: Secret) -> str | None:
        """Put a renewed value where the old one was found; if that cannot be, why, in words.

        This process goes on with the new one in any case.
        """
        self._redactor.learn(new.reveal())
        key = (record.store, record.name)
        before = self._renewed.get(key)
        if before is not None and before[1].reveal() == old.reveal():
            old = before[0]  # what the source still has
        self._renewed[key] = (old, new)
        if source not in KEEPERS:
            return f"nothing can be written to where the old one lies ({source})"
        try:
            self.keep(self.records.get(key, record), new, source)
        except GitflowError as error:
            return error.message
        del self._renewed[key]
        return None

    def where(self, record: Record) -> str | None:
        """The name of the cheap source that has it, or of the command; None if none is known to."""
        for source in cheap_sources(self._place):
            if _serves(source, record) and source.find(record) is not None:
                return source.name
        return record.command[0] if record.command else record.kept_in

    def find_by_command(self, record: Record) -> Secret:
        """What the record's command prints; errors as `open`, and `UsageError` (`secret.command`)."""
        secret = program(self._place).find(record)
        assert secret is not None, "the record names a command"
        self._redactor.learn(secret.reveal())
        return _fit(record, secret, record.command[0])

    def keep(self, record: Record, value: Secret, kind: str) -> None:
        """Put a value into the `file` or the `keyring`, masked from now on; `UsageError` (`secret.unfit`)."""
        why = unfit(value.reveal())
        if why is not None:
            raise UsageError("secret.unfit", f"this value of {record.name} is not taken: {why}")
        self._redactor.learn(value.reveal())
        keeper(self._place, kind).keep(record, value)
        if record.kept_in not in (None, kind):
            keeper(self._place, str(record.kept_in)).drop(record)
        self.save(replace(record, set_at=self._now_ms(), kept_in=kind))

    def save(self, record: Record) -> None:
        """Write the record."""
        self.check_name(record.name)
        self._write({**self.records, (record.store, record.name): record})

    def check_name(self, name: str) -> None:
        """Refuse what cannot be a secret's name, without repeating it (`secret.name`)."""
        if not is_secret_name(name) or looks_secret(name):
            raise UsageError(
                "secret.name",
                "that cannot be the name of a secret",
                hint="a letter or `_`, then letters, digits, `_`, `.` or `-`; its value is never typed here",
            )

    def remove(self, record: Record) -> str | None:
        """Forget a secret; where its value was taken out of. Errors of the keyring leave it known."""
        emptied = record.kept_in is not None and keeper(self._place, record.kept_in).drop(record)
        self._write({key: each for key, each in self.records.items() if key != (record.store, record.name)})
        return record.kept_in if emptied else None

    def _newest(self, record: Record, found: Secret) -> Secret:
        """What a service gave in place of that very value, where it could not be written to its source."""
        old, new = self._renewed.get((record.store, record.name), (None, found))
        return new if old is not None and old.reveal() == found.reveal() else found

    def last_used(self, record: Record) -> int | None:
        """When (ms) a run of this clone opened it last."""
        data = self._local.read(_used(record))
        return int(data) if data is not None and data.strip().isdigit() else None

    def _note_use(self, record: Record) -> None:
        # Only for people's eyes: on a disk that takes nothing, runs still go on.
        with suppress(TransientError):
            self._local.write(_used(record), b"%d\n" % self._now_ms(), sync=False)

    def _write(self, records: Records) -> None:
        self._local.write(RECORDS, encode_records(records), mode=0o600)


def permits(flows: Sequence[str], origins: Sequence[str], environment: Environment) -> tuple[Permit, ...]:
    """Every flow with every origin."""
    return tuple(Permit(flow, environment, origin) for flow in flows for origin in origins)


def _fit(record: Record, secret: Secret, source: str) -> Secret:
    why = unfit(secret.reveal())
    if why is not None:
        raise RefusedError(
            "secret.unfit",
            f"the value of {record.name} ({source}) cannot be used: {why}",
            fix=(f"gfr secrets set {record.name}",),
        )
    return secret


def _serves(source: Source, record: Record) -> bool:
    return source.separate or record.store == "live"


def _used(record: Record) -> str:
    return f"{FOLDER}/used/{record.store}/{record.name}"
