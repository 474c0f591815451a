"""The record's text: events as JSON lines, `run.json` and `pin.json`, and where their values lie.

A value (`Stored`) is written as its digest and the path of the file that holds it in the same turn's
tree; decoding gives values that load themselves when first asked for and check the digest then.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final, get_args

from gitflow_runner.errors import DamagedError
from gitflow_runner.ledger.shape import Load, Shape, ShapeError, json_text, object_text
from gitflow_runner.ledger.upcast import UPCASTERS, Upcasters, upcast, version
from gitflow_runner.model.event import Event, Recorded
from gitflow_runner.model.ids import is_step_folder
from gitflow_runner.model.pin import DraftSource, Pin, ReleaseSource
from gitflow_runner.model.run import Run
from gitflow_runner.model.stored import Stored

FORMAT: Final = 1  # of a turn's tree as a whole: `run.json` says it first
MAX_BYTES: Final = 64 * 1024 * 1024  # of one turn's events, before anything is parsed

# Which file of its folder holds the value of a field, whatever the event.
_FILES: Final = {"input": "input.edn", "output": "output.edn", "value": "output.edn", "data": "error.edn"}
_TAGS: Final = {DraftSource: "draft", ReleaseSource: "release"}
_PATH = re.compile(r"(?:steps/[0-9]{3}/[0-9]{5}-[a-z0-9-]{1,40}/)?(?:input|output|error)(?:-[0-9]+)?\.edn")
_DIGEST = re.compile(r"[0-9a-f]{64}")

_SHAPES: Final = {cls: Shape(cls, _FILES, _TAGS) for cls in get_args(Event)}
_KINDS: Final = {cls.kind: (cls, _SHAPES[cls]) for cls in get_args(Event)}
_RUN: Final = Shape(Run, _FILES, _TAGS)
_PIN: Final = Shape(Pin, _FILES, _TAGS)

_scanned = json.JSONDecoder().raw_decode
_escaped = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode

Placed = Callable[[Stored, str], str]  # (value, path it would lie at) -> path where it lies
Read = Callable[[str, str], bytes]  # (path in the turn's tree, digest) -> the file's bytes


def step_path(folder: str) -> str:
    """The path of a step's folder in the tree, with a slash at its end: shards hold 100 steps."""
    return f"steps/{_shard(folder)}/{folder}/"


def log_path(folder: str, attempt: int) -> str:
    """The path of an attempt's log in the tree, in shards like the steps; older turns have them flat."""
    return f"logs/{_shard(folder)}/{folder}.{attempt}.log"


def _shard(folder: str) -> str:
    if not is_step_folder(folder):
        raise DamagedError("history.malformed", f"{folder[:80]!r} is not a step's folder")
    return folder[:3]


class Places:
    """Where the values of one turn lie; the same events always give the same paths."""

    def __init__(self) -> None:
        self._taken: dict[str, str] = {}

    def of(self, seq: int, value: Stored, path: str) -> str:
        """`path`, unless another value of this turn lies there: then with the event's number in it.

        Two attempts of one step in one turn would want the same file.
        """
        if self._taken.setdefault(path, value.digest) == value.digest:
            return path
        return f"{path.removesuffix('.edn')}-{seq}.edn"


def encode_event(recorded: Recorded, place: Placed, table: Upcasters = UPCASTERS) -> bytes:
    """One line without its end; `place` is told every value and may move it to another path."""
    event: Any = recorded.event
    head = [f'"seq":{recorded.seq}', f'"at":{recorded.at}', f'"kind":{json_text(event.kind)}']
    if event.kind in table:
        head.append(f'"v":{version(event.kind, table)}')

    def keep(value: Stored, name: str) -> str:
        folder = getattr(event, "folder", None)
        return place(value, name if folder is None else step_path(folder) + name)

    return _line(head + _SHAPES[type(event)].members(event, keep))


def decode_event(line: bytes, read: Read, table: Upcasters = UPCASTERS) -> Recorded:
    """The event of one line; `DamagedError` (`history.malformed`, `.unknown_event`, `.newer`)."""
    return _decode_event(line, _loader(read), table)


