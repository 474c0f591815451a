"""The files that `init` lays into a repository, found beside the package or in its checkout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitflow_runner.errors import UsageError

BEGIN, END = "<!-- gfr:begin -->", "<!-- gfr:end -->"
_PACKAGE = Path(__file__).resolve().parent.parent


def template(name: str, values: Mapping[str, str] | None = None) -> str:
    """The text of a template with `@NAME@` replaced."""
    for root in (_PACKAGE / "templates", _PACKAGE.parent / "templates"):
        path = root / "init" / name
        if path.is_file():
            text = path.read_text("utf-8")
            for key, value in (values or {}).items():
                text = text.replace(f"@{key}@", value)
            return text
    raise UsageError("install.incomplete", f"this installation lacks its template init/{name}")


def with_block(text: str, block: str) -> str:
    """`text` with our marked block replaced, or added at its end."""
    marked = f"{BEGIN}\n{block.rstrip()}\n{END}\n"
    if BEGIN in text and END in text:
        head, _, rest = text.partition(BEGIN)
        tail = rest.partition(END)[2]
        return head + marked.rstrip("\n") + tail
    gap = "" if not text else ("\n" if text.endswith("\n") else "\n\n")
    return text + gap + marked
