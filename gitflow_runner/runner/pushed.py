"""What a push asks for, ref by ref, and what may never be asked: to move or take away what is for ever."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.objects import ZERO, Oid, check_oid, decode_commit
from gitflow_runner.git.refs import (
    ARCHIVES,
    CALLBACKS,
    CERTIFICATES,
    INBOXES,
    LIVE,
    LOGS,
    POLICY,
    RELEASES,
    RUNS,
    TRIGGERS,
    is_blocked,
    parse_approval_ref,
    parse_callback_ref,
    parse_release_tag,
    parse_request_ref,
    parse_run_ref,
)
from gitflow_runner.git.repository import Repository

_ONLY_GROW = {
    RUNS: ("history_rewritten", "is the history of a run and only grows", "gfr cancel {}"),
    LIVE: ("live.live_rewound", "only grows", "gfr rollback {}"),
    POLICY: ("policy.policy_rewound", "only grows", "gfr policy apply"),
    LOGS: ("log.log_rewound", "only grows", "git fetch"),
    TRIGGERS: ("trigger.rewound", "is what a trigger answered and only grows", "git fetch"),
}
_NAMED_IN = ("Gitflow-Consumed: ", "Gitflow-Refused: ")


@dataclass(frozen=True, slots=True)
class Change:
    """One ref of a push; `old` None for a new one, `new` None for one that is to go."""

    name: str
    old: Oid | None
    new: Oid | None


def read_changes(given: bytes) -> tuple[Change, ...]:
    """The lines `<old> <new> <ref>` that Git hands to the hook."""
    found = []
    for line in given.decode("utf-8", "surrogateescape").splitlines():
        old, new, name = line.split(" ", 2)
        found.append(Change(name, _oid(old), _oid(new)))
    return tuple(found)


def immovable(name: str, *, gone: bool) -> RefusedError:
    """The refusal of moving a release, or of taking it away."""
    parsed = parse_release_tag(name)
    slug = parsed[0] if parsed is not None else "FLOW"
    if gone:
        fix = (f"gfr rollback {slug}",)
        return RefusedError("release_missing", f"{name} is a release and stays", fix=fix)
    return RefusedError("release_moved", f"{name} is a release and never moves", fix=(f"gfr release {slug}",))


def check_move(change: Change, repository: Repository) -> None:
    """Refuse names that we never write, and every move that protocol 8.1 rules out.

    Raises `RefusedError`: `ref_blocked`, `release_moved`, `release_missing`, `inbox.create_only`,
    `history_rewritten`, `live.live_rewound`, `policy.policy_rewound`, `log.log_rewound`, `trigger.rewound`,
    `push.certificate`.
    """
    name, old, new = change.name, change.old, change.new
    if is_blocked(name):
        raise RefusedError(
            "ref_blocked",
            f"{name} has a form that nothing here ever writes",
            hint="look at the number of its parts and at how they are spelled",
        )
    if name.startswith(CERTIFICATES):
        raise RefusedError(
            "push.certificate",
            f"{name} is kept by the server's own hook, for pushes that it took",
            hint="sign the push itself",
            fix=("git push --signed",),
        )
    if old is None or old == new:
        return
    if name.startswith(RELEASES):
        raise immovable(name, gone=new is None)
    if name.startswith(INBOXES):
        if new is None and _is_answered(repository, name, old):
            return
        raise RefusedError(
            "inbox.create_only",
            f"{name} was sent and stays as it is",
            hint="send another one under a new name; a reject is how an approval is taken back",
        )
    if name.startswith(RUNS) and new is None and _is_archived(repository, old):
        return
    for prefix, (code, what, fix) in _ONLY_GROW.items():
        if name.startswith(prefix) and (new is None or not repository.is_ancestor(old, new)):
            last = name.rpartition("/")[2]  # of a run its id, of what is live the flow
            raise RefusedError(code, f"{name} {what}", fix=(fix.format(last),))


def run_of(name: str) -> str | None:
    """The id of the run that an inbox ref is addressed to."""
    parse = parse_callback_ref if name.startswith(CALLBACKS) else parse_approval_ref
    found = parse(name) or parse_request_ref(name)
    return None if found is None else found.run_id


def run_refs(repository: Repository, run: str | None) -> Iterable[tuple[str, Oid]]:
    """The refs of that run (of all runs for None) that are here."""
    for name, tip in repository.refs(RUNS):
        parts = parse_run_ref(name)
        if parts is not None and run in (None, parts.run_id):
            yield name, tip


def _is_answered(repository: Repository, name: str, oid: Oid) -> bool:
    """Whether a turn names the object: as a parent, or in a trailer as consumed or refused."""
    tips = [tip for _, tip in run_refs(repository, run_of(name))]
    marks = tuple(mark + oid for mark in _NAMED_IN)
    for tip in tips or [tip for _, tip in repository.refs(ARCHIVES)]:
        for each in repository.ancestors(tip):
            commit = decode_commit(repository.read(each).data)
            if oid in commit.parents or any(mark in commit.message for mark in marks):
                return True
    return False


def _is_archived(repository: Repository, oid: Oid) -> bool:
    return any(repository.is_ancestor(oid, tip) for _, tip in repository.refs(ARCHIVES))


def _oid(text: str) -> Oid | None:
    return None if text == ZERO else check_oid(text)
