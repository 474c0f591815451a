"""The `:kv` step: a small durable store of named values, shared by the runs of a scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map, Vec
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.values import Collection, Value
from gitflow_runner.model.spec import Effect, Field, Needs, Spec
from gitflow_runner.schemas.jsontext import from_plain, to_plain
from gitflow_runner.steps.base import Context, KvEntry
from gitflow_runner.steps.config import name_of, text_of, whole_number
from gitflow_runner.steps.keyvalue import expires_at, key_of, put, result, stored_text, stored_value

_READS = ("get", "exists", "list-keys")
OPERATIONS = (*_READS, "set", "delete", "increment", "append")
_KEY = (("key",),)
_NEEDS = Needs(
    "operation", {name: _KEY for name in OPERATIONS if name != "list-keys"} | {"set": (*_KEY, ("value",))}
)


def _effect(config: Mapping[str, object]) -> Effect:
    return "read" if name_of(config.get("operation")) in _READS else "keyed"


SPEC = Spec(
    type="kv",
    summary="Reads and changes named values that outlive the run.",
    effect=_effect,
    fields=(
        Field("operation", "name", "what to do", required=True, choices=OPERATIONS),
        Field("key", "name", "at most 256 of a-z A-Z 0-9 _ : -"),
        Field("value", "any", "what `:set` keeps, up to 1 MB"),
        Field("default", "any", "what `:get` gives for a missing key"),
        Field("ttl", "integer", "seconds until the value expires, up to a year"),
        Field("metadata", "map", "kept beside the value"),
        Field("if-not-exists", "boolean", "`:set` leaves an existing value alone"),
        Field("delta", "number", "what `:increment` adds, 1 if absent"),
        Field("item", "any", "what `:append` adds"),
        Field("items", "vector", "several of them"),
        Field("max-length", "integer", "`:append` keeps that many of the newest, 1000 if absent"),
        Field("prefix", "string", "`:list-keys` gives the keys that begin so"),
        Field("limit", "integer", "at most that many keys, up to 1000"),
    ),
    example='{:operation :set :key "last-build" :value {:id 7} :ttl 86400}',
    needs=_NEEDS,
)


class KvStep:
    """Runs one operation; a write counts once for each execution of the step, however often it is tried."""

    spec = SPEC

    def run(self, config: Mapping[str, object], context: Context) -> object:
        """The operation's result map; `StepError` (`kv.*`, `missing_config_key`)."""
        if context.cancel.asked():
            raise StepError("step.cancelled", "the step was given up before it began")
        operation = name_of(config["operation"])
        if operation == "list-keys":
            return _list_keys(config, context)
        key = key_of(config["key"])
        match operation:
            case "get":
                return _get(key, config, context)
            case "exists":
                return result(key=key, exists_=context.kv.get(key) is not None)
            case "set":
                return put(
                    key, config["value"], config, context, only_new=config.get("if-not-exists") is True
                )
            case "delete":
                return _update(key, context, lambda old: (None, result(key=key, existed_=old is not None)))
            case "increment":
                return _increment(key, config, context)
            case _:
                return _append(key, config, context)


STEP = KvStep()


def _update(
    key: str, context: Context, change: Callable[[KvEntry | None], tuple[KvEntry | None, Value]]
) -> Value:
    def swap(old: KvEntry | None) -> tuple[KvEntry | None, str]:
        new, answer = change(old)
        return new, write(answer)

    return read_data(context.kv.update(key, context.key, swap), loose=True)


def _get(key: str, config: Mapping[str, object], context: Context) -> Value:
    entry = context.kv.get(key)
    value = config.get("default") if entry is None else stored_value(entry.text)
    found = result(value=value, exists_=entry is not None)
    if entry is None or entry.metadata is None:
        return found
    return result(value=value, exists_=True, metadata=stored_value(entry.metadata))


def _list_keys(config: Mapping[str, object], context: Context) -> Value:
    limit = whole_number(config, "limit", default=100, low=1, high=1_000)
    keys = Vec(tuple(context.kv.keys(text_of(config, "prefix") or "", limit)))
    return result(keys=keys, count=len(keys))


def _increment(key: str, config: Mapping[str, object], context: Context) -> Value:
    given = config.get("delta")
    delta = 1 if given is None else to_plain(given)
    assert isinstance(delta, int | float), "checked as a number"
    until = expires_at(config, context)

    def change(old: KvEntry | None) -> tuple[KvEntry | None, Value]:
        before = 0 if old is None else stored_value(old.text)
        number = to_plain(before)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise StepError("kv.not_a_number", f"the value of {key} is not a number")
        after = from_plain(number + delta)
        entry = KvEntry(
            stored_text(after),
            until if until is not None or old is None else old.expires_at,
            None if old is None else old.metadata,
        )
        return entry, result(key=key, value=after, previous=before)

    return _update(key, context, change)


def _append(key: str, config: Mapping[str, object], context: Context) -> Value:
    added = _added(config)
    keep = whole_number(config, "max-length", default=1_000, low=1, high=100_000)
    until = expires_at(config, context)

    def change(old: KvEntry | None) -> tuple[KvEntry | None, Value]:
        before = Vec() if old is None else stored_value(old.text)
        if isinstance(before, Map) or not isinstance(before, Collection):
            raise StepError("kv.not_a_list", f"the value of {key} is not a list")
        items = [*before, *added][-keep:]
        entry = KvEntry(
            stored_text(Vec(tuple(items))),
            until if until is not None or old is None else old.expires_at,
            None if old is None else old.metadata,
        )
        return entry, result(key=key, count=len(items))

    return _update(key, context, change)


def _added(config: Mapping[str, object]) -> list[Value]:
    given = [name for name in ("item", "value") if name in config]
    items = config.get("items")
    if items is not None:
        given.append("items")
    if len(given) != 1:
        raise StepError("config_one_of", ":kv :append takes exactly one of :item, :items")
    if items is None:
        return [config[given[0]]]
    assert isinstance(items, Collection), "checked as a vector"
    return list(items)
