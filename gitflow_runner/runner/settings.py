"""`.breyta/config.yaml`: the runner's settings, read strictly, and what they default to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from gitflow_runner.errors import Place, UsageError

PATH = ".breyta/config.yaml"
_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """`allow` names addresses that are private and yet meant: `http://127.0.0.1:8080`."""

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


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the runner can be told in its file."""

    http: HttpSettings = HttpSettings()
    limits: LimitSettings = LimitSettings()


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
    top = _mapping(document or {}, "the file", file, {"http", "limits"})
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
    )


def work_tree_settings(work_dir: Path) -> Settings:
    """The settings as they stand in the work tree."""
    path = work_dir / PATH
    if not path.is_file() or path.is_symlink():
        return parse_settings(None)
    with path.open("rb") as file:
        return parse_settings(file.read(1 << 20))


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
