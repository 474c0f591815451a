"""Every reason why a signed object is refused, one test each."""

from __future__ import annotations

import base64

import pytest

from gitflow_runner.errors import DamagedError
from gitflow_runner.git.objects import Commit, Oid, RawObject, Tag, blob
from gitflow_runner.trust import sshsig
from gitflow_runner.trust.keyring import Entry, Keyring, Verdict
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.revocation import ALWAYS, Revocations
from gitflow_runner.trust.signer import sign_tag
from gitflow_runner.trust.verify import check_skew, verify_object
from gitflow_runner.trust.wire import WireReader, string
from tests.signed_objects import (
    DAY,
    EMPTY_TREE,
    HOUR,
    NOW,
    Objects,
    ident,
    ring,
    signed_commit,
    signer,
)

ANN = signer("ann")
BOB = signer("bob")
RING = ring(("ann@example.test", ANN))


def verdict(raw: RawObject, keyring: Keyring = RING, **more: object) -> Verdict:
    times = {"first_seen": NOW, "now": NOW} | more
    return verify_object(raw, keyring, **times)  # type: ignore[arg-type]


def reason(raw: RawObject, keyring: Keyring = RING, **more: object) -> str | None:
    found = verdict(raw, keyring, **more)
    assert found.accepted == (found.reason is None)
    return found.reason


def altered(raw: RawObject, old: bytes, new: bytes) -> RawObject:
    assert raw.data.count(old) == 1
    return RawObject(raw.kind, raw.data.replace(old, new))


def resigned(raw: bytes, armour: str) -> RawObject:
    head, body = raw.split(b"\n\n", 1)
    header = "gpgsig " + armour.replace("\n", "\n ")
    return RawObject("commit", head + b"\n" + header.encode() + b"\n\n" + body)


UNSIGNED = Commit(EMPTY_TREE, (), ident(), ident(), "plain\n")


def with_blob(blob_bytes: bytes) -> RawObject:
    text = base64.b64encode(blob_bytes).decode()
    armour = f"-----BEGIN SSH SIGNATURE-----\n{text}\n-----END SSH SIGNATURE-----"
    return UNSIGNED.signed(armour).encode()


def packed(
    namespace: bytes = b"git", reserved: bytes = b"", digest: bytes = b"sha512", version: int = 1
) -> bytes:
    """A signature by Ann over the plain commit with odd fields around it."""
    hashed = "sha256" if digest == b"sha256" else "sha512"
    armour = ANN.sign(UNSIGNED.payload)
    if hashed == "sha256":
        data = sshsig.signed_bytes(UNSIGNED.payload, "git", "sha256")
        raw = string(b"ssh-ed25519") + string(ANN.private.sign(data))  # type: ignore[union-attr, call-arg]
    else:
        reader = WireReader(base64.b64decode("".join(armour.split("\n")[1:-1])))
        reader.take(10)
        for _ in range(4):
            reader.string()
        raw = reader.string()
    return b"".join(
        (
            b"SSHSIG",
            version.to_bytes(4, "big"),
            string(ANN.key.blob),
            string(namespace),
            string(reserved),
            string(digest),
            string(raw),
        )
    )


def tag(
    name: str = "flow/hello/v1",
    *,
    target: Oid = EMPTY_TREE,
    kind: str = "commit",
    time: int = NOW,
) -> RawObject:
    return sign_tag(Tag(target, kind, name, ident(time), "release\n"), ANN)


def test_a_commit_of_a_listed_key_is_accepted_with_its_principal_and_fingerprint() -> None:
    found = verdict(signed_commit(ANN))
    assert found == Verdict(True, None, "ann@example.test", ANN.key.fingerprint)
    assert found.verdict == "accept"


def test_both_good_digests_are_taken() -> None:
    assert reason(with_blob(packed())) is None
    assert reason(with_blob(packed(digest=b"sha256"))) is None


def test_a_commit_without_a_signature_is_unsigned() -> None:
    assert reason(UNSIGNED.encode()) == "unsigned"


