"""`breyta.sandbox`: encodings, digests, UUIDs and explicit instants; nothing here knows what time it is."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from urllib.parse import quote_plus, unquote_to_bytes

from gitflow_runner.lang.build import uuid_of
from gitflow_runner.lang.core.table import ctx, plain
from gitflow_runner.lang.core.timepatterns import formatted
from gitflow_runner.lang.equality import check_string
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.instants import iso_text, parse_instant
from gitflow_runner.lang.numbers import index
from gitflow_runner.lang.throwing import bad_cast, illegal, thrown
from gitflow_runner.lang.values import Bytes, Instant, Keyword, Uuid, Value

_UNITS = {
    "micros": 1,
    "millis": 1_000,
    "seconds": 1_000_000,
    "minutes": 60_000_000,
    "hours": 3_600_000_000,
    "days": 86_400_000_000,
}


def octets(value: Value) -> bytes:
    """The octets of a byte value, or of a string in UTF-8."""
    if isinstance(value, Bytes):
        return value.value
    if value.__class__ is str:
        return str(value).encode()
    raise bad_cast("a string or bytes", value)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise illegal("the bytes are no text in UTF-8; use the -bytes form") from None


def _encoder(encode: Callable[[bytes], str]) -> Callable[[Runtime, Value], str]:
    def call(runtime: Runtime, value: Value) -> str:
        raw = octets(value)
        runtime.charge(1 + len(raw) // 64)
        text = encode(raw)
        check_string(len(text))
        return text

    return call


def _unbase64(value: Value) -> bytes:
    try:
        return base64.b64decode(octets(value), validate=True)
    except binascii.Error:
        raise illegal("Illegal base64 character or padding") from None


def _unhex(value: Value) -> bytes:
    try:
        return bytes.fromhex(_text(octets(value)))
    except ValueError:
        raise illegal("not a string of hexadecimal digits") from None


def _decoder(decode: Callable[[Value], bytes], wrap: Callable[[bytes], Value]) -> Callable[..., Value]:
    def call(runtime: Runtime, value: Value) -> Value:
        raw = decode(value)
        runtime.charge(1 + len(raw) // 64)
        return wrap(raw)

    return call


def hmac_hex(runtime: Runtime, key: Value, value: Value) -> str:
    """`(hmac-sha256-hex key value)`."""
    raw = octets(value)
    runtime.charge(1 + len(raw) // 64)
    return hmac.new(octets(key), raw, hashlib.sha256).hexdigest()


def uuid_from_bytes(value: Value) -> Uuid:
    """`(uuid-from-bytes value)`: the name-based UUID (version 3) of the octets."""
    raw = bytearray(hashlib.md5(octets(value), usedforsecurity=False).digest())
    raw[6] = raw[6] & 0x0F | 0x30
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return Uuid(f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}")


def uuid_from(value: Value) -> Uuid:
    """`(uuid-from text)`: the UUID that the text spells, else the name-based one of the text."""
    if isinstance(value, Uuid):
        return value
    found = uuid_of(value) if value.__class__ is str else None
    return uuid_from_bytes(value) if found is None else found


def instant_of(value: Value) -> Instant:
    """An instant, given as such, as a timestamp, or in milliseconds since 1970."""
    if isinstance(value, Instant):
        return value
    if value.__class__ is int:
        return Instant(value * 1000)
    if value.__class__ is not str:
        raise bad_cast("an instant", value)
    try:
        return parse_instant(value, strict=True)
    except ValueError as error:
        raise thrown("DateTimeParseException", str(error)) from None


def format_instant(value: Value) -> str:
    """`(format-instant instant)`: ISO 8601 in UTC."""
    return iso_text(instant_of(value))


def format_instant_pattern(value: Value, pattern: Value) -> str:
    """`(format-instant-pattern instant "yyyy-MM-dd")`, in UTC."""
    if pattern.__class__ is not str:
        value, pattern = pattern, value
    return formatted(instant_of(value), pattern)


def unit_of(value: Value) -> int:
    """The microseconds of a unit (`:seconds`, `:minutes`, ...)."""
    name = value.name if isinstance(value, Keyword) else value
    found = _UNITS.get(name if isinstance(name, str) and name.endswith("s") else f"{name}s")
    if found is None:
        raise illegal(f"{name} is no unit of time; there are {', '.join(_UNITS)}")
    return found


def duration_between(start: Value, end: Value, unit: Value = "millis") -> int:
    """`(duration-between start end unit)`: whole units, milliseconds unless told otherwise."""
    micros = instant_of(end).micros - instant_of(start).micros
    size = unit_of(unit)
    return micros // size if micros >= 0 else -(-micros // size)


def truncate_instant(value: Value, unit: Value) -> Instant:
    """`(truncate-instant instant unit)`."""
    micros = instant_of(value).micros
    return Instant(micros - micros % unit_of(unit))


def _moved(sign: int) -> Callable[[Value, Value, Value], Instant]:
    def move(value: Value, amount: Value, unit: Value) -> Instant:
        if amount.__class__ is not int:  # the unit may come first
            amount, unit = unit, amount
        moved = instant_of(value).micros + sign * index(amount) * unit_of(unit)
        if abs(moved) > 400_000_000_000_000_000:
            raise illegal("the instant lies out of range")
        return Instant(moved)

    return move


def url_encode(runtime: Runtime, value: Value) -> str:
    """`(url-encode text)`: as in a form, blanks as `+`."""
    raw = octets(value)
    runtime.charge(1 + len(raw) // 32)
    return quote_plus(raw, safe="*").replace("~", "%7E")


def url_decode(runtime: Runtime, value: Value) -> str:
    """`(url-decode text)`."""
    text = _text(octets(value))
    runtime.charge(1 + len(text) // 32)
    return _text(unquote_to_bytes(text.replace("+", " ")))


def epoch_ms(value: Value) -> int:
    """`(instant->epoch-ms instant)`."""
    return instant_of(value).micros // 1000


TABLE = {
    f"breyta.sandbox/{name}": row
    for name, row in (
        plain(
            ("uuid-from", uuid_from, 1, 1),
            ("uuid-from-bytes", uuid_from_bytes, 1, 1),
            ("parse-instant", instant_of, 1, 1),
            ("format-instant", format_instant, 1, 1),
            ("format-instant-pattern", format_instant_pattern, 2, 2),
            ("instant->epoch-ms", epoch_ms, 1, 1),
            ("epoch-ms->instant", instant_of, 1, 1),
            ("duration-between", duration_between, 2, 3),
            ("truncate-instant", truncate_instant, 2, 2),
            ("instant-plus", _moved(1), 3, 3),
            ("instant-minus", _moved(-1), 3, 3),
        )
        | ctx(
            ("base64-encode", _encoder(lambda raw: base64.b64encode(raw).decode()), 1, 1),
            ("base64-decode", _decoder(_unbase64, _text), 1, 1),
            ("base64-decode-bytes", _decoder(_unbase64, Bytes), 1, 1),
            ("hex-encode", _encoder(bytes.hex), 1, 1),
            ("hex-decode", _decoder(_unhex, _text), 1, 1),
            ("hex-decode-bytes", _decoder(_unhex, Bytes), 1, 1),
            ("sha256-hex", _encoder(lambda raw: hashlib.sha256(raw).hexdigest()), 1, 1),
            ("hmac-sha256-hex", hmac_hex, 2, 2),
            ("url-encode", url_encode, 1, 1),
            ("url-decode", url_decode, 1, 1),
        )
    ).items()
}
