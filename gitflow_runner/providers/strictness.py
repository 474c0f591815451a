"""What providers demand of a schema before they promise to keep to it."""

from __future__ import annotations

from collections.abc import Mapping

_MANY = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED = ("properties", "$defs", "definitions")


def is_strict(schema: object) -> bool:
    """Whether every object in it is closed and needs all of its properties."""
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        names = schema.get("properties")
        named = set(names) if isinstance(names, dict) else set()
        required = schema.get("required")
        if schema.get("additionalProperties") is not False:
            return False
        if named != (set(required) if isinstance(required, list) else set()):
            return False
    return all(is_strict(each) for each in _inside(schema))


def closed(schema: Mapping[str, object]) -> dict[str, object]:
    """The schema with every object closed that does not say otherwise: narrower, never wider."""
    copy: dict[str, object] = {key: _closed_at(key, value) for key, value in schema.items()}
    if schema.get("type") == "object" and "additionalProperties" not in schema:
        copy["additionalProperties"] = False
    return copy


def _closed_at(key: str, value: object) -> object:
    if key in _NAMED and isinstance(value, dict):
        return {name: closed(each) if isinstance(each, dict) else each for name, each in value.items()}
    if key in _MANY and isinstance(value, list):
        return [closed(each) if isinstance(each, dict) else each for each in value]
    if key in ("items", "additionalProperties") and isinstance(value, dict):
        return closed(value)
    return value


def _inside(schema: Mapping[str, object]) -> list[object]:
    found: list[object] = [schema.get("items"), schema.get("additionalProperties")]
    for key in _NAMED:
        named = schema.get(key)
        found += list(named.values()) if isinstance(named, dict) else []
    for key in _MANY:
        many = schema.get(key)
        found += many if isinstance(many, list) else []
    return found
