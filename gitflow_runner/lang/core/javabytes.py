"""Octets as Java's code makes and takes them: `Base64`, `.getBytes`, `(String. bytes)`."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import ClassVar

from gitflow_runner.lang.core.javacalls import not_built
from gitflow_runner.lang.core.table import ctx, plain
from gitflow_runner.lang.equality import check_string
from gitflow_runner.lang.fuel import Builtin, Runtime
from gitflow_runner.lang.throwing import bad_cast, illegal, thrown
from gitflow_runner.lang.values import Bytes, JavaValue, Value

_CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "latin1": "latin-1",
}
_URL = bytes.maketrans(b"-_", b"+/")


class _Coder(JavaValue):
    __slots__ = ()

    package: ClassVar[str] = "java.util"

    def text(self) -> str:
        """Java's text is an address in memory; this one is the same each time."""
        return f"java.util.{type(self).__name__}"


@dataclass(frozen=True, slots=True)
class Encoder(_Coder):
    """`(Base64/getEncoder)` and its like."""

    url: bool
    padded: bool = True

    def encoded(self, raw: bytes) -> bytes:
        """The octets in base64."""
        found = base64.urlsafe_b64encode(raw) if self.url else base64.b64encode(raw)
        return found if self.padded else found.rstrip(b"=")


@dataclass(frozen=True, slots=True)
class Decoder(_Coder):
    """`(Base64/getDecoder)` and its like."""

    url: bool

    def decoded(self, raw: bytes) -> bytes:
        """The octets that the base64 stands for; padding may be left out, and not be half there."""
        foreign = b"+/" if self.url else b"-_"
        if len(raw.translate(None, foreign)) != len(raw):
            raise illegal("Illegal base64 character")
        whole = raw if b"=" in raw else raw + b"=" * (-len(raw) % 4)
        try:
            return base64.b64decode(whole.translate(_URL) if self.url else whole, validate=True)
        except binascii.Error as error:
            raise illegal(f"Illegal base64 text: {error}") from None


def _charset(value: Value) -> str:
    if value.__class__ is not str:
        raise bad_cast("the name of a charset", value)
    found = _CHARSETS.get(value.lower())
    if found is not None:
        return found
    if value.lower().startswith(("utf-", "windows-", "iso-8859-")):
        raise not_built(f"the charset {value[:40]}", "UTF-8, US-ASCII and ISO-8859-1 are there")
    raise thrown("UnsupportedEncodingException", value[:80])


def _octets(value: Value) -> bytes:
    if not isinstance(value, Bytes):
        raise bad_cast("bytes, which (.getBytes text) gives", value)
    return value.value


def get_bytes(runtime: Runtime, text: Value, charset: Value = "UTF-8") -> Bytes:
    """`(.getBytes text "UTF-8")`; what the charset has not becomes `?`."""
    if text.__class__ is not str:
        raise bad_cast("a string", text)
    runtime.charge(1 + len(text) // 64)
    return Bytes(text.encode(_charset(charset), "replace"))


def string_of(runtime: Runtime, value: Value = "", charset: Value = "UTF-8") -> str:
    """`(String. bytes "UTF-8")`, or a copy of a string; octets that are no text become U+FFFD."""
    if value.__class__ is str:
        return str(value)
    raw = _octets(value)
    runtime.charge(1 + len(raw) // 64)
    return raw.decode(_charset(charset), "replace")


def encode(runtime: Runtime, coder: Value, value: Value) -> bytes:
    """`(.encode encoder bytes)`."""
    if not isinstance(coder, Encoder):
        raise bad_cast("an encoder of Base64", coder)
    raw = _octets(value)
    runtime.charge(1 + len(raw) // 64)
    check_string(len(raw) * 4 // 3)
    return coder.encoded(raw)


def decode(runtime: Runtime, coder: Value, value: Value) -> Bytes:
    """`(.decode decoder text-or-bytes)`."""
    if not isinstance(coder, Decoder):
        raise bad_cast("a decoder of Base64", coder)
    raw = value.encode("latin-1", "replace") if value.__class__ is str else _octets(value)
    runtime.charge(1 + len(raw) // 64)
    return Bytes(coder.decoded(raw))


def _without_padding(encoder: Value) -> Encoder:
    if not isinstance(encoder, Encoder):
        raise bad_cast("an encoder of Base64", encoder)
    return Encoder(encoder.url, padded=False)


TABLE: dict[str, Builtin] = {
    **plain(
        ("Base64/getEncoder", lambda: Encoder(url=False), 0, 0),
        ("Base64/getUrlEncoder", lambda: Encoder(url=True), 0, 0),
        ("Base64/getDecoder", lambda: Decoder(url=False), 0, 0),
        ("Base64/getUrlDecoder", lambda: Decoder(url=True), 0, 0),
        (".withoutPadding", _without_padding, 1, 1),
    ),
    **ctx(
        (".encodeToString", lambda runtime, coder, value: encode(runtime, coder, value).decode(), 2, 2),
        (".encode", lambda runtime, coder, value: Bytes(encode(runtime, coder, value)), 2, 2),
        (".decode", decode, 2, 2),
        (".getBytes", get_bytes, 1, 2),
        ("String.", string_of, 0, 2),
        ("java.lang.String.", string_of, 0, 2),
    ),
}
CONSTANTS: dict[str, Value] = {
    "StandardCharsets/UTF_8": "UTF-8",
    "StandardCharsets/US_ASCII": "US-ASCII",
    "StandardCharsets/ISO_8859_1": "ISO-8859-1",
}
ALIASES = {
    "java.util.Base64": "Base64",
    "java.nio.charset.StandardCharsets": "StandardCharsets",
}
