"""`.breyta/config.yaml`: the runner's settings, read strictly, and what they default to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml

from gitflow_runner.errors import Place, UsageError
from gitflow_runner.providers.prices import CURRENCY, KEYS, PriceTable

PATH = ".breyta/config.yaml"
_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """`allow` names addresses that are private and yet meant: `http://127.0.0.1:8080`.

    `max_response_bytes` bounds an answer that is read into memory, whatever a step asks for; one that goes
    straight into the store is bounded by its tier.
    """

    allow: tuple[str, ...] = ()
    max_response_bytes: int = 10_000_000


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """Bounds of one run; lengths in ms, sizes in bytes."""

    fuel: int = 5_000_000
    inline_bytes: int = 256 * 1024
    steps: int = 10_000
    run_ms: int = 30 * 86_400_000
    step_ms: int = 900_000


Where = Literal["worker", "in-process"]


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """What one call of a function in a process of its own may use of the machine, besides its fuel."""

    memory_bytes: int = 512 * 1024 * 1024
    cpu_seconds: int = 10
    wall_ms: int = 10_000


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """Where functions run: code that somebody signed in this process, any other in one of its own."""

    drafts: Where = "worker"
    releases: Where = "in-process"
    worker: WorkerLimits = WorkerLimits()


@dataclass(frozen=True, slots=True)
class ForgeSettings:
    """Where proposals become changes.

    `connection` names the service that brings address and token; without one `url` is the address and
    `token` the name of an environment variable. `hint_secret` names a variable or a kept secret.

    `name` is what the policy calls the forge in `:forge {…}` of its people, `remote` the Git remote whose
    branches are the forge's; None takes the one that runs are shared through, or this repository.
    """

    kind: str
    name: str
    url: str = ""
    project: str = ""
    token: str | None = None
    hint_secret: str | None = None
    remote: str | None = None
    connection: str | None = None


@dataclass(frozen=True, slots=True)
class ResourceSettings:
    """The bucket that large values lie in: the connection that leads to it, and a folder in it, if any."""

    connection: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the runner can be told in its file; without `forge` nothing is proposed.

    Without `resources` large values lie on disk.
    """

    http: HttpSettings = HttpSettings()
    limits: LimitSettings = LimitSettings()
    functions: FunctionSettings = FunctionSettings()
    forge: ForgeSettings | None = None
    prices: PriceTable = field(default_factory=PriceTable)
    resources: ResourceSettings | None = None


