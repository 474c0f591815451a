"""The errors about refs that every adapter raises alike."""

from __future__ import annotations

from gitflow_runner.errors import ConflictError, Place, RefusedError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.repository import RefUpdate


def place(name: str) -> Place:
    """A ref as the place of an error."""
    return Place(ref=name)


def ref_moved(update: RefUpdate, found: Oid | None) -> ConflictError:
    """The error for a ref that does not stand where the caller read it."""
    return ConflictError(
        "git.ref_moved",
        f"{update.name} stands at {found or 'nothing'}, not at {update.old or 'nothing'}",
        hint="read it again and decide again from what it says now",
        at=place(update.name),
        details={"ref": update.name, "expected": update.old, "found": found},
    )


def ref_blocked(name: str, above: str) -> ConflictError:
    """The error for a name that another ref's name makes impossible."""
    return ConflictError(
        "git.ref_blocked",
        f"{name} cannot exist beside {above}",
        fix=("git for-each-ref " + above,),
        at=place(name),
        details={"ref": name, "by": above},
    )


def ref_symbolic(name: str) -> RefusedError:
    """The error for a symbolic ref in our namespaces."""
    return RefusedError(
        "git.symbolic_ref",
        f"{name} is a symbolic ref, which nobody may place in this namespace",
        fix=(f"git symbolic-ref -d {name}",),
        at=place(name),
    )
