"""Runners' logs as this clone has verified them: only what is new is read, the rest is remembered locally."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from gitflow_runner.errors import RefusedError, TransientError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import log_ref
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.runner.local import LocalState
from gitflow_runner.trust.log import RunnerLog, decode_log, encode_log, first_seen, key_digest, load_log

_LIMIT = 64 * 1024 * 1024


def load_known_log(reader: ObjectReader, local: LocalState, digest: str) -> RunnerLog | None:
    """The verified log of the key with this digest, None if there is none; errors as `load_log`.

    A log that lost what this clone verified before is `log.log_rewound`.
    """
    tip = reader.resolve(log_ref(digest))
    if tip is None:
        return None
    name = f"logs/{digest}"
    before = decode_log(local.read(name, _LIMIT) or b"")
    found = load_log(reader, tip, digest, before=before)
    if found is not before and len(found.entries) < 200_000:
        # It only saves the next reader's time: on a disk that takes nothing, looking must still work.
        with suppress(TransientError):
            local.write(name, encode_log(found), sync=False)
    return found


def own_times(reader: ObjectReader, local: LocalState) -> Mapping[Oid, int]:
    """When (ms) this clone's own runner first saw each release, promotion and policy."""
    if not local.is_ready():
        return {}
    try:
        log = load_known_log(reader, local, key_digest(local.signer().key))
    except RefusedError:
        # A log that is not believed tells no times: all is judged now, which only refuses more. Whoever
        # needs the log itself, to start, to append or to audit, is told what is wrong with it.
        return {}
    return {} if log is None else first_seen((log,))