def parse_settings(data: bytes | None, *, file: str = PATH) -> Settings:
    """Settings from the file's bytes (None: all defaults).

    Raises `UsageError` (`config.unreadable`, `config.unknown_key`, `config.type`) with the place.
    """
    if data is None:
        return Settings()
    if len(data) > _LIMIT:
        raise UsageError("config.unreadable", f"{file} is larger than {_LIMIT} bytes", at=Place(file=file))
    try:
        document = yaml.safe_load(data)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(file=file, line=mark.line + 1, col=mark.column + 1) if mark else Place(file=file)
        problem = getattr(error, "problem", None) or "not YAML"
        raise UsageError("config.unreadable", f"{file} cannot be read: {problem}", at=place) from None
    known = {"http", "limits", "functions", "forge", "models", "resources"}
    top = _mapping(document or {}, "the file", file, known)
    http = _mapping(top.get("http") or {}, "http", file, {"allow", "max-response-bytes"})
    limits = _mapping(
        top.get("limits") or {},
        "limits",
        file,
        {"fuel", "inline-bytes", "steps", "run-seconds", "step-seconds"},
    )
    given, bounds = HttpSettings(), LimitSettings()
    return Settings(
        HttpSettings(
            _texts(http.get("allow", ()), "http.allow", file),
            _whole(http, "max-response-bytes", given.max_response_bytes, "http", file),
        ),
        LimitSettings(
            _whole(limits, "fuel", bounds.fuel, "limits", file),
            _whole(limits, "inline-bytes", bounds.inline_bytes, "limits", file),
            _whole(limits, "steps", bounds.steps, "limits", file),
            _whole(limits, "run-seconds", bounds.run_ms // 1_000, "limits", file) * 1_000,
            _whole(limits, "step-seconds", bounds.step_ms // 1_000, "limits", file) * 1_000,
        ),
        _functions(top.get("functions") or {}, file),
        None if top.get("forge") is None else _forge(top["forge"], file),
        _prices(top.get("models") or {}, file),
        None if top.get("resources") is None else _resources(top["resources"], file),
    )


def work_tree_settings(work_dir: Path) -> Settings:
    """The settings as they stand in the work tree."""
    path = work_dir / PATH
    if not path.is_file() or path.is_symlink():
        return parse_settings(None)
    with path.open("rb") as file:
        return parse_settings(file.read(1 << 20))


def _functions(value: object, file: str) -> FunctionSettings:
    known = {"drafts", "releases", "memory-mb", "cpu-seconds", "wall-seconds"}
    found = _mapping(value, "functions", file, known)
    usual, most = FunctionSettings(), WorkerLimits()
    return FunctionSettings(
        _where(found, "drafts", usual.drafts, file),
        _where(found, "releases", usual.releases, file),
        WorkerLimits(
            _whole(found, "memory-mb", most.memory_bytes >> 20, "functions", file) << 20,
            _whole(found, "cpu-seconds", most.cpu_seconds, "functions", file),
            _whole(found, "wall-seconds", most.wall_ms // 1_000, "functions", file) * 1_000,
        ),
    )


def _prices(value: object, file: str) -> PriceTable:
    """`models: {prices: {MODEL: {input-per-million: 3, output-per-million: 15}}}`."""
    listed = _mapping(value, "models", file, {"prices"}).get("prices") or {}
    if not isinstance(listed, dict) or not all(isinstance(name, str) for name in listed):
        raise UsageError("config.type", f"{file}: models.prices is not a map by model", at=Place(file=file))
    found: dict[str, Mapping[str, object]] = {}
    for name, entry in listed.items():
        where = f"models.prices.{name[:80]}"
        found[name] = _mapping(entry, where, file, {*KEYS, CURRENCY})
        for key, price in entry.items():
            right = isinstance(price, str) if key == CURRENCY else _is_price(price)
            if not right:
                what = "a currency such as USD" if key == CURRENCY else "a price, a number from 0"
                raise UsageError("config.type", f"{file}: {where}.{key} is not {what}", at=Place(file=file))
    return PriceTable(found)


def _is_price(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9


def _where(values: Mapping[str, object], key: str, default: Where, file: str) -> Where:
    match values.get(key, default):
        case ("worker" | "in-process") as where:
            return where
        case _:
            raise UsageError(
                "config.type",
                f"{file}: functions.{key} is neither worker nor in-process",
                at=Place(file=file),
            )


_WORD = re.compile(r"[a-z][a-z0-9-]{0,31}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_CONNECTION = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,127}")
_REMOTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PREFIX = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}(/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}){0,7}")
_ADDRESS = re.compile(r"https?://[^\s?#@]{1,400}")
_PROJECT = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")


def _forge(value: object, file: str) -> ForgeSettings:
    known = {"kind", "name", "url", "project", "token", "webhook-secret", "remote", "connection"}
    found = _mapping(value, "forge", file, known)
    kind = _matching(found, "kind", _WORD, file)
    if kind is None:
        raise UsageError("config.type", f"{file}: forge has no kind", at=Place(file=file))
    connection = _matching(found, "connection", _CONNECTION, file)
    if connection is not None and ("url" in found or "token" in found):
        raise UsageError(
            "config.type",
            f"{file}: forge.connection brings address and token: leave forge.url and forge.token out",
            at=Place(file=file),
        )
    return ForgeSettings(
        kind,
        _matching(found, "name", _WORD, file) or kind,
        (_matching(found, "url", _ADDRESS, file) or "").rstrip("/"),
        _matching(found, "project", _PROJECT, file) or "",
        _matching(found, "token", _VARIABLE, file),
        _matching(found, "webhook-secret", _VARIABLE, file),
        _matching(found, "remote", _REMOTE, file),
        connection,
    )


def _resources(value: object, file: str) -> ResourceSettings:
    found = _mapping(value, "resources", file, {"connection", "prefix"})
    connection = _matching(found, "connection", _CONNECTION, file, "resources")
    if connection is None:
        raise UsageError("config.type", f"{file}: resources has no connection", at=Place(file=file))
    return ResourceSettings(connection, _matching(found, "prefix", _PREFIX, file, "resources") or "")


def _matching(
    values: Mapping[str, object], key: str, form: re.Pattern[str], file: str, section: str = "forge"
) -> str | None:
    value = values.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not form.fullmatch(value):
        # What stands there is not shown: a token may have been written in place of its variable's name.
        raise UsageError(
            "config.type",
            f"{file}: {section}.{key} is not of the form {form.pattern}",
            hint="connection, token and webhook-secret are names, never the values",
            at=Place(file=file),
        )
    return value


def _mapping(value: object, name: str, file: str, known: set[str]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise UsageError("config.type", f"{file}: {name} is not a map", at=Place(file=file))
    for key in value:
        if key not in known:
            raise UsageError(
                "config.unknown_key",
                f"{file}: {name} has no setting {key!r}",
                hint="known here: " + ", ".join(sorted(known)),
                at=Place(file=file),
            )
    return value


def _texts(value: object, name: str, file: str) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
        raise UsageError("config.type", f"{file}: {name} is not a list of texts", at=Place(file=file))
    return tuple(value)


def _whole(values: Mapping[str, object], key: str, default: int, name: str, file: str) -> int:
    value = values.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise UsageError(
            "config.type", f"{file}: {name}.{key} is not a whole number above 0", at=Place(file=file)
        )
    return value
