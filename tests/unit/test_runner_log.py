"""A runner's log: only its own key writes it, in order, and it is never cut."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import SSHCertificateBuilder, SSHCertificateType

from gitflow_runner.errors import GitflowError, RefusedError
from gitflow_runner.git.objects import BLOB_MODE, LINK_MODE, Commit, Oid, TreeEntry, blob, encode_tree
from gitflow_runner.trust import sshsig
from gitflow_runner.trust.log import (
    MAX_BYTES,
    Entry,
    KeyRevoked,
    PolicySeen,
    PromotionSeen,
    ReleaseSeen,
    RunnerLog,
    TipSeen,
    build_link,
    first_seen,
    key_digest,
    load_log,
    ref_of,
    releases_seen,
)
from gitflow_runner.trust.signer import FileSigner, sign_commit
from gitflow_runner.trust.verify import prove
from gitflow_runner.trust.wire import string
from tests.policies import ANN, RUNNER
from tests.signed_objects import NOW, Objects, ident

TAG, COMMIT, OTHER = Oid("12" * 20), Oid("34" * 20), Oid("56" * 20)
DIGEST = "sha256:" + "ab" * 32
REF = "refs/tags/flow/hello/v1"
ENTRIES: tuple[Entry, ...] = (
    ReleaseSeen(NOW, REF, TAG, COMMIT, DIGEST),
    PromotionSeen(NOW, "hello", 1, OTHER, TAG),
    PolicySeen(NOW + 1, 4, COMMIT, DIGEST),
    KeyRevoked(NOW + 2, "SHA256:x\u2028y", NOW),
    TipSeen(NOW + 3, "refs/runs/hello/20260921-131402-7k3m9q", COMMIT),
)


class Log:
    """A log under construction."""

    def __init__(self) -> None:
        self.objects = Objects()
        self.found: RunnerLog | None = None

    def add(self, entries: Sequence[Entry], key: FileSigner = RUNNER) -> Oid:
        return self.objects.add(*build_link(entries, self.found, ident(), key))

    def load(self, tip: Oid, known: Oid | None = None, **more: object) -> RunnerLog:
        digest = key_digest(RUNNER.key)
        self.found = load_log(self.objects, tip, digest, known=known, **more)  # type: ignore[arg-type]
        return self.found

    def code(self, tip: Oid, known: Oid | None = None, **more: object) -> str | None:
        try:
            self.load(tip, known, **more)
        except GitflowError as problem:
            return problem.code
        return None

    def why(self, tip: Oid) -> str:
        """What is said of a chain that is refused."""
        with pytest.raises(RefusedError) as problem:
            self.load(tip)
        assert problem.value.code == "log.chain"
        return problem.value.message

    def raw(self, content: bytes, *parents: Oid) -> Oid:
        tree = self.objects.folder({"entries.jsonl": content})
        return self.objects.add(sign_commit(Commit(tree, parents, ident(), ident(), "log\n"), RUNNER))


def test_entries_read_back_in_order_over_several_links() -> None:
    log = Log()
    log.load(log.add(ENTRIES[:2]))
    tip = log.add(ENTRIES[2:])
    found = log.load(tip)
    assert (found.entries, found.number, found.tip, found.key) == (ENTRIES, 2, tip, RUNNER.key)


def test_the_ref_is_named_after_the_hex_digest_of_the_key() -> None:
    assert ref_of(RUNNER.key) == f"refs/runner/log/{key_digest(RUNNER.key)}"
    assert len(key_digest(RUNNER.key)) == 64


def test_another_key_writes_no_link() -> None:
    log = Log()
    log.load(log.add(ENTRIES[:1]))
    assert log.code(log.add(ENTRIES[1:], ANN)) == "log.chain"


def test_a_log_cut_or_rewritten_is_rewound() -> None:
    log = Log()
    first = log.add(ENTRIES[:1])
    log.load(first)
    second = log.add(ENTRIES[1:])
    assert log.code(second, known=first) is None
    assert log.code(first, known=second) == "log.log_rewound"


def test_times_never_fall() -> None:
    log = Log()
    log.load(log.add(ENTRIES[2:]))
    assert log.code(log.add(ENTRIES[:1])) == "log.chain"


HEAD = json.dumps({"format": 1, "number": 1})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json\n",
        b"[]\n",
        b'{"format":2,"number":1}\n',
        b'{"format":1,"number":2}\n',
        b'{"format":1,"number":true}\n',
        f'{HEAD}\n{{"kind":"x","at":1}}\n'.encode(),
        f'{HEAD}\n{{"kind":"tip.seen","at":"1","ref":"r","tip":"t"}}\n'.encode(),
        f'{HEAD}\n{{"kind":"tip.seen","at":1,"ref":"r"}}\n'.encode(),
        f'{HEAD}\n{{"kind":"tip.seen","at":1,"ref":"r","tip":"t","more":"x"}}\n'.encode(),
        f"{HEAD}\n7\n".encode(),
    ],
)
def test_a_link_that_cannot_be_read_is_refused(content: bytes) -> None:
    log = Log()
    assert log.code(log.raw(content)) == "log.chain"


def test_numbers_follow_without_a_gap_and_links_have_one_parent() -> None:
    log = Log()
    first = log.add(ENTRIES[:1])
    assert log.code(log.raw(b'{"format":1,"number":3}\n', first)) == "log.chain"
    assert log.code(log.raw(b'{"format":1,"number":1}\n', first)) == "log.chain"
    assert log.code(log.raw(b'{"format":1,"number":2}\n', first, first)) == "log.chain"
    assert log.code(log.raw(b'{"format":1,"number":2}\n', first)) is None


def test_no_link_has_a_number_below_one() -> None:
    log = Log()
    assert "format 1, number 0" in log.why(log.raw(b'{"format":1,"number":0}\n'))


def test_a_certificate_of_the_runners_key_writes_no_link() -> None:
    """Whoever signed it could have let it run out, and nobody here knows that authority."""
    builder = SSHCertificateBuilder().public_key(RUNNER.private.public_key())  # type: ignore[arg-type]
    builder = builder.type(SSHCertificateType.USER).serial(1).key_id(b"x").valid_principals([b"runner"])
    made = builder.valid_after(0).valid_before(2**40).sign(RUNNER.private)  # type: ignore[arg-type]
    blob = base64.b64decode(made.public_bytes().split()[1])
    log = Log()
    plain = Commit(log.objects.folder({"entries.jsonl": GOOD}), (), ident(), ident(), "log\n")
    raw = RUNNER.private.sign(sshsig.signed_bytes(plain.payload, "git"))  # type: ignore[union-attr, call-arg]
    link = plain.signed(sshsig.armour(blob, "git", string(b"ssh-ed25519") + string(raw))).encode()
    assert prove(link).key == RUNNER.key
    assert "not signed by the key whose log" in log.why(log.objects.add(link))


def test_what_was_read_before_is_followed_by_the_next_number() -> None:
    log = Log()
    first = log.add(ENTRIES[:1])
    before = log.load(first)
    assert log.code(log.raw(b'{"format":1,"number":3}\n', first), before=before) == "log.chain"
    assert log.code(log.raw(b'{"format":1,"number":2}\n', first), before=before) is None


def test_a_log_is_read_up_to_a_bound() -> None:
    log = Log()
    log.load(log.add(ENTRIES[:1]))
    tip = log.add(ENTRIES[1:])
    assert log.code(tip, most_links=1) == "log.chain"
    assert log.code(tip, most_links=2) is None


@pytest.mark.parametrize("number", [0, -1])
def test_numbers_begin_at_one(number: int) -> None:
    log = Log()
    parent = log.raw(b'{"format":1,"number":%d}\n' % (number - 1))
    assert log.code(log.raw(b'{"format":1,"number":%d}\n' % number, parent)) == "log.chain"


GOOD = f"{HEAD}\n".encode()


def test_a_link_holds_one_regular_file_of_bounded_size() -> None:
    log = Log()
    file = log.objects.add(blob(GOOD))

    def code(*entries: TreeEntry) -> str | None:
        tree = log.objects.add(encode_tree(entries))
        return log.code(log.objects.add(sign_commit(Commit(tree, (), ident(), ident(), "log\n"), RUNNER)))

    good = TreeEntry("entries.jsonl", BLOB_MODE, file)
    assert code(good) is None
    assert code(good, TreeEntry("more", BLOB_MODE, file)) == "log.chain"
    assert code() == "log.chain"
    assert code(replace(good, name="entries.json")) == "log.chain"
    assert code(replace(good, mode=LINK_MODE)) == "log.chain"
    assert f"larger than {MAX_BYTES} bytes" in log.why(log.raw(GOOD + b" " * MAX_BYTES))


def test_a_statement_is_no_link() -> None:
    log = Log()
    tree = log.objects.folder({"entries.jsonl": GOOD})
    message = "log\n\nGitflow-Statement: start\n"
    link = log.objects.add(sign_commit(Commit(tree, (), ident(), ident(), message), RUNNER))
    assert log.code(link) == "log.chain"


def test_the_earliest_sight_of_several_logs_counts() -> None:
    def log(at: int, tag: Oid) -> RunnerLog:
        return RunnerLog(RUNNER.key, COMMIT, 1, (ReleaseSeen(at, REF, tag, COMMIT, DIGEST),))

    logs = [log(NOW + 5, TAG), log(NOW, TAG), log(NOW + 9, OTHER)]
    assert first_seen(logs) == {TAG: NOW, OTHER: NOW + 9}
    assert releases_seen(logs) == ((REF, TAG),)
