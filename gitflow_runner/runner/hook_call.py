"""What Git hands to a hook, and what the hook answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.errors import GitflowError


@dataclass(frozen=True, slots=True)
class HookCall:
    """One call: the folder that Git started the hook in, its variables, arguments and standard input."""

    folder: Path
    environment: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    given: bytes = b""

    @property
    def git_dir(self) -> Path:
        """Where to open the repository: Git names it, except when no Git started this."""
        return self.folder / self.environment.get("GIT_DIR", ".")


@dataclass(frozen=True, slots=True)
class Judgement:
    """Texts for people: what refuses the act, and what is only worth knowing."""

    refusals: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def told(about: str, error: GitflowError) -> str:
    """A refusal in words: the object, the rule, the code, and what would make it acceptable."""
    # Most messages begin with what they are about.
    said = error.message if error.message.startswith(f"{about} ") else f"{about}: {error.message}"
    lines = [f"{said} ({error.code})"]
    if error.hint is not None:
        lines.append(f"  hint: {error.hint}")
    lines += [f"  fix: {fix}" for fix in error.fix]
    return "\n".join(lines)
