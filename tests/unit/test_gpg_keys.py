"""GPG keys in a policy: the block is read strictly, and who signed when is judged by what gpg reports."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from gitflow_runner.errors import GitflowError, UsageError
from gitflow_runner.git.objects import RawObject, Tag
from gitflow_runner.trust.gpgkey import GpgKey, parse_key_block
from gitflow_runner.trust.gpgsig import Gpg
from gitflow_runner.trust.keyring import Entry, Keyring
from gitflow_runner.trust.policy_text import parse_policy
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.signer import GpgSigner, Ran, sign_tag
from gitflow_runner.trust.verify import prove, signed_message, verify_object
from tests.policies import ANN
from tests.signed_objects import DAY, EMPTY_TREE, NOW, ident, signed_commit

ED25519, RSA, DSA = 22, 1, 17
ARMOUR = "-----BEGIN PGP SIGNATURE-----\n\niHUEABYK=\n=abcd\n-----END PGP SIGNATURE-----\n"


def refused(act: Callable[[], object]) -> str | None:
    """The code that an act is refused with, None if it is not."""
    try:
        act()
    except GitflowError as error:
        return error.code
    return None


def body(algorithm: int = ED25519, bits: int = 255, *, version: int = 4, salt: int = 0) -> bytes:
    """A public key packet's body: version, time, algorithm, and the first number's length."""
    return (
        bytes((version,))
        + salt.to_bytes(4, "big")
        + bytes((algorithm,))
        + bits.to_bytes(2, "big")
        + b"number"
    )


def old(tag: int, data: bytes) -> bytes:
    return bytes((0x80 | tag << 2 | 1,)) + len(data).to_bytes(2, "big") + data


def new(tag: int, data: bytes) -> bytes:
    size = len(data)
    if size < 192:
        return bytes((0xC0 | tag, size)) + data
    if size < 8384:
        return bytes((0xC0 | tag, (size - 192 >> 8) + 192, size - 192 & 0xFF)) + data
    return bytes((0xC0 | tag, 255)) + size.to_bytes(4, "big") + data


def block(*packets: bytes, headers: str = "", checksum: str = "=abcd\n") -> str:
    text = base64.encodebytes(b"".join(packets)).decode()
    return (
        f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n{headers}\n{text}{checksum}"
        "-----END PGP PUBLIC KEY BLOCK-----\n"
    )


def fingerprint(data: bytes) -> str:
    return hashlib.sha1(b"\x99" + len(data).to_bytes(2, "big") + data).hexdigest().upper()


KEY, SUBKEY, OTHER = body(), body(salt=1), body(salt=2)
PRIMARY, SUB = fingerprint(KEY), fingerprint(SUBKEY)
BLOCK = block(old(6, KEY), new(13, b"Ann <ann@example.test>"), old(14, SUBKEY))


@pytest.mark.parametrize(
    "text",
    [
        BLOCK,
        BLOCK.replace("\n", "\r\n"),
        "\n  " + BLOCK.replace("\n", "\n   ") + "\n",
        block(new(6, KEY), headers="Comment: mine\nVersion: 2\n"),
        block(old(6, KEY), checksum=""),
        block(old(6, KEY), new(13, b"a" * 191), new(13, b"a" * 192), new(17, b"a" * 9_000)),
        block(bytes((0x80 | 6 << 2, len(KEY))) + KEY),
        block(bytes((0x80 | 6 << 2 | 2,)) + len(KEY).to_bytes(4, "big") + KEY),
    ],
)
def test_one_key_is_read_whatever_the_form_of_its_packets(text: str) -> None:
    key = parse_key_block(text)
    assert (key.fingerprint, key.line, key.rsa_bits) == (PRIMARY, f"gpg {PRIMARY}", None)
    assert parse_key_block(key.block) == key


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "malformed"),
        (BLOCK + BLOCK, "malformed"),
        (BLOCK.replace("PUBLIC", "PRIVATE"), "malformed"),
        (block(old(6, KEY), new(13, b"a" * 60_000)), "malformed"),
        (BLOCK.replace("=abcd", "!").replace("\n\n", "\n\nA\n"), "malformed"),
        (BLOCK.replace("\n\n", "\n\nA\n"), "malformed"),
        (block(old(5, KEY)), "malformed"),
        (block(old(6, KEY), old(7, SUBKEY)), "malformed"),
        (block(old(6, KEY), old(6, OTHER)), "malformed"),
        (block(new(13, b"Ann"), old(6, KEY)), "malformed"),
        (block(old(14, SUBKEY)), "malformed"),
        (block(old(6, body(version=5))), "malformed"),
        (block(old(6, b"\x04")), "malformed"),
        (block(old(6, KEY), old(14, body(version=6))), "malformed"),
        (block(old(6, KEY)[:-1]), "malformed"),
        (block(old(6, KEY), b"\x00\x00"), "malformed"),
        (block(old(6, KEY), b"\x83"), "malformed"),
        (block(old(6, KEY), bytes((0xC0 | 13, 224)), b"a"), "malformed"),
        (block(old(6, KEY), bytes((0xC0 | 13, 200))), "malformed"),
        (block(old(6, KEY), bytes((0xC0 | 13, 224, 0)) + b"a" * 8_384), "malformed"),
        (block(old(6, KEY), bytes((0xC0 | 13,))), "malformed"),
        (block(old(6, body(DSA, 2048))), "weak_algorithm"),
        (block(old(6, body(RSA, 2047))), "weak_algorithm"),
        (block(old(6, body(RSA, 2048))), None),
    ],
)
def test_whatever_is_not_one_good_key_is_refused(text: str, reason: str | None) -> None:
    assert refused(lambda: parse_key_block(text)) == (reason and f"signature.{reason}")


def policy(keys: str, *, kind: str = "human", more: str = "") -> bytes:
    return f"""{{:policy/version 1 :people {{"ann" {{:kind :{kind} :keys [{keys}]}}}} {more}}}""".encode()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (policy(f'{{:gpg "{PRIMARY}" :block "{BLOCK}"}}'), None),
        (policy(f'{{:gpg "{PRIMARY}" :block "{BLOCK}"}} {{:ssh "{ANN.key.line}"}}'), None),
        (policy(f'{{:gpg "{PRIMARY}"}}'), "policy.missing_key"),
        (policy(f'{{:gpg "{PRIMARY.lower()}" :block "{BLOCK}"}}'), "policy.value"),
        (policy(f'{{:gpg "{SUB}" :block "{BLOCK}"}}'), "policy.bad_key"),
        (policy(f'{{:gpg "{PRIMARY}" :block "no"}}'), "policy.bad_key"),
        (policy(f'{{:gpg "{PRIMARY}" :ssh "{ANN.key.line}" :block "{BLOCK}"}}'), "policy.unknown_key"),
        (policy(f'{{:gpg "{PRIMARY}" :block "{block(old(6, body(RSA, 1024)))}"}}'), "policy.weak_key"),
        (policy(f'{{:gpg "{PRIMARY}" :block "{BLOCK}"}}', kind="runner"), "policy.bad_key"),
        (
            policy(
                f'{{:gpg "{fingerprint(body(RSA, 2048))}" :block "{block(old(6, body(RSA, 2048)))}"}}',
                more=":min-rsa 3072",
            ),
            "policy.weak_key",
        ),
        (
            policy(
                f'{{:ssh "{ANN.key.line}"}}',
                more=f':revoked [{{:fingerprint "{PRIMARY}" :since #inst "2026-01-01"}}]',
            ),
            None,
        ),
    ],
)
def test_the_key_of_a_policy_is_its_fingerprint_and_its_block(text: bytes, code: str | None) -> None:
    assert refused(lambda: parse_policy(text)) == code


@dataclass
class Told:
    """A gpg that lists and reports what it is told, and remembers for which blocks it was opened."""

    report: str = ""
    expires: int = 0  # s
    sub_expires: int = 0
    flag: str = "-"
    sub_flag: str = "-"
    kind: str = "255:22"
    opened: list[Sequence[str]] = field(default_factory=list)

    def open(self, blocks: Sequence[str]) -> Gpg:
        self.opened.append(tuple(blocks))
        return self

    def status(self, signature: bytes, payload: bytes) -> str:
        return self.report

    def listing(self) -> str:
        ends = self.expires or "", self.sub_expires or ""
        return (
            f"tru::1:1:0:3:1:5\npub:{self.flag}:255:22:KEY:1:{ends[0]}::u:::cSC:::::ed25519:::0:\n"
            f"fpr:::::::::{PRIMARY}:\nuid:u::::1::AB::ann::::::::::0:\n"
            f"sub:{self.sub_flag}:{self.kind}:KEY:1:{ends[1]}:::::s:::::ed25519::\nfpr:::::::::{SUB}:\n"
        )


def report(word: str = "GOODSIG", *, until: int = 0, key: str = SUB, primary: str = PRIMARY) -> str:
    valid = f"VALIDSIG {key} 2026-09-21 1790000000 {until} 4 0 22 8 00 {primary}"
    return f"[GNUPG:] NEWSIG\n[GNUPG:] {word} 12 Ann\n[GNUPG:] {valid}\n"


def ring(gpg: Told, **parts: int) -> Keyring:
    return Keyring((Entry(("ann",), GpgKey(PRIMARY, BLOCK), False, ("git",)),), open_gpg=gpg.open, **parts)


SIGNER = GpgSigner(GpgKey(PRIMARY, BLOCK), "ann", lambda *_: Ran(0, ARMOUR.encode(), b""))
COMMIT = signed_commit(SIGNER)
SECOND = NOW // 1000


def judged(gpg: Told, raw: RawObject = COMMIT, **parts: int) -> str | None:
    found = verify_object(raw, ring(gpg, **parts), first_seen=NOW, now=NOW)
    assert found.accepted == (found.principal == "ann")
    return found.reason or found.fingerprint


@pytest.mark.parametrize("word", ["GOODSIG", "EXPKEYSIG", "EXPSIG"])
def test_the_primary_key_speaks_whatever_runs_out_one_day(word: str) -> None:
    assert judged(Told(report(word))) == PRIMARY


@pytest.mark.parametrize(
    ("gpg", "reason"),
    [
        (Told(report(), sub_expires=SECOND), "key_expired"),
        (Told(report(), sub_expires=SECOND + 1), PRIMARY),
        (Told(report(), expires=SECOND, sub_expires=SECOND + 1), "key_expired"),
        (Told(report(until=SECOND)), "signature_expired"),
        (Told(report(until=SECOND + 1)), PRIMARY),
        (Told(report("REVKEYSIG")), "key_revoked"),
        (Told(report("BADSIG")), "bad_signature"),
        (Told(""), "bad_signature"),
        (Told(report("NOTHING")), "bad_signature"),
        (Told(report() + "[GNUPG:] EXPKEYSIG 12 Ann\n"), "bad_signature"),
        (Told(report(key="C" * 40)), "key_not_allowed"),
        (Told(report(primary="C" * 40)), "key_not_allowed"),
        (Told(report(), kind="1024:1"), "weak_algorithm"),
        (Told(report(), kind="2048:1"), PRIMARY),
        (Told(report(), kind="2048:17"), "weak_algorithm"),
    ],
)
def test_time_strength_and_owner_are_judged_by_us(gpg: Told, reason: str) -> None:
    assert judged(gpg) == reason


def test_the_policys_own_least_length_holds_for_the_subkey_that_signed() -> None:
    assert judged(Told(report(), kind="2048:1"), min_rsa=3072) == "weak_algorithm"


def test_gpg_is_opened_once_and_only_for_a_gpg_signature() -> None:
    gpg = Told(report())
    there = ring(gpg)
    assert verify_object(signed_commit(ANN), there, first_seen=NOW, now=NOW).reason == "key_not_allowed"
    assert gpg.opened == []
    assert [verify_object(COMMIT, there, first_seen=NOW, now=NOW).accepted for _ in range(2)] == [True, True]
    assert gpg.opened == [(BLOCK,)]
    nobody = Keyring((Entry(("ann",), ANN.key),), open_gpg=gpg.open)
    assert verify_object(COMMIT, nobody, first_seen=NOW, now=NOW).reason == "key_not_allowed"
    assert nobody.gone(NOW) == frozenset()
    assert len(gpg.opened) == 1


def test_without_a_ring_or_gpg_nothing_is_proven() -> None:
    for there in (None, Keyring((Entry(("ann",), GpgKey(PRIMARY, BLOCK)),))):
        with pytest.raises(Refusal) as caught:
            prove(COMMIT, there)
        assert caught.value.reason == "unsupported_scheme"


def test_a_link_below_the_tip_is_read_by_its_form() -> None:
    assert signed_message(COMMIT) == b"a change\n"
    assert signed_message(signed_commit(ANN)) == b"a change\n"
    broken = RawObject("commit", COMMIT.data.replace(b"iHUEABYK=", b"iHUEABYK!"))
    with pytest.raises(Refusal) as caught:
        signed_message(broken)
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize(
    ("gpg", "reason"),
    [
        (Told(), None),
        (Told(sub_flag="r"), "key_revoked"),
        (Told(flag="r"), "key_revoked"),
        (Told(sub_expires=SECOND), "key_expired"),
        (Told(kind="2048:17"), "weak_algorithm"),
    ],
)
def test_whether_a_key_would_do_now_is_told_before_anybody_signs(gpg: Told, reason: str | None) -> None:
    found = refused(lambda: ring(gpg).check_key(GpgKey(PRIMARY, BLOCK), now=NOW))
    assert found == (reason and f"signature.{reason}")
    assert ring(gpg).gone(NOW) == ({PRIMARY} if gpg.flag == "r" else set())


def test_a_key_that_gpg_does_not_know_would_not_do() -> None:
    strange = GpgKey(fingerprint(OTHER), BLOCK)
    there = Keyring((Entry(("ann",), strange),), open_gpg=Told().open)
    with pytest.raises(Refusal) as caught:
        there.check_key(strange, now=NOW)
    assert caught.value.reason == "key_not_allowed"


def test_what_the_list_revokes_is_gone_since_then() -> None:
    text = policy(
        f'{{:gpg "{PRIMARY}" :block "{BLOCK}"}}',
        more=f':revoked [{{:fingerprint "{PRIMARY}" :since #inst "2026-09-01"}}]',
    )
    there = parse_policy(text, open_gpg=Told(report()).open).keyring
    assert verify_object(COMMIT, there, first_seen=NOW, now=NOW).reason == "key_revoked"
    assert (there.gone(NOW), there.gone(NOW - 60 * DAY)) == ({PRIMARY}, frozenset())


@pytest.mark.parametrize(
    "ran",
    [
        Ran(2, ARMOUR.encode(), b"no pinentry"),
        Ran(0, b"", b""),
    ],
)
def test_a_gpg_that_signs_nothing_is_told(ran: Ran) -> None:
    with pytest.raises(Exception, match="made no signature") as caught:
        GpgSigner(GpgKey(PRIMARY, BLOCK), "ann", lambda *_: ran).sign(b"text")
    assert getattr(caught.value, "code", None) == "trust.sign_failed"


def test_gpg_signs_commits_and_tags_and_nothing_that_needs_a_namespace() -> None:
    assert b"gpgsig -----BEGIN PGP SIGNATURE-----\n" in COMMIT.data
    assert sign_tag(Tag(EMPTY_TREE, "commit", "v1", ident(), "text\n"), SIGNER).data.endswith(ARMOUR.encode())
    with pytest.raises(UsageError) as caught:
        SIGNER.sign(b"text", "gitflow-runner")
    assert caught.value.code == "trust.gpg_namespace"
