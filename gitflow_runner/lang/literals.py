"""Tokens to scalar values: numbers, names, characters, strings. A `ValueError` says what is wrong."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from gitflow_runner.lang.numbers import MAX_BITS, MAX_DIGITS
from gitflow_runner.lang.values import (
    INT_MAX,
    INT_MIN,
    BigInt,
    Char,
    Dec,
    Keyword,
    Symbol,
    Value,
    char,
    keyword,
    symbol,
)

_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?:"
    r"(?P<dec>0|[1-9][0-9]*)(?P<n1>N?)"
    r"|0[xX](?P<hex>[0-9A-Fa-f]+)(?P<n2>N?)"
    r"|0(?P<oct>[0-7]+)(?P<n3>N?)"
    r"|(?P<radix>[0-9]{1,2})[rR](?P<digits>[0-9A-Za-z]+)(?P<n4>N?)"
    r"|(?P<top>[0-9]+)/(?P<bottom>[0-9]+)"
    r"|(?P<float>[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)(?P<m>M?)"
    r")\Z"
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|[0-7]{1,3}|.)", re.S)
_PLAIN = {"t": "\t", "r": "\r", "n": "\n", "\\": "\\", '"': '"', "b": "\b", "f": "\f"}
_NAMED = {
    "newline": "\n",
    "space": " ",
    "tab": "\t",
    "return": "\r",
    "backspace": "\b",
    "formfeed": "\f",
}
CHAR_NAMES = {value: name for name, value in _NAMED.items()}
_SYMBOLIC = {"Inf": float("inf"), "-Inf": float("-inf"), "NaN": float("nan")}


def integer(value: int, *, is_big: bool = False) -> Value:
    """An integer literal: 64 bits where it fits and no `N` was written."""
    if not is_big and INT_MIN <= value <= INT_MAX:
        return value
    if value.bit_length() > MAX_BITS:
        raise ValueError(f"an integer may have at most {MAX_BITS} bits")
    return BigInt(value)


def number(token: str) -> Value:
    """The number that a token starting with a digit, or a sign and a digit, stands for."""
    if len(token) > 2 * MAX_DIGITS:
        raise ValueError("the number is too long")
    found = _NUMBER.match(token)
    if found is None:
        raise ValueError(f"Invalid number: {token}")
    sign = -1 if found["sign"] == "-" else 1
    if found["dec"] is not None:
        return integer(sign * int(found["dec"]), is_big=bool(found["n1"]))
    if found["hex"] is not None:
        return integer(sign * int(found["hex"], 16), is_big=bool(found["n2"]))
    if found["oct"] is not None:
        return integer(sign * int(found["oct"], 8), is_big=bool(found["n3"]))
    if found["radix"] is not None:
        radix = int(found["radix"])
        if not 2 <= radix <= 36:
            raise ValueError("Radix out of range")
        return integer(sign * int(found["digits"], radix), is_big=bool(found["n4"]))
    if found["top"] is not None:
        return _ratio(sign * int(found["top"]), int(found["bottom"]))
    if found["float"].isdigit() and not found["m"]:  # 08 is neither octal nor a double
        raise ValueError(f"Invalid number: {token}")
    text = found["sign"] + found["float"]
    return _decimal(text) if found["m"] else float(text)


def _ratio(top: int, bottom: int) -> Value:
    if bottom == 0:
        raise ValueError("Divide by zero")
    value = Fraction(top, bottom)
    return integer(value.numerator) if value.denominator == 1 else value


def _decimal(text: str) -> Dec:
    try:
        value = Decimal(text)
    except InvalidOperation:  # its exponent is beyond all that Python can hold
        raise ValueError(f"a decimal may have at most {MAX_DIGITS} digits") from None
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or abs(exponent) > MAX_DIGITS or len(digits) > MAX_DIGITS:
        raise ValueError(f"a decimal may have at most {MAX_DIGITS} digits")
    return Dec(value)


def symbolic(name: str) -> float:
    """The number behind `##Inf`, `##-Inf` and `##NaN`."""
    if name not in _SYMBOLIC:
        raise ValueError(f"Invalid symbolic value: ##{name}")
    return _SYMBOLIC[name]


def check_name(text: str) -> None:
    """Refuse what is no name for a symbol or keyword: stray slashes and colons, control characters."""
    if text != "/":
        parts = text.split("/")
        if len(parts) > 2 and text[-2:] != "//":
            raise ValueError(f"Invalid token: {text}")
        if len(parts) > 1 and (not parts[0] or (text[-1] == "/" and text[-2:] != "//")):
            raise ValueError(f"Invalid token: {text}")
    if "::" in text or text[-1:] == ":" or ":/" in text or not text.isprintable():
        raise ValueError(f"Invalid token: {text}")


def symbol_of(token: str) -> Symbol:
    """The symbol of a token."""
    if token[0] == "." and token[1:2].isdigit():
        raise ValueError(f"Invalid number: {token}")
    check_name(token)
    return symbol(token)


def keyword_of(token: str) -> Keyword:
    """The keyword of a token with its colon."""
    if token.startswith("::"):
        raise ValueError(f"{token}: there is no current namespace; write it out, as in :my.ns/name")
    text = token[1:]
    if not text or text[0] == "/":
        raise ValueError(f"Invalid token: {token}")
    check_name(text)
    return keyword(text)


def character(token: str) -> Char:
    """The character of a token without its backslash."""
    if len(token) == 1:
        return char(token)
    if token in _NAMED:
        return char(_NAMED[token])
    if token[0] == "u" and re.fullmatch(r"u[0-9A-Fa-f]{4}", token):
        code = int(token[1:], 16)
        if 0xD800 <= code <= 0xDFFF:
            raise ValueError(f"Invalid character constant: \\{token}")
        return char(chr(code))
    if token[0] == "o" and re.fullmatch(r"o[0-7]{1,3}", token) and int(token[1:], 8) <= 0o377:
        return char(chr(int(token[1:], 8)))
    raise ValueError(f"Unsupported character: \\{token}")


def unescape(body: str) -> str:
    """The string that the text between two quotes stands for."""
    if "\\" not in body:
        return body
    text = _ESCAPE.sub(lambda found: escaped(found[1]), body)
    return joined_surrogates(text) if "\\u" in body else text


def joined_surrogates(text: str) -> str:
    """Halves that were written as two escapes, put together; a half alone is refused."""
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise ValueError("a surrogate stands alone in the string") from None


def escaped(code: str) -> str:
    """What an escape without its backslash stands for."""
    plain = _PLAIN.get(code)
    if plain is not None:
        return plain
    if code[0] == "u" and len(code) == 5:
        return chr(int(code[1:], 16))
    if code[0] in "01234567":
        value = int(code, 8)
        if value <= 0o377:
            return chr(value)
    raise ValueError(f"Unsupported escape character: \\{code}")


def escapes(body: str) -> list[tuple[int, int, str]]:
    """Start, length and meaning of every escape in the text between two quotes."""
    return [(m.start(), len(m[0]), escaped(m[1])) for m in _ESCAPE.finditer(body)]
