"""Git's own list of allowed signers (`gpg.ssh.allowedSignersFile`), read strictly and written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from gitflow_runner.trust.keyring import Entry
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.sshkey import parse_key_line

_TIME = re.compile(r"\d{8}(?:\d{4}(?:\d{2})?)?Z")
_FORMATS = {9: "%Y%m%dZ", 13: "%Y%m%d%H%MZ", 15: "%Y%m%d%H%M%SZ"}
_OPTION = re.compile(r'([A-Za-z-]+)(?:="((?:[^"\\]|\\.)*)")?(?:,|(?=[ \t]))')


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that grants nothing because it could not be read without doubt; numbers from 1."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class AllowedSigners:
    """The entries of a file, and the lines that were refused."""

    entries: tuple[Entry, ...]
    refused: tuple[RefusedLine, ...] = ()


def parse_allowed_signers(text: str) -> AllowedSigners:
    """Read `principals [options] type key [comment]` lines; a doubtful line is refused, not the file.

    Times without `Z` are refused: OpenSSH reads them in the zone of whoever verifies.
    """
    entries: list[Entry] = []
    refused: list[RefusedLine] = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip(" \t\r")
        if not stripped or stripped.startswith("#"):
            continue
        try:
            entries.append(_entry(stripped))
        except Refusal as problem:
            refused.append(RefusedLine(number, problem.message))
    return AllowedSigners(tuple(entries), tuple(refused))


def _entry(line: str) -> Entry:
    principals, rest = _principals(line)
    options, key_line = _options(rest)
    unknown = options.keys() - {"cert-authority", "namespaces", "valid-after", "valid-before"}
    if unknown:
        raise Refusal("malformed", f"unknown option {min(unknown)}")
    after, before = _time(options.get("valid-after")), _time(options.get("valid-before"))
    if after is not None and before is not None and before <= after:
        raise Refusal("malformed", "the key's validity ends before it begins")
    namespaces = options.get("namespaces", "")
    return Entry(
        principals,
        parse_key_line(key_line),
        "cert-authority" in options,
        tuple(name for name in namespaces.split(",") if name),
        after,
        before,
    )


def _principals(line: str) -> tuple[tuple[str, ...], str]:
    if line.startswith('"'):
        quoted, closed, rest = line[1:].partition('"')
        if not closed:
            raise Refusal("malformed", "a quote that is not closed")
    else:
        quoted, _, rest = line.partition(" ") if "\t" not in line.split(" ")[0] else line.partition("\t")
    names = tuple(name for name in quoted.split(",") if name)
    if all(name.startswith("!") for name in names):
        raise Refusal("malformed", "a line that names nobody")
    return names, rest.strip(" \t")


def _options(text: str) -> tuple[dict[str, str], str]:
    """The options before the key, if there are any."""
    first = re.split(r"[ \t]", text, maxsplit=1)[0]
    if "=" not in first and "," not in first and first.lower() != "cert-authority":
        return {}, text
    found: dict[str, str] = {}
    position = 0
    while True:
        match = _OPTION.match(text, position)
        if match is None:
            raise Refusal("malformed", f"options that cannot be read: {text[:40]!r}")
        name = match[1].lower()
        if name in found or (match[2] is None) != (name == "cert-authority"):
            raise Refusal("malformed", f"option {name} is given twice or in another form than its own")
        found[name] = re.sub(r"\\(.)", r"\1", match[2] or "")
        position = match.end()
        if not match[0].endswith(","):
            return found, text[position:].strip(" \t")


def _time(value: str | None) -> int | None:
    if value is None:
        return None
    if not _TIME.fullmatch(value):
        raise Refusal("malformed", f"the time {value[:20]!r} is not YYYYMMDD[HHMM[SS]]Z")
    try:
        moment = datetime.strptime(value, _FORMATS[len(value)]).replace(tzinfo=UTC)
    except ValueError:
        raise Refusal("malformed", f"there is no time {value!r}") from None
    return int(moment.timestamp()) * 1000


def format_allowed_signers(entries: Iterable[Entry]) -> str:
    """The same entries as a file for `git log --show-signature`, one a line, whole seconds in UTC."""
    lines = []
    for entry in entries:
        options = ["cert-authority"] if entry.authority else []
        options.append(f'namespaces="{",".join(entry.namespaces) or "git"}"')
        for name, time in (("valid-after", entry.valid_after), ("valid-before", entry.valid_before)):
            if time is not None:
                moment = datetime.fromtimestamp(time // 1000, UTC)
                options.append(f'{name}="{moment:%Y%m%d%H%M%SZ}"')
        principals = ",".join(entry.principals)
        shown = f'"{principals}"' if " " in principals else principals
        lines.append(f"{shown} {','.join(options)} {entry.key.line}\n")
    return "".join(lines)
