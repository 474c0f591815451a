"""A repository in memory: the same contract without a disk, for tests and for trying a flow out.

`before_write` is called with `object <kind> <id>` or `ref <name>` before each single write, in the order
in which a disk would see them. It may raise; what was written before then stands, like after a crash.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from gitflow_runner.git import reading
from gitflow_runner.git.objects import Oid, RawObject, check_oid
from gitflow_runner.git.ref_errors import ref_blocked, ref_moved, ref_symbolic
from gitflow_runner.git.ref_names import check_name, check_prefix
from gitflow_runner.git.refs import HEAD, branch_ref, is_ours
from gitflow_runner.git.repository import RefUpdate, check_plan


def _ignore(_: str) -> None:
    return None


class MemoryRepository(reading.TypedReads):
    """Objects and refs in two dictionaries; safe between threads."""

    def __init__(
        self,
        common_dir: Path,
        *,
        work_dir: Path | None = None,
        head: str | None = branch_ref("main"),
        before_write: Callable[[str], None] = _ignore,
    ) -> None:
        self._common_dir = common_dir
        self._work_dir = work_dir
        self._head = head
        self._before_write = before_write
        self._objects: dict[Oid, RawObject] = {}
        self._refs: dict[str, Oid] = {}
        self._symbolic: dict[str, str] = {}
        self._guard = threading.RLock()

    @property
    def common_dir(self) -> Path:
        """Where local state lies; nothing of Git is written there."""
        return self._common_dir

    @property
    def work_dir(self) -> Path | None:
        """The work tree, if one was given."""
        return self._work_dir

    @property
    def head(self) -> str | None:
        """The branch that was given."""
        return self._head

    def seen_by(self, before_write: Callable[[str], None]) -> MemoryRepository:
        """This very repository, as another process writes to it."""
        made = self._twin(self._common_dir, self._work_dir, before_write)
        made._objects, made._refs, made._symbolic = self._objects, self._refs, self._symbolic
        made._guard = self._guard
        return made

    def copy(self, common_dir: Path, work_dir: Path | None = None) -> MemoryRepository:
        """Another repository, which holds the same objects and refs now."""
        made = self._twin(common_dir, work_dir, _ignore)
        with self._guard:
            made._objects, made._refs = dict(self._objects), dict(self._refs)
            made._symbolic = dict(self._symbolic)
        return made

    def _twin(
        self, common_dir: Path, work_dir: Path | None, before_write: Callable[[str], None]
    ) -> MemoryRepository:
        return MemoryRepository(common_dir, work_dir=work_dir, head=self._head, before_write=before_write)

    def plant_symbolic_ref(self, name: str, target: str) -> None:
        """Place a symbolic ref, which no method of the port can do."""
        self._symbolic[name] = target

    def read(self, oid: Oid) -> RawObject:
        """The object of that id."""
        found = self._objects.get(check_oid(oid))
        if found is None:
            raise reading.missing(oid)
        return found

    def contains(self, oid: Oid) -> bool:
        """Whether the object is here."""
        return check_oid(oid) in self._objects

    def resolve(self, ref: str) -> Oid | None:
        """The object that a full ref name points at, not peeled."""
        if ref == HEAD:
            return self._refs.get(self._head) if self._head is not None else None
        if check_name(ref) in self._symbolic:
            if is_ours(ref):
                raise ref_symbolic(ref)
            return self.resolve(self._symbolic[ref])
        return self._refs.get(ref)

    def refs(self, prefix: str) -> Sequence[tuple[str, Oid]]:
        """All refs below `prefix`, sorted by name, not peeled."""
        check_prefix(prefix)
        with self._guard:
            names = sorted(n for n in {*self._refs, *self._symbolic} if n.startswith(prefix))
            found = [(name, self.resolve(name)) for name in names]
        return tuple((name, oid) for name, oid in found if oid is not None)

    def write(self, objects: Sequence[RawObject]) -> None:
        """Keep the objects."""
        for item in objects:
            self._before_write(f"object {item.kind} {item.oid}")
            with self._guard:
                self._objects[item.oid] = item

    def swap(self, updates: Sequence[RefUpdate], *, message: str = "") -> None:
        """Move the refs in the order given, each only from its `old`; the message goes nowhere."""
        plan = check_plan(updates)
        with self._guard:
            for update in plan:
                if update.new is not None and not self.contains(update.new):
                    raise reading.missing(update.new)
                found = self.resolve(update.name)
                if found != update.old:
                    raise ref_moved(update, found)
                if update.old is None and update.new is not None:
                    self._check_room(update.name, plan)
            for update in plan:
                if update.new == update.old:
                    continue
                self._before_write(f"ref {update.name}")
                if update.new is None:
                    del self._refs[update.name]
                else:
                    self._refs[update.name] = update.new

    def _check_room(self, name: str, plan: Sequence[RefUpdate]) -> None:
        taken = {*self._refs, *(u.name for u in plan if u.new is not None)}
        for other in sorted(taken):
            if name.startswith(other + "/"):
                raise ref_blocked(name, other)
            if other.startswith(name + "/"):
                raise ref_blocked(name, name + "/*")
