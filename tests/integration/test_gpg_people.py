"""People with GPG keys: what they sign counts like what others sign with SSH keys, and fails for the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.gpg_home import GpgHome, gpg_home
from tests.people import Person
from tests.policies import ANN
from tests.signed_objects import git, git_bytes
from tests.spoken import Told, gfr
from tests.team import Team, Waiting

TWO = """:release {:need 1 :role :release} :promote {:need 1 :role :release} :control {:role :dev}
 :policy-change {:need 2 :role :release}"""


@dataclass(frozen=True, slots=True)
class Keys:
    """One home with a key for each way in which a key can be good or bad."""

    home: GpgHome
    good: str
    by_name: dict[str, str]


@pytest.fixture(scope="module")
def keys(real_part: Callable[[str], str]) -> Iterator[Keys]:
    with gpg_home(real_part("gpg"), real_part("gpgconf")) as home:
        made = {
            "expiring": home.make("expiring", until="5d"),
            "weak": home.make("weak", "rsa1024"),
            "old-fashioned": home.make("old", "dsa2048"),
            "other": home.make("other"),
            "subkey": home.make("subkey", usage="cert"),
        }
        home.add_subkey(made["subkey"])
        yield Keys(home, made["subkey"], made)


@pytest.fixture
def gpg_team(team: Team, keys: Keys) -> Team:
    """The team, with Bob's SSH keys replaced by a GPG key whose subkey signs."""
    assert apply(team, keys, version=3).exit == 0
    return team


def apply(team: Team, keys: Keys, *, version: int, **parts: str) -> Told:
    """Ann puts a policy into force in which Bob has the GPG key `subkey`."""
    text = team.policy(version=version, without=("bob",), **parts)
    bob = f'"bob" {{:kind :human :roles #{{:dev :release}} :keys [{keys.home.entry(keys.good)}]}}'
    (team.home / ".breyta" / "policy.edn").write_text(text.replace(":people {", ":people {" + bob + "\n"))
    return team.ann.gfr("policy", "apply")


def sign(team: Team, keys: Keys, asked: Waiting, key: str) -> str:
    """A decision made by git with a GPG key."""
    command = (*keys.home.settings(key), "commit-tree", "-S", "-p", asked.commit, asked.tree)
    return team.ann.git(*command, given=asked.message().encode())


def bob_at(team: Team, keys: Keys) -> Person:
    """Bob's clone of a bare repository between the two, with Git set up for his GPG key."""
    bob = team.joined("bob", team.root / "hub.git")
    for name, value in {
        "gpg.format": "openpgp",
        "user.signingkey": keys.good,
        "gitflow.remote": "origin",
    }.items():
        bob.git("config", name, value)
    # Only the person's own configuration may name a program.
    bob.git("config", "--global", "gpg.program", str(keys.home.program))
    assert bob.gfr("trust", "pin", team.ann.gfr("policy", "show").data["digest"]).exit == 0
    return bob


def test_an_approval_by_git_and_gpg_counts_and_a_strangers_does_not(gpg_team: Team, keys: Keys) -> None:
    asked = gpg_team.start()
    strange = gpg_team.send(asked, sign(gpg_team, keys, asked, keys.by_name["other"]))
    good = gpg_team.send(asked, sign(gpg_team, keys, asked, keys.good))
    gpg_team.look()
    assert gpg_team.decisions(asked) == {strange: ("key_not_allowed", None), good: (None, "bob")}
    assert gpg_team.state(asked).status == "succeeded"
    verified = gpg_team.ann.gfr("runs", "verify", asked.run).data
    assert (verified["verdict"], verified["findings"]) == ("ok", [])
    (explained,) = [
        p
        for p in gpg_team.ann.gfr("policy", "explain", gpg_team.start().run).data["people"]
        if p["principal"] == "bob"
    ]
    assert (explained["accepted"], explained["fingerprint"]) == (True, keys.good)


def test_requests_signed_with_gpg_are_taken_one_after_another(gpg_team: Team, keys: Keys) -> None:
    asked, ann = gpg_team.start("tidy"), gpg_team.ann
    tree = ann.git("mktree", given=b"")
    for act in ("pause", "resume", "cancel"):
        said = {"Statement": "request", "Run": asked.run, "Act": act, "Nonce": f"nonce-{act}"}
        message = f"{act}\n\n" + "".join(f"Gitflow-{key}: {value}\n" for key, value in said.items())
        command = (*keys.home.settings(keys.good), "commit-tree", "-S", tree)
        ann.git("update-ref", f"refs/requests/{asked.run}/{act}", ann.git(*command, given=message.encode()))
        gpg_team.look()
    assert list(gpg_team.requests(asked).values()) == [None, None, None]
    assert gpg_team.state(asked).status == "cancelled"


