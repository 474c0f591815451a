"""Every ref name that this project reads or writes: made here, read back here, spelled nowhere else.

A name is a fixed prefix and parts that each match a strict pattern, so that no slug, run id or leaf can
become an option, a path or a revision expression. Constructors raise `RefusedError` (`ref.malformed`);
parsers answer None for anything that a constructor would not have made.
"""

from __future__ import annotations

import re

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.ref_names import (
    DIGEST,
    MONTH,
    RELEASE,
    RUN_ID,
    SLUG,
    TABLE,
    WAIT,
    WORD,
    Shape,
    check_name,
    malformed,
)
from gitflow_runner.git.ref_parts import GateRef, InboxRef, PairRef, RemoteRunRef, RequestRef, RunRef

NEW = "new"  # stands in for the run id in requests that start a run
_REQUEST_FOR = re.compile(rf"{NEW}|{RUN_ID.pattern}")

HEAD = "HEAD"
ALL = "refs/"
HEADS = "refs/heads/"
TAGS = "refs/tags/"
RELEASES = "refs/tags/flow/"
LIVE = "refs/live/"
POLICIES = "refs/policy/"
POLICY = "refs/policy/chain"  # git takes no push of a ref that lies in `refs/` itself
RUNS = "refs/runs/"
APPROVALS = "refs/approvals/"
CALLBACKS = "refs/callbacks/"
REQUESTS = "refs/requests/"
GATES = "refs/for/"
ACTIVE = "refs/runner/active/"
SLOTS = "refs/runner/slots/"
LOGS = "refs/runner/log/"
CERTIFICATES = "refs/runner/certs/"
TRIGGERS = "refs/runner/triggers/"
KV = "refs/runner/kv/"
JOBS = "refs/runner/jobs/"
TABLES = "refs/runner/tables/"
REMOTES = "refs/runner/remotes/"
ARCHIVES = "refs/runs-archive/"
RUNNER = "refs/runner/"
OURS = (RELEASES, LIVE, POLICIES, RUNS, APPROVALS, CALLBACKS, REQUESTS, GATES, RUNNER, ARCHIVES)
INBOXES = (APPROVALS, CALLBACKS, REQUESTS)


_RELEASE = Shape(RELEASES, (SLUG, RELEASE))
_LIVE = Shape(LIVE, (SLUG,))
_RUN = Shape(RUNS, (SLUG, RUN_ID))
_APPROVAL = Shape(APPROVALS, (RUN_ID, WAIT, WORD))
_CALLBACK = Shape(CALLBACKS, (RUN_ID, WAIT, WORD))
_REQUEST = Shape(REQUESTS, (_REQUEST_FOR, WORD))
_ACTIVE = Shape(ACTIVE, (RUN_ID,))
_SLOT = Shape(SLOTS, (SLUG, DIGEST))
_LOG = Shape(LOGS, (DIGEST,))
_CERTIFICATE = Shape(CERTIFICATES, (RUN_ID, re.compile(r"[0-9a-f]{40}")))
_TRIGGER = Shape(TRIGGERS, (SLUG, WORD))
_KV = Shape(KV, (WORD,))
_JOB = Shape(JOBS, (WORD, WORD))
_TABLE = Shape(TABLES, (TABLE,))
_REMOTE_RUN = Shape(REMOTES, (WORD, re.compile("runs"), SLUG, RUN_ID))
_ARCHIVE = Shape(ARCHIVES, (MONTH,))
_ALL = (
    _RELEASE,
    _LIVE,
    _RUN,
    _APPROVAL,
    _CALLBACK,
    _REQUEST,
    _ACTIVE,
    _SLOT,
    _LOG,
    _CERTIFICATE,
    _TRIGGER,
    _KV,
    _JOB,
    _TABLE,
    _REMOTE_RUN,
    _ARCHIVE,
)


def is_ours(name: str) -> bool:
    """Whether the name lies in a namespace that this project owns."""
    roots = (own.rstrip("/") for own in OURS)
    return any(name == root or name.startswith(root + "/") for root in roots)


def is_blocked(name: str) -> bool:
    """Whether a name in our namespaces has a form that we never write (`ref_blocked`, protocol 5.4)."""
    if not is_ours(name) or name == POLICY or parse_gate_ref(name) is not None:
        return False
    return all(shape.split(name) is None for shape in _ALL)


def check_branch(branch: str) -> str:
    """The short branch name itself if it is safe to use, else `RefusedError` (`ref.malformed`)."""
    if branch.startswith("-") or branch == HEAD:
        raise malformed(HEADS, branch)
    check_name(HEADS + branch)
    return branch


