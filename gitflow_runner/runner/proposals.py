"""A wait's proposal: a commit on a branch of its own, pushed and opened as a change once the wait stands."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from gitflow_runner.errors import ConflictError, GitflowError, StepError
from gitflow_runner.forges.base import Draft
from gitflow_runner.git.objects import Oid, RawObject, blob
from gitflow_runner.git.refs import branch_ref
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.lang.collection import Map, map_of
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import canonical
from gitflow_runner.lang.values import keyword
from gitflow_runner.ledger.chain import file_in, read_object
from gitflow_runner.ledger.tree import Tree
from gitflow_runner.model.change import Change, ChangeOpened, Proposal, ProposedFile
from gitflow_runner.model.pin import Pin
from gitflow_runner.model.run import OpenWaitState, Run
from gitflow_runner.runner.buffer import Buffer
from gitflow_runner.runner.forge_desk import ForgeDesk, refuse_draft
from gitflow_runner.runner.forge_memory import ForgeMemory
from gitflow_runner.steps.propose import MARKS, ProposeRequest

PROPOSAL_FILE = "wait/proposal.edn"
BRANCHES = "gitflow/"  # below this name branches are the runner's own
_NONCE = 26  # letters of base 32


@dataclass(frozen=True, slots=True)
class Prepared:
    """A proposal whose wait is not durable yet, and the file that shows it in the wait's tree."""

    proposal: Proposal
    file: bytes


class Proposals:
    """Makes and opens the proposals of one driven run."""

    def __init__(self, desk: ForgeDesk, buffer: Buffer, pin: Pin, memory: ForgeMemory) -> None:
        self._desk = desk
        self._pin = pin
        self._runtime = desk.runtime
        self._buffer = buffer
        self._memory = memory

    def prepare(
        self, run: Run, folder: str, title: str, payload: str, request: ProposeRequest, target: str, now: int
    ) -> Prepared:
        """Write the commit that proposes these files on the tip of `target`; no ref names it yet.

        `StepError`: `propose.draft`, `propose.no_branch`, `forge.settings` where the forge can never take it.
        """
        desk = self._desk
        if self._pin.is_draft:
            refuse_draft(desk)
        desk.forge.check(desk.site)
        base = self._base(target)
        mark = f"{MARKS}{run.run}-{folder}.edn"
        said = {
            "run": run.run,
            "wait": folder,
            "payload": payload,
            "nonce": self._runtime.jitter.token(_NONCE),
        }
        files = {path: text.encode() for path, text in request.files.items()}
        files[mark] = _edn(said) + b"\n"
        name = request.title or title
        message = f"{' '.join(name.split())[:100]}\n\nGitflow-Proposal: {run.run} {folder}\n"
        head, proposed = self._commit(base, files, message, now)
        branch = f"{BRANCHES}{run.run}-{folder}"
        text = {
            "title": name,
            "body": request.body,
            "branch": branch,
            "target": target,
            "head": str(head),
            "files": map_of(sorted((path, data.decode()) for path, data in files.items())),
        }
        return Prepared(Proposal(branch, target, base, head, mark, proposed), _edn(text) + b"\n")

    def _base(self, target: str) -> Oid:
        try:
            self._desk.fetch(target)
        except GitflowError as error:
            self._runtime.say(f"{target} was not fetched before it is proposed to: {error.message}")
        base = self._desk.tip(target)
        if base is None:
            raise StepError(
                "propose.no_branch",
                f"there is no branch {target} to propose to",
                hint=f"make a first commit on {target}, or set forge.remote in .breyta/config.yaml",
            )
        return base

    def _commit(
        self, base: Oid, files: Mapping[str, bytes], message: str, now: int
    ) -> tuple[Oid, tuple[ProposedFile, ...]]:
        repository = self._runtime.repository
        tree, objects = Tree(self._read_tree, repository.commit(base).tree), dict[Oid, RawObject]()
        proposed = []
        for path, data in sorted(files.items()):
            item = blob(data)
            objects[item.oid] = item
            tree.put(path, item.oid)
            proposed.append(ProposedFile(path, item.oid, hashlib.sha256(data).hexdigest()))
        commit = self._runtime.committer.commit(tree.write(objects), (base,), message, now)
        repository.write((*objects.values(), commit))
        return commit.oid, tuple(proposed)

    def _read_tree(self, oid: Oid) -> bytes:
        return read_object(self._runtime.repository, oid, "tree")

    def ensure(self, state: OpenWaitState) -> None:
        """Push the branch, open the change and record it, unless that was done; a repeat finds what is there.

        Raises the errors of forge and remote, after which the same call may be made again.
        """
        proposal = state.wait.proposal
        if proposal is None or state.change is not None:
            return
        desk, found = self._desk, None
        ports = desk.ports(self._memory)
        if desk.forge.tells:
            found = desk.forge.find(desk.site, proposal.branch, proposal.target, ports)
        if found is None:
            # A found change's branch may be gone again: forges delete what was merged.
            self._push(proposal)
            if desk.forge.tells:
                found = desk.forge.open(desk.site, self._draft(state, proposal), ports)
        self._buffer.add(_opened(state.wait.folder, desk.named.name, found))
        self._buffer.flush()

    def _push(self, proposal: Proposal) -> None:
        ref, head = branch_ref(proposal.branch), Oid(proposal.head)
        remote = self._desk.remote
        if remote is None:
            stands = self._runtime.repository.resolve(ref)
        else:
            stands = dict(self._runtime.git.remote_refs(remote, (ref,))).get(ref)
        if stands == head:
            return
        update = RefUpdate(ref, None, head)
        if stands is not None:
            raise ConflictError(
                "propose.branch_taken",
                f"{proposal.branch} stands at {stands}, not at the proposed {head}",
                hint="somebody pushed to the branch of the proposal; delete it there",
            )
        if remote is None:
            self._runtime.repository.swap([update])
        else:
            self._runtime.git.push(remote, [update])

    def _draft(self, state: OpenWaitState, proposal: Proposal) -> Draft:
        commit = self._buffer.journal.wait_commit(state.wait.folder)
        reader = self._runtime.repository
        data = file_in(reader, reader.commit(commit).tree, PROPOSAL_FILE) or b""
        said = read_data(data.decode("utf-8", "replace"))
        title, body = state.wait.title, ""
        if isinstance(said, Map):
            title, body = str(said.get(keyword("title"))), str(said.get(keyword("body")) or "")
        run = self._buffer.run
        lines = [
            *([body, "", "---"] if body else []),
            f"Merging this change as it stands approves `{state.wait.folder}` of run `{run.run}`.",
            "A pushed commit changes what was proposed: then nothing is approved by merging it.",
            "",
            f"- flow: `{run.slug}`",
            f"- question: {' '.join(state.wait.title.split())[:300]}",
            f"- payload: `{state.wait.payload}`",
            f"- see it: `gfr show {run.run} {state.wait.folder}`",
        ]
        return Draft(proposal.branch, proposal.target, " ".join(title.split())[:200], "\n".join(lines))


def _opened(folder: str, forge: str, change: Change | None) -> ChangeOpened:
    if change is None:
        return ChangeOpened(folder, forge)
    opener = None if change.opener is None else change.opener.id
    return ChangeOpened(folder, forge, change.number, change.url[:500], opener)


def _edn(values: Mapping[str, object]) -> bytes:
    return canonical(map_of((keyword(name), value) for name, value in values.items())).encode()