def test_a_tag_without_a_signature_is_unsigned() -> None:
    assert reason(Tag(EMPTY_TREE, "commit", "v1", ident(), "text\n").encode()) == "unsigned"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"a change", b"b change"),
        (b"committer Somebody", b"committer Nobody"),
        (b"tree 4b825", b"tree 4b826"),
        (b"\n\na change", b"\nx-note one\n\na change"),
    ],
)
def test_a_changed_commit_is_a_bad_signature(old: bytes, new: bytes) -> None:
    assert reason(altered(signed_commit(ANN), old, new)) == "bad_signature"


def test_a_signature_moved_to_another_commit_is_bad() -> None:
    other = Commit(EMPTY_TREE, (), ident(), ident(), "other\n")
    assert reason(other.signed(ANN.sign(UNSIGNED.payload)).encode()) == "bad_signature"


def test_a_claimed_key_does_not_help_a_stranger() -> None:
    data = sshsig.signed_bytes(UNSIGNED.payload, "git")
    raw = string(b"ssh-ed25519") + string(BOB.private.sign(data))  # type: ignore[union-attr, call-arg]
    assert reason(UNSIGNED.signed(sshsig.armour(ANN.key.blob, "git", raw)).encode()) == "bad_signature"


def test_an_unknown_key_is_not_allowed_and_named() -> None:
    found = verdict(signed_commit(BOB))
    assert (found.reason, found.principal, found.fingerprint) == (
        "key_not_allowed",
        None,
        BOB.key.fingerprint,
    )


def test_a_signature_for_another_namespace_is_refused() -> None:
    raw = UNSIGNED.signed(ANN.sign(UNSIGNED.payload, "gitflow-runner")).encode()
    assert reason(raw) == "namespace"
    assert reason(with_blob(packed(namespace=b"file"))) == "namespace"


def test_a_key_listed_for_another_namespace_is_refused() -> None:
    keyring = Keyring((Entry(("ann",), ANN.key, namespaces=("file",)),))
    assert reason(signed_commit(ANN), keyring) == "namespace"


@pytest.mark.parametrize("digest", [b"sha1", b"md5", b"sha384", b""])
def test_a_weak_or_unknown_digest_is_refused(digest: bytes) -> None:
    assert reason(with_blob(packed(digest=digest))) == "weak_algorithm"


def test_the_reserved_field_may_hold_anything() -> None:
    assert reason(with_blob(packed(reserved=b"any bytes"))) is None


@pytest.mark.parametrize(
    "blob_bytes",
    [packed() + b"x", packed()[:-1], b"", b"SSHSIX" + packed()[6:], packed(version=2), b"SSHSIG"],
    ids=["trailing", "cut", "empty", "magic", "version", "magic only"],
)
def test_a_blob_that_is_not_exactly_one_signature_is_malformed(blob_bytes: bytes) -> None:
    assert reason(with_blob(blob_bytes)) == "malformed"


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a + "\n" + a,
        lambda a: a + "\nmore",
        lambda a: a.rsplit("\n", 1)[0],
        lambda a: a.replace("\n", "\r\n"),
        lambda a: a.replace("SIGNATURE-----\n", "SIGNATURE-----\n\n", 1),
        lambda a: a.replace("-----BEGIN SSH", "----BEGIN SSH"),
        lambda a: a.replace("\n", "\n ", 1),
        lambda a: a[:40] + "!" + a[41:],
    ],
    ids=["two blocks", "text after", "no end", "crlf", "blank line", "short dashes", "space", "not base64"],
)
def test_an_armour_that_is_not_exactly_one_block_is_malformed(change: object) -> None:
    armour = ANN.sign(UNSIGNED.payload)
    assert reason(resigned(UNSIGNED.encode().data, change(armour))) == "malformed"  # type: ignore[operator]


def test_two_signature_headers_are_malformed_in_either_order() -> None:
    good, bad = ANN.sign(UNSIGNED.payload), BOB.sign(b"something else")
    for first, second in ((good, bad), (bad, good), (good, good)):
        once = resigned(UNSIGNED.encode().data, first)
        assert reason(resigned(once.data, second)) == "malformed"


