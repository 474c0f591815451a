"""What the runner and the process that calls functions say to each other: frames over two pipes.

A frame is four octets of length, the highest first, and so many octets. The runner sends sources and
functions, which take the next number each, and calls, which name a function by its number. Each call has
one reply. A call and a result, which are sent over and over, are a line and the bare text behind it in
UTF-8; all else is JSON in ASCII with escapes, so that any string can pass.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from gitflow_runner.errors import Place, StepError
from gitflow_runner.lang.portable import Json
from gitflow_runner.runner.evaluation import data_of, rebuilt

HEADER_BYTES = 4
MAX_REPLY_BYTES = 4_100_000  # a printed result of the largest size at four octets a character
READY = b"ready"
_CALL = b"call "
_RETURNED = b"returned\n"


@dataclass(frozen=True, slots=True)
class AddSource:
    """A text that functions come from, as `portable.pack_source` has it."""

    data: Json


@dataclass(frozen=True, slots=True)
class AddFunction:
    """A function, as `portable.pack` has it."""

    name: str
    data: Json


@dataclass(frozen=True, slots=True)
class CallFunction:
    """Call the function of that number with the text of an argument."""

    function: int
    argument: str
    fuel: int
    cpu_seconds: int


@dataclass(frozen=True, slots=True)
class Returned:
    """The text of the result."""

    text: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The error that the call came to; the same error whoever made the call."""

    error: StepError


@dataclass(frozen=True, slots=True)
class OutOfMemory:
    """The call needed more memory than the process may map."""


Message: TypeAlias = AddSource | AddFunction | CallFunction
Reply: TypeAlias = Returned | Failed | OutOfMemory


def frame(data: bytes) -> bytes:
    """The octets with their length in front."""
    return len(data).to_bytes(HEADER_BYTES, "big") + data


def frame_size(header: bytes) -> int:
    """How many octets follow this header."""
    return int.from_bytes(header, "big")


def read_frame(read: Callable[[int], bytes]) -> bytes | None:
    """The content of the next frame, `read` giving up to so many octets; None at the end of the stream."""
    header = _exactly(read, HEADER_BYTES)
    return None if header is None else _exactly(read, frame_size(header))


def _exactly(read: Callable[[int], bytes], size: int) -> bytes | None:
    found = bytearray()
    while len(found) < size:
        chunk = read(size - len(found))
        if not chunk:
            return None
        found += chunk
    return bytes(found)


def encode_message(message: Message) -> bytes:
    """The frame of a message."""
    match message:
        case AddSource(data):
            content = ["source", data]
        case AddFunction(name, data):
            content = ["function", name, data]
        case CallFunction(function, argument, fuel, cpu_seconds):
            return frame(f"call {function} {fuel} {cpu_seconds}\n{argument}".encode())
        case _:
            assert_never(message)
    return frame(json.dumps(content).encode())


def decode_message(content: bytes) -> Message:
    """The message of a frame that `encode_message` made."""
    if content.startswith(_CALL):
        head, _, argument = content.partition(b"\n")
        function, fuel, cpu_seconds = map(int, head[len(_CALL) :].split())
        return CallFunction(function, argument.decode(), fuel, cpu_seconds)
    match json.loads(content):
        case ["source", data]:
            return AddSource(data)
        case ["function", name, data]:
            return AddFunction(name, data)
        case _:
            raise ValueError("the frame holds no message")


def encode_reply(reply: Reply) -> bytes:
    """The frame of a reply."""
    content: list[Json]
    match reply:
        case Returned(text):
            return frame(_RETURNED + text.encode())
        case Failed(error):
            at = None if error.at is None else [error.at.file, error.at.line, error.at.col]
            content = ["failed", error.code, error.message, error.hint, at, data_of(error)]
        case OutOfMemory():
            content = ["memory"]
        case _:
            assert_never(reply)
    return frame(json.dumps(content).encode())


def decode_reply(content: bytes) -> Reply:
    """The reply of a frame, whoever wrote it; `ValueError` or `LangError` for anything else."""
    if content.startswith(_RETURNED):
        return Returned(content[len(_RETURNED) :].decode())
    try:
        found = json.loads(content)
    except RecursionError:
        raise ValueError("the reply is nested too deeply") from None
    match found:
        case ["failed", str(code), str(message), None | str() as hint, at, None | str() as data]:
            return Failed(rebuilt(code, message, hint, _place(at), data))
        case ["memory"]:
            return OutOfMemory()
        case _:
            raise ValueError("the frame holds no reply")


def _place(data: object) -> Place | None:
    match data:
        case None:
            return None
        case [None | str() as file, None | int() as line, None | int() as col]:
            return Place(file=file, line=line, col=col)
        case _:
            raise ValueError("the reply names no place")
