"""GitLab: merge requests over `…/api/v4`; the project is its path or its number."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256

from gitflow_runner.errors import StepError
from gitflow_runner.forges.api import (
    MAX_HINT_BYTES,
    Api,
    Fields,
    account,
    check_site,
    malformed,
    parse,
    says,
    segment,
)
from gitflow_runner.forges.base import Draft, Hint, Ports, Remark, Site, Told
from gitflow_runner.model.change import Change, ChangeState, Review

_STATES: Mapping[str, ChangeState] = {
    "opened": "open",
    "locked": "open",
    "closed": "closed",
    "merged": "merged",
}


SIGNING = "whsec_"  # how the newer kind of token begins, which signs and is never sent
SKEW_MS = 300_000
MOST_SIGNATURES = 8


class GitLab:
    """Approvals do not name a commit: they count only if the request never had another head."""

    tells = True

    def check(self, site: Site) -> None:
        """Refuse a site that can never work."""
        check_site(site, None)

    def who(self, site: Site, ports: Ports) -> str:
        """The login behind the token."""
        return _api(site, ports).one("/user").text("username")

    def find(self, site: Site, branch: str, base: str, ports: Ports) -> Change | None:
        """The newest change from that branch."""
        query: dict[str, str | int] = {"source_branch": branch, "target_branch": base, "state": "all"}
        found = _api(site, ports).every(_requests(site), "per_page", **query)
        own = [
            f
            for f in found
            if f.text("source_branch") == branch
            and f.whole("source_project_id") == f.whole("target_project_id")
        ]
        newest = max(own, key=lambda f: f.whole("iid"), default=None)
        return None if newest is None else _change(newest, ())

    def open(self, site: Site, draft: Draft, ports: Ports) -> Change:
        """Open a merge request."""
        values = {
            "title": draft.title,
            "source_branch": draft.branch,
            "target_branch": draft.base,
            "description": draft.body,
        }
        return _change(_api(site, ports).post(_requests(site), values), ())

    def look(self, site: Site, number: int, ports: Ports) -> Told:
        """The merge request with its approvals and the heads that it had."""
        api = _api(site, ports)
        path = f"{_requests(site)}/{number}"
        request = api.one(path)
        approvals = api.one(f"{path}/approvals")
        versions = api.every(f"{path}/versions", "per_page")
        return Told(_change(request, _reviews(approvals, versions)), tuple(api.raw))

    def close(self, site: Site, number: int, remark: Remark, ports: Ports) -> ChangeState:
        """Leave a note on the merge request and close it."""
        api, path = _api(site, ports), f"{_requests(site)}/{number}"
        state = _change(api.one(path), ()).state
        if state == "open":
            if not says(api.every(f"{path}/notes", "per_page"), remark):
                api.post(f"{path}/notes", {"body": remark.body})
            api.write("PUT", path, {"state_event": "close"})
        return state

    def hint(self, site: Site, headers: Mapping[str, str], body: bytes, now_ms: int) -> Hint | None:
        """A delivery signed with the webhook's signing token, or one that carries its secret token."""
        if len(body) > MAX_HINT_BYTES or not site.hint_secret:
            raise StepError("forge.hint_refused", "the delivery is too large, or no secret is configured")
        if site.hint_secret.startswith(SIGNING):
            _check_signed(site.hint_secret, headers, body, now_ms)
        elif not _same(site.hint_secret, headers.get("x-gitlab-token", "")):
            raise StepError("forge.hint_refused", "the delivery carries another secret, or none")
        if headers.get("x-gitlab-event") != "Merge Request Hook":
            return None
        value = parse(body)
        if not isinstance(value, dict):
            raise malformed("the delivery is not an object")
        return Hint(Fields(value).part("object_attributes").whole("iid"), _delivery(headers))


FORGE = GitLab()


def _delivery(headers: Mapping[str, str]) -> str | None:
    return headers.get("x-gitlab-event-uuid") or headers.get("webhook-id")


def _check_signed(secret: str, headers: Mapping[str, str], body: bytes, now_ms: int) -> None:
    """Refuse what is not signed in the form of Standard Webhooks, or was signed long ago.

    A signing token is never sent, so that a delivery which carries it in the other header proves nothing.
    """
    name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not name or not at.isdecimal() or len(at) > 12:
        raise StepError("forge.hint_refused", "the delivery is not signed")
    if abs(now_ms - int(at) * 1_000) > SKEW_MS:
        raise StepError("forge.hint_refused", "the delivery was signed long ago, or one of the clocks is off")
    try:
        key = base64.b64decode(secret.removeprefix(SIGNING), validate=True)
    except ValueError:
        raise StepError("forge.hint_refused", "the signing token is not of the form whsec_<base64>") from None
    signed = b".".join((name.encode("utf-8", "replace"), at.encode(), body))
    made = "v1," + base64.b64encode(hmac.new(key, signed, sha256).digest()).decode()
    # While a token is changed there are several, with spaces between.
    if not any(
        _same(made, given) for given in headers.get("webhook-signature", "").split(" ")[:MOST_SIGNATURES]
    ):
        raise StepError("forge.hint_refused", "the delivery is signed with another token, or was changed")


def _same(known: str, given: str) -> bool:
    return hmac.compare_digest(known.encode(), given.encode("utf-8", "replace"))


def _api(site: Site, ports: Ports) -> Api:
    return Api(site, ports, (("PRIVATE-TOKEN", site.token or ""),))


def _requests(site: Site) -> str:
    return f"/projects/{segment(site.project)}/merge_requests"


def _change(fields: Fields, reviews: tuple[Review, ...]) -> Change:
    state = _STATES.get(fields.text("state"))
    if state is None:
        raise malformed(f"state is {fields.text('state')[:20]!r}")
    # `merge_user` took the place of `merged_by`; of a request that merges by itself it is who said so.
    merger = fields.maybe("merge_user") or fields.maybe("merged_by")
    return Change(
        fields.whole("iid"),
        fields.text("web_url"),
        state,
        fields.commit("sha"),
        fields.text("target_branch"),
        account(fields.maybe("author"), "username"),
        account(merger, "username") if state == "merged" else None,
        account(fields.maybe("closed_by"), "username"),
        fields.flag("merge_when_pipeline_succeeds"),
        reviews,
    )


def _reviews(approvals: Fields, versions: Sequence[Fields]) -> tuple[Review, ...]:
    heads = {version.commit("head_commit_sha") for version in versions}
    head = heads.pop() if len(heads) == 1 else None
    found = []
    for entry in approvals.parts("approved_by"):
        who = account(entry.maybe("user"), "username")
        if who is not None:
            found.append(Review(who, "approved", head))
    return tuple(found)
