"""A step's `:template` and `:data`: the named template, rendered, below the step's own keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import EMPTY_MAP, Map, Vec, map_of
from gitflow_runner.lang.values import Collection, Value, keyword
from gitflow_runner.steps.base import Context
from gitflow_runner.steps.config import name_of, plain_config


def with_template(config: Mapping[str, object], context: Context, part: str) -> dict[str, object]:
    """The config without `:template` and `:data`, its own keys above those of the template's `part`."""
    own = {key: value for key, value in config.items() if key not in ("template", "data")}
    filled = template_part(config, context, part)
    return filled | {key: value for key, value in own.items() if value is not None} if filled else own


def template_part(config: Mapping[str, object], context: Context, part: str) -> dict[str, object]:
    """The map under `part` (`request`, `channels`) of the named template; empty if none is named.

    Every string of the template is rendered once with `:data`; what the data holds is never rendered
    again. `StepError` (`template.unknown`, `template.shape`, `template.syntax`…).
    """
    named = _named(config, context)
    if named is None:
        return {}
    name, template = named
    body = template.get(keyword(part))
    if not isinstance(body, Map):
        raise StepError("template.shape", f"the template :{name} has no map under :{part}")
    return plain_config(rendered(body, config.get("data") or EMPTY_MAP, context))


def template_texts(config: Mapping[str, object], context: Context, parts: Sequence[str]) -> dict[str, str]:
    """The texts under `parts` (`sql`; `system`, `prompt`) of the named template, rendered; the same errors.

    Where a template is named, at least one of them is there.
    """
    named = _named(config, context)
    if named is None:
        return {}
    name, template = named
    found = {part: text for part in parts if isinstance(text := template.get(keyword(part)), str)}
    if not found:
        listed = " or ".join(f":{part}" for part in parts)
        raise StepError("template.shape", f"the template :{name} has no text under {listed}")
    data = config.get("data") or EMPTY_MAP
    return {part: str(rendered(text, data, context)) for part, text in found.items()}


def _named(config: Mapping[str, object], context: Context) -> tuple[str, Map] | None:
    if config.get("template") is None:
        return None
    name = name_of(config["template"])
    template = context.templates.get(name)
    if template is None:
        raise StepError("template.unknown", f"the flow has no template :{name[:64]}")
    if not isinstance(template, Map):
        raise StepError("template.shape", f"the template :{name[:64]} is not a map")
    return name[:64], template


def rendered(value: Value, data: Value, context: Context) -> Value:
    """The value with every string in it rendered, keys of maps left alone."""
    match value:
        case str():
            if "{{" not in value:
                return value
            if context.render is None:
                raise StepError("template.unavailable", "templates are not rendered here")
            return context.render(value, data)
        case Map():
            return map_of(
                [(key, rendered(item, data, context)) for key, item in value.items()], loose=value.loose
            )
        case Collection() if value.kind == "sequential":
            return Vec(tuple(rendered(item, data, context) for item in value))
        case _:
            return value
