"""Questions to a forge's interface: one origin, bounded answers, tags that are never taken on trust."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, urlencode, urlsplit

from gitflow_runner.errors import StepError
from gitflow_runner.forges.base import Hint, Kept, Ports, Raw, Remark, Site
from gitflow_runner.model.change import Account
from gitflow_runner.net.exchange import HttpRequest, HttpResponse

TIMEOUT_MS = 20_000
MAX_ANSWER_BYTES = 2_000_000
MAX_HINT_BYTES = 1_048_576
PAGE = 50
MAX_PAGES = 20
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object of an answer; every read says what it expects (`forge.malformed`)."""

    values: Mapping[str, object]

    def text(self, name: str) -> str:
        """A text of one line and at most 2,000 characters, which can be shown as it is."""
        value = self.values.get(name)
        if not isinstance(value, str) or len(value) > 2_000 or not value.isprintable():
            raise malformed(f"{name} is not a text")
        return value

    def whole(self, name: str) -> int:
        """A whole number above 0."""
        value = self.values.get(name)
        if type(value) is not int or value <= 0 or value >= 1 << 62:
            raise malformed(f"{name} is not a number above 0")
        return value

    def flag(self, name: str) -> bool:
        """true or false; a field that is not there is false."""
        value = self.values.get(name, False)
        if value is not None and not isinstance(value, bool):
            raise malformed(f"{name} is neither true nor false")
        return value is True

    def part(self, name: str) -> Fields:
        """An object within."""
        found = self.maybe(name)
        if found is None:
            raise malformed(f"{name} is missing")
        return found

    def maybe(self, name: str) -> Fields | None:
        """An object within, None for null."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise malformed(f"{name} is not an object")
        return Fields(value)

    def commit(self, name: str) -> str:
        """A full object id."""
        value = self.text(name)
        if len(value) != 40 or not set(value) <= set("0123456789abcdef"):
            raise malformed(f"{name} is not an object id")
        return value

    def parts(self, name: str) -> Sequence[Fields]:
        """A list of objects within."""
        return objects(self.values.get(name), name)


def objects(value: object, what: str) -> Sequence[Fields]:
    """A list of objects (`forge.malformed`)."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise malformed(f"{what} is not a list of objects")
    return [Fields(item) for item in value]


def account(fields: Fields | None, login: str) -> Account | None:
    """The account of a user object, None for null; `login` is the field with its name."""
    if fields is None:
        return None
    return Account(fields.whole("id"), fields.text(login), fields.values.get("type") == "Bot")


class Api:
    """The interface of one site; `headers` carry the token, in the way of the dialect."""

    def __init__(self, site: Site, ports: Ports, headers: tuple[tuple[str, str], ...]) -> None:
        self._site = site
        self._ports = ports
        given = {name.lower() for name, _ in headers}
        self._headers = headers if "accept" in given else (("Accept", "application/json"), *headers)
        self.raw: list[Raw] = []

    def get(self, path: str, **query: str | int) -> object:
        """The JSON at `path`, from memory where the forge says that it did not change."""
        url = self._url(path, query)
        known = self._ports.kept.get(url)
        tagged = (("If-None-Match", known.etag),) if known is not None else ()
        response = self._send("GET", url, None, tagged)
        etag = response.header("etag")
        if response.status == 304:
            if known is None or (etag is not None and _strong(etag) != _strong(known.etag)):
                raise StepError(
                    "forge.replayed_etag", f"{_place(url)} answers 304 to a tag that was not sent"
                )
            body, etag = known.body, known.etag
        else:
            body = response.body
            self._ports.kept.pop(url, None)
            if etag is not None and 0 < len(etag) <= 200:
                self._ports.kept[url] = Kept(etag, body)
        self.raw.append(Raw(url, etag, body))
        return parse(body)

    def one(self, path: str, **query: str | int) -> Fields:
        """The JSON object at `path`."""
        return _object(self.get(path, **query), path)

    def every(self, path: str, size: str, **query: str | int) -> Sequence[Fields]:
        """All pages of a list; `size` is the name of the parameter that says how long one is."""
        found: list[Fields] = []
        for page in range(1, MAX_PAGES + 1):
            part = objects(self.get(path, **query, **{size: PAGE, "page": page}), path)
            found += part
            if len(part) < PAGE:
                return found
        raise malformed(f"{path} has more than {PAGE * MAX_PAGES} entries")

    def post(self, path: str, values: Mapping[str, object]) -> Fields:
        """The JSON object that answers a POST."""
        return self.write("POST", path, values)

    def write(self, method: str, path: str, values: Mapping[str, object]) -> Fields:
        """The JSON object that answers a question that changes something there."""
        body = json.dumps(values, ensure_ascii=False).encode()
        url = self._url(path, {})
        response = self._send(method, url, body, (("Content-Type", "application/json"),))
        return _object(parse(response.body), path)

    def _url(self, path: str, query: Mapping[str, str | int]) -> str:
        return f"{self._site.url}{path}" + (f"?{urlencode(query)}" if query else "")

    def _send(
        self, method: str, url: str, body: bytes | None, more: tuple[tuple[str, str], ...]
    ) -> HttpResponse:
        request = HttpRequest(
            method,
            url,
            (*self._headers, *more),
            body,
            TIMEOUT_MS,
            MAX_ANSWER_BYTES,
            follow_redirects=False,
            origins=(origin(self._site.url),),
        )
        response = self._ports.http.send(request, self._ports.cancel)
        _check(response, _place(url), self._ports.now_ms)
        return response


