"""How the three forges write a change, its reviews and a delivery: field names as published (`shapes/`)."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import parse_qs, unquote

from tests.fakeforge.forge import RUNNER, Forge, Pull, User, Verdict

Dialect = Literal["github", "gitlab", "gitea"]
DIALECTS: tuple[Dialect, ...] = ("github", "gitlab", "gitea")
PROJECT = "team/project"
WHEN = "2026-09-21T13:00:00Z"
_REVIEWS: Mapping[str, Mapping[str, str]] = {
    "github": {
        "approved": "APPROVED",
        "changes": "CHANGES_REQUESTED",
        "comment": "COMMENTED",
        "dismissed": "DISMISSED",
    },
    "gitea": {
        "approved": "APPROVED",
        "changes": "REQUEST_CHANGES",
        "comment": "COMMENT",
        "dismissed": "APPROVED",
    },
}


@dataclass(frozen=True)
class Missing(Exception):  # a plain answer, no error of the test
    """There is no such thing; `status` says it over HTTP."""

    status: int = 404


def answer(dialect: Dialect, forge: Forge, method: str, target: str, body: Any) -> Any:
    """The JSON that the forge answers, before it lies; raises `Missing`."""
    path, _, query = target.partition("?")
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    return {"github": _github, "gitlab": _gitlab, "gitea": _gitea}[dialect](forge, method, path, asked, body)


def token_header(dialect: Dialect, token: str) -> tuple[str, str]:
    """The header that proves who asks."""
    return {
        "github": ("authorization", f"Bearer {token}"),
        "gitlab": ("private-token", token),
        "gitea": ("authorization", f"token {token}"),
    }[dialect]


def delivery(
    dialect: Dialect, forge: Forge, number: int, secret: str, ident: str = "d-1"
) -> tuple[dict[str, str], bytes]:
    """A webhook's headers and body about a change that was closed or merged."""
    pull = forge.pulls[number]
    if dialect == "gitlab":
        body = {
            "object_kind": "merge_request",
            "user": _gitlab_user(pull.merged_by or RUNNER),
            "object_attributes": {"iid": number, "action": "merge" if pull.merged else "close"},
        }
        headers = {
            "X-Gitlab-Event": "Merge Request Hook",
            "X-Gitlab-Token": secret,
            "X-Gitlab-Event-UUID": ident,
        }
        return headers, json.dumps(body).encode()
    render = _github_pull if dialect == "github" else _gitea_pull
    raw = json.dumps({"action": "closed", "number": number, "pull_request": render(forge, pull)}).encode()
    digest = hmac.new(secret.encode(), raw, sha256).hexdigest()
    if dialect == "github":
        return {
            "X-GitHub-Event": "pull_request",
            "X-GitHub-Delivery": ident,
            "X-Hub-Signature-256": f"sha256={digest}",
        }, raw
    return {"X-Gitea-Event": "pull_request", "X-Gitea-Delivery": ident, "X-Gitea-Signature": digest}, raw


def _told(forge: Forge, number: str) -> Pull:
    if int(number) not in forge.pulls:
        raise Missing
    pull = forge.refresh(int(number))
    return pull if forge.lies.change is None else forge.lies.change(pull)


def _create(forge: Forge, branch: str, base: str, title: str, body: str) -> Pull:
    try:
        return forge.open(branch, base, title, body, RUNNER)
    except KeyError:
        raise Missing(422) from None


def _pulls_of(
    forge: Forge,
    method: str,
    path: str,
    asked: Mapping[str, str],
    body: Any,
    render: Callable[[Forge, Pull], Any],
) -> Any:
    """What GitHub and Gitea share: the list of changes, opening one, and one by its number."""
    if path == "/user":
        return {"id": RUNNER.id, "login": RUNNER.login, "type": "User"}
    if path == f"/repos/{PROJECT}/pulls":
        if method == "POST":
            return render(forge, _create(forge, body["head"], body["base"], body["title"], body["body"]))
        return [render(forge, forge.refresh(n)) for n in sorted(forge.pulls, reverse=True)]
    if match := re.fullmatch(rf"/repos/{PROJECT}/issues/(\d+)/comments", path):
        return _comments(forge, method, match[1], asked, body, render)
    match = re.fullmatch(rf"/repos/{PROJECT}/pulls/(\d+)", path)
    if match is None:
        raise Missing
    if method == "PATCH":
        _close(forge, match[1], body == {"state": "closed"})
    return render(forge, _told(forge, match[1]))


