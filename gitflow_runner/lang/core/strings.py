"""`clojure.string`, all 21 names, with Java's idea of blanks, cases and lines."""

from __future__ import annotations

from collections.abc import Callable

from gitflow_runner.lang.collection import Vec
from gitflow_runner.lang.core.patterns import found, program
from gitflow_runner.lang.core.table import Row, ctx
from gitflow_runner.lang.core.text import text_of
from gitflow_runner.lang.equality import check_string
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.numbers import index
from gitflow_runner.lang.regex import Regex
from gitflow_runner.lang.throwing import bad_cast, illegal, thrown
from gitflow_runner.lang.values import Char, Value, char

# What Java's Character.isWhitespace takes for a blank: not the no-break spaces.
_SPACES = (
    "\t\n\x0b\f\r\x1c\x1d\x1e\x1f \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2008\u2009\u200a\u2028\u2029\u205f\u3000"
)


def plain_text(value: Value) -> str:
    """The text of what these functions take for a string (Java's `toString`); nil is refused."""
    if value.__class__ is str:
        return str(value)
    if value is None:
        raise thrown("NullPointerException", "nil is no string")
    return text_of(value)


def needed(value: Value) -> str:
    """A string, and nothing else."""
    if value.__class__ is str:
        return str(value)
    if value is None:
        raise thrown("NullPointerException", "nil is no string")
    raise bad_cast("a string", value)


