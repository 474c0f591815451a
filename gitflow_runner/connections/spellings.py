"""The spellings in which a secret turns up: as it is, in a URL, in JSON, EDN or HTML, in base64, in hex."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Final

_ALNUM: Final = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_SLASHES: Final = r"\\{0,8}"  # text within text within text: each layer doubles them
_NAMED: Final = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
_HTML: Final = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_LONG_LINE: Final = 20  # characters from which a line of a longer secret is one by itself
_INNER = re.compile(r"key|secret|token|password", re.IGNORECASE)


def patterns(value: str) -> Iterator[str]:
    """Regular expressions over bytes (Latin-1, RE2's syntax) that match every spelling of one secret."""
    yield "".join(_written(char) for char in value)
    data = value.encode("utf-8", "surrogatepass")
    for text in _base64(data):
        yield re.escape(text)
    yield "".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in data.hex())


def longest(value: str) -> int:
    """No match of this secret is longer, in bytes."""
    return 16 * len(value.encode("utf-8", "surrogatepass")) + 16


def parts(value: str) -> Iterator[str]:
    """The secret, and what of a longer one is secret by itself: lines of a key, fields of a JSON key file."""
    yield value
    if "\n" in value.strip():
        lines = [line.strip() for line in value.splitlines()]
        yield from (line for line in lines if len(line) >= _LONG_LINE and line[0] not in '-{}["')
    if value.lstrip().startswith("{"):
        try:
            fields = json.loads(value)
        except (ValueError, RecursionError):
            return
        for name, item in fields.items() if isinstance(fields, dict) else ():
            if isinstance(item, str) and len(item) >= _LONG_LINE and _INNER.search(name):
                yield from parts(item)


def _written(char: str) -> str:
    """One character in any of its spellings; letters and digits are never spelled otherwise."""
    data = char.encode("utf-8", "surrogatepass")
    if len(data) == 1 and data[0] in _ALNUM:
        return char
    found = ["".join(f"\\x{byte:02x}" for byte in data), "".join(_percent(byte) for byte in data)]
    units = char.encode("utf-16-be", "surrogatepass")
    pairs = [units[i : i + 2].hex() for i in range(0, len(units), 2)]
    found.append("".join(f"{_SLASHES}[uU](?:0000)?{_any_case(pair)}" for pair in pairs))
    if len(data) > 1:
        found.append("".join(rf"{_SLASHES}x{_any_case(f'{byte:02x}')}" for byte in data))
    if char == " ":
        found.append(r"\+")
    if char in _NAMED:
        found.append(_SLASHES + _NAMED[char])
    if char in "\"'/\\":
        found.append(_SLASHES + re.escape(char))
    if char in _HTML:
        found.append(f"&{_HTML[char]};")
    if len(data) == 1:
        found.append(f"&#(?:0{{0,4}}{data[0]}|[xX]0{{0,4}}{_any_case(f'{data[0]:x}')});")
    return f"(?:{'|'.join(found)})"


def _percent(byte: int) -> str:
    # What was encoded twice has `%25` in front.
    return f"%(?:25){{0,3}}{_any_case(f'{byte:02x}')}"


def _any_case(digits: str) -> str:
    return "".join(f"[{d}{d.upper()}]" if d.isalpha() else d for d in digits)


def _base64(data: bytes) -> Iterator[str]:
    """What of the base64 text of any bytes around the secret rests on the secret alone, at each alignment."""
    seen = set()
    for before in range(3):
        standard = base64.b64encode(bytes(before) + data).decode().rstrip("=")
        start = (0, 2, 3)[before]
        end = (before + len(data)) * 8 // 6
        text = standard[start:end]
        for spelled in (text, text.translate(str.maketrans("+/", "-_"))):
            if spelled not in seen:
                seen.add(spelled)
                yield spelled