def _decode_event(line: bytes, load: Load, table: Upcasters = UPCASTERS) -> Recorded:
    data = _parse(line, "an event")
    pop = data.pop
    seq, at, kind, written = pop("seq", None), pop("at", None), pop("kind", None), pop("v", None)
    if type(seq) is not int or type(at) is not int or type(kind) is not str:
        raise DamagedError("history.malformed", "an event has no number, time or kind")
    known = _KINDS.get(kind)
    if known is None:
        raise DamagedError(
            "history.unknown_event",
            f"event #{seq} is of the unknown kind {kind[:60]!r}",
            hint="the run may have been recorded by a newer gitflow-runner",
        )
    if written is not None or kind in table:
        if written is not None and type(written) is not int:
            raise DamagedError("history.malformed", f"event #{seq}: its version is not a number")
        data = upcast(kind, 1 if written is None else written, data, table)
    try:
        return Recorded(seq, at, known[1].decode(data, load))
    except ShapeError as error:
        raise DamagedError("history.malformed", f"event #{seq} {kind}: {error}") from None


def decode_events(text: bytes, read: Read) -> tuple[Recorded, ...]:
    """All events of one turn's `events.jsonl`."""
    if len(text) > MAX_BYTES:
        raise DamagedError("history.malformed", f"a turn's events take {len(text)} bytes")
    if not text.endswith(b"\n"):
        raise DamagedError("history.malformed", "events.jsonl does not end with a whole line")
    load = _loader(read)
    return tuple([_decode_event(line, load) for line in text[:-1].split(b"\n")])


def encode_run(run: Run) -> bytes:
    """`run.json`: one line a field, the format first."""
    return _document([f'"format":{FORMAT}', *_RUN.members(run, _at_root)])


def decode_run(text: bytes, read: Read) -> Run:
    """The state that `run.json` holds; `DamagedError` (`run.malformed`, `run.newer`)."""
    data = _parse(text, "run.json", "run.malformed")
    _check_format(data.pop("format", None), "run.json", "run")
    try:
        run: Run = _RUN.decode(data, _loader(read))
    except ShapeError as error:
        raise DamagedError("run.malformed", f"run.json: {error}") from None
    return run


def encode_pin(pin: Pin) -> bytes:
    """`pin.json`; `RunStarted.pin` is the SHA-256 of these bytes."""
    return _document(_PIN.members(pin, _at_root))


def decode_pin(text: bytes) -> Pin:
    """The pin; `DamagedError` (`pin.malformed`, `pin.newer`)."""
    data = _parse(text, "pin.json", "pin.malformed")
    _check_format(data.get("format"), "pin.json", "pin")
    try:
        pin: Pin = _PIN.decode(data, _no_value)
    except ShapeError as error:
        raise DamagedError("pin.malformed", f"pin.json: {error}") from None
    return pin


def _line(members: list[str]) -> bytes:
    text = object_text(members)
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a surrogate pair has no UTF-8 form, JSON's own escape keeps it
        return _escaped(_scanned(text)[0]).encode()


def _document(members: list[str]) -> bytes:
    return b"{\n" + b",\n".join(_line([member])[1:-1] for member in members) + b"\n}\n"


def _parse(text: bytes, what: str, code: str = "history.malformed") -> dict[str, object]:
    try:
        written = text.decode().strip(" \t\n\r")
        data, end = _scanned(written)
    except (ValueError, RecursionError):
        raise DamagedError(code, f"{what} is not JSON: {text[:80]!r}") from None
    if end != len(written):
        raise DamagedError(code, f"{what} is followed by something else: {written[end : end + 80]!r}")
    if type(data) is not dict:
        raise DamagedError(code, f"{what} is not a JSON object")
    return data


def _check_format(found: object, what: str, family: str) -> None:
    if type(found) is not int or found < 1:
        raise DamagedError(f"{family}.malformed", f"{what} does not say its format")
    if found > FORMAT:
        raise DamagedError(
            f"{family}.newer",
            f"{what} is written in format {found}, this runner knows {FORMAT}",
            hint="the run was recorded by a newer gitflow-runner: upgrade this one",
        )


def _at_root(value: Stored, name: str) -> str:
    return name


def _no_value(path: str, digest: str) -> Stored:
    raise ShapeError("a pin holds no values")


def _loader(read: Read) -> Load:
    text = partial(_text, read)  # one for all values of a turn, since histories are long

    def load(path: str, digest: str) -> Stored:
        if not _PATH.fullmatch(path) or not _DIGEST.fullmatch(digest):
            raise ShapeError("not the path and digest of a value")
        return Stored(path=path, digest=digest, load=text)

    return load


def _text(read: Read, path: str, digest: str) -> str:
    data = read(path, digest)
    if hashlib.sha256(data).hexdigest() != digest:
        raise DamagedError("history.value", f"{path} does not have the digest that its event names")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise DamagedError("history.value", f"{path} is not UTF-8") from None
