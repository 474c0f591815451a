"""SSH's wire format: lengths, strings and whole numbers, read strictly and written."""

from __future__ import annotations

import struct

from gitflow_runner.trust.reasons import Refusal

_MAX_NUMBER = 2049  # bytes: the largest RSA modulus taken, and a sign byte


class WireReader:
    """Reads one value after the other; whatever does not fit is refused as `malformed`."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def position(self) -> int:
        """How many bytes were read."""
        return self._at

    @property
    def rest(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        end = self._at + count
        if end > len(self._data):
            raise Refusal("malformed", "a value ends before its stated length")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def byte(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def u32(self) -> int:
        """A big-endian number of 4 bytes."""
        return int.from_bytes(self.take(4), "big")

    def u64(self) -> int:
        """A big-endian number of 8 bytes."""
        return int.from_bytes(self.take(8), "big")

    def string(self) -> bytes:
        """A length of 4 bytes and as many bytes."""
        return self.take(self.u32())

    def text(self) -> str:
        """A string that is UTF-8 without NUL."""
        raw = self.string()
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            raise Refusal("malformed", "a text value is not UTF-8") from None
        if "\0" in text:
            raise Refusal("malformed", "a text value holds a NUL")
        return text

    def number(self) -> int:
        """A non-negative whole number (`mpint`)."""
        raw = self.string()
        if len(raw) > _MAX_NUMBER or (raw and raw[0] & 0x80):
            raise Refusal("malformed", "a number is negative or too large")
        return int.from_bytes(raw, "big")

    def end(self) -> None:
        """Refuse bytes that nobody asked for."""
        if self.rest:
            raise Refusal("malformed", f"{self.rest} bytes follow the end of a value")


def string(value: bytes) -> bytes:
    """`value` behind its length."""
    return struct.pack(">I", len(value)) + value


def number(value: int) -> bytes:
    """A non-negative whole number as `mpint`."""
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b"")