def _close(forge: Forge, number: str, asked: bool) -> None:
    """The runner closes a change; `Missing` for anything else, or where it is not open."""
    if not asked or _told(forge, number).state != "open":
        raise Missing(422)
    forge.close(int(number), RUNNER)


def _comments(
    forge: Forge,
    method: str,
    number: str,
    asked: Mapping[str, str],
    body: Any,
    render: Callable[[Forge, Pull], Any],
) -> Any:
    comments = _told(forge, number).comments
    if method == "POST":
        comments.append((RUNNER, body["body"]))
    shown = [
        {"id": n, "user": {"id": who.id, "login": who.login}, "body": text}
        for n, (who, text) in enumerate(comments, 1)
    ]
    if method == "POST":
        return shown[-1]
    return _page(shown, asked, "per_page") if render is _github_pull else shown


def _github(forge: Forge, method: str, path: str, asked: Mapping[str, str], body: Any) -> Any:
    if match := re.fullmatch(rf"/repos/{PROJECT}/pulls/(\d+)/reviews", path):
        reviews = _told(forge, match[1]).reviews
        return _page([_github_review(r) for r in reviews], asked, "per_page")
    if match := re.fullmatch(rf"/repos/{PROJECT}/issues/(\d+)", path):
        pull = _told(forge, match[1])
        return {"number": pull.number, "state": pull.state, "closed_by": _github_user(pull.closed_by)}
    found = _pulls_of(forge, method, path, asked, body, _github_pull)
    if isinstance(found, list) and path.endswith("/pulls"):
        wanted = asked["head"].partition(":")[2]
        listed = [{k: v for k, v in f.items() if k not in ("merged", "merged_by")} for f in found]
        return _page([f for f in listed if f["head"]["ref"] == wanted], asked, "per_page")
    return found


def _github_user(user: User | None) -> Any:
    return (
        None if user is None else {"id": user.id, "login": user.login, "type": "Bot" if user.bot else "User"}
    )


def _github_review(review: Verdict) -> Any:
    return {
        "id": review.id,
        "user": _github_user(review.user),
        "state": _REVIEWS["github"][review.state],
        "commit_id": review.head,
        "submitted_at": WHEN,
    }


def _github_pull(forge: Forge, pull: Pull) -> Any:
    owner = PROJECT.partition("/")[0]
    auto = pull.auto_merge_by
    return {
        "number": pull.number,
        "html_url": f"https://forge.test/{PROJECT}/pull/{pull.number}",
        "title": pull.title,
        "body": pull.body,
        "state": pull.state,
        "merged": pull.merged,
        "merged_at": WHEN if pull.merged else None,
        "merged_by": _github_user(pull.merged_by),
        "merge_commit_sha": pull.merge_commit,
        "user": _github_user(pull.opener),
        "auto_merge": None if auto is None else {"enabled_by": _github_user(auto), "merge_method": "merge"},
        "head": {"ref": pull.branch, "sha": pull.head, "label": f"{owner}:{pull.branch}"},
        "base": {"ref": pull.base, "sha": forge.tip(pull.base), "label": f"{owner}:{pull.base}"},
    }


def _gitea(forge: Forge, method: str, path: str, asked: Mapping[str, str], body: Any) -> Any:
    if match := re.fullmatch(rf"/repos/{PROJECT}/pulls/(\d+)/reviews", path):
        reviews = _told(forge, match[1]).reviews
        return _page([_gitea_review(r) for r in reviews], asked, "limit")
    if match := re.fullmatch(rf"/repos/{PROJECT}/issues/(\d+)/timeline", path):
        entries = _told(forge, match[1]).timeline
        shown = [
            {"id": n, "type": kind, "user": _gitea_user(who)} for n, (kind, who) in enumerate(entries, 1)
        ]
        return _page(shown, asked, "limit")
    found = _pulls_of(forge, method, path, asked, body, _gitea_pull)
    # Comments come all at once there.
    return _page(found, asked, "limit") if path.endswith("/pulls") and isinstance(found, list) else found