def says(comments: Sequence[Fields], remark: Remark) -> bool:
    """Whether the remark stands among these comments already."""
    return any(remark.mark in str(comment.values.get("body")) for comment in comments)


def _check(response: HttpResponse, place: str, now_ms: int) -> None:
    status = response.status
    if 200 <= status < 300 or status == 304:
        return
    if 300 <= status < 400:
        raise StepError(
            "forge.redirect",
            f"{place} answers {status}: it has moved",
            hint="write the new address into forge.url of .breyta/config.yaml; a token follows no redirect",
        )
    wait = _rest(response, now_ms)
    if status == 429 or (status == 403 and wait is not None):
        raise StepError(
            "forge.rate_limited",
            f"{place} takes no more questions now",
            retryable=True,
            retry_after_ms=60_000 if wait is None else wait,
        )
    if status in (401, 403):
        raise StepError(
            "forge.denied",
            f"{place} answers {status}: the token may not do this",
            hint="check forge.token, and that the token may read and open changes of the project",
        )
    if status == 404:
        raise StepError("forge.no_change", f"{place} answers 404: there is none, or the token may not see it")
    if status >= 500 or status == 408:
        raise StepError("forge.unavailable", f"{place} answers {status}", retryable=True)
    raise StepError("forge.refused", f"{place} answers {status}", data={"status": status})


def _rest(response: HttpResponse, now_ms: int) -> int | None:
    """How long (ms) the forge asks to be left alone."""
    after = response.header("retry-after") or ""
    if after.isdecimal() and len(after) < 7:
        return int(after) * 1_000
    reset = response.header("x-ratelimit-reset") or response.header("ratelimit-reset") or ""
    left = response.header("x-ratelimit-remaining") or response.header("ratelimit-remaining")
    if left == "0":
        until = int(reset) * 1_000 if reset.isdecimal() and len(reset) < 12 else now_ms + 60_000
        return min(max(until - now_ms, 1_000), 3_600_000)
    return None


def parse(body: bytes) -> object:
    """The JSON of an answer (`forge.malformed`)."""
    try:
        found: object = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise malformed("the answer is not JSON") from None
    return found


def _object(value: object, what: str) -> Fields:
    if not isinstance(value, dict):
        raise malformed(f"{what} is not an object")
    return Fields(value)


def _strong(etag: str) -> str:
    return etag.removeprefix("W/")


def _place(url: str) -> str:
    return url.partition("?")[0][:200]


def malformed(what: str) -> StepError:
    """`forge.malformed`: the answer does not have the form that the interface promises."""
    return StepError("forge.malformed", f"the forge's answer cannot be used: {what}")


def segment(text: str) -> str:
    """One part of a path, its slashes encoded too."""
    return quote(text, safe="")


def origin(url: str) -> str:
    """`scheme://host:port` of a URL (`forge.settings`)."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        parts, port = urlsplit(""), None
    if port is None or not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise StepError("forge.settings", f"forge.url cannot be used: {url[:100]!r}")
    return f"{parts.scheme}://{parts.hostname}:{port}"


def check_site(site: Site, parts: int | None) -> None:
    """Refuse a site without address or token, or whose project has not so many parts (`forge.settings`)."""
    if origin(site.url).startswith("http:") and not _is_loopback(site.url):
        raise StepError(
            "forge.settings", "forge.url begins with http://, which would show the token to others"
        )
    if not site.token:
        raise StepError(
            "forge.settings", "the forge has no token: the variable that forge.token names is empty"
        )
    found = site.project.split("/")
    if not all(found) or any(part in (".", "..") for part in found) or (parts and len(found) != parts):
        raise StepError(
            "forge.settings", f"forge.project is not of the form owner/name: {site.project[:80]!r}"
        )


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")


def signed_body(site: Site, given: str | None, body: bytes, shown: Callable[[str], str]) -> None:
    """Refuse (`forge.hint_refused`) a delivery whose signature is not the HMAC of its bytes."""
    if len(body) > MAX_HINT_BYTES:
        raise StepError("forge.hint_refused", f"a delivery of more than {MAX_HINT_BYTES} bytes is not read")
    if not site.hint_secret or given is None:
        raise StepError("forge.hint_refused", "the delivery is not signed, or no secret is configured")
    made = shown(hmac.new(site.hint_secret.encode(), body, sha256).hexdigest())
    if not hmac.compare_digest(made.encode(), given.encode("utf-8", "replace")):
        raise StepError("forge.hint_refused", "the delivery is signed with another secret, or was changed")


def pull_hint(headers: Mapping[str, str], body: bytes, kind: str, delivery: str) -> Hint | None:
    """The hint of a `pull_request…` delivery whose body holds the number at its top."""
    if not (headers.get(kind) or "").startswith("pull_request"):
        return None
    fields = _object(parse(body), "the delivery")
    number = fields.values.get("number")
    holder = fields if number is not None else fields.part("pull_request")
    return Hint(holder.whole("number"), headers.get(delivery))
