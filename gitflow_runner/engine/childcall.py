"""`flow/call-flow`: the flow that is called, its input and its options, in each of the accepted shapes."""

from __future__ import annotations

from typing import Final

from gitflow_runner.engine.arguments import refused
from gitflow_runner.lang.collection import Map, map_of
from gitflow_runner.lang.fuel import Call
from gitflow_runner.lang.values import Keyword, Value, keyword
from gitflow_runner.model.ids import is_name

SLUG, INPUT = keyword("flow-slug"), keyword("input")
OPTIONS: Final = ("version", "target", "installation-id", "profile-id")
TARGETS: Final = ("live", "draft")
_CODE = "flow_call_flow_invalid"


def child_config(call: Call, behaviour: int) -> tuple[str, Map]:
    """The slug and the config of a call: `slug`, `slug input`, `slug input options`, or one map of all."""
    first, *rest = call.args
    if isinstance(first, Map) and not rest:
        config = first
    else:
        options = rest[1] if len(rest) == 2 else Map()
        if not isinstance(options, Map):
            raise refused(call, _CODE, "the options of flow/call-flow are a map")
        config = map_of((*options.items(), (SLUG, first), (INPUT, rest[0] if rest else None)))
    slug = _text(config.get(SLUG))
    if slug is None or not is_name(slug):
        raise refused(call, _CODE, "flow/call-flow takes the slug of a flow")
    if not isinstance(config.get(INPUT), Map | None):
        raise refused(call, _CODE, "the input of a called flow is a map")
    if behaviour >= 3:
        _check_options(call, config)
    return slug, config.assoc(SLUG, slug)


def _check_options(call: Call, config: Map) -> None:
    known = {SLUG, INPUT, *map(keyword, OPTIONS)}
    for key, value in config.items():
        if key not in known:
            hint = "known: " + " ".join(f":{name}" for name in OPTIONS)
            raise refused(call, _CODE, f"flow/call-flow has no option {str(key)[:60]}", hint)
        text = _text(value)
        if key == keyword("target") and text not in TARGETS:
            raise refused(call, _CODE, ":target of flow/call-flow is :live or :draft")
        if key in known - {SLUG, INPUT, keyword("version")} and text is None:
            raise refused(call, _CODE, f"{key} of flow/call-flow is a name")
    if config.has(keyword("version")) and config.has(keyword("target")):
        raise refused(call, _CODE, "flow/call-flow takes :version or :target, not both")


def _text(value: Value) -> str | None:
    found = value.text if isinstance(value, Keyword) else value
    return found if isinstance(found, str) else None