def branch_ref(branch: str) -> str:
    """`refs/heads/<branch>`."""
    return HEADS + check_branch(branch)


def remote_branch_ref(remote: str, branch: str) -> str:
    """The remote-tracking ref of a branch."""
    if not WORD.fullmatch(remote):
        raise malformed("refs/remotes/", remote)
    return f"refs/remotes/{remote}/{check_branch(branch)}"


def release_tag(slug: str, number: int) -> str:
    """The signed tag of release `number` (from 1)."""
    return _RELEASE.name(slug, f"v{number}")


def releases_prefix(slug: str) -> str:
    """All releases of one flow."""
    return Shape(RELEASES, (SLUG,)).name(slug) + "/"


def parse_release_tag(name: str) -> tuple[str, int] | None:
    """(slug, number) of a release tag."""
    parts = _RELEASE.split(name)
    return None if parts is None else (parts[0], int(parts[1][1:]))


def live_ref(slug: str) -> str:
    """The chain of promotions of one flow."""
    return _LIVE.name(slug)


def parse_live_ref(name: str) -> str | None:
    """The slug of a chain of promotions."""
    parts = _LIVE.split(name)
    return None if parts is None else parts[0]


def run_ref(slug: str, run_id: str) -> str:
    """The chain of turns of one run."""
    return _RUN.name(slug, run_id)


def runs_prefix(slug: str) -> str:
    """All runs of one flow."""
    return Shape(RUNS, (SLUG,)).name(slug) + "/"


def parse_run_ref(name: str) -> RunRef | None:
    """(slug, run id) of a run's ref."""
    parts = _RUN.split(name)
    return None if parts is None else RunRef(*parts)


def approval_ref(run_id: str, wait: str, leaf: str) -> str:
    """One signed decision; `wait` is the wait's step folder."""
    return _APPROVAL.name(run_id, wait, leaf)


def approvals_prefix(run_id: str, wait: str) -> str:
    """All decisions sent to one wait."""
    return Shape(APPROVALS, (RUN_ID, WAIT)).name(run_id, wait) + "/"


def inbox_of_run(inbox: str, run_id: str) -> str:
    """All decisions (`APPROVALS`) or callbacks (`CALLBACKS`) sent to any wait of one run."""
    return Shape(inbox, (RUN_ID,)).name(run_id) + "/"


def certificates_of_run(run_id: str) -> str:
    """All certificates of signed pushes that brought decisions to one run; the last part is the blob's id."""
    return Shape(CERTIFICATES, (RUN_ID,)).name(run_id) + "/"


def parse_approval_ref(name: str) -> InboxRef | None:
    """(run id, wait, leaf) of a decision's ref."""
    parts = _APPROVAL.split(name)
    return None if parts is None else InboxRef(*parts)


def callback_ref(run_id: str, wait: str, leaf: str) -> str:
    """One callback by Git."""
    return _CALLBACK.name(run_id, wait, leaf)


def callbacks_prefix(run_id: str, wait: str) -> str:
    """All callbacks sent to one wait."""
    return Shape(CALLBACKS, (RUN_ID, WAIT)).name(run_id, wait) + "/"


def parse_callback_ref(name: str) -> InboxRef | None:
    """(run id, wait, leaf) of a callback's ref."""
    parts = _CALLBACK.split(name)
    return None if parts is None else InboxRef(*parts)


def request_ref(run_id: str | None, leaf: str) -> str:
    """One signed request to a run, or with None one that asks for a new run."""
    return _REQUEST.name(NEW if run_id is None else run_id, leaf)


def requests_prefix(run_id: str | None) -> str:
    """All requests to one run, or with None all that ask for new runs."""
    return Shape(REQUESTS, (_REQUEST_FOR,)).name(NEW if run_id is None else run_id) + "/"


def parse_request_ref(name: str) -> RequestRef | None:
    """(run id or None, leaf) of a request's ref."""
    parts = _REQUEST.split(name)
    return None if parts is None else RequestRef(None if parts[0] == NEW else parts[0], parts[1])


def gate_ref(branch: str, leaf: str) -> str:
    """A push that asks the gate of `branch` to run."""
    if not WORD.fullmatch(leaf):
        raise malformed(GATES, leaf)
    return f"{GATES}{check_branch(branch)}/{leaf}"


def gates_prefix(branch: str) -> str:
    """All pushes that ask the gate of `branch`, and those of branches below it."""
    return f"{GATES}{check_branch(branch)}/"


