"""Starting a run: code resolved to object ids, input checked, the start signed, the first turn recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from gitflow_runner.engine.admission import Place, place_of
from gitflow_runner.engine.behaviour import CURRENT
from gitflow_runner.engine.program import make_program
from gitflow_runner.errors import ConflictError, GitflowError, RefusedError, TransientError
from gitflow_runner.git.objects import Oid, RawObject
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.values import Value
from gitflow_runner.ledger.codec import encode_pin
from gitflow_runner.ledger.journal import Along, Journal, Turn
from gitflow_runner.ledger.lease import Lease, begin
from gitflow_runner.ledger.link import TRIES
from gitflow_runner.model.connection import Environment
from gitflow_runner.model.event import RunStarted
from gitflow_runner.model.ids import RunId, run_id
from gitflow_runner.model.pin import DraftSource, Pin, ReleaseSource
from gitflow_runner.model.slot import SlotEntry
from gitflow_runner.model.stored import Stored
from gitflow_runner.runner.checkpoints import tell_freshness
from gitflow_runner.runner.code import Code
from gitflow_runner.runner.freshness import require_fresh
from gitflow_runner.runner.inputs import ACTIVATION, check_input, check_setup
from gitflow_runner.runner.lineage import callers_of
from gitflow_runner.runner.masking import masked_stored
from gitflow_runner.runner.readiness import not_ready, require_ready
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.slots import ask, slot_record
from gitflow_runner.runner.upkeep import wait_out_locks
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.requests import build_start
from gitflow_runner.trust.statement import Start


@dataclass(frozen=True, slots=True)
class Begun:
    """A run whose first turn is durable; the caller holds its lock."""

    journal: Journal
    pin: Pin
    code: Code


def new_run_id(runtime: Runtime) -> RunId:
    """A run id that no other run has."""
    moment = datetime.fromtimestamp(runtime.clock.now_ms() / 1_000, UTC)
    return run_id(f"{moment:%Y%m%d-%H%M%S}-{runtime.jitter.token(6)}")


@dataclass(frozen=True, slots=True)
class Caller:
    """The run that calls another flow: its starter stands for the called run too."""

    run: str
    starter: str | None
    starter_key: str | None
    depth: int


@dataclass(frozen=True, slots=True)
class Fired:
    """The trigger that starts a run: its starter's name, and the key of who changed it last.

    `proposal` is the commit that the run is to decide about, `proposers` signed what it brings in; None
    among them stands for somebody whom nobody knows.
    """

    starter: str
    key: str
    invocation: str
    proposal: Oid
    proposers: frozenset[str | None]


def begin_run(
    runtime: Runtime,
    run: RunId,
    code: Code,
    given: Mapping[str, Value],
    *,
    caller: Caller | None = None,
    fired: Fired | None = None,
) -> Begun:
    """Record the first turn of a run of `code`; the caller holds the run's lock.

    It is started by a signed request of whoever sits here, by the run that calls it, or by a trigger.

    Raises `UsageError` (`input.*`), `RefusedError` where no policy lets this clone drive a release.
    """
    require_driver(runtime, code)
    if not isinstance(code.source, DraftSource):
        missing = not_ready(code.flow, code.configured, runtime.secrets, "live")
        require_ready(code.flow, missing, "live runs")
    # A body that cannot be analysed is refused here, before anything of the run is written.
    make_program(code.flow, runtime.specs, behaviour=CURRENT, fuel=code.settings.limits.fuel)
    invocation = "default" if fired is None else fired.invocation
    given_input = masked_stored(Stored(write(_given(runtime, code, given, invocation))), runtime.redactor)
    draft = isinstance(code.source, DraftSource)
    place = place_of(code.flow.concurrency, read_data(given_input.text, loose=True), draft=draft)
    request = _request(runtime, code, given_input, caller, fired)
    pin = _pin(runtime, code, caller, fired)
    pin_bytes = encode_pin(pin)
    now = runtime.clock.now_ms()
    started = RunStarted(
        run,
        code.flow.slug,
        pin.label,
        hashlib.sha256(pin_bytes).hexdigest(),
        given_input,
        request.principal,
        request.fingerprint,
        request.oid,
        1,
        runtime.owner,
    )
    files = {"pin.json": pin_bytes, **code.proof, **code.configured.files}
    files |= {f"flow/{file.path}": file.text.encode() for file in code.flow.files}
    policy = runtime.policies.newest()
    if policy is not None:
        files["proof/policy.edn"] = policy.text
    if request.objects:
        runtime.repository.write(request.objects)
    author = runtime.person.ident(now) if request.oid is not None else None
    entry = SlotEntry(run, pin.version, code.flow.concurrency.on_new_version, now)
    journal = _admitted(runtime, Turn((started,), now, files, author=author), place, entry, caller, fired)
    if runtime.told is not None:
        runtime.told(journal.history())
    return Begun(journal, pin, code)


def _admitted(
    runtime: Runtime,
    turn: Turn,
    place: Place,
    entry: SlotEntry,
    caller: Caller | None,
    fired: Fired | None,
) -> Journal:
    """Record the first turn behind its slot and its lease; asked anew where another start came in between."""
    (started,) = turn.events
    assert isinstance(started, RunStarted), "a first turn begins a run"
    lease = Lease(entry.run, started.slug, runtime.owner, runtime.host, 1, entry.at)
    callers = partial(callers_of, runtime.repository, caller.run) if caller is not None else frozenset[str]
    patient = caller is not None or fired is not None
    waited = False
    for _ in range(TRIES):
        asked = ask(runtime, started.slug, place, entry, patient=patient, callers=callers)
        first = replace(turn, events=(replace(started, admission=asked.admission),))
        slot = Along(objects=asked.objects, before=(asked.move,))
        try:
            journal = begin(runtime.repository, runtime.committer, lease, first, slot=slot)
        except ConflictError as error:
            if error.details.get("ref") != asked.ref:
                raise
            continue
        except TransientError as error:
            # A start that was killed may have left the slot's lock, which is everybody's.
            if error.code != "git.ref_locked" or waited or not wait_out_locks(runtime):
                raise
            waited = True
            continue
        asked.told()
        return journal
    raise slot_record(runtime, started.slug, place.slot).contended()


def _given(runtime: Runtime, code: Code, given: Mapping[str, Value], invocation: str) -> Map:
    """The checked input with what the installation's setup form was filled in with."""
    environment: Environment = "draft" if isinstance(code.source, DraftSource) else "live"
    known = partial(runtime.secrets.is_known, environment)
    values = check_input(code.flow, given, invocation=invocation, known_secret=known)
    filled = check_setup(
        code.flow,
        code.configured.installation,
        known_secret=known,
    )
    return values.assoc(ACTIVATION, filled) if filled else values


