"""Brings the search index up to the refs: runs that verify get into it, and what moved is read again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Final

from gitflow_runner.catalog.sources import FLOWS_DIR
from gitflow_runner.errors import DamagedError, RefusedError, StepError
from gitflow_runner.git.objects import BLOB_MODE, EXEC_MODE, Oid
from gitflow_runner.git.refs import branch_ref
from gitflow_runner.ledger.blobs import FOLDER, pointer_in
from gitflow_runner.ledger.chain import read_run
from gitflow_runner.ledger.index import Document, SearchIndex
from gitflow_runner.ledger.listing import RunRef, run_refs
from gitflow_runner.model.resource import resource_uri
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.verify import require_trusted
from gitflow_runner.steps.base import Cancel

MAX_RUNS: Final = 5_000  # the newest
MAX_FILES: Final = 200  # of one run
MAX_FILE: Final = 20_000  # characters of one file
MAX_BODY: Final = 200_000  # characters of one document
MAX_VALUE: Final = 1_000_000  # bytes of a stored value that are looked at

_RUNS: Final = "runs "
_FLOWS: Final = "flows"
_NAMED = re.compile(r':(name|description)\s+"((?:[^"\\]|\\.)*)"')


def bring_up_to_date(
    runtime: Runtime, index: SearchIndex, target: str, cancel: Cancel, *, leaving: str
) -> None:
    """Index what moved since, but for the run `leaving`, which is asking.

    `TransientError` (`search.*`), `StepError` (`step.cancelled`; what was indexed until then stays).

    A run that does not verify is left out, and looked at again when it or the policy has moved.
    """
    if target == "flows":
        _flows(runtime, index)
        return
    known = index.tips()
    policy = runtime.policies.tip() or ""
    listed = run_refs(runtime.repository)[:MAX_RUNS]
    for at in listed:
        source, tip = _RUNS + at.ref, f"{at.tip} {policy}"
        if at.run == leaving or known.get(source) in (at.tip, tip):
            continue
        if cancel.asked():
            raise StepError("step.cancelled", "the step was given up while runs were indexed")
        try:
            require_trusted(runtime, at, act="searched")
            documents = tuple(_of_run(runtime, at))
        except (RefusedError, DamagedError):
            index.replace(source, tip, ())
        else:
            index.replace(source, at.tip, documents)
    gone = {source for source in known if source.startswith(_RUNS)} - {_RUNS + at.ref for at in listed}
    if gone:
        index.forget(sorted(gone))


def _flows(runtime: Runtime, index: SearchIndex) -> None:
    """The flows as the protected branch has them."""
    policy = runtime.policies.newest()
    reader = runtime.repository
    tip = reader.resolve(branch_ref("main" if policy is None else policy.protected_branch))
    folder = None if tip is None else reader.entry(reader.commit(tip).tree, FLOWS_DIR)
    stands = "" if folder is None or not folder.is_tree else folder.oid
    if index.tips().get(_FLOWS) == stands:
        return
    documents = []
    for entry in reader.tree(Oid(stands)) if stands else ():
        slug = entry.name.removesuffix(".edn")
        if entry.mode in (BLOB_MODE, EXEC_MODE) and slug != entry.name and not slug.endswith(".tests"):
            text = reader.blob(entry.oid)[:MAX_BODY].decode("utf-8", "ignore")
            said = dict(reversed(_NAMED.findall(text)))
            title = " · ".join([slug, *(said[key] for key in ("name", "description") if key in said)])
            documents.append(Document("flows", slug, title, text))
    index.replace(_FLOWS, stands, documents)


def _of_run(runtime: Runtime, at: RunRef) -> Iterator[Document]:
    reader = runtime.repository
    run, root = read_run(reader, at.tip), reader.commit(at.tip).tree
    body, size = [], 0
    for text in _texts(runtime, root):
        body.append(text[:MAX_FILE])
        size += len(body[-1])
        if size >= MAX_BODY or len(body) >= MAX_FILES:
            break
    failure = "" if run.failure is None else f"{run.failure.code} {run.failure.message}"
    facts = {"flow": run.slug, "status": run.status, "label": run.label}
    title = f"{run.slug} {run.status} {' '.join(wait.wait.title for wait in run.waits)}".strip()
    yield Document("runs", run.run, title, "\n".join([failure, *body])[:MAX_BODY], facts)
    folder = reader.entry(root, FOLDER)
    for entry in reader.tree(folder.oid) if folder is not None else ():
        found = text_of_value(runtime, entry.name, entry.oid)
        if found is not None:
            uri = resource_uri(entry.name)
            yield Document("resources", uri, uri, found[:MAX_BODY], {"run": run.run, "flow": run.slug})


def _texts(runtime: Runtime, root: Oid) -> Iterator[str]:
    """What the run was given, what its steps got and gave, newest steps last."""
    reader = runtime.repository
    given = reader.entry(root, "input.edn")
    if given is not None:
        yield reader.blob(given.oid).decode("utf-8", "ignore")
    steps = reader.entry(root, "steps")
    for shard in reader.tree(steps.oid) if steps is not None else ():
        for step in reader.tree(shard.oid) if shard.is_tree else ():
            yield step.name.partition("-")[2].replace("-", " ")
            for file in reader.tree(step.oid) if step.is_tree else ():
                if not file.is_tree:
                    yield reader.blob(file.oid).decode("utf-8", "ignore")


def text_of_value(runtime: Runtime, sha256: str, oid: Oid) -> str | None:
    """The beginning of a stored value's text; None for binary ones and what lies elsewhere."""
    data = runtime.repository.blob(oid)
    pointer = pointer_in(data)
    if pointer is not None and pointer.sha256 == sha256:
        # What lies in a bucket alone is not fetched for an index.
        if not runtime.folder.contains(sha256):
            return None
        taken = bytearray()
        for chunk in runtime.folder.chunks(sha256):
            taken += chunk
            if len(taken) >= MAX_VALUE:
                break
        data = bytes(taken)
    elif hashlib.sha256(data).hexdigest() != sha256:
        return None
    text = data[:MAX_VALUE].decode("utf-8", "ignore")
    return None if "\0" in text or len(text) < len(data[:MAX_VALUE]) // 4 else text
