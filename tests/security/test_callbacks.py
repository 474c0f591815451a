"""Answers by Git to event waits: whose counts, which come too early or too late, and what none can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gitflow_runner.git.objects import Ident, Oid
from gitflow_runner.git.refs import callback_ref
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.model.event import CallbackKept, DecisionSeen, WaitResolved
from gitflow_runner.runner.callbacks import KEEP_MS, MAX_KEPT
from gitflow_runner.trust.requests import build_answer
from gitflow_runner.trust.statement import Completion
from tests.other_writers import WRITERS
from tests.team import HOUR, Team, Waiting

HEAD = ":concurrency {:type :singleton :on-new-version :drain}"
SCAN = f"""{{:slug :scan :name "Scan" {HEAD}
 :flow '(let [got (flow/step :wait :scanned {{:kind :event :key "scan" :roles [:dev] :timeout "1h"
                                             :validation {{:required [:status]}}}})]
          (flow/step :kv :record {{:operation :append :key "scanned" :item (:status got)}}))}}
"""
LATER = f"""{{:slug :later :name "Later" {HEAD}
 :flow '(let [asked (flow/step :wait :ask {{:title "Begin?" :payload {{:n 1}} :timeout "20d"}})
              got (fn [n] (:n (flow/step :wait :got {{:kind :event :key "go" :roles [:dev] :timeout "1h"
                                                     :on-timeout :continue :default-value {{:n "none"}}}})))]
          [(got 1) (got 2)])}}
