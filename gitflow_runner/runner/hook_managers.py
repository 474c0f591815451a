"""Who else looks after a repository's hooks, and the lines that such a manager needs to call ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_PRE_COMMIT_IDS = {"pre-commit": "gitflow-lint", "commit-msg": "gitflow-message"}
_LEFTHOOK_FILES = tuple(
    f"{dot}lefthook.{end}" for dot in ("", ".") for end in ("yml", "yaml", "toml", "json")
)
_PRE_COMMIT_FILE = ".pre-commit-config.yaml"
CLIENT_HOOKS = ("pre-commit", "commit-msg", "pre-push", "post-merge")


@dataclass(frozen=True, slots=True)
class Manager:
    """`name` for people; `kind` None where nothing is known but that somebody else is there."""

    name: str
    kind: str | None


HUSKY = Manager("husky", "husky")
LEFTHOOK = Manager("lefthook", "lefthook")
PRE_COMMIT = Manager("pre-commit", "pre-commit")
ELSEWHERE = Manager("core.hooksPath", "folder")


def find_manager(hook: str, folder: Path, is_gits: bool) -> Manager | None:
    """Who owns this hook: by the folder that Git was sent to, else by what the hook's file says."""
    if not is_gits:
        return HUSKY if ".husky" in folder.parts else ELSEWHERE
    text = _text(folder / hook)
    if "lefthook" in text:
        return LEFTHOOK
    if "pre-commit.com" in text or "pre_commit" in text:
        return PRE_COMMIT
    return None


def snippet(manager: Manager, hook: str, script: Path, folder: Path) -> str:
    """What to put where, so that the manager runs our script too."""
    call = f'h="$(git rev-parse --git-common-dir)/gitflow/hooks/{hook}"; [ ! -x "$h" ] || "$h"'
    match manager.kind:
        case "husky" if hook in CLIENT_HOOKS:
            return f'# .husky/{hook}\n{call} "$@"'
        case "husky":
            return f"# husky runs no {hook}; what it would refuse is found when it is read"
        case "lefthook":
            return (
                f"# lefthook.yml\n{hook}:\n  jobs:\n    - name: gitflow-runner\n"
                f"      run: {call} {{0}}\n      use_stdin: true"
            )
        case "pre-commit" if hook in _PRE_COMMIT_IDS:
            return (
                f"# {_PRE_COMMIT_FILE}\nrepos:\n  - repo: local\n    hooks:\n"
                f"      - id: {_PRE_COMMIT_IDS[hook]}\n        name: gitflow-runner {hook}\n"
                f"        language: system\n        entry: gfr-hook {hook}\n        stages: [{hook}]"
                + ("\n        files: ^\\.breyta/flows/[^/.]+\\.edn$" if hook == "pre-commit" else "")
            )
        case "pre-commit":
            # pre-commit hands no list of refs to its hooks, but runs a `.legacy` hook as Git would.
            return f'ln -s "{script}" "{folder / hook}.legacy"'
        case _:
            return f'# {folder / hook}\n{call} "$@"'


def is_wired(manager: Manager, hook: str, folder: Path, work_dir: Path | None) -> bool:
    """Whether the manager calls our script already."""
    root = work_dir or folder
    ours = f"gitflow/hooks/{hook}"
    match manager.kind:
        case "husky":
            return ours in _text(root / ".husky" / hook)
        case "lefthook":
            return any(ours in _text(root / name) for name in _LEFTHOOK_FILES)
        case "pre-commit" if hook in _PRE_COMMIT_IDS:
            return _PRE_COMMIT_IDS[hook] in _text(root / _PRE_COMMIT_FILE)
        case "pre-commit":
            return "gitflow-runner:" in _text(folder / f"{hook}.legacy")
        case _:
            return ours in _text(folder / hook)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
