"""Gitea and Forgejo: pull requests over `…/api/v1`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitflow_runner.forges.api import (
    Api,
    Fields,
    account,
    check_site,
    malformed,
    objects,
    pull_hint,
    says,
    signed_body,
)
from gitflow_runner.forges.base import Draft, Hint, Ports, Remark, Site, Told
from gitflow_runner.model.change import Account, Change, ChangeState, Review, ReviewState

_STATES: Mapping[str, ReviewState] = {
    "APPROVED": "approved",
    "REQUEST_CHANGES": "changes",
    "COMMENT": "comment",
    "PENDING": "comment",
    "REQUEST_REVIEW": "comment",
    "": "comment",
}
_AUTO_ON, _AUTO_OFF = "pull_scheduled_merge", "pull_cancel_scheduled_merge"


class Gitea:
    """Who closed a change, and whether it merges by itself, is told by its timeline alone."""

    tells = True

    def check(self, site: Site) -> None:
        """Refuse a site that can never work."""
        check_site(site, 2)

    def who(self, site: Site, ports: Ports) -> str:
        """The login behind the token."""
        return _api(site, ports).one("/user").text("login")

    def find(self, site: Site, branch: str, base: str, ports: Ports) -> Change | None:
        """The newest change from that branch."""
        found = _api(site, ports).every(f"/repos/{site.project}/pulls", "limit", state="all")
        matching = [f for f in found if _is_between(f.part("head"), branch, f.part("base"), base)]
        newest = max(matching, key=lambda f: f.whole("number"), default=None)
        return None if newest is None else _change(newest, (), ())

    def open(self, site: Site, draft: Draft, ports: Ports) -> Change:
        """Open a pull request."""
        values = {"title": draft.title, "head": draft.branch, "base": draft.base, "body": draft.body}
        return _change(_api(site, ports).post(f"/repos/{site.project}/pulls", values), (), ())

    def look(self, site: Site, number: int, ports: Ports) -> Told:
        """The pull request with its reviews, and its timeline once it is over."""
        api = _api(site, ports)
        pull = api.one(f"/repos/{site.project}/pulls/{number}")
        reviews = api.every(f"/repos/{site.project}/pulls/{number}/reviews", "limit")
        over = pull.text("state") != "open"
        timeline = api.every(f"/repos/{site.project}/issues/{number}/timeline", "limit") if over else ()
        told = tuple(r for r in (_review(fields) for fields in reviews) if r is not None)
        return Told(_change(pull, told, timeline), tuple(api.raw))

    def close(self, site: Site, number: int, remark: Remark, ports: Ports) -> ChangeState:
        """Comment on the pull request and close it."""
        api, root = _api(site, ports), f"/repos/{site.project}"
        state = _change(api.one(f"{root}/pulls/{number}"), (), ()).state
        if state == "open":
            comments = f"{root}/issues/{number}/comments"
            # All of them come at once: this list has no pages.
            if not says(objects(api.get(comments), comments), remark):
                api.post(comments, {"body": remark.body})
            api.write("PATCH", f"{root}/pulls/{number}", {"state": "closed"})
        return state

    def hint(self, site: Site, headers: Mapping[str, str], body: bytes, now_ms: int) -> Hint | None:
        """A delivery signed in `X-Gitea-Signature`."""
        signed_body(site, headers.get("x-gitea-signature"), body, lambda digest: digest)
        return pull_hint(headers, body, "x-gitea-event", "x-gitea-delivery")


FORGE = Gitea()


def _api(site: Site, ports: Ports) -> Api:
    return Api(site, ports, (("Authorization", f"token {site.token}"),))


def _is_between(head: Fields, branch: str, into: Fields, base: str) -> bool:
    # A fork may have a branch of that name, too.
    same = head.values.get("repo_id") == into.values.get("repo_id")
    return same and head.text("ref") == branch and into.text("ref") == base


def _change(fields: Fields, reviews: tuple[Review, ...], timeline: Sequence[Fields]) -> Change:
    state = fields.text("state")
    merged = fields.flag("merged")
    if state not in ("open", "closed") or (merged and state == "open"):
        raise malformed(f"state is {state[:20]!r} and merged is {merged}")
    closers = [entry for entry in timeline if entry.values.get("type") == "close"]
    closed_by: Account | None = None
    if closers and not merged:
        closed_by = account(closers[-1].maybe("user"), "login")
    switches = [e.values.get("type") for e in timeline if e.values.get("type") in (_AUTO_ON, _AUTO_OFF)]
    return Change(
        fields.whole("number"),
        fields.text("html_url"),
        "merged" if merged else "open" if state == "open" else "closed",
        fields.part("head").commit("sha"),
        fields.part("base").text("ref"),
        account(fields.maybe("user"), "login"),
        account(fields.maybe("merged_by"), "login"),
        closed_by,
        bool(switches) and switches[-1] == _AUTO_ON,
        reviews,
    )


def _review(fields: Fields) -> Review | None:
    who = account(fields.maybe("user"), "login")
    state = _STATES.get(fields.text("state"))
    if state is None:
        raise malformed(f"a review's state is {fields.text('state')[:20]!r}")
    if who is None:
        return None  # a team was asked, or the account is gone
    head = fields.commit("commit_id") if fields.values.get("commit_id") else None
    return Review(who, "dismissed" if fields.flag("dismissed") else state, head)