"""
GOOD = b'{"status": "clean"}'
TRAILERS = "answer\n\nGitflow-Statement: completion\nGitflow-Run: {run}\nGitflow-Wait: {wait}\n"


def begun(team: Team, slug: str, text: str) -> Waiting:
    (team.home / f".breyta/flows/{slug}.edn").write_text(text)
    return team.start(slug)


def made(
    team: Team,
    who: str | None,
    asked: Waiting,
    files: Mapping[str, bytes],
    *,
    parents: Sequence[str] | None = None,
    message: str | None = None,
) -> str:
    """A callback commit, made with git."""
    tree = team.tree_with("4b825dc642cb6eb9a060e54bf8d69288fbee4904", files)
    signing = [] if who is None else ["-S"]
    key = team.keys / (who or "ann") if who != "runner" else team.home / ".git/gitflow/runner_ed25519"
    listed = [part for parent in (parents or ()) for part in ("-p", parent)]
    text = message or TRAILERS.format(run=asked.run, wait=asked.wait)
    return team.ann.git(
        "-c", f"user.signingkey={key}", "commit-tree", *signing, *listed, tree, given=text.encode()
    )


def sent(team: Team, asked: Waiting, oid: str, wait: str | None = None) -> str:
    team.ann.git("update-ref", f"refs/callbacks/{asked.run}/{wait or asked.wait}/{oid}", oid)
    return oid


def answered(team: Team, who: str | None, asked: Waiting, content: bytes = GOOD) -> str:
    return sent(team, asked, made(team, who, asked, {"answer.json": content}, parents=[asked.commit]))


def early(team: Team, who: str, asked: Waiting, n: int, key: str = "go") -> str:
    message = TRAILERS.format(run=asked.run, wait=key)
    oid = made(team, who, asked, {"answer.json": b'{"n": %d}' % n}, message=message)
    return sent(team, asked, oid, "00000-early")


def recorded(team: Team, asked: Waiting) -> dict[str, str | None]:
    return {e.oid: e.reason for e in team.events(asked) if isinstance(e, DecisionSeen)}


def test_a_good_answer_resolves_its_wait_and_is_copied(team: Team) -> None:
    asked = begun(team, "scan", SCAN)
    first = answered(team, "bot", asked)
    team.look()
    assert team.kept("scanned") == '["clean"]'
    (resolved,) = [e for e in team.events(asked) if isinstance(e, WaitResolved)]
    assert (resolved.outcome, resolved.by, resolved.counted) == ("answered", ("bot",), (first,))
    assert recorded(team, asked) == {first: None}
    # It is copied, never made a parent: a callback draws nothing into the run's history.
    assert first not in team.ann.git("rev-list", asked.ref).split()
    assert team.ann.gfr("runs", "verify", asked.run).data["verdict"] == "ok"


def test_a_second_answer_to_a_wait_that_is_over_is_told_as_a_duplicate(team: Team) -> None:
    asked = begun(
        team,
        "scan",
        SCAN.replace(
            "(flow/step :kv", '(flow/step :wait :ask {:title "On?" :payload {:n 1}}) (flow/step :kv'
        ),
    )
    first, second = answered(team, "bot", asked), answered(team, "bob", asked)
    team.look()
    found = recorded(team, asked)
    assert sorted(str(found[oid]) for oid in (first, second)) == ["None", "duplicate"]
    late = answered(team, "cat", asked)
    team.look()
    assert recorded(team, asked)[late] == "duplicate"


BENT: dict[str, tuple[str | None, dict[str, bytes], str, str | None, str]] = {
    # who, files, parent (w: the wait commit, t: the tip's parent, n: none, 2: two), message, reason
    "unsigned": (None, {"answer.json": GOOD}, "w", None, "unsigned"),
    "a stranger": ("stranger", {"answer.json": GOOD}, "w", None, "key_not_allowed"),
    "a person whom the wait does not name": ("eve", {"answer.json": GOOD}, "w", None, "key_not_allowed"),
    "the runner itself": ("runner", {"answer.json": GOOD}, "w", None, "key_not_allowed"),
    "no parent": ("bot", {"answer.json": GOOD}, "n", None, "parent"),
    "two parents": ("bot", {"answer.json": GOOD}, "2", None, "parent"),
    "a parent that opened nothing": ("bot", {"answer.json": GOOD}, "t", None, "parent"),
    "two files": ("bot", {"answer.json": GOOD, "more.json": GOOD}, "w", None, "tree"),
    "a folder": ("bot", {"a/answer.json": GOOD}, "w", None, "tree"),
    "more than 1 MB": ("bot", {"answer.json": b" " * (1024 * 1024 + 1)}, "w", None, "tree"),
    "another kind of file": ("bot", {"answer.txt": GOOD}, "w", None, "tree"),
    "no JSON": ("bot", {"answer.json": b"{"}, "w", None, "payload"),
    "deep JSON": ("bot", {"answer.json": b"[" * 100_000}, "w", None, "payload"),
    "no map": ("bot", {"answer.json": b"[1]"}, "w", None, "payload"),
    "a field that is missing": ("bot", {"answer.json": b'{"state": 1}'}, "w", None, "payload"),
    "another wait": (
        "bot",
        {"answer.json": GOOD},
        "w",
        "x\n\nGitflow-Statement: completion\nGitflow-Run: {run}\nGitflow-Wait: 00009-scanned\n",
        "wait",
    ),
    "another run": (
        "bot",
        {"answer.json": GOOD},
        "w",
        "x\n\nGitflow-Statement: completion\nGitflow-Run: 20260101-000000-aaaaaa\nGitflow-Wait: {wait}\n",
        "run",
    ),
    "another kind of statement": (
        "bot",
        {"answer.json": GOOD},
        "w",
        "x\n\nGitflow-Statement: request\nGitflow-Run: {run}\nGitflow-Act: cancel\nGitflow-Nonce: aaaaaaaa\n",
        "trailers",
    ),
}


def test_what_does_not_count_is_refused_with_its_code_and_the_wait_stays_open(team: Team) -> None:
    asked = begun(team, "scan", SCAN)
    parents = {
        "w": [asked.commit],
        "n": [],
        "2": [asked.commit, team.ann.git("rev-parse", "HEAD")],
        "t": [team.ann.git("rev-parse", f"{asked.commit}~1")],
    }
    wanted = {}
    for who, files, parent, message, reason in BENT.values():
        text = None if message is None else message.format(run=asked.run, wait=asked.wait)
        oid = made(team, who, asked, files, parents=parents[parent], message=text)
        wanted[sent(team, asked, oid)] = reason
    team.look()
    assert recorded(team, asked) == wanted
    assert (team.state(asked).status, team.kept("scanned")) == ("waiting", None)
    good = answered(team, "bot", asked)
    team.look()
    assert recorded(team, asked)[good] is None
    assert team.kept("scanned") == '["clean"]'


def test_a_person_who_lost_the_role_since_answers_nothing(team: Team) -> None:
    asked = begun(team, "scan", SCAN)
    assert team.apply_policy(without=("bot",)).exit == 0
    oid = answered(team, "bot", asked)
    team.look()
    assert recorded(team, asked) == {oid: "key_not_allowed"}


def test_a_flood_of_answers_is_bounded_and_hides_no_good_one(team: Team) -> None:
    asked = begun(team, "scan", SCAN)
    model = team.ann.git("cat-file", "commit", made(team, None, asked, {"a.json": GOOD})).encode()
    git = WRITERS[1]
    for number in range(70):
        sent = git.write(team.home, model.replace(b"answer", b"answer %d" % number, 1) + b"\n")
        git.move(team.home, f"refs/callbacks/{asked.run}/{asked.wait}/{number}", sent)
    answered(team, "bot", asked)
    team.look()
    refused = [reason for reason in recorded(team, asked).values() if reason is not None]
    # The good one may lie anywhere among them; what is looked at after it is one too many.
    assert (len(refused) in (63, 64), set(refused) <= {"unsigned", "duplicate"}) == (True, True)
    assert team.kept("scanned") == '["clean"]'


def test_no_answer_resolves_a_wait_for_people(team: Team) -> None:
    asked = team.start()
    refused = team.ann.gfr("waits", "complete", asked.run, asked.wait, "--payload", '{"action": "approve"}')
    assert (refused.exit, refused.code) == (4, "approval.wait")
    sent(team, asked, made(team, "bob", asked, {"a.json": b'{"action": "approve"}'}, parents=[asked.commit]))
    team.look()
    assert (team.state(asked).status, team.kept("shipped")) == ("waiting", None)


def test_an_approval_sent_before_its_wait_counts_for_nothing(team: Team) -> None:
    asked = begun(team, "later", LATER)
    forged = team.sign("bob", asked, message=asked.message(Wait="00002-got"))
    team.ann.git("update-ref", f"refs/approvals/{asked.run}/00002-got/x", forged)
    sent(team, asked, forged, "00000-early")
    team.look()
    assert recorded(team, asked)[forged] in ("parent", "trailers")
    assert not any(isinstance(event, CallbackKept) for event in team.events(asked))


def values(team: Team, asked: Waiting) -> list[str]:
    return [
        e.value.text for e in team.events(asked) if isinstance(e, WaitResolved) and e.outcome == "answered"
    ]


def begin(team: Team, asked: Waiting, at: int | None = None) -> None:
    """The person says yes, so that the run comes to its event waits."""
    team.send(asked, team.sign("bob", asked))
    team.look(at)
    team.look(at)


def test_answers_that_come_early_are_kept_and_used_oldest_first_each_once(team: Team) -> None:
    asked = begun(team, "later", LATER)
    oids = []
    for n in (1, 2, 3):
        oids.append(early(team, "bot", asked, n))
        team.look()
    assert [e.oid for e in team.events(asked) if isinstance(e, CallbackKept)] == oids
    assert values(team, asked) == []
    begin(team, asked)
    resolved = [e for e in team.events(asked) if isinstance(e, WaitResolved) and e.outcome == "answered"]
    assert [(e.folder, e.counted) for e in resolved] == [("00002-got", (oids[0],)), ("00003-got", (oids[1],))]
    assert team.state(asked).status == "succeeded"
    assert [kept.oid for kept in team.state(asked).kept] == [oids[2]]
    assert team.ann.gfr("runs", "verify", asked.run).data["verdict"] == "ok"


def test_what_comes_early_counts_only_if_it_is_addressed_and_known(team: Team) -> None:
    asked = begun(team, "later", LATER)
    wanted: dict[str, str | None] = {
        early(team, "stranger", asked, 1): "key_not_allowed",
        sent(
            team,
            asked,
            made(
                team,
                "bot",
                asked,
                {"a.json": b"{}"},
                message=TRAILERS.format(run="20260101-000000-aaaaaa", wait="go"),
            ),
            "00000-early",
        ): "run",
        sent(
            team, asked, made(team, "bot", asked, {"a.json": b"{}"}, parents=[asked.commit]), "00000-early"
        ): "parent",
        sent(team, asked, made(team, None, asked, {"b.json": b"{}"}), "00000-early"): "unsigned",
    }
    other = early(team, "bot", asked, 5, key="elsewhere")
    unnamed = early(team, "eve", asked, 6)
    team.look()
    assert recorded(team, asked) == wanted
    assert {e.oid for e in team.events(asked) if isinstance(e, CallbackKept)} == {other, unnamed}
    begin(team, asked)
    assert values(team, asked) == [], "neither another key's nor that of one whom the wait does not name"
    assert recorded(team, asked)[unnamed] == "key_not_allowed"


def test_the_same_answer_in_another_object_is_not_used_twice(team: Team) -> None:
    asked = begun(team, "later", LATER)
    first = early(team, "bot", asked, 1)
    data = team.ann.git("cat-file", "commit", first).encode() + b"\n"
    again = team.ann.git("hash-object", "-w", "--literally", "-t", "commit", "--stdin", given=rewrapped(data))
    assert again != first
    team.look()
    sent(team, asked, again, "00000-early")
    team.look()
    assert recorded(team, asked)[again] == "replayed"
    begin(team, asked)
    assert len(values(team, asked)) == 1


def rewrapped(commit: bytes) -> bytes:
    """The same signed bytes under a signature whose text is broken into other lines."""
    head, armour, rest = (
        commit[: commit.index(b"gpgsig ")],
        commit[commit.index(b"gpgsig ") : commit.index(b"\n\n")],
        commit[commit.index(b"\n\n") :],
    )
    first, *lines, last = armour.split(b"\n")
    joined = b"".join(line.strip() for line in lines)
    return head + b"\n".join([first, b" " + joined[:40], b" " + joined[40:], last]) + rest


def all_at_once(team: Team, asked: Waiting, count: int) -> list[Oid]:
    """So many early answers of one agent, made in this process."""
    repository, signer, oids = team.runtime().repository, team.person("bot").signer, list[Oid]()
    who = Ident("bot", "bot@example.test", (asked.deadline - 20 * 24 * HOUR) // 1_000)
    for n in range(count):
        objects = build_answer(Completion(asked.run, "go"), None, "a.json", b'{"n": %d}' % n, who, signer)
        repository.write(objects)
        oids.append(objects[-1].oid)
        repository.swap([RefUpdate(callback_ref(asked.run, "00000-early", f"n{n}"), None, oids[-1])])
    return oids


def test_what_is_kept_grows_old_and_is_limited(team: Team) -> None:
    asked = begun(team, "later", LATER)
    now = asked.deadline - 20 * 24 * HOUR
    oids = all_at_once(team, asked, MAX_KEPT + 2)
    team.look(now + 1_000)
    full = [oid for oid, reason in recorded(team, asked).items() if reason == "full"]
    assert len(full) == 2
    assert set(full) < set(oids)
    begin(team, asked, now + 1_000 + KEEP_MS + HOUR)
    assert values(team, asked) == [], "a day later nobody remembers them"


def test_the_command_answers_now_or_beforehand_and_says_which(team: Team, tmp_path: Path) -> None:
    asked = begun(team, "later", LATER)
    told = team.ann.gfr("waits", "complete", asked.run, "--key", "go", "--payload", '{"n": 7}')
    assert (told.exit, told.data["wait"], told.data["key"]) == (0, None, "go")
    begin(team, asked)
    file = tmp_path / "answer.edn"
    file.write_text("{:n 8}")
    told = team.ann.gfr("waits", "complete", asked.run, "--payload-file", str(file))
    assert (told.data["status"], told.data["output"]["preview"]) == ("succeeded", "[7 8]")
    over = team.ann.gfr("waits", "complete", asked.run, "--payload", "{}")
    assert (over.exit, over.code) == (5, "run.over")


def test_the_command_refuses_what_would_not_count(team: Team) -> None:
    asked = begun(team, "scan", SCAN)
    shown = team.ann.gfr("show", asked.run)
    assert f"gfr waits complete {asked.run} {asked.wait} --payload JSON" in shown.envelope["meta"]["next"]
    assert shown.data["waits"][0]["required"] == ["status"]
    lacking = team.ann.gfr("waits", "complete", asked.run, "--payload", "{}")
    assert (lacking.exit, lacking.code) == (4, "approval.payload")
    team.ann.git("config", "user.signingkey", f"{team.person('eve').key}.pub")
    unnamed = team.ann.gfr("waits", "complete", asked.run, "--payload", GOOD.decode())
    assert (unnamed.exit, unnamed.code) == (4, "signature.key_not_allowed")
    assert team.ann.git("for-each-ref", "refs/callbacks") == ""
    nowhere = team.ann.gfr("waits", "complete", asked.run, "00009-no", "--payload", GOOD.decode())
    assert (nowhere.exit, nowhere.code) == (3, "wait.unknown")


def test_a_wait_that_names_nobody_is_answered_by_nobody(team: Team) -> None:
    asked = begun(team, "scan", SCAN.replace(":roles [:dev]", ""))
    oid = answered(team, "bot", asked)
    team.look()
    assert recorded(team, asked) == {oid: "key_not_allowed"}