def _gitea_user(user: User | None) -> Any:
    return None if user is None else {"id": user.id, "login": user.login}


def _gitea_review(review: Verdict) -> Any:
    return {
        "id": review.id,
        "user": _gitea_user(review.user),
        "state": _REVIEWS["gitea"][review.state],
        "commit_id": review.head,
        "dismissed": review.state == "dismissed",
        "stale": False,
        "official": True,
        "submitted_at": WHEN,
    }


def _gitea_pull(forge: Forge, pull: Pull) -> Any:
    return {
        "number": pull.number,
        "html_url": f"https://forge.test/{PROJECT}/pulls/{pull.number}",
        "title": pull.title,
        "body": pull.body,
        "state": pull.state,
        "merged": pull.merged,
        "merged_at": WHEN if pull.merged else None,
        "merged_by": _gitea_user(pull.merged_by),
        "merge_commit_sha": pull.merge_commit,
        "user": _gitea_user(pull.opener),
        "head": {"ref": pull.branch, "sha": pull.head, "label": pull.branch, "repo_id": 1},
        "base": {"ref": pull.base, "sha": forge.tip(pull.base), "label": pull.base, "repo_id": 1},
    }


def _gitlab(forge: Forge, method: str, path: str, asked: Mapping[str, str], body: Any) -> Any:
    if path == "/user":
        return _gitlab_user(RUNNER)
    head, _, rest = path.partition("/merge_requests")
    if unquote(head) != f"/projects/{PROJECT}":
        raise Missing
    if rest == "" and method == "POST":
        pull = _create(
            forge, body["source_branch"], body["target_branch"], body["title"], body["description"]
        )
        return _gitlab_request(pull)
    if rest == "":
        pulls = [forge.refresh(n) for n in sorted(forge.pulls, reverse=True)]
        found = [_gitlab_request(p) for p in pulls if p.branch == asked["source_branch"]]
        return _page(found, asked, "per_page")
    match = re.fullmatch(r"/(\d+)(/approvals|/versions|/notes)?", rest)
    if match is None:
        raise Missing
    if match[2] == "/notes":
        return _notes(forge, method, match[1], asked, body)
    if method == "PUT":
        _close(forge, match[1], body == {"state_event": "close"})
    pull = _told(forge, match[1])
    if match[2] == "/approvals":
        approved = [r for r in pull.reviews if r.state == "approved"]
        return {"iid": pull.number, "approved_by": [{"user": _gitlab_user(r.user)} for r in approved]}
    if match[2] == "/versions":
        return _page(
            [{"id": n, "head_commit_sha": h} for n, h in enumerate(pull.heads, 1)], asked, "per_page"
        )
    return _gitlab_request(pull)


def _notes(forge: Forge, method: str, number: str, asked: Mapping[str, str], body: Any) -> Any:
    comments = _told(forge, number).comments
    if method == "POST":
        comments.append((RUNNER, body["body"]))
    shown = [
        {"id": n, "author": _gitlab_user(who), "body": text} for n, (who, text) in enumerate(comments, 1)
    ]
    return shown[-1] if method == "POST" else _page(shown, asked, "per_page")


def _gitlab_user(user: User | None) -> Any:
    return None if user is None else {"id": user.id, "username": user.login, "state": "active"}


def _gitlab_request(pull: Pull) -> Any:
    state = "merged" if pull.merged else "opened" if pull.state == "open" else "closed"
    return {
        "iid": pull.number,
        "web_url": f"https://forge.test/{PROJECT}/-/merge_requests/{pull.number}",
        "title": pull.title,
        "description": pull.body,
        "state": state,
        "sha": pull.head,
        "merge_commit_sha": pull.merge_commit,
        "squash_commit_sha": None,
        "source_branch": pull.branch,
        "target_branch": pull.base,
        "source_project_id": 1,
        "target_project_id": 1,
        "author": _gitlab_user(pull.opener),
        "merged_by": _gitlab_user(pull.merged_by),
        "closed_by": _gitlab_user(pull.closed_by),
        "merge_when_pipeline_succeeds": pull.auto_merge_by is not None,
    }


def _page(found: list[Any], asked: Mapping[str, str], size: str) -> list[Any]:
    count, page = int(asked.get(size, "30")), int(asked.get("page", "1"))
    return found[(page - 1) * count : page * count]