def test_a_signature_header_of_the_other_hash_format_is_malformed() -> None:
    raw = signed_commit(ANN)
    assert reason(altered(raw, b"\ngpgsig ", b"\ngpgsig-sha256 ")) == "malformed"
    assert reason(altered(raw, b"\ngpgsig ", b"\ngpgsig-sha256 anything\ngpgsig ")) == "malformed"


def test_a_commit_of_the_sha256_format_carries_the_other_header() -> None:
    tree = Oid("6e" * 32)
    commit = Commit(tree, (), ident(), ident(), "wide\n")
    raw = commit.signed(ANN.sign(commit.payload)).encode()
    assert reason(altered(raw, b"\ngpgsig ", b"\ngpgsig-sha256 ")) is None
    assert reason(raw) == "malformed"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"a change", b"a\0change"),
        (b"\nauthor ", b"\nparent 12\nauthor "),
        (b"\nauthor ", b"\nencoding x\nauthor "),
        (b"\ngpgsig ", b"\nparent 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ngpgsig "),
        (b"\ngpgsig ", b"\ncommitter A <a> 1 +0000\ngpgsig "),
        (b" +0000\ngpgsig", b" 0000\ngpgsig"),
        (b"tree 4b", b"tree 4B"),
        (b"\nauthor ", b"\nparent " + b"6e" * 32 + b"\nauthor "),
        (b"\nauthor ", b"\nwriter "),
    ],
    ids=[
        "nul",
        "short parent",
        "order",
        "late parent",
        "two committers",
        "zone",
        "upper case",
        "parent of the other hash format",
        "no author",
    ],
)
def test_a_shape_that_two_readers_could_read_differently_is_malformed(old: bytes, new: bytes) -> None:
    assert reason(altered(signed_commit(ANN), old, new)) == "malformed"


@pytest.mark.parametrize("kind", ["tree", "blob"])
def test_what_cannot_be_signed_is_malformed(kind: str) -> None:
    assert reason(RawObject(kind, b"")) == "malformed"  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["PGP SIGNATURE", "PGP MESSAGE", "SIGNED MESSAGE"])
def test_other_kinds_of_signatures_are_an_unsupported_scheme(form: str) -> None:
    raw = UNSIGNED.signed(f"-----BEGIN {form}-----\n\nabcd\n-----END {form}-----").encode()
    assert reason(raw) == "unsupported_scheme"


def test_a_header_that_is_no_signature_is_malformed() -> None:
    assert reason(UNSIGNED.signed("hello").encode()) == "malformed"


def test_windows_of_a_key_are_judged_when_it_was_first_seen() -> None:
    keyring = Keyring((Entry(("ann",), ANN.key, valid_after=NOW - HOUR, valid_before=NOW + HOUR),))
    raw = signed_commit(ANN)
    assert reason(raw, keyring, first_seen=NOW - HOUR - 1) == "key_not_yet_valid"
    assert reason(raw, keyring, first_seen=NOW - HOUR) is None
    assert reason(raw, keyring, first_seen=NOW + HOUR - 1, now=NOW + 9 * DAY) is None
    assert reason(raw, keyring, first_seen=NOW + HOUR) == "key_expired"


def test_a_backdated_commit_of_an_expired_key_is_refused() -> None:
    keyring = Keyring((Entry(("ann",), ANN.key, valid_before=NOW - 30 * DAY),))
    assert reason(signed_commit(ANN, time=NOW - 40 * DAY), keyring) == "key_expired"


def test_one_good_window_of_several_is_enough() -> None:
    windows = (
        Entry(("ann",), ANN.key, valid_before=NOW - DAY),
        Entry(("ann",), ANN.key, valid_after=NOW - 1),
    )
    assert reason(signed_commit(ANN), Keyring(windows)) is None


def test_a_revoked_key_is_refused_even_for_what_came_before() -> None:
    since = Revocations({ANN.key.fingerprint: NOW + HOUR})
    keyring = RING.with_revoked(since)
    assert reason(signed_commit(ANN), keyring, now=NOW + HOUR - 1) is None
    assert reason(signed_commit(ANN), keyring, now=NOW + HOUR) == "key_revoked"
    assert reason(signed_commit(ANN), RING.with_revoked(Revocations({ANN.key.fingerprint: ALWAYS}))) == (
        "key_revoked"
    )


