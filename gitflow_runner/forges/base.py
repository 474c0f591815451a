"""What a forge is, the ports it gets, and the errors that it answers with.

A forge is asked, never believed: what it tells of a change is weighed against Git by `trust.changes`.

Errors are `StepError`s: `forge.denied` (401, 403), `forge.no_change` (404), `forge.rate_limited` (with
`retry_after_ms`), `forge.unavailable` (5xx), `forge.refused` (any other status from 400 on),
`forge.redirect`, `forge.malformed` (what came is not what the interface promises), `forge.replayed_etag`
(an answer "not modified" to a question that was not asked), `forge.settings`, and those of the client
(`http.*`).
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Protocol

from gitflow_runner.model.change import Change, ChangeState
from gitflow_runner.net.exchange import Cancel, HttpRequest, HttpResponse


class Http(Protocol):
    """The one HTTP client."""

    def send(self, request: HttpRequest, cancel: Cancel) -> HttpResponse:
        """Send and read; `StepError` (`http.*`)."""
        ...


@dataclass(frozen=True, slots=True)
class Site:
    """One project on one forge; `url` is the root of its interface, without a slash at its end.

    The token goes to the origin of `url` and nowhere else.
    """

    url: str
    project: str
    token: str | None = field(default=None, repr=False)
    hint_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that may be asked for again by its tag."""

    etag: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that a forge may use; `kept` are answers by URL, shared by the looks of one process.

    `now_ms` is the wall clock, for rate limits that end at a time of day.
    """

    http: Http
    cancel: Cancel
    kept: MutableMapping[str, Kept]
    now_ms: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A change to open: from `branch`, which was pushed, into `base`."""

    branch: str
    base: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment to leave once: `mark` stands in `body` and in no other comment."""

    body: str
    mark: str


@dataclass(frozen=True, slots=True)
class Raw:
    """One answer that a verdict rests on, as it came."""

    url: str
    etag: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """What a forge says of a change now, and the answers that say it."""

    change: Change
    raw: tuple[Raw, ...]


@dataclass(frozen=True, slots=True)
class Hint:
    """A delivery that is genuine: this change may have moved. Nothing else in it is used."""

    number: int
    delivery: str | None


class Forge(Protocol):
    """A kind of forge. `tells` is False where there is nobody to ask and git is all there is."""

    @property
    def tells(self) -> bool:
        """Whether the forge can be asked about changes."""
        ...

    def check(self, site: Site) -> None:
        """Refuse a site that can never work (`forge.settings`); nothing is sent."""
        ...

    def who(self, site: Site, ports: Ports) -> str:
        """The login behind the token; the quickest question there is."""
        ...

    def find(self, site: Site, branch: str, base: str, ports: Ports) -> Change | None:
        """The newest change from that branch of this project, whatever its state; reviews are not read."""
        ...

    def open(self, site: Site, draft: Draft, ports: Ports) -> Change:
        """Open a change. Call `find` first: a repeat may open a second one or be refused."""
        ...

    def look(self, site: Site, number: int, ports: Ports) -> Told:
        """The change with all of its reviews; answers that did not move cost the forge nothing."""
        ...

    def close(self, site: Site, number: int, remark: Remark, ports: Ports) -> ChangeState:
        """Close a change that is open, after saying why; how it stood before.

        A repeat says nothing a second time, and leaves alone what was merged or closed meanwhile.
        """
        ...

    def hint(self, site: Site, headers: Mapping[str, str], body: bytes, now_ms: int) -> Hint | None:
        """The change that a genuine delivery speaks of, None for one of another kind.

        `headers` have lower-case names; a time that is signed has to be near `now_ms`. `StepError`
        (`forge.hint_refused`) for a delivery that is not signed with the site's secret, `forge.malformed`
        for one that cannot be read.
        """
        ...