def test_a_gpg_key_revoked_or_replaced_after_the_effect_is_told(gpg_team: Team, keys: Keys) -> None:
    asked = gpg_team.start()
    gpg_team.send(asked, sign(gpg_team, keys, asked, keys.good))
    gpg_team.look()
    more = f':revoked [{{:fingerprint "{keys.good}" :since #inst "2026-01-01" :why "lost"}}]'
    # Bob has an SSH key again, and what his GPG key decided is still proven by the policy that was pinned.
    assert gpg_team.apply_policy(version=4, more=more).exit == 0
    verified = gpg_team.ann.gfr("runs", "verify", asked.run)
    assert (verified.exit, [f["code"] for f in verified.data["findings"]]) == (0, ["approved_by_revoked_key"])


def test_everything_that_bob_signs_with_gpg_holds_and_is_proven_again(gpg_team: Team, keys: Keys) -> None:
    team, ann = gpg_team, gpg_team.ann
    team.share()
    ann.git("add", "-A")
    ann.git("commit", "-q", "-S", "-m", "Bob signs with GPG")
    ann.git("push", "-q", "origin", "main")
    bob = bob_at(team, keys)
    assert bob.gfr("init").exit == 0
    released = bob.gfr("release", "ship", "-m", "first", "--yes")
    assert (released.exit, bob.gfr("promote", "ship", "--yes").exit) == (0, 0), released
    asked = team.start("ship", "--ref", "live")
    # Bob released it, so he is its author, and somebody else approves.
    assert bob.gfr("waits", "--mine").data["items"] == []
    own = bob.gfr("approve", asked.run, "--payload", asked.payload.removeprefix("sha256:"), "--yes")
    assert own.code == "approval.self_approval"
    team.send(asked, team.sign("cat", asked))
    team.look()
    assert team.state(asked).status == "succeeded"
    draft = team.start("ship")
    (item,) = [i for i in bob.gfr("waits").data["items"] if i["run"] == draft.run]
    signed = bob.gfr("approve", draft.run, "--payload", item["payload"], "--yes")
    assert (signed.exit, signed.data["principal"]) == (0, "bob")
    assert team.ann.gfr("worker", "--once").exit == 0
    assert team.state(draft).status == "succeeded"
    assert apply(team, keys, version=4, duties=TWO).exit == 0
    bob.git("fetch", "-q")
    (bob.clone / ".breyta" / "policy.edn").write_text(
        (team.home / ".breyta" / "policy.edn").read_text().replace("version 4", "version 5")
    )
    proposed = bob.gfr("policy", "propose").data
    assert (proposed["have"], proposed["by"]) == (1, ["bob"])
    applied = ann.gfr("policy", "apply", proposed["digest"])
    assert (applied.exit, sorted(applied.data["by"])) == (0, ["ann", "bob"])
    found = ann.gfr("audit", "verify").data
    assert (found["verdict"], found["findings"], found["readers"]) == ("ok", [], ["libgit2", "dulwich"])
    told = {(i["kind"], i["action"]) for i in ann.gfr("audit").data["items"] if i["fingerprint"] == keys.good}
    assert told == {("release", "release"), ("promotion", "promote"), ("decision", "approve")}


def test_a_repository_begun_with_a_gpg_key_has_it_in_its_policy(tmp_path: Path, keys: Keys) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    for name, value in {
        "user.name": "ann",
        "user.email": "ann@example.test",
        "user.signingkey": keys.good,
    }.items():
        git(tmp_path, "config", name, value)
    git(tmp_path, "config", "--global", "gpg.program", str(keys.home.program))
    assert gfr(tmp_path, "init", "--no-commit").exit == 0
    (ann,) = gfr(tmp_path, "policy", "show").data["people"]
    assert (ann["keys"], gfr(tmp_path, "policy", "check").data["people"]) == ([keys.good], 1)


def commit_of(folder: Path, keys: Keys, key: str, gpg_option: str = "") -> None:
    """A commit by git that is signed with this key now."""
    git(folder, "init", "-q")
    program = folder / "gpg-with"
    program.write_text(f'#!/bin/sh\nexec "{keys.home.program}" {gpg_option} "$@"\n')
    program.chmod(0o700)
    options = (*keys.home.settings(key), "-c", f"gpg.program={program}")
    git(folder, *options, "commit", "-q", "-S", "--allow-empty", "-m", "a change")