def parse_gate_ref(name: str) -> GateRef | None:
    """(branch, leaf) of a gate's ref."""
    branch, _, leaf = name.removeprefix(GATES).rpartition("/")
    try:
        return GateRef(branch, leaf) if name == gate_ref(branch, leaf) else None
    except RefusedError:
        return None


def active_ref(run_id: str) -> str:
    """The lease of a run that is not finished."""
    return _ACTIVE.name(run_id)


def parse_active_ref(name: str) -> str | None:
    """The run id of a lease."""
    parts = _ACTIVE.split(name)
    return None if parts is None else parts[0]


def slot_ref(slug: str, digest: str) -> str:
    """One concurrency slot; `digest` is the SHA-256 of its key in hex."""
    return _SLOT.name(slug, digest)


def slots_prefix(slug: str) -> str:
    """All concurrency slots of one flow."""
    return Shape(SLOTS, (SLUG,)).name(slug) + "/"


def parse_slot_ref(name: str) -> PairRef | None:
    """(slug, digest) of a slot."""
    parts = _SLOT.split(name)
    return None if parts is None else PairRef(*parts)


def log_ref(key_digest: str) -> str:
    """The log of one runner; `key_digest` is the SHA-256 of its public key in hex."""
    return _LOG.name(key_digest)


def parse_log_ref(name: str) -> str | None:
    """The key digest of a runner's log."""
    parts = _LOG.split(name)
    return None if parts is None else parts[0]


def trigger_ref(slug: str, trigger: str) -> str:
    """The chain of deliveries of one trigger."""
    return _TRIGGER.name(slug, trigger)


def triggers_prefix(slug: str) -> str:
    """All triggers of one flow."""
    return Shape(TRIGGERS, (SLUG,)).name(slug) + "/"


def parse_trigger_ref(name: str) -> PairRef | None:
    """(slug, trigger) of a trigger's chain."""
    parts = _TRIGGER.split(name)
    return None if parts is None else PairRef(*parts)


def kv_ref(scope: str) -> str:
    """One scope of the key-value store."""
    return _KV.name(scope)


def parse_kv_ref(name: str) -> str | None:
    """The scope of a key-value ref."""
    parts = _KV.split(name)
    return None if parts is None else parts[0]


def job_ref(job_type: str, job_id: str) -> str:
    """One job of the queue."""
    return _JOB.name(job_type, job_id)


def jobs_prefix(job_type: str) -> str:
    """All jobs of one type."""
    return Shape(JOBS, (WORD,)).name(job_type) + "/"


def parse_job_ref(name: str) -> PairRef | None:
    """(type, id) of a job."""
    parts = _JOB.split(name)
    return None if parts is None else PairRef(*parts)


def table_ref(name: str) -> str:
    """The chain of versions of one table."""
    return _TABLE.name(name)


def parse_table_ref(name: str) -> str | None:
    """The table's name."""
    parts = _TABLE.split(name)
    return None if parts is None else parts[0]


def remote_run_ref(remote: str, slug: str, run_id: str) -> str:
    """Another clone's run as fetched from `remote`."""
    return _REMOTE_RUN.name(remote, "runs", slug, run_id)


def remote_runs_prefix(remote: str) -> str:
    """All runs fetched from `remote`."""
    return Shape(REMOTES, (WORD,)).name(remote) + "/runs/"


def parse_remote_run_ref(name: str) -> RemoteRunRef | None:
    """(remote, slug, run id) of a fetched run."""
    parts = _REMOTE_RUN.split(name)
    return None if parts is None else RemoteRunRef(parts[0], parts[2], parts[3])


def archive_ref(month: str) -> str:
    """The archive of one month, `YYYYMM`."""
    return _ARCHIVE.name(month)


def parse_archive_ref(name: str) -> str | None:
    """The month of an archive."""
    parts = _ARCHIVE.split(name)
    return None if parts is None else parts[0]


def sync_refspecs(remote: str, protected_branch: str) -> tuple[str, ...]:
    """What a clone fetches from its remote (architecture 2.4, Sync); none of them is forced."""
    return (
        *(f"{prefix}*:{prefix}*" for prefix in (*INBOXES, CERTIFICATES, LIVE, RELEASES, LOGS)),
        f"{POLICY}:{POLICY}",
        f"{branch_ref(protected_branch)}:{remote_branch_ref(remote, protected_branch)}",
        f"{RUNS}*:{remote_runs_prefix(remote)}*",
    )
