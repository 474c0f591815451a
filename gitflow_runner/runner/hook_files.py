"""Our hooks in a repository: laid beside what is there, never over it, and taken away without a trace.

Where Git itself owns the folder of hooks, each hook becomes a small dispatcher that runs `<hook>.d/*` in
order; a hook that was there before moves to `<hook>.d/00-previous` and keeps running. Where a hook manager
owns them, nothing of its own is touched: our scripts lie in `<common-dir>/gitflow/hooks/`, and the line
that calls them is printed.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gitflow_runner.errors import TransientError, UsageError
from gitflow_runner.runner.hook_managers import CLIENT_HOOKS, Manager, find_manager, is_wired, snippet
from gitflow_runner.runner.runtime import Runtime

SERVER_HOOKS = ("pre-receive", "post-receive", "reference-transaction")

State = Literal["installed", "outdated", "absent", "by hand"]

_PACKAGE = Path(__file__).resolve().parent.parent
_MARK = b"# gitflow-runner dispatcher:"
_ENTRY = "50-gitflow-runner"
_PREVIOUS = "00-previous"
_LINK = ".previous-link"  # a symbolic link as it was; `00-previous` then leads to the same file from deeper
_BEFORE = "hooks/before.json"
_PACK_REFS = "gc.packRefs"
_PYTHON_LINE = "\npython=python3\n"
_DISPATCHER = b"""#!/bin/sh
# gitflow-runner dispatcher: runs every executable of <this file>.d in order; `gfr hooks uninstall` undoes it.

only=
for entry in "$0.d"/*; do
    [ -f "$entry" ] && [ -x "$entry" ] || continue
    [ -z "$only" ] || { only=several && break; }
    only=$entry
done
case $only in
'') exit 0 ;;
several) ;;
*) exec "$only" "$@" ;;
esac

given=
case ${0##*/} in
pre-push | pre-receive | post-receive | reference-transaction) given=$(cat && echo .) ;;
esac
failed=0
for entry in "$0.d"/*; do
    [ -f "$entry" ] && [ -x "$entry" ] || continue
    if [ -n "$given" ]; then
        printf '%s' "${given%.}" 2>/dev/null | "$entry" "$@"
    else
        "$entry" "$@"
    fi
    code=$?
    [ $code -eq 0 ] && continue
    case ${0##*/} in
    post-*) failed=$code ;;
    *) exit $code ;;
    esac
done
exit $failed
"""


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook of this repository: how it stands, and what a person has to add where a manager rules."""

    name: str
    state: State
    path: Path
    manager: Manager | None = None
    snippet: str | None = None


@dataclass(frozen=True, slots=True)
class Hooks:
    """All hooks that concern this repository, and whether Git leaves the packing of refs to the runner."""

    folder: Path
    items: tuple[Hook, ...]
    packs_refs: bool

    @property
    def complete(self) -> bool:
        """Whether every hook is in place."""
        return not self.packs_refs and all(hook.state == "installed" for hook in self.items)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one repository's hooks lie; `ours` is the folder for scripts that a manager calls."""

    folder: Path
    ours: Path
    work_dir: Path | None
    is_gits: bool  # whether the folder lies in the Git directory, so that nobody else writes there

    def manager(self, hook: str) -> Manager | None:
        return find_manager(hook, self.folder, self.is_gits) or (
            None if self.is_free(hook) else Manager("a dispatcher of your own", None)
        )

    def is_free(self, hook: str) -> bool:
        """Whether our dispatcher can take the hook's place without hiding what somebody else put there."""
        folder = self.folder / f"{hook}.d"
        names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        if _is_dispatcher(self.folder / hook):
            return True
        taken = os.path.lexists(self.folder / hook) and _PREVIOUS in names
        return not taken and names <= {_ENTRY, _PREVIOUS, _LINK}


def hook_script(hook: str, python: str) -> bytes:
    """The script of one hook, calling this interpreter; `UsageError` (`install.incomplete`)."""
    for root in (_PACKAGE / "hooks" / "sh", _PACKAGE.parent / "hooks"):
        path = root / hook
        if path.is_file():
            before, found, after = path.read_text("utf-8").partition(_PYTHON_LINE)
            return (f"{before}\npython={shlex.quote(python)}\n{after}" if found else before).encode()
    raise UsageError("install.incomplete", f"this installation lacks its hook {hook}")


def install_hooks(runtime: Runtime, python: str) -> Hooks:
    """Lay every hook that is missing or outdated; a second time changes nothing.

    `python` is the interpreter that the scripts call. Raises `TransientError` (`hooks.unwritable`).
    """
    place = _place(runtime)
    scripts = {hook: hook_script(hook, python) for hook in _wanted(place)}
    try:
        _note_before(runtime, place)
        for hook, script in scripts.items():
            if place.manager(hook) is not None:
                _write(place.ours / hook, script)
            else:
                _lay(place.folder, hook, script)
    except OSError as error:
        raise _unwritable(error) from None
    if runtime.git.config(_PACK_REFS) != "false":
        # Git would otherwise take loose refs away in a transaction that looks like deleting them.
        runtime.git.set_config(_PACK_REFS, "false")
    return hooks_status(runtime, python)