def require_driver(runtime: Runtime, code: Code) -> None:
    """Refuse to drive a release with a key that the policy does not let drive it (`runner.unlisted`).

    So too where the policy is older here than it allows (`policy.stale`).
    """
    if isinstance(code.source, DraftSource):
        return
    require_fresh(runtime)
    policy = runtime.policies.require()
    try:
        policy.check_runner(policy.keyring.owner(runtime.signer.key), "drive", code.flow.slug)
    except Refusal as refusal:
        raise RefusedError(
            "runner.unlisted",
            f"the runner {runtime.signer.key.fingerprint} may drive drafts only: {refusal.message}",
            hint="take the runner's line into .breyta/policy.edn, then apply it",
            fix=("gfr policy apply", f"gfr run {code.flow.slug}"),
        ) from None
    tell_freshness(runtime)


def _pin(runtime: Runtime, code: Code, caller: Caller | None, fired: Fired | None) -> Pin:
    proposers = frozenset[str | None]() if fired is None else fired.proposers
    return Pin(
        1,
        runtime.local.home(),
        code.flow.slug,
        code.flow.root,
        code.source,
        code.files,
        code.flow.digest,
        CURRENT,
        runtime.policies.tip(),
        code.authors,
        None if caller is None else caller.run,
        proposal=None if fired is None else fired.proposal,
        proposers=tuple(sorted(name for name in proposers if name is not None)),
        proposer_unknown=None in proposers,
        depth=0 if caller is None else caller.depth + 1,
        configuration=code.configured.pinned,
    )


@dataclass(frozen=True, slots=True)
class _Request:
    principal: str | None = None
    fingerprint: str | None = None
    oid: Oid | None = None
    objects: tuple[RawObject, ...] = ()


def _request(
    runtime: Runtime, code: Code, given: Stored, caller: Caller | None, fired: Fired | None
) -> _Request:
    if fired is not None:
        return _Request(fired.starter, fired.key)
    if caller is not None:
        return _Request(caller.starter, caller.starter_key)
    return _signed_start(runtime, code, given)


def _signed_start(runtime: Runtime, code: Code, given: Stored) -> _Request:
    """The starter's signed request; nothing where the person has no key that the policy knows."""
    signer = runtime.person.signer
    commit = _commit_of(code)
    policy = runtime.policies.newest()
    if signer is None or policy is None or commit is None:
        return _Request()
    now = runtime.clock.now_ms()
    owners = policy.keyring.owners(signer.key)
    if not owners:
        return _Request()
    said = Start(
        code.flow.slug,
        f"sha256:{given.digest}",
        runtime.jitter.token(16),
        release=commit if isinstance(code.source, ReleaseSource) else None,
        draft=commit if isinstance(code.source, DraftSource) else None,
    )
    try:
        objects = build_start(said, given.text.encode(), runtime.person.ident(now), signer)
    except GitflowError as error:
        runtime.say(f"the start is not signed: {error.message}")
        return _Request()
    return _Request(min(owners), signer.key.fingerprint, objects[-1].oid, objects)


def _commit_of(code: Code) -> Oid | None:
    match code.source:
        case ReleaseSource(tag_oid=tag):
            return Oid(tag)
        case DraftSource(commit=commit):
            return None if commit is None else Oid(commit)
