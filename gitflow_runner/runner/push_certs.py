"""Certificates of signed pushes: found where a server's hook keeps them, carried in the run's own tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import approvals_prefix, certificates_of_run
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
    wanted = frozenset(sent)
    named = {oid: [data] for oid in sent if (data := read(FOLDER + oid)) is not None}
    for oid, data in _kept(repository, run, wait):
        if oid in wanted:
            named.setdefault(oid, []).append(data)
    found: dict[str, bytes] = {}
    for oid, each in named.items():
        if repository.contains(Oid(oid)) and is_unsigned_commit(repository.read(Oid(oid))):
            good = (data for data in each if proves_push(data, ring, oid=Oid(oid), run=run, wait=wait))
            found[oid] = next(good, each[0])
    return found


def _kept(repository: Repository, run: str, wait: str) -> Iterator[tuple[str, bytes]]:
    """The decisions on this wait that the kept certificates name, each with its certificate."""
    inbox = re.compile(
        rb"^0{40} ([0-9a-f]{40}) " + re.escape(approvals_prefix(run, wait)).encode(), re.MULTILINE
    )
    for _, kept in repository.refs(certificates_of_run(run))[:MOST_LOOKED_AT]:
        try:
            raw = repository.read(kept)
        except GitflowError:
            continue  # a ref to nothing is nobody's certificate
        if raw.kind == "blob" and len(raw.data) <= MAX_CERTIFICATE:
            yield from ((found.decode(), raw.data) for found in inbox.findall(raw.data))
