"""Malli's vector syntax as JSON Schema: the types and forms that flows write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.regex import Regex
from gitflow_runner.lang.values import Collection, Keyword, Symbol, Value

MAX_DEPTH = 32

Json = dict[str, object]

_PLAIN: Mapping[str, Mapping[str, object]] = {
    "any": {},
    "some": {"not": {"type": "null"}},
    "nil": {"type": "null"},
    "string": {"type": "string"},
    "int": {"type": "integer"},
    "integer": {"type": "integer"},
    "double": {"type": "number"},
    "float": {"type": "number"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "keyword": {"type": "string"},
    "symbol": {"type": "string"},
    "uuid": {"type": "string", "format": "uuid"},
    "map": {"type": "object"},
    "pos-int": {"type": "integer", "minimum": 1},
    "nat-int": {"type": "integer", "minimum": 0},
    "neg-int": {"type": "integer", "maximum": -1},
    "inst": {"type": "string", "format": "date-time"},
}
_BOUNDS: Mapping[str, tuple[str, str]] = {
    "string": ("minLength", "maxLength"),
    "int": ("minimum", "maximum"),
    "double": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "vector": ("minItems", "maxItems"),
    "sequential": ("minItems", "maxItems"),
    "set": ("minItems", "maxItems"),
    "map-of": ("minProperties", "maxProperties"),
}
_LIMITS = {">": "exclusiveMinimum", ">=": "minimum", "<": "exclusiveMaximum", "<=": "maximum"}
_LISTS: Mapping[str, Json] = {"set": {"uniqueItems": True}, "+": {"minItems": 1}}
_TOLD = ("title", "description", "default")


def json_schema(schema: Value, plain: Callable[[Value], object]) -> Json:
    """The JSON Schema of a shape: a Malli vector or name becomes one, a map is one already.

    `plain` turns data into what JSON has. `StepError` (`schema.malformed`) names what is not understood.
    """
    if isinstance(schema, Map):
        whole = plain(schema)
        assert isinstance(whole, dict), "a map becomes an object"
        return whole
    return _Malli(plain).read(schema, 0)


class _Malli:
    def __init__(self, plain: Callable[[Value], object]) -> None:
        self._plain = plain

    def read(self, form: Value, depth: int) -> Json:
        if depth > MAX_DEPTH:
            raise _malformed(f"a schema is nested deeper than {MAX_DEPTH}")
        if isinstance(form, Keyword | Symbol):
            return self._named(_name(form))
        if isinstance(form, Regex):
            return {"type": "string", "pattern": form.source}
        if not isinstance(form, Collection) or form.kind != "sequential" or isinstance(form, Map):
            raise _malformed(f"{str(form)[:60]!r} is no schema")
        head, *rest = list(form) or [None]
        if not isinstance(head, Keyword | Symbol):
            raise _malformed("a schema begins with its kind, as in [:map …]")
        options = rest.pop(0) if rest and isinstance(rest[0], Map) else Map()
        name = _name(head)
        made = self._form(name, rest, depth + 1)
        made.update(self._options(name, options))
        return made

    def _named(self, name: str) -> Json:
        found = _PLAIN.get(name)
        if found is None:
            raise _malformed(f"there is no schema {name[:60]!r}")
        return dict(found)

    def _form(self, name: str, items: Sequence[Value], depth: int) -> Json:
        match name:
            case "map":
                return self._map(items, depth)
            case "map-of":
                _, values = self._exactly(name, items, 2)
                return {"type": "object", "additionalProperties": self.read(values, depth)}
            case "vector" | "sequential" | "set" | "*" | "+":
                (item,) = self._exactly(name, items, 1)
                return {"type": "array", "items": self.read(item, depth)} | _LISTS.get(name, {})
            case "tuple":
                return {
                    "type": "array",
                    "prefixItems": [self.read(item, depth) for item in items],
                    "items": False,
                    "minItems": len(items),
                }
            case "enum":
                return {"enum": [self._plain(item) for item in items]}
            case "=":
                (item,) = self._exactly(name, items, 1)
                return {"const": self._plain(item)}
            case "maybe":
                (item,) = self._exactly(name, items, 1)
                return {"anyOf": [self.read(item, depth), {"type": "null"}]}
            case "or" | "and":
                key = "anyOf" if name == "or" else "allOf"
                return {key: [self.read(item, depth) for item in items]}
            case "not":
                (item,) = self._exactly(name, items, 1)
                return {"not": self.read(item, depth)}
            case "re":
                (item,) = self._exactly(name, items, 1)
                return {"type": "string", "pattern": item.source if isinstance(item, Regex) else str(item)}
            case ">" | ">=" | "<" | "<=":
                (item,) = self._exactly(name, items, 1)
                return {"type": "number", _LIMITS[name]: self._plain(item)}
            case _ if not items:
                return self._named(name)
            case _:
                raise _malformed(f"there is no schema [:{name[:60]} …]")

    def _map(self, entries: Sequence[Value], depth: int) -> Json:
        properties: Json = {}
        required: list[str] = []
        for entry in entries:
            if not isinstance(entry, Collection) or entry.kind != "sequential" or not list(entry):
                raise _malformed("an entry of [:map …] is [:key schema] or [:key {:optional true} schema]")
            key, *rest = list(entry)
            options = rest.pop(0) if len(rest) == 2 and isinstance(rest[0], Map) else Map()
            (form,) = self._exactly("map", rest, 1)
            name = _name(key) if isinstance(key, Keyword | Symbol) else str(key)
            properties[name] = self.read(form, depth) | self._told(options)
            if _option(options, "optional") is not True:
                required.append(name)
        made: Json = {"type": "object", "properties": properties}
        return made | {"required": required} if required else made

    def _options(self, name: str, options: Map) -> Json:
        made = self._told(options)
        low, high = _BOUNDS.get(name, ("", ""))
        for key, target in (("min", low), ("max", high)):
            if target and _option(options, key) is not None:
                made[target] = self._plain(_option(options, key))
        if name == "map" and _option(options, "closed") is True:
            made["additionalProperties"] = False
        return made

    def _told(self, options: Map) -> Json:
        return {key: self._plain(_option(options, key)) for key in _TOLD if _option(options, key) is not None}

    def _exactly(self, name: str, items: Sequence[Value], count: int) -> Sequence[Value]:
        if len(items) != count:
            raise _malformed(f"[:{name} …] takes {count}, not {len(items)}")
        return items


def _option(options: Map, name: str) -> Value:
    found = [value for key, value in options.items() if isinstance(key, Keyword) and key.text == name]
    return found[0] if found else None


def _name(form: Keyword | Symbol) -> str:
    text = str(form.text)
    # Predicates such as `string?` and `pos-int?` are schemas by themselves.
    return text.removesuffix("?") if isinstance(form, Symbol) else text


def _malformed(why: str) -> StepError:
    return StepError("schema.malformed", why, hint="write a Malli vector, or a JSON Schema as a map")