@pytest.mark.parametrize("offset", [-DAY - 1000, DAY + 1000])
def test_a_commit_dated_too_far_from_its_first_sight_is_refused(offset: int) -> None:
    assert reason(signed_commit(ANN, time=NOW + offset)) == "clock_skew"
    assert reason(signed_commit(ANN, time=NOW + offset), max_skew=2 * DAY) is None


def test_what_has_no_date_is_as_good_as_too_far_away() -> None:
    with pytest.raises(Refusal) as caught:
        check_skew(None, NOW, DAY)
    assert caught.value.reason == "clock_skew"


@pytest.mark.parametrize("offset", [-DAY, DAY])
def test_a_commit_dated_at_the_bound_is_accepted(offset: int) -> None:
    assert reason(signed_commit(ANN, time=NOW + offset)) is None


def test_an_old_tag_is_accepted_whatever_its_date() -> None:
    assert reason(tag(time=NOW - 900 * DAY), ref="refs/tags/flow/hello/v1") is None


def test_a_tag_ref_that_points_at_a_commit_is_not_a_tag_object() -> None:
    assert reason(signed_commit(ANN), ref="refs/tags/flow/hello/v1") == "not_a_tag_object"


def test_a_tag_under_another_name_is_refused() -> None:
    assert reason(tag(), ref="refs/tags/flow/hello/v2") == "tag_name_mismatch"


@pytest.mark.parametrize("kind", ["tree", "tag", "blob"])
def test_a_tag_of_anything_but_a_commit_is_refused(kind: str) -> None:
    assert reason(tag(kind=kind)) == "tag_target_type"


def test_a_tag_whose_type_line_lies_is_refused_and_a_missing_target_is_damage() -> None:
    objects = Objects()
    objects.add(blob(b"not a commit"))
    lying = tag(target=blob(b"not a commit").oid)
    assert reason(lying, reader=objects) == "tag_target_type"
    honest = tag(target=objects.add(UNSIGNED.encode()))
    assert reason(honest, reader=objects) is None
    with pytest.raises(DamagedError) as problem:
        reason(tag(target=Oid("12" * 20)), reader=objects)
    assert problem.value.code == "git.object_missing"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"more text\n",
        lambda data: data + data[data.index(b"-----BEGIN") :],
        lambda data: data.replace(b"\ntagger", b"\ngpgsig x\ntagger"),
        lambda data: data.replace(b"\ntype commit\n", b"\n"),
        lambda data: data.replace(b"release\n", b"rel\0ease\n"),
    ],
    ids=["text after", "two blocks", "header", "no type", "nul"],
)
def test_a_tag_of_a_doubtful_shape_is_malformed(change: object) -> None:
    assert reason(RawObject("tag", change(tag().data))) == "malformed"  # type: ignore[operator]


def test_a_changed_tag_is_a_bad_signature() -> None:
    assert reason(altered(tag(), b"release\n", b"rebase!\n")) == "bad_signature"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (RawObject("commit", signed_commit(ANN).data.split(b"\n\n")[0]), "no empty line"),
        (RawObject("commit", b" " + signed_commit(ANN).data), "begins with a continued line"),
        (RawObject("tag", tag().data + tag().data[tag().data.index(b"-----BEGIN") :]), "2 signature blocks"),
    ],
)
def test_the_shape_is_what_is_said_to_be_wrong(raw: RawObject, words: str) -> None:
    found = verdict(raw)
    assert (found.reason, words in found.detail) == ("malformed", True)


def test_only_refs_of_tags_must_hold_tags_of_their_name() -> None:
    assert reason(signed_commit(ANN), ref="refs/approvals/r1/w1/x") is None
    assert reason(tag(), ref="refs/kept/anything") is None


def test_a_key_of_nobody_has_no_owner() -> None:
    assert RING.owner(ANN.key) == "ann@example.test"
    with pytest.raises(Refusal, match="knows nobody with the key") as problem:
        RING.owner(BOB.key)
    assert problem.value.reason == "key_not_allowed"
