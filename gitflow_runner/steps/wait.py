"""The `:wait` step: what a run asks of people or of the outside before it goes on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map, map_of
from gitflow_runner.lang.values import Collection, Value, keyword
from gitflow_runner.model.spec import Field, Spec
from gitflow_runner.steps.base import Context
from gitflow_runner.steps.config import length_ms, name_of, text_of, whole_number
from gitflow_runner.steps.propose import ProposeRequest, propose_request

DEFAULT_TIMEOUT_MS = 86_400_000
MAX_TIMEOUT_MS = 30 * 86_400_000
DEFAULT_ACTIONS = ("approve", "reject")
MAX_EDIT_BYTES = 1_000_000

_ACTION = re.compile(r"[a-z][a-z0-9-]{0,31}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEY = re.compile(r"[^\s\x00-\x1f\x7f]{1,256}")
_ASKING = (
    "key",
    "title",
    "notify",
    "payload",
    "edit",
    "propose",
    "actions",
    "roles",
    "need",
    "approvals",
    "exclude",
    "human",
)

SPEC = Spec(
    type="wait",
    summary="Stops the run until people decide or an event comes.",
    effect="suspend",
    fields=(
        Field(
            "kind",
            "name",
            "`:event` with `:webhook` or `:event`, else `:approval`",
            choices=("approval", "event"),
        ),
        Field("key", "name", "names the wait; unique among open ones"),
        Field("on-timeout", "name", "what a time-out does", choices=("fail", "continue")),
        Field("default-value", "any", "result of an event wait that timed out and continues"),
        Field("notify", "map", "how people hear of it"),
        Field("webhook", "map", "`{:path … :auth {…}}`: a callback completes it"),
        Field("event", "map", "`{:name … :key {:path […]}}`: an event completes it"),
        Field("event-key-path", "vector", "where an event's payload holds the key"),
        Field("payload", "any", "what people must see; title and notify data if absent"),
        Field("edit", "map", "texts that people may change, by file name"),
        Field(
            "propose",
            "any",
            "open a branch and a change that people may merge: `true` or `{:files {path text} :title :body}`",
        ),
        Field("actions", "vector", "the decisions to choose from"),
        Field(
            "roles",
            "vector",
            "any of which may decide, or answer an event wait by Git; never more than the policy allows",
        ),
        Field("need", "integer", "how many people must agree; never fewer than the policy asks"),
        Field("approvals", "integer", "another name of `:need`"),
        Field("exclude", "vector", "who may not decide, besides those that the policy excludes"),
        Field("human", "boolean", "only people may decide"),
        Field("validation", "map", "`{:required [:status …]}`: what an answer must hold"),
    ),
    example='{:key "ship" :title "Ship it?" :timeout "2h" :payload {:version 7} :roles [:ops] :need 2}',
)


@dataclass(frozen=True, slots=True)
class WaitRequest:
    """A wait as it is asked for; the policy may tighten it. Lengths are in ms.

    `edit` is sorted by file name. An approval that times out is `expired`, never its default value
    (protocol 6.2).
    """

    kind: Literal["approval", "event"]
    key: str
    timeout_ms: int
    on_timeout: Literal["fail", "continue"]
    default: Value
    title: str | None
    payload: Value
    edit: Mapping[str, str]
    propose: ProposeRequest | None
    actions: tuple[str, ...]
    roles: tuple[str, ...]  # any of them; none leaves it to the policy
    need: int
    exclude: tuple[str, ...]
    human: bool
    notify: Map | None
    webhook: Map | None
    event: Map | None
    required: tuple[str, ...]


def wait_request(config: Mapping[str, object], *, default_key: str) -> WaitRequest:
    """The wait of a checked config; `default_key` names one that has no `:key`.

    `StepError` (`config_*`, `missing_config_key`, `wait.too_long`).
    """
    going_on = text_of(config, "on-timeout") == "continue"
    kind = _kind(config, going_on)
    key = text_of(config, "key")
    if key is not None and not _KEY.fullmatch(key):
        raise StepError("config_type", ":key must be 1 to 256 characters without spaces")
    if key is None and kind == "event" and not going_on:
        raise StepError("missing_config_key", ":wait for an event needs :key or :on-timeout :continue")
    return WaitRequest(
        kind=kind,
        key=key or default_key,
        timeout_ms=_timeout_ms(config),
        on_timeout="continue" if going_on else "fail",
        default=config.get("default-value"),
        title=text_of(config, "title"),
        payload=_payload(config),
        edit=_edit(config.get("edit")),
        propose=_propose(config, kind),
        actions=_actions(config.get("actions")) if kind == "approval" else (),
        roles=tuple(dict.fromkeys(_names(config.get("roles")))),
        need=_need(config),
        exclude=_names(config.get("exclude")),
        human=config.get("human") is True,
        notify=_map(config.get("notify")),
        webhook=_map(config.get("webhook")),
        event=_event(config),
        required=_required(_map(config.get("validation"))),
    )


def _kind(config: Mapping[str, object], going_on: bool) -> Literal["approval", "event"]:
    events = [name for name in ("webhook", "event", "event-key-path") if config.get(name) is not None]
    # Where nothing asks anybody, nobody is asked: imported flows write a plain delay so.
    delay = going_on and all(config.get(name) is None for name in _ASKING)
    stated = text_of(config, "kind")
    if stated == "approval" and events:
        raise StepError("config_one_of", f":kind :approval cannot be completed by :{events[0]}")
    if stated is None:
        stated = "event" if events or delay else "approval"
    return "event" if stated == "event" else "approval"


def _timeout_ms(config: Mapping[str, object]) -> int:
    value = config.get("timeout")
    length = DEFAULT_TIMEOUT_MS if value is None else length_ms("timeout", value)
    if length > MAX_TIMEOUT_MS:
        raise StepError("wait.too_long", "a wait lasts at most 30 days", hint='write :timeout "30d" or less')
    return length


def _payload(config: Mapping[str, object]) -> Value:
    if config.get("payload") is not None:
        return config["payload"]
    notify = _map(config.get("notify"))
    data = notify.get(keyword("data")) if notify is not None else None
    parts = [(keyword("title"), config.get("title")), (keyword("data"), data)]
    return map_of([(name, value) for name, value in parts if value is not None])


def _edit(value: object) -> Mapping[str, str]:
    if not isinstance(value, Map):
        return {}
    files = {name_of(name): text for name, text in value.items()}
    for name, text in files.items():
        if not _FILE.fullmatch(name) or name == "form.edn":
            raise StepError("config_type", f":edit cannot hold a file {name[:64]!r}")
        if not isinstance(text, str) or len(text.encode()) > MAX_EDIT_BYTES:
            raise StepError("config_type", f":edit {name}: a text of at most {MAX_EDIT_BYTES} bytes")
    return dict(sorted(files.items()))


def _propose(config: Mapping[str, object], kind: Literal["approval", "event"]) -> ProposeRequest | None:
    request = propose_request(config.get("propose"))
    if request is not None and kind != "approval":
        raise StepError("config_one_of", "only a wait for an approval can :propose")
    return request


def _actions(value: object) -> tuple[str, ...]:
    if value is None:
        return DEFAULT_ACTIONS
    names = _names(value)
    if not names or len(set(names)) < len(names) or not all(_ACTION.fullmatch(name) for name in names):
        raise StepError("config_type", ":actions must be different names of a-z 0-9 -")
    return names


def _need(config: Mapping[str, object]) -> int:
    given = [name for name in ("need", "approvals") if config.get(name) is not None]
    if len(given) > 1:
        raise StepError("config_one_of", ":wait takes :need or :approvals, not both")
    return whole_number(config, given[0], default=1, low=1, high=20) if given else 1


def _names(value: object) -> tuple[str, ...]:
    return tuple(name_of(item) for item in value) if isinstance(value, Collection) else ()


def _required(validation: Map | None) -> tuple[str, ...]:
    """The names that an answer must hold: those of `:required`, else the keys of the map."""
    if validation is None:
        return ()
    named = validation.get(keyword("required"))
    if isinstance(named, Collection):
        return _names(named)
    return tuple(name_of(key) for key, _ in validation.items())


def _map(value: object) -> Map | None:
    return value if isinstance(value, Map) else None


def _event(config: Mapping[str, object]) -> Map | None:
    event, path = _map(config.get("event")), config.get("event-key-path")
    if path is None:
        return event
    keyed = map_of([(keyword("path"), path)])
    return (event or Map()).assoc(keyword("key"), keyed)


class WaitStep:
    """Only its spec is used: a wait is opened by the runner, not run by a step."""

    spec = SPEC

    def run(self, config: Mapping[str, object], context: Context) -> object:
        """Never called; `StepError` (`step.suspends`)."""
        raise StepError("step.suspends", ":wait is opened by the runner and runs nothing")


STEP = WaitStep()
