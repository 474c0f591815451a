"""What a command prints: one JSON envelope, or text that fits where it goes."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from gitflow_runner.errors import GitflowError

GLYPHS = {"ok": "✓", "bad": "✗", "run": "●", "todo": "○", "wait": "◷", "skip": "⊘", "warn": "⚠"}
ASCII = {"ok": "ok", "bad": "XX", "run": ">>", "todo": "..", "wait": "wt", "skip": "--", "warn": "!!"}
_COLOURS = {"ok": "32", "bad": "31", "run": "36", "todo": "2", "wait": "33", "skip": "2", "warn": "33"}
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(0x80, 0xA0)) if code not in (9, 10)}
# Bidirectional overrides would let a payload show other text than what is signed.
_CONTROL |= {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


_MARK = re.compile(
    "(" + "|".join(re.escape(f"\x1b[{_COLOURS[n]}m{t[n]}\x1b[0m") for t in (GLYPHS, ASCII) for n in t) + ")"
)


def printable(text: str) -> str:
    """`text` with control and direction-changing characters escaped; newlines and tabs stay."""
    return text.translate(_CONTROL)


@dataclass
class Output:
    """One command's way to speak; `mode` is `text` on a terminal, `rows` in a pipe, or `json`."""

    mode: str = "text"
    colour: bool = False
    ascii: bool = False
    quiet: bool = False
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    started: float = field(default_factory=time.monotonic)
    warnings: list[str] = field(default_factory=list)
    mask: Callable[[str], str] = str  # what takes secrets out of a text, once a repository is known

    @staticmethod
    def choose(
        *,
        as_json: bool,
        plain: bool,
        colour: str | None,
        quiet: bool,
        environment: Mapping[str, str],
        stdout: TextIO,
        stderr: TextIO,
    ) -> Output:
        """Decide once: `--json` > `--plain` > terminal; colour flag > NO_COLOR > FORCE_COLOR > terminal."""
        tty = stdout.isatty()
        if as_json or environment.get("GFR_OUTPUT") == "json":
            mode = "json"
        else:
            mode = "text" if tty and not plain else "rows"
        if colour in ("always", "never"):
            coloured = colour == "always"
        elif environment.get("NO_COLOR"):
            coloured = False
        elif environment.get("CLICOLOR_FORCE") or environment.get("FORCE_COLOR"):
            coloured = True
        else:
            coloured = tty
        encoding = (stdout.encoding or "").lower().replace("-", "")
        ascii_only = bool(environment.get("GFR_ASCII")) or encoding != "utf8"
        return Output(mode, coloured and mode != "json", ascii_only, quiet, stdout, stderr)

    def result(
        self,
        schema: str,
        data: Mapping[str, object],
        *,
        text: Sequence[str] = (),
        rows: Sequence[Sequence[object]] | None = None,
        ids: Sequence[str] = (),
        follow: Sequence[str] = (),
    ) -> None:
        """Print the command's result once: the envelope, the ids only (`-q`), rows, or the text.

        `rows` (tab-separated) replace `text` where stdout is no terminal; `follow` are the next commands.
        """
        if self.mode == "json":
            meta = {"next": list(follow), "warnings": self.warnings, "took_ms": self._took()}
            self._json({"ok": True, "schema": schema, "data": data, "meta": meta})
            return
        if self.quiet:
            self._write(ids)
            return
        if self.mode == "rows" and rows is not None:
            self._write("\t".join(_cell(cell) for cell in row) for row in rows)
            return
        self._write(text)
        if follow and self.mode == "text":
            self._write(["Next: " + " · ".join(follow)])

    def line(self, text: str) -> None:
        """One line of data at once; nothing in JSON mode, where the envelope comes last."""
        if self.mode != "json":
            self._write([text])

    def jsonl(self, value: Mapping[str, object]) -> None:
        """One line of a JSON stream (`--watch --json`)."""
        self._json(value)

    def note(self, text: str) -> None:
        """Progress or a remark: always on stderr."""
        if not self.quiet:
            print(self._clean(text), file=self.stderr, flush=True)

    def warn(self, text: str) -> None:
        """A warning: in the envelope's `meta.warnings` and on stderr."""
        self.warnings.append(text)
        print(f"{self.mark('warn')} {self._shown(text)}", file=self.stderr, flush=True)

    def error(self, error: GitflowError) -> None:
        """An error: the envelope on stdout in JSON mode, else the three lines on stderr."""
        if self.mode == "json":
            self._json(error_envelope(error))
            return
        where = f"{error.at}: " if error.at is not None and str(error.at) else ""
        print(f"{self.mark('bad')} {self._shown(where + error.message)}  ({error.code})", file=self.stderr)
        if error.hint:
            print(f"    {self._shown(error.hint)}", file=self.stderr)
        for fix in next_commands(error):
            print(f"    fix: {self._shown(fix)}", file=self.stderr)

    def mark(self, name: str) -> str:
        """The glyph of a state, coloured where colour is on; the word always stands beside it."""
        glyph = (ASCII if self.ascii else GLYPHS)[name]
        return f"\x1b[{_COLOURS[name]}m{glyph}\x1b[0m" if self.colour else glyph

    def _took(self) -> int:
        return int((time.monotonic() - self.started) * 1000)

    def _json(self, document: Mapping[str, object]) -> None:
        text = json.dumps(document, ensure_ascii=False)
        if self.mask(text) != text:
            # Its texts one by one, so that a document stays one.
            text = json.dumps(_masked(document, self.mask), ensure_ascii=False)
        print(text, file=self.stdout, flush=True)

    def _shown(self, text: str) -> str:
        return printable(self.mask(text))

    def _write(self, lines: Iterable[str]) -> None:
        for line in lines:
            print(self._clean(line), file=self.stdout)
        self.stdout.flush()

    def _clean(self, line: str) -> str:
        # Our own coloured marks pass; every other control character of a line is shown, not obeyed.
        line = self.mask(line)
        parts = _MARK.split(line) if self.colour else [line]
        return "".join(p if _MARK.fullmatch(p) else printable(p) for p in parts)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _masked(value: object, mask: Callable[[str], str]) -> object:
    match value:
        case str():
            return mask(value)
        case Mapping():
            return {mask(str(key)): _masked(item, mask) for key, item in value.items()}
        case list() | tuple():
            return [_masked(item, mask) for item in value]
        case _:
            return value


def next_commands(error: GitflowError) -> list[str]:
    """The commands to type after an error; where it names none, the one that explains it."""
    return list(error.fix) or [f"gfr explain {error.code}"]


def error_envelope(error: GitflowError) -> dict[str, object]:
    """The failure envelope of `gfr/error/1`."""
    body: dict[str, object] = {
        "code": error.code,
        "message": error.message,
        "exit": error.exit_code,
        "retryable": error.retryable,
        "at": error.at.as_json() if error.at is not None else {},
        "details": dict(error.details),
        "fix": next_commands(error),
    }
    if error.hint:
        body["hint"] = error.hint
    return {"ok": False, "schema": "gfr/error/1", "error": body, "meta": {}}
