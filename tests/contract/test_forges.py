"""What every forge promises: the dialects against the fake forge over real HTTP, and git alone."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitflow_runner.errors import NotFoundError, StepError
from gitflow_runner.forges.base import Draft, Forge, Ports, Remark, Site
from gitflow_runner.forges.registry import built_in, forge
from gitflow_runner.net.client import HttpClient
from gitflow_runner.steps.memory import ManualCancel
from tests.fakeforge.dialects import DIALECTS, PROJECT, Dialect, answer, delivery
from tests.fakeforge.forge import ANN, BOB, CAT, RUNNER, Lies
from tests.fakeforge.server import TOKEN, Server

pytestmark = pytest.mark.seedless

SHAPES = Path(__file__).resolve().parent.parent / "fakeforge" / "shapes"
DRAFT = Draft("gitflow/x", "main", "A title", "A body")
SECRET = "s3cret"
NOW = 1_790_000_000_000
SIGNING = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


class There:
    """One dialect, its plug-in, and a project with a branch to propose."""

    def __init__(self, server: Server, client: HttpClient) -> None:
        self.server, self.fake = server, server.forge
        self.forge: Forge = forge(server.dialect)
        self.site = Site(server.api, PROJECT, TOKEN, SECRET)
        self.ports = Ports(client, ManualCancel(), {}, 1_790_000_000_000)
        tree = self.fake.git("mktree", given=b"")
        first = self.fake.git("commit-tree", tree, given=b"first\n")
        self.fake.git("update-ref", "refs/heads/main", first)
        self.fake.git("update-ref", "refs/heads/gitflow/x", first)
        self.head = self.fake.commit("gitflow/x", {"a.edn": "1\n"})

    def refused(self) -> StepError:
        with pytest.raises(StepError) as found:
            self.forge.look(self.site, 1, self.ports)
        return found.value


@pytest.fixture(params=DIALECTS)
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[There]:
    dialect: Dialect = request.param
    with Server(tmp_path, dialect) as server:
        client = HttpClient(monotonic_ms=lambda: 0, allow=[server.origin])
        yield There(server, client)
        client.close()


def test_a_change_is_opened_found_and_told(there: There) -> None:
    assert there.forge.find(there.site, "gitflow/x", "main", there.ports) is None
    opened = there.forge.open(there.site, DRAFT, there.ports)
    found = there.forge.find(there.site, "gitflow/x", "main", there.ports)
    told = there.forge.look(there.site, opened.number, there.ports).change
    assert found is not None
    assert {opened.number, found.number, told.number} == {1}
    assert (told.state, told.head, told.base) == ("open", there.head, "main")
    assert (told.opener and told.opener.id, told.reviews) == (RUNNER.id, ())
    assert there.forge.who(there.site, there.ports) == "runner"


def test_reviews_are_told_with_their_head(there: There) -> None:
    there.forge.open(there.site, DRAFT, there.ports)
    there.fake.review(1, BOB)
    there.fake.merge(1, CAT)
    told = there.forge.look(there.site, 1, there.ports).change
    assert [(r.account.id, r.state, r.head) for r in told.reviews] == [(12, "approved", there.head)]
    assert (told.state, told.merged_by and told.merged_by.id, told.auto_merge) == ("merged", 13, False)


def test_many_reviews_come_over_several_pages(there: There) -> None:
    there.forge.open(there.site, DRAFT, there.ports)
    for number in range(120):
        there.fake.review(1, replace(ANN, id=1_000 + number))
    assert len(there.forge.look(there.site, 1, there.ports).change.reviews) == 120


def test_who_closed_a_change_is_told(there: There) -> None:
    there.forge.open(there.site, DRAFT, there.ports)
    there.fake.close(1, BOB)
    told = there.forge.look(there.site, 1, there.ports).change
    assert (told.state, told.closed_by and told.closed_by.id, told.merged_by) == ("closed", 12, None)


def test_a_change_is_closed_once_with_a_word_on_why(there: There) -> None:
    there.forge.open(there.site, DRAFT, there.ports)
    remark = Remark("It was decided elsewhere.\n\n<!-- mark 7 -->", "mark 7")
    # Killed after the word was said: the repeat says nothing again, and closes.
    there.fake.pulls[1].comments.append((RUNNER, remark.body))
    stood = [there.forge.close(there.site, 1, remark, there.ports) for _ in range(2)]
    assert stood == ["open", "closed"]
    assert [text for _, text in there.fake.pulls[1].comments] == [remark.body]
    told = there.forge.look(there.site, 1, there.ports).change
    assert (told.state, told.closed_by and told.closed_by.id) == ("closed", RUNNER.id)


def test_among_many_comments_the_own_one_is_found(there: There) -> None:
    there.forge.open(there.site, DRAFT, there.ports)
    comments = there.fake.pulls[1].comments
    comments += [(ANN, f"comment {n}") for n in range(120)]
    there.forge.close(there.site, 1, Remark("why <!-- m -->", "<!-- m -->"), there.ports)
    assert [text for who, text in comments if who == RUNNER] == ["why <!-- m -->"]
    there.fake.reopen(1)
    there.forge.close(there.site, 1, Remark("why <!-- m -->", "<!-- m -->"), there.ports)
    assert len(comments) == 121


def test_a_merged_change_is_not_closed(there: There) -> None:
    there.forge.open(there.site, DRAFT, there.ports)
    there.fake.merge(1, BOB)
    assert there.forge.close(there.site, 1, Remark("why", "why"), there.ports) == "merged"
    assert there.fake.pulls[1].comments == []


def test_what_did_not_change_is_not_sent_again(there: There) -> None:
    there.forge.open(there.site, DRAFT, there.ports)
    first = there.forge.look(there.site, 1, there.ports)
    there.server.asked.clear()
    assert there.forge.look(there.site, 1, there.ports) == first
    assert {status for _, _, status in there.server.asked} == {304}
    there.fake.review(1, BOB)
    assert len(there.forge.look(there.site, 1, there.ports).change.reviews) == 1


@pytest.mark.parametrize(
    ("lies", "code", "again_ms"),
    [
        (Lies(status=429, headers={"Retry-After": "7"}), "forge.rate_limited", 7_000),
        (
            Lies(status=403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1790000060"}),
            "forge.rate_limited",
            60_000,
        ),
        (Lies(status=401), "forge.denied", None),
        (Lies(status=404), "forge.no_change", None),
        (Lies(status=422), "forge.refused", None),
        (Lies(status=503), "forge.unavailable", None),
        (Lies(status=301, headers={"Location": "http://127.0.0.1:1/"}), "forge.redirect", None),
        (Lies(raw=b"no json"), "forge.malformed", None),
        (Lies(raw=b"[" * 60_000), "forge.malformed", None),
        (Lies(always_304=True), "forge.replayed_etag", None),
        (Lies(raw=b" " * 2_100_000), "http.too_large", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_answers_have_their_codes(there: There, lies: Lies, code: str, again_ms: int | None) -> None:
    there.forge.open(there.site, DRAFT, there.ports)
    there.fake.lies = lies
    error = there.refused()
    assert (error.code, error.retry_after_ms) == (code, again_ms)
    assert TOKEN not in str(error)


def test_a_login_that_would_draw_on_the_screen_is_no_answer(there: There) -> None:
    there.forge.open(there.site, DRAFT, there.ports)
    there.fake.merge(1, replace(BOB, login="bob\x1b[2J"))
    assert there.refused().code == "forge.malformed"


def test_a_genuine_delivery_names_its_change_and_another_is_refused(there: There) -> None:
    there.forge.open(there.site, DRAFT, there.ports)
    for secret, taken in ((SECRET, True), ("other", False), (SECRET + "x", False)):
        headers, body = delivery(there.server.dialect, there.fake, 1, secret)
        lower = {name.lower(): value for name, value in headers.items()}
        if taken:
            hint = there.forge.hint(there.site, lower, body, NOW)
            assert hint is not None
            assert (hint.number, hint.delivery) == (1, "d-1")
            continue
        with pytest.raises(StepError) as refused:
            there.forge.hint(there.site, lower, body, NOW)
        assert refused.value.code == "forge.hint_refused"


SIGNED = {"webhook-id": "d-1", "webhook-timestamp": str(NOW // 1_000)}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"webhook-timestamp": str(NOW // 1_000 - 301)}, "forge.hint_refused"),
        ({"webhook-timestamp": str(NOW // 1_000 - 299)}, "forge.hint_refused"),  # not what was signed
        ({"webhook-timestamp": "soon"}, "forge.hint_refused"),
        ({"webhook-id": "d-2"}, "forge.hint_refused"),
        ({"webhook-id": ""}, "forge.hint_refused"),
        ({"webhook-signature": "v1,AAAA"}, "forge.hint_refused"),
        ({"webhook-signature": ""}, "forge.hint_refused"),
        # The token itself in the older header proves nothing: it is never sent.
        ({"webhook-signature": "", "x-gitlab-token": SIGNING}, "forge.hint_refused"),
        ({"body": b"{}"}, "forge.hint_refused"),
    ],
    ids=str,
)
def test_a_delivery_that_a_signing_token_signed(changes: dict[str, Any], code: str | None) -> None:
    gitlab, site = forge("gitlab"), Site("", "", hint_secret=SIGNING)
    body = json.dumps({"object_attributes": {"iid": 4}}).encode()
    # Reckoned here step by step, as the specification has it.
    key = base64.b64decode(SIGNING.removeprefix("whsec_"))
    digest = hmac.digest(key, b"d-1." + SIGNED["webhook-timestamp"].encode() + b"." + body, "sha256")
    headers = SIGNED | {
        "webhook-signature": "v1,b2xk v1," + base64.b64encode(digest).decode(),
        "x-gitlab-event": "Merge Request Hook",
    }
    headers |= {name: value for name, value in changes.items() if name != "body"}
    if code is None:
        hint = gitlab.hint(site, headers, body, NOW)
        assert hint is not None
        assert (hint.number, hint.delivery) == (4, "d-1")
        return
    with pytest.raises(StepError) as refused:
        gitlab.hint(site, headers, changes.get("body", body), NOW)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "bad",
    [
        {"token": None},
        {"url": "http://forge.example.test/api"},
        {"url": "ftp://x"},
        {"project": "a/../b"},
        {"project": ""},
    ],
    ids=str,
)
def test_a_site_that_cannot_work_is_refused_before_anything_is_sent(
    there: There, bad: dict[str, Any]
) -> None:
    with pytest.raises(StepError) as refused:
        there.forge.check(replace(there.site, **bad))
    assert (refused.value.code, there.server.asked) == ("forge.settings", [])


def test_a_token_is_never_shown(there: There) -> None:
    assert TOKEN not in repr(there.site)


def test_git_alone_has_nobody_to_ask(there: There) -> None:
    plain, bare = forge("plain"), Site("", "")
    plain.check(bare)
    assert not plain.tells
    assert plain.find(bare, "gitflow/x", "main", there.ports) is None
    for question in (
        lambda: plain.open(bare, DRAFT, there.ports),
        lambda: plain.look(bare, 1, there.ports),
        lambda: plain.close(bare, 1, Remark("why", "why"), there.ports),
        lambda: plain.who(bare, there.ports),
    ):
        with pytest.raises(StepError) as refused:
            question()
        assert refused.value.code == "forge.nobody"


def test_the_built_in_forges_and_an_unknown_one() -> None:
    assert built_in() == ("gitea", "github", "gitlab", "plain")
    with pytest.raises(NotFoundError) as refused:
        forge("svn")
    assert refused.value.code == "forge.unknown_kind"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_fake_writes_only_fields_that_the_real_one_publishes(dialect: Dialect, tmp_path: Path) -> None:
    published = json.loads((SHAPES / f"{dialect}.json").read_text())["fields"]
    server = Server(tmp_path, dialect)
    server._http.server_close()
    fake = server.forge
    client = HttpClient(monotonic_ms=lambda: 0)
    There(server, client)
    client.close()
    fake.open("gitflow/x", "main", "t", "b", RUNNER)
    fake.review(1, BOB)
    root = {"gitlab": f"/projects/{PROJECT}/merge_requests/1"}.get(dialect, f"/repos/{PROJECT}/pulls/1")
    pull = answer(dialect, fake, "GET", root, None)
    users = [pull["author"]] if dialect == "gitlab" else [pull["user"]]
    assert set(pull) <= set(published["pull"])
    if dialect == "gitlab":
        approvals = answer(dialect, fake, "GET", f"{root}/approvals", None)
        assert set(approvals) <= set(published["approvals"])
        versions = answer(dialect, fake, "GET", f"{root}/versions", None)
        assert set(versions[0]) <= set(published["version"])
    else:
        review = answer(dialect, fake, "GET", f"{root}/reviews", None)[0]
        assert set(review) <= set(published["review"])
    assert all(set(user) <= set(published["user"]) for user in users)
