"""The durable adapter over libgit2: what it returned from is on disk, a ref moves only from its old value.

libgit2 syncs nothing unless told so, and refs stay unsynced if it is told after a repository was opened;
hence the switch at import, before anything here can open one.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pygit2
from pygit2.transaction import ReferenceTransaction

from gitflow_runner.errors import DamagedError, GitflowError, RefusedError, TransientError
from gitflow_runner.git import reading
from gitflow_runner.git.disk_errors import from_os_error, from_text
from gitflow_runner.git.objects import KINDS, Oid, RawObject, check_oid
from gitflow_runner.git.pack import store, sync_folder
from gitflow_runner.git.recent import RecentObjects
from gitflow_runner.git.ref_errors import place, ref_blocked, ref_moved, ref_symbolic
from gitflow_runner.git.ref_files import blocking_name, list_refs, nearest_folder
from gitflow_runner.git.ref_names import check_name, check_prefix
from gitflow_runner.git.refs import HEAD, is_ours
from gitflow_runner.git.repository import Clock, Jitter, RefUpdate, check_plan

pygit2.option(pygit2.enums.Option.ENABLE_FSYNC_GITDIR, True)
# Without a limit libgit2 holds every pack open that it ever read, and small packs come one a turn.
pygit2.option(pygit2.enums.Option.SET_MWINDOW_FILE_LIMIT, 256)

Inspect = Callable[[Sequence[RawObject]], None]

PATIENCE_MS = 2_000
_LONGEST_PAUSE_MS = 50
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
# What libgit2 says when another process holds a lock, or packs or prunes the same folder at that moment.
_BUSY = re.compile(
    r"failed to lock|failed to create locked file|failed to rename lockfile|refs beneath that folder"
    r"|could not remove directory|failed to make directory|failed to create dir|failed to open|failed to stat"
)


def open_repository(
    path: Path, clock: Clock, jitter: Jitter, inspect: Inspect = lambda objects: None
) -> PygitRepository:
    """The repository that `path` lies in: work tree, linked work tree, bare, submodule or shallow clone.

    `inspect` sees every object before it is written, and raises for one that must not be.
    Raises `RefusedError`: `git.not_a_repository`, `git.sha256`, `git.reftable`, `git.unsafe_owner`,
    `git.grafts`, `git.unsupported`.
    """
    try:
        found = pygit2.discover_repository(str(path))
        repository = pygit2.Repository(found) if found else None
    except (pygit2.GitError, ValueError, KeyError, OSError) as error:
        raise _refusal(path, str(error)) from error
    if repository is None:
        raise _refusal(path, "not found")
    common_dir = _common_dir(Path(repository.path))
    grafts = common_dir / "info" / "grafts"
    if grafts.is_file() and grafts.read_bytes().strip():
        raise RefusedError(
            "git.grafts",
            f"{grafts} gives commits other parents than they have, so no history here can be trusted",
            hint="turn the grafts into real commits, or remove the file",
            fix=(f"rm {grafts}",),
        )
    repository.set_ident("gitflow-runner", "gitflow-runner@localhost")  # for reflogs only
    return PygitRepository(repository, common_dir, clock, jitter, inspect)


def find_common_dir(path: Path) -> Path:
    """The common Git directory of the repository around `path`, whatever its format; it is not opened.

    Raises `RefusedError` (`git.not_a_repository`).
    """
    try:
        found = pygit2.discover_repository(str(path))
    except (pygit2.GitError, ValueError, KeyError, OSError) as error:
        raise _refusal(path, str(error)) from error
    if not found:
        raise _refusal(path, "not found")
    return _common_dir(Path(found))


def _common_dir(git_dir: Path) -> Path:
    link = git_dir / "commondir"
    return (git_dir / link.read_text().strip()).resolve() if link.is_file() else git_dir.resolve()


def open_quarantine(path: Path, quarantine: Path, clock: Clock, jitter: Jitter) -> PygitRepository:
    """The same during a push: the objects in `quarantine` are seen too, and every write is refused.

    For `pre-receive`: what libgit2 wrote then would outlive a refused push and leave broken refs behind.
    `write` and `swap` raise `RefusedError` (`git.quarantine`).
    """
    repository = open_repository(path, clock, jitter)
    repository.look_into(quarantine)
    return repository


def _refusal(path: Path, said: str) -> RefusedError:
    if "not owned by current user" in said:
        return RefusedError(
            "git.unsafe_owner",
            f"the repository at {path} belongs to another user",
            hint="if you trust whoever owns it, say so to Git",
            fix=(f"git config --global --add safe.directory {path}",),
        )
    if "object format" in said or "objectformat" in said:
        return RefusedError(
            "git.sha256",
            f"the repository at {path} names its objects by SHA-256, which is not supported yet",
            hint="keep the flows in a repository with SHA-1 names",
            fix=("git init --object-format=sha1 DIRECTORY",),
        )
    if "refstorage" in said:
        return RefusedError(
            "git.reftable",
            f"the repository at {path} keeps its refs as reftable, which is not supported yet",
            hint="with git 2.46 or newer the refs can be carried over in place",
            fix=("git refs migrate --ref-format=files",),
        )
    if "not found" in said.lower():
        return RefusedError(
            "git.not_a_repository", f"{path} lies in no Git repository", fix=("git init", f"cd {path}")
        )
    return RefusedError("git.unsupported", f"the repository at {path} cannot be opened: {said[:200]}")


class PygitRepository(reading.TypedReads):
    """A repository on disk; see `gitflow_runner.git.repository.Repository` for the contract."""

    def __init__(
        self,
        repository: pygit2.Repository,
        common_dir: Path,
        clock: Clock,
        jitter: Jitter,
        inspect: Inspect = lambda objects: None,
    ) -> None:
        self._inspect = inspect
        self._repo = repository
        self._odb = repository.odb
        self._common_dir = common_dir
        self._clock = clock
        self._jitter = jitter
        self._recent = RecentObjects()
        self._moving = threading.Lock()
        self._quarantined = False

    @property
    def common_dir(self) -> Path:
        """The directory that all worktrees share."""
        return self._common_dir

    @property
    def work_dir(self) -> Path | None:
        """The work tree, None in a bare repository."""
        return Path(self._repo.workdir) if self._repo.workdir else None

    @property
    def head(self) -> str | None:
        """The full name of the branch that this work tree is on, born or not; None when detached."""
        target = self._repo.lookup_reference(HEAD).raw_target
        return target.decode("utf-8", "surrogateescape") if isinstance(target, bytes) else None

    def look_into(self, quarantine: Path) -> None:
        """See the objects of a push that is not accepted yet, and write no more."""
        self._odb.add_disk_alternate(str(quarantine))
        self._quarantined = True

    def read(self, oid: Oid) -> RawObject:
        """The object of that id, its bytes checked against the id."""
        held = self._recent.get(oid)
        if held is not None:
            return held
        check_oid(oid)
        try:
            kind, data = self._odb.read(oid)
        except KeyError:
            raise reading.missing(oid) from None
        except (pygit2.GitError, OSError) as error:
            raise reading.damaged(oid, str(error)[:200]) from error
        return RawObject(KINDS[int(kind)], data)

    def contains(self, oid: Oid) -> bool:
        """Whether the object is here."""
        return self._recent.get(check_oid(oid)) is not None or bool(self._odb.exists(oid))

    def resolve(self, ref: str) -> Oid | None:
        """The object that a full ref name points at, not peeled."""
        if ref != HEAD:
            check_name(ref)
        try:
            found = self._repo.lookup_reference(ref)
            if found.type == pygit2.enums.ReferenceType.SYMBOLIC:
                if is_ours(ref):
                    raise ref_symbolic(ref)
                found = found.resolve()
            return Oid(str(found.target))
        except KeyError:
            return None
        except pygit2.GitError as error:
            raise DamagedError(
                "git.ref_damaged", f"{ref} cannot be read: {error}", fix=("git fsck",), at=place(ref)
            ) from error

    def refs(self, prefix: str) -> Sequence[tuple[str, Oid]]:
        """All refs below `prefix`, sorted by name, not peeled."""
        return list_refs(self._common_dir, check_prefix(prefix), self.resolve)

    def write(self, objects: Sequence[RawObject]) -> None:
        """Make all objects durable before returning."""
        self._refuse_in_quarantine()
        self._inspect(objects)
        store(self._common_dir / "objects", objects)
        self._recent.keep(objects)

    def swap(self, updates: Sequence[RefUpdate], *, message: str = "") -> None:
        """Move the refs in the order given, each only from its `old`."""
        self._refuse_in_quarantine()
        pending = list(check_plan(updates))
        for update in pending:
            if update.new is not None and not self.contains(update.new):
                raise reading.missing(update.new)
        line = _CONTROL.sub(" ", message)[:200] or "gitflow-runner"
        deadline = self._clock.monotonic_ms() + PATIENCE_MS
        pause = 1.0
        while pending:
            with self._moving:
                failure = self._attempt(pending, line)
            if failure is not None:
                if not _is_passing(failure) or self._clock.monotonic_ms() >= deadline:
                    raise failure
                self._clock.sleep_ms(max(1, round(pause * (0.5 + self._jitter.fraction()))))
                pause = min(pause * 2, _LONGEST_PAUSE_MS)
        self._confirm(updates)

    def _attempt(self, pending: list[RefUpdate], line: str) -> GitflowError | None:
        """Lock all, check all, then move one by one in order, taking each off `pending` once it is durable.

        libgit2 commits the refs of one transaction in the order of a hash table and compares no old
        values, so every ref gets a transaction of its own; all are locked before the first value is
        looked at. An error is returned, not raised: a traceback would keep the locks alive.
        """
        held: dict[str, ReferenceTransaction] = {}
        before: dict[str, Path] = {}
        name = ""
        try:
            for name in sorted(update.name for update in pending):
                before[name] = nearest_folder(self._common_dir, name)
                held[name] = self._repo.transaction()
                held[name].lock_ref(name)
            for update in pending:
                refused = self._check_under_lock(update)
                if refused is not None:
                    return refused
            for update in tuple(pending):
                name = update.name
                self._move(held[name], update, line)
                self._sync_folders(update, before[name])
                pending.remove(update)
            return None
        except (pygit2.GitError, KeyError, ValueError, OSError) as error:
            return self._explain(name, error)
        finally:
            for transaction in held.values():
                # The only way to free one now: leaving its context with an error commits nothing.
                transaction.__exit__(InterruptedError, None, None)

    def _check_under_lock(self, update: RefUpdate) -> GitflowError | None:
        found = self.resolve(update.name)
        if found != update.old:
            return ref_moved(update, found)
        if update.old is None and update.new is not None:
            above = blocking_name(self._common_dir, update.name)
            if above is not None:
                return ref_blocked(update.name, above)
        return None

    def _move(self, transaction: ReferenceTransaction, update: RefUpdate, line: str) -> None:
        if update.new == update.old:
            return
        if update.new is None:
            transaction.remove(update.name)
        else:
            transaction.set_target(update.name, update.new, None, line)
        transaction.commit()

    def _sync_folders(self, update: RefUpdate, before: Path) -> None:
        """Sync what libgit2 leaves out: new folders on the way to a ref, and the folder of a deleted one."""
        if update.new is None:
            with suppress(FileNotFoundError):  # removed as empty by another process, which only helps
                sync_folder(nearest_folder(self._common_dir, update.name))
        elif update.old is None:
            folder = (self._common_dir / update.name).parent
            while folder != before:
                folder = folder.parent
                sync_folder(folder)

    def _explain(self, name: str, error: Exception) -> GitflowError:
        doing = f"moving {name}"
        if isinstance(error, OSError) and error.errno is not None:
            return from_os_error(error, doing)
        said = str(error)
        from_disk = from_text(said, doing)
        if from_disk is not None:
            return from_disk
        if _BUSY.search(said) or isinstance(error, KeyError):
            above = blocking_name(self._common_dir, name)
            return ref_blocked(name, above) if above is not None else _locked(name, said)
        return TransientError("git.write_failed", f"{doing}: {said[:200]}", at=place(name))

    def _confirm(self, updates: Sequence[RefUpdate]) -> None:
        """Read every ref back; one that others moved on since still holds our commit below it."""
        for update in updates:
            found = self.resolve(update.name)
            if found == update.new or (update.new is None and found != update.old):
                continue
            if found is None or update.new is None or not self._follows(update.new, found):
                raise ref_moved(RefUpdate(update.name, update.new, update.new), found)

    def _follows(self, ours: Oid, found: Oid) -> bool:
        if self.read(found).kind != "commit":
            return False
        return self.is_ancestor(ours, found)

    def _refuse_in_quarantine(self) -> None:
        if self._quarantined:
            raise RefusedError(
                "git.quarantine",
                "nothing may be written while a push is being judged",
                hint="act after the push was accepted, in post-receive",
            )

    def _cut_off(self) -> frozenset[Oid]:
        try:
            lines = (self._common_dir / "shallow").read_text("ascii").split()
        except FileNotFoundError:
            return frozenset()
        return frozenset(Oid(line) for line in lines)


def _locked(name: str, said: str) -> TransientError:
    return TransientError(
        "git.ref_locked",
        f"{name} is locked by another process, or was left locked by one that died",
        hint="repeat the command; if it stays so, doctor names the lock file",
        fix=("gfr doctor",),
        at=place(name),
        details={"ref": name, "said": said[:200]},
    )


def _is_passing(failure: GitflowError) -> bool:
    return isinstance(failure, TransientError) and failure.code in ("git.ref_locked", "git.write_failed")