def uninstall_hooks(runtime: Runtime) -> tuple[str, ...]:
    """Put everything back as it was; the names of the hooks that were taken away.

    A hook whose `<hook>.d` holds somebody else's scripts keeps its dispatcher, so that they go on running.
    """
    place = _place(runtime)
    gone = []
    try:
        # Somebody may have set core.hooksPath since: then ours lie where it was before.
        folders = {place.folder, runtime.repository.common_dir / "hooks"}
        for hook in (*CLIENT_HOOKS, *SERVER_HOOKS):
            found = [_take_away(folder, hook) for folder in folders]
            if _remove(place.ours / hook) or any(found):
                gone.append(hook)
        before = runtime.local.read(_BEFORE)
        if before is not None:
            noted = json.loads(before)
            runtime.git.set_config(_PACK_REFS, noted["packRefs"])
            if noted["made"]:
                _remove_empty(place.folder)
            _remove(runtime.local.root / _BEFORE)
        _remove_empty(place.ours)
        _remove_empty(runtime.local.root)
    except OSError as error:
        raise _unwritable(error) from None
    return tuple(gone)


def hooks_status(runtime: Runtime, python: str) -> Hooks:
    """How every hook stands; nothing is changed."""
    place = _place(runtime)
    items = tuple(_status(place, hook, hook_script(hook, python)) for hook in _wanted(place))
    return Hooks(place.folder, items, runtime.git.config(_PACK_REFS) != "false")


def _status(place: _Place, hook: str, script: bytes) -> Hook:
    manager = place.manager(hook)
    if manager is None:
        path = place.folder / hook
        laid = _read(place.folder / f"{hook}.d" / _ENTRY)
        if not _is_dispatcher(path) or laid is None:
            return Hook(hook, "absent", path)
        current = laid == script and _read(path) == _DISPATCHER
        return Hook(hook, "installed" if current else "outdated", path)
    path = place.ours / hook
    laid = _read(path)
    line = snippet(manager, hook, path, place.folder)
    if laid is None:
        return Hook(hook, "absent", path, manager, line)
    if not is_wired(manager, hook, place.folder, place.work_dir):
        return Hook(hook, "by hand", path, manager, line)
    return Hook(hook, "installed" if laid == script else "outdated", path, manager)


def _place(runtime: Runtime) -> _Place:
    repository = runtime.repository
    work_dir = repository.work_dir
    git = runtime.git if work_dir is None else runtime.git.in_work_tree(work_dir)
    folder = git.hooks_folder()
    is_gits = folder.resolve().is_relative_to(repository.common_dir.resolve())
    return _Place(folder, runtime.local.root / "hooks", work_dir, is_gits)


def _wanted(place: _Place) -> Sequence[str]:
    return SERVER_HOOKS if place.work_dir is None else (*CLIENT_HOOKS, *SERVER_HOOKS)


def _note_before(runtime: Runtime, place: _Place) -> None:
    if runtime.local.read(_BEFORE) is None:
        noted = {"packRefs": runtime.git.config(_PACK_REFS), "made": not place.folder.exists()}
        runtime.local.write(_BEFORE, json.dumps(noted).encode() + b"\n")


def _lay(folder: Path, hook: str, script: bytes) -> None:
    path, inner = folder / hook, folder / f"{hook}.d"
    inner.mkdir(parents=True, exist_ok=True)
    _write(inner / _ENTRY, script)
    if os.path.lexists(path) and not _is_dispatcher(path):
        if path.is_symlink():
            (inner / _PREVIOUS).symlink_to(os.path.abspath(folder / path.readlink()))
            path.rename(inner / _LINK)
        else:
            path.rename(inner / _PREVIOUS)
    _write(path, _DISPATCHER)


def _take_away(folder: Path, hook: str) -> bool:
    path, inner = folder / hook, folder / f"{hook}.d"
    had = _remove(inner / _ENTRY)
    if not _is_dispatcher(path):
        return had
    others = {each.name for each in inner.iterdir()} if inner.is_dir() else set()
    if others - {_PREVIOUS, _LINK}:
        return had
    if os.path.lexists(inner / _LINK):
        _remove(inner / _PREVIOUS)
        (inner / _LINK).rename(path)
    elif os.path.lexists(inner / _PREVIOUS):
        (inner / _PREVIOUS).rename(path)
    else:
        path.unlink()
    _remove_empty(inner)
    return True


def _is_dispatcher(path: Path) -> bool:
    data = _read(path)
    return data is not None and _MARK in data[:200] and not path.is_symlink()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _write(path: Path, data: bytes) -> None:
    """Replace a script whole, so that a hook which starts meanwhile is the old one or the new one."""
    if _read(path) == data and os.access(path, os.X_OK):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(data)
    fresh.chmod(0o755)
    fresh.replace(path)


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # somebody else's files are in it, or it is not there
        folder.rmdir()


def _unwritable(error: OSError) -> TransientError:
    return TransientError(
        "hooks.unwritable",
        f"{error.filename} cannot be written: {error.strerror}",
        hint="hooks lie in the repository's Git directory, which must be writable",
    )
