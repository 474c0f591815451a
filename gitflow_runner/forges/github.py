"""GitHub: pull requests over its REST interface (`https://api.github.com`, or `…/api/v3` of a server)."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.errors import StepError
from gitflow_runner.forges.api import (
    Api,
    Fields,
    account,
    check_site,
    malformed,
    pull_hint,
    says,
    signed_body,
)
from gitflow_runner.forges.base import Draft, Hint, Ports, Remark, Site, Told
from gitflow_runner.model.change import Account, Change, ChangeState, Review, ReviewState

_STATES: Mapping[str, ReviewState] = {
    "APPROVED": "approved",
    "CHANGES_REQUESTED": "changes",
    "DISMISSED": "dismissed",
    "COMMENTED": "comment",
    "PENDING": "comment",
}


class GitHub:
    """Reviews name the commit that they are of; who closed a change is told by its issue."""

    tells = True

    def check(self, site: Site) -> None:
        """Refuse a site that can never work."""
        check_site(site, 2)

    def who(self, site: Site, ports: Ports) -> str:
        """The login behind the token."""
        return _api(site, ports).one("/user").text("login")

    def find(self, site: Site, branch: str, base: str, ports: Ports) -> Change | None:
        """The newest change from that branch."""
        owner = site.project.partition("/")[0]
        query: dict[str, str | int] = {"head": f"{owner}:{branch}", "base": base, "state": "all"}
        found = _api(site, ports).every(f"/repos/{site.project}/pulls", "per_page", **query)
        # A fork may have a branch of that name, too.
        matching = [f for f in found if f.part("head").text("label") == f"{owner}:{branch}"]
        newest = max(matching, key=lambda f: f.whole("number"), default=None)
        return None if newest is None else _listed(newest)

    def open(self, site: Site, draft: Draft, ports: Ports) -> Change:
        """Open a pull request."""
        values = {"title": draft.title, "head": draft.branch, "base": draft.base, "body": draft.body}
        return _listed(_api(site, ports).post(f"/repos/{site.project}/pulls", values))

    def look(self, site: Site, number: int, ports: Ports) -> Told:
        """The pull request with its reviews."""
        api = _api(site, ports)
        pull = api.one(f"/repos/{site.project}/pulls/{number}")
        reviews = api.every(f"/repos/{site.project}/pulls/{number}/reviews", "per_page")
        closed_by: Account | None = None
        if pull.text("state") == "closed" and not pull.flag("merged"):
            issue = api.one(f"/repos/{site.project}/issues/{number}")
            closed_by = account(issue.maybe("closed_by"), "login")
        told = tuple(r for r in (_review(fields) for fields in reviews) if r is not None)
        return Told(_change(pull, told, closed_by), tuple(api.raw))

    def close(self, site: Site, number: int, remark: Remark, ports: Ports) -> ChangeState:
        """Comment on the pull request and close it."""
        api, root = _api(site, ports), f"/repos/{site.project}"
        state = _change(api.one(f"{root}/pulls/{number}"), (), None).state
        if state == "open":
            comments = f"{root}/issues/{number}/comments"
            if not says(api.every(comments, "per_page"), remark):
                api.post(comments, {"body": remark.body})
            api.write("PATCH", f"{root}/pulls/{number}", {"state": "closed"})
        return state

    def hint(self, site: Site, headers: Mapping[str, str], body: bytes, now_ms: int) -> Hint | None:
        """A delivery signed in `X-Hub-Signature-256`."""
        signed_body(site, headers.get("x-hub-signature-256"), body, lambda digest: f"sha256={digest}")
        return pull_hint(headers, body, "x-github-event", "x-github-delivery")


FORGE = GitHub()


def _api(site: Site, ports: Ports) -> Api:
    headers = (
        ("Authorization", f"Bearer {site.token}"),
        ("Accept", "application/vnd.github+json"),
        ("X-GitHub-Api-Version", "2022-11-28"),
    )
    return Api(site, ports, headers)


def _listed(fields: Fields) -> Change:
    # A list does not say `merged`; whoever needs the state looks.
    return _change(fields, (), None)


def _change(fields: Fields, reviews: tuple[Review, ...], closed_by: Account | None) -> Change:
    state = fields.text("state")
    if state not in ("open", "closed"):
        raise malformed(f"state is {state[:20]!r}")
    merged = fields.flag("merged")
    if merged and state == "open":
        raise StepError("forge.malformed", "the forge says that the change is both open and merged")
    return Change(
        fields.whole("number"),
        fields.text("html_url"),
        "merged" if merged else "open" if state == "open" else "closed",
        fields.part("head").commit("sha"),
        fields.part("base").text("ref"),
        account(fields.maybe("user"), "login"),
        account(fields.maybe("merged_by"), "login"),
        closed_by,
        fields.maybe("auto_merge") is not None,
        reviews,
    )


def _review(fields: Fields) -> Review | None:
    who = account(fields.maybe("user"), "login")
    state = _STATES.get(fields.text("state"))
    if state is None:
        raise malformed(f"a review's state is {fields.text('state')[:20]!r}")
    if who is None:
        return None  # of an account that is gone: nobody
    return Review(who, state, fields.commit("commit_id") if fields.values.get("commit_id") else None)
