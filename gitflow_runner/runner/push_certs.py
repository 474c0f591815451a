"""Certificates of signed pushes: found where a server's hook keeps them, carried in the run's own tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gitflow_runner.errors import DamagedError, GitflowError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import CERTIFICATES, approvals_prefix
from gitflow_runner.git.repository import Repository
from gitflow_runner.trust.keyring import Keyring
from gitflow_runner.trust.pushcert import MAX_CERTIFICATE, proves_push
from gitflow_runner.trust.verify import is_unsigned_commit

FOLDER = "proof/pushes/"
MOST_LOOKED_AT = 1_000

Read = Callable[[str], bytes | None]  # a path in the run's tree


def certificates_for(
    repository: Repository, sent: Sequence[str], run: str, wait: str, ring: Keyring, read: Read
) -> Mapping[str, bytes]:
    """The certificate of each unsigned decision among `sent` that has one; what the run carries comes first.

    A certificate that proves is taken before one that only names the decision, so that nobody hides a good
    one behind another.
    """
    found: dict[str, bytes] = {}
    for oid in sent:
        if not _is_unsigned(repository, oid):
            continue
        carried = read(FOLDER + oid)
        named = [carried] if carried is not None else _named(repository, oid, run, wait)
        if named:
            good = (data for data in named if proves_push(data, ring, oid=Oid(oid), run=run, wait=wait))
            found[oid] = next(good, named[0])
    return found


def _is_unsigned(repository: Repository, oid: str) -> bool:
    try:
        return is_unsigned_commit(repository.read(Oid(oid)))
    except DamagedError:
        return False  # what is not there is judged as such


def _named(repository: Repository, oid: str, run: str, wait: str) -> list[bytes]:
    mark = f" {oid} {approvals_prefix(run, wait)}".encode()
    found = []
    for _, kept in repository.refs(CERTIFICATES)[-MOST_LOOKED_AT:]:
        try:
            raw = repository.read(kept)
        except GitflowError:
            continue  # a ref to nothing is nobody's certificate
        if raw.kind == "blob" and len(raw.data) <= MAX_CERTIFICATE and mark in raw.data:
            found.append(raw.data)
    return found