def _paid(runtime: Runtime, text: str) -> str:
    check_string(len(text))
    runtime.charge(len(text) // 64)
    return text


def upper_case(runtime: Runtime, value: Value) -> str:
    """`(upper-case s)`."""
    return _paid(runtime, plain_text(value).upper())


def lower_case(runtime: Runtime, value: Value) -> str:
    """`(lower-case s)`."""
    return _paid(runtime, plain_text(value).lower())


def capitalize(runtime: Runtime, value: Value) -> str:
    """`(capitalize s)`: the first letter up, all others down."""
    text = plain_text(value)
    return _paid(runtime, text[:1].upper() + text[1:].lower())


def trim(value: Value) -> str:
    """`(trim s)`."""
    return needed(value).strip(_SPACES)


def triml(value: Value) -> str:
    """`(triml s)`."""
    return needed(value).lstrip(_SPACES)


def trimr(value: Value) -> str:
    """`(trimr s)`."""
    return needed(value).rstrip(_SPACES)


def trim_newline(value: Value) -> str:
    """`(trim-newline s)`."""
    return needed(value).rstrip("\r\n")


def is_blank(value: Value) -> bool:
    """`(blank? s)`."""
    return value is None or not needed(value).strip(_SPACES)


def join(runtime: Runtime, *args: Value) -> str:
    """`(join coll)`, `(join separator coll)`."""
    separator = text_of(args[0], runtime) if len(args) == 2 else ""
    parts, size = [], 0
    for item in runtime.items(args[-1]):
        part = text_of(item, runtime)
        size += len(part) + len(separator)
        check_string(size)
        parts.append(part)
    return _paid(runtime, separator.join(parts))


def split(runtime: Runtime, value: Value, pattern: Value, limit: Value = 0) -> Vec:
    """`(split s regex limit)`: trailing empty parts go, unless the limit is negative."""
    text, most = needed(value), index(limit)
    runtime.charge(1 + len(text) // 16)
    if not isinstance(pattern, Regex):
        raise bad_cast("a regex", pattern)
    parts: list[str] = []
    at = 0
    for match in program(pattern).finditer(text):
        if 0 < most <= len(parts) + 1:
            break
        start, end = match.span()
        if end == 0:  # an empty match at the very start yields no empty part
            continue
        parts.append(text[at:start])
        at = end
    if not parts:
        return Vec((text,))
    parts.append(text[at:])
    if most == 0:
        while parts and parts[-1] == "":
            parts.pop()
    return Vec(tuple(parts))


def split_lines(runtime: Runtime, value: Value) -> Vec:
    """`(split-lines s)`."""
    return split(runtime, value, _LINES)


_LINES = Regex("\\r?\\n")


def replace(runtime: Runtime, value: Value, match: Value, replacement: Value) -> str:
    """`(replace s match replacement)`: a string, a character, or a regex with `$1` or a function."""
    return _replaced(runtime, value, match, replacement, every=True)


def replace_first(runtime: Runtime, value: Value, match: Value, replacement: Value) -> str:
    """`(replace-first s match replacement)`."""
    return _replaced(runtime, value, match, replacement, every=False)


def _replaced(runtime: Runtime, value: Value, match: Value, replacement: Value, *, every: bool) -> str:
    text = plain_text(value)
    runtime.charge(1 + len(text) // 64)
    if isinstance(match, Regex):
        return _paid(runtime, _replaced_matches(runtime, text, match, replacement, every=every))
    if match.__class__ not in (Char, str):
        raise illegal(f"Invalid match arg: {text_of(match)}")
    if every and replacement.__class__ is not match.__class__:
        raise bad_cast("a string" if match.__class__ is str else "a character", replacement)
    old, new = text_of(match), plain_text(replacement)
    check_string((len(text) + 1) * max(1, len(new)) // max(1, len(old)))
    return _paid(runtime, text.replace(old, new, -1 if every else 1))


def _replaced_matches(runtime: Runtime, text: str, match: Regex, replacement: Value, *, every: bool) -> str:
    template = replacement if replacement.__class__ is str else None
    call = None if template is not None else runtime.caller(replacement, 1)
    pieces, at, size = [], 0, 0
    for hit in match.program.finditer(text):
        if call is None:
            new = _expanded(str(template), hit)
        else:
            new = needed(call(found(hit)))
        pieces += [text[at : hit.start()], new]
        at = hit.end()
        size += len(pieces[-2]) + len(new)
        check_string(size)
        runtime.charge(1)
        if not every:
            break
    return "".join([*pieces, text[at:]])


def _expanded(template: str, hit: object) -> str:
    """A replacement with `$1`, `${name}` and backslashes worked out, as Java does."""
    if "$" not in template and "\\" not in template:
        return template
    out, at = [], 0
    while at < len(template):
        here = template[at]
        if here == "\\":
            if at + 1 >= len(template):
                raise illegal("character to be escaped is missing")
            out.append(template[at + 1])
            at += 2
        elif here == "$":
            text, at = _group(template, at + 1, hit)
            out.append(text)
        else:
            out.append(here)
            at += 1
    return "".join(out)


def _group(template: str, at: int, hit: Value) -> tuple[str, int]:
    if template[at : at + 1] == "{":
        end = template.find("}", at)
        name = template[at + 1 : end]
        if end < 0 or name not in hit.re.groupindex:
            raise illegal(f"No group with name {{{name}}}")
        return hit.group(name) or "", end + 1
    if not template[at : at + 1].isdigit():
        raise illegal("Illegal group reference")
    number = int(template[at])
    if number > hit.re.groups:
        raise thrown("IndexOutOfBoundsException", f"No group {number}")
    at += 1
    while template[at : at + 1].isdigit() and number * 10 + int(template[at]) <= hit.re.groups:
        number = number * 10 + int(template[at])
        at += 1
    return hit.group(number) or "", at


def re_quote_replacement(value: Value) -> str:
    """`(re-quote-replacement s)`."""
    return plain_text(value).replace("\\", "\\\\").replace("$", "\\$")


def reverse(value: Value) -> str:
    """`(reverse s)`."""
    return needed(value)[::-1]


def includes(value: Value, part: Value) -> bool:
    """`(includes? s part)`."""
    return needed(part) in plain_text(value)


def starts_with(value: Value, part: Value) -> bool:
    """`(starts-with? s part)`."""
    return plain_text(value).startswith(needed(part))


def ends_with(value: Value, part: Value) -> bool:
    """`(ends-with? s part)`."""
    return plain_text(value).endswith(needed(part))


def _position(find: Callable[[str, str, int | None], int]) -> Callable[..., int | None]:
    def position(value: Value, part: Value, start: Value = None) -> int | None:
        wanted = part.value if part.__class__ is Char else needed(part)
        at = find(plain_text(value), wanted, None if start is None else index(start))
        return None if at < 0 else at

    return position


def _first_at(text: str, part: str, start: int | None) -> int:
    return text.find(part, min(max(start or 0, 0), len(text)))


def _last_at(text: str, part: str, start: int | None) -> int:
    if start is None:
        return text.rfind(part)
    return text.rfind(part, 0, start + len(part)) if start >= 0 else -1


def escape(runtime: Runtime, value: Value, table: Value) -> str:
    """`(escape s table)`: each character replaced by what the table says."""
    text, call = needed(value), runtime.caller(table, 1)
    parts = []
    for letter in text:
        found_text = call(char(letter))
        parts.append(letter if found_text is None else text_of(found_text))
    return _paid(runtime, "".join(parts))


def _charged(fn: Callable[..., Value]) -> Callable[..., Value]:
    """A function of strings that pays for their length."""

    def call(runtime: Runtime, *args: Value) -> Value:
        for arg in args:
            if arg.__class__ is str and len(arg) >= 64:
                runtime.charge(len(arg) // 64)
        return fn(*args)

    return call


_PLAIN: tuple[Row, ...] = (
    ("trim", trim, 1, 1),
    ("triml", triml, 1, 1),
    ("trimr", trimr, 1, 1),
    ("trim-newline", trim_newline, 1, 1),
    ("blank?", is_blank, 1, 1),
    ("re-quote-replacement", re_quote_replacement, 1, 1),
    ("reverse", reverse, 1, 1),
    ("includes?", includes, 2, 2),
    ("starts-with?", starts_with, 2, 2),
    ("ends-with?", ends_with, 2, 2),
    ("index-of", _position(_first_at), 2, 3),
    ("last-index-of", _position(_last_at), 2, 3),
)
TABLE = {
    f"clojure.string/{name}": row
    for name, row in (
        ctx(*[(name, _charged(fn), low, high) for name, fn, low, high in _PLAIN])
        | ctx(
            ("upper-case", upper_case, 1, 1),
            ("lower-case", lower_case, 1, 1),
            ("capitalize", capitalize, 1, 1),
            ("join", join, 1, 2),
            ("split", split, 2, 3),
            ("split-lines", split_lines, 1, 1),
            ("replace", replace, 3, 3),
            ("replace-first", replace_first, 3, 3),
            ("escape", escape, 2, 2),
        )
    ).items()
}