def verdicts(
    folder: Path, keys: Keys, listed: str | None, *, more: str = "", window: str = "", name: str = "HEAD"
) -> list[str]:
    """What `gfr verify --policy` says of a commit first seen a minute ago, and in 2040; one key is Ann's."""
    entries = keys.home.entry(listed, window) if listed is not None else f'{{:ssh "{ANN.key.line}"}}'
    text = f"""{{:policy/version 1 :people {{"ann" {{:kind :human :roles #{{:dev}} :keys [{entries}]}}}}
      :skew-s 1000000000 {more}}}"""
    file = folder / "policy.edn"
    file.write_text(text)
    found = []
    for moment in ("1m", "2040-01-01"):
        told = gfr(folder, "verify", name, "--policy", str(file), "--first-seen", moment)
        if not told.envelope["ok"]:
            return [str(told.code)]
        (one,) = told.envelope["data"]["items"]
        found.append(one["reason"] or f"{one['principal']} {one['fingerprint']}")
    return found


def test_a_subkey_speaks_for_its_primary_key(tmp_path: Path, keys: Keys) -> None:
    commit_of(tmp_path, keys, keys.good)
    assert verdicts(tmp_path, keys, keys.good) == [f"ann {keys.good}"] * 2
    ended = ':valid-before #inst "2026-01-01"'
    assert verdicts(tmp_path, keys, keys.good, window=ended) == ["key_expired"] * 2
    assert verdicts(tmp_path, keys, keys.good, window=':valid-after #inst "2040-01-01"') == [
        "key_not_yet_valid",
        f"ann {keys.good}",
    ]
    revoked = f':revoked [{{:fingerprint "{keys.good}" :since #inst "2026-01-01"}}]'
    assert verdicts(tmp_path, keys, keys.good, more=revoked) == ["key_revoked"] * 2


def test_another_key_and_another_text_are_refused(tmp_path: Path, keys: Keys) -> None:
    commit_of(tmp_path, keys, keys.by_name["other"])
    assert verdicts(tmp_path, keys, keys.good) == ["key_not_allowed"] * 2
    assert verdicts(tmp_path, keys, None) == ["key_not_allowed"] * 2
    changed = git_bytes(tmp_path, "cat-file", "commit", "HEAD").replace(b"a change", b"b change")
    forged = git(tmp_path, "hash-object", "-t", "commit", "-w", "--stdin", given=changed)
    assert verdicts(tmp_path, keys, keys.by_name["other"], name=forged) == ["bad_signature"] * 2


def test_what_had_run_out_when_first_seen_is_refused_and_not_before(tmp_path: Path, keys: Keys) -> None:
    expiring = keys.by_name["expiring"]
    commit_of(tmp_path, keys, expiring)
    assert verdicts(tmp_path, keys, expiring) == [f"ann {expiring}", "key_expired"]
    commit_of(tmp_path, keys, keys.good, "--default-sig-expire 3d")
    assert verdicts(tmp_path, keys, keys.good) == [f"ann {keys.good}", "signature_expired"]


def test_a_key_that_its_owner_revoked_is_refused_whenever_it_signed(tmp_path: Path, keys: Keys) -> None:
    gone = keys.home.make("gone")
    commit_of(tmp_path, keys, gone)
    assert verdicts(tmp_path, keys, gone)[0] == f"ann {gone}"
    keys.home.revoke(gone)
    assert verdicts(tmp_path, keys, gone) == ["key_revoked"] * 2
    checked = gfr(tmp_path, "policy", "check", str(tmp_path / "policy.edn"))
    assert "no_good_key" in [remark["code"] for remark in checked.data["remarks"]]


def test_weak_keys_are_not_listed_and_weak_signatures_not_taken(tmp_path: Path, keys: Keys) -> None:
    for name in ("weak", "old-fashioned"):
        commit_of(tmp_path, keys, keys.by_name[name])
        assert verdicts(tmp_path, keys, keys.by_name[name]) == ["policy.weak_key"]
    commit_of(tmp_path, keys, keys.good, "--digest-algo SHA1")
    assert verdicts(tmp_path, keys, keys.good) == ["weak_algorithm"] * 2
    mixed = keys.home.make("mixed", usage="cert")
    keys.home.add_subkey(mixed, "rsa1024")
    commit_of(tmp_path, keys, mixed)
    assert verdicts(tmp_path, keys, mixed) == ["weak_algorithm"] * 2
