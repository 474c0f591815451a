"""The `:persist` option: a result put into the store, and the reference that stands for it."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.errors import LangError, StepError
from gitflow_runner.lang.collection import Map, map_of
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.values import Bytes, Value, keyword
from gitflow_runner.steps.base import BlobRef, Context
from gitflow_runner.steps.config import name_of, persist_settings, text_of
from gitflow_runner.steps.keyvalue import key_of, put
from gitflow_runner.steps.tabular import persist_rows

MAX_RETAINED_BYTES = 50_000_000
MAX_EPHEMERAL_BYTES = 4_000_000_000  # only for what is never whole in memory


def persist(result: Value, config: Mapping[str, object], context: Context) -> Value:
    """The result, or the reference to it where the config says `:persist`.

    Every step's result passes here once. One that already carries `:blob-ref` stays as it is.
    `StepError` (`config_*`, `persist.too_large`, `persist.rows`, `table.*`).
    """
    options = config.get("persist")
    if options is None or (isinstance(result, Map) and result.has(keyword("blob-ref"))):
        return result
    settings = persist_settings(options)
    if name_of(settings["type"]) == "table":
        return persist_rows(result, settings, context)
    if name_of(settings["type"]) == "kv":
        key = key_of(settings["key"])
        put(key, result, settings, context, only_new=False)
        return map_of([(keyword("type"), keyword("kv")), (keyword("key"), key)])
    data, media = content_of(result)
    return store(data, media, settings, context)


def content_of(value: Value) -> tuple[bytes, str]:
    """The bytes that stand for a value, and their media type: text and bytes bare, the rest as EDN."""
    match value:
        case str():
            return value.encode(), "text/plain; charset=utf-8"
        case Bytes():
            return value.value, "application/octet-stream"
        case _:
            return _edn(value).encode(), "application/edn"


def _edn(value: Value) -> str:
    try:
        return write(value, limit=MAX_RETAINED_BYTES)
    except LangError as error:
        raise StepError("persist.unwritable", f"the result cannot be stored: {error.message}") from None


def tier_limit(settings: Mapping[str, object]) -> int:
    """How many bytes a stored value of the `:tier` may have."""
    return MAX_EPHEMERAL_BYTES if text_of(settings, "tier") == "ephemeral" else MAX_RETAINED_BYTES


def store(data: bytes, media: str, settings: Mapping[str, object], context: Context) -> Map:
    """Put the bytes into the store and give back their reference map."""
    if len(data) > MAX_RETAINED_BYTES:
        raise StepError(
            "persist.too_large", f"{len(data)} bytes are more than a stored value may hold", definite=False
        )
    put = context.blobs.put(data, text_of(settings, "content-type") or media)
    return reference(put, settings, context)


def reference(put: BlobRef, settings: Mapping[str, object], context: Context) -> Map:
    """The map of a stored value; all four names of its URI are there, since flows use any of them."""
    if settings.get("signed-url"):
        context.log.line("persist: no signed URL is made; the value lies in the run under its res:// name")
    filename = text_of(settings, "filename")
    pairs: list[tuple[Value, Value]] = [(keyword("type"), keyword("blob"))]
    pairs += [(keyword(name), put.uri) for name in ("ref", "blob-ref", "uri", "resource-uri")]
    pairs += [
        (keyword("path"), f"sha256/{put.sha256}"),
        (keyword("sha256"), put.sha256),
        (keyword("size-bytes"), put.size),
        (keyword("content-type"), put.media_type),
        (keyword("tier"), keyword(text_of(settings, "tier") or "retained")),
    ]
    if filename is not None:
        pairs.append((keyword("filename"), filename))
    return map_of(pairs)
