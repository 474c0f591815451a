"""An HTTP answer as a value: its headers, and its body read as the config or the media type says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree

import yaml

from gitflow_runner.errors import LangError, StepError
from gitflow_runner.lang.collection import Map, Vec, map_of
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.values import Bytes, Value, keyword
from gitflow_runner.schemas.jsontext import MAX_DEPTH, from_plain, read_json
from gitflow_runner.steps.base import HttpResponse
from gitflow_runner.steps.config import name_of

READINGS = ("auto", "json", "jsonl", "sse", "text", "bytes", "edn", "xml", "yaml")
MAX_RETRY_AFTER_MS = 86_400_000
EXCERPT = 500  # characters of a body that cannot be read

_NEVER_SHOWN = frozenset({"set-cookie", "set-cookie2", "authorization", "proxy-authenticate"})
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
_EVENT_FIELDS = ("event", "data", "id", "retry")


def media_type(response: HttpResponse) -> str:
    """The media type in lower case without parameters; empty if none is stated."""
    return (response.header("content-type") or "").partition(";")[0].strip().lower()


def shown_headers(response: HttpResponse, wanted: object) -> Map:
    """The headers by lower-case name; cookies and the like only where they are asked for by name."""
    names = None if wanted is None else {name_of(name).lower() for name in wanted}  # type: ignore[attr-defined]  # checked as a vector
    shown: dict[str, str] = {}
    for name, value in response.headers:
        key = name.lower()
        if (key in names) if names is not None else (key not in _NEVER_SHOWN):
            shown[key] = f"{shown[key]}, {value}" if key in shown else value
    return Map(dict(shown), loose=True)


def read_body(response: HttpResponse, reading: str) -> Value:
    """The body as a value, `Bytes` for a binary one; `StepError` (`http.body`) if it cannot be read so."""
    if reading == "auto":
        reading = _reading_for(response)
    if reading == "bytes":
        return Bytes(response.body)
    text = _text(response)
    if not text.strip() and reading != "text":
        return Vec() if reading in ("jsonl", "sse") else None
    try:
        return _read_text(text, reading)
    except (StepError, LangError, ElementTree.ParseError, yaml.YAMLError, RecursionError) as error:
        raise StepError(
            "http.body",
            f"the body cannot be read as {reading}: {str(error)[:200]}",
            definite=False,
            data={"status": response.status, "excerpt": text[:EXCERPT]},
        ) from None


def _read_text(text: str, reading: str) -> Value:
    match reading:
        case "json":
            return read_json(text)
        case "jsonl":
            return Vec(tuple(read_json(line) for line in text.splitlines() if line.strip()))
        case "sse":
            return Vec(tuple(_events(text)))
        case "edn":
            return read_data(text)
        case "yaml":
            return from_plain(yaml.safe_load(text))
        case "xml":
            return _xml(text)
        case _:
            return text


def _reading_for(response: HttpResponse) -> str:
    media = media_type(response)
    if media in ("application/json", "text/json") or media.endswith("+json"):
        return "json"
    known = {
        "application/x-ndjson": "jsonl",
        "application/jsonl": "jsonl",
        "text/event-stream": "sse",
        "application/edn": "edn",
    }
    if media in known:
        return known[media]
    textual = (
        "application/xml",
        "application/yaml",
        "application/javascript",
        "application/x-www-form-urlencoded",
    )
    if media.startswith("text/") or media in textual or media.endswith(("+xml", "+yaml")):
        return "text"
    if media:
        return "bytes"
    try:
        response.body.decode()
    except UnicodeDecodeError:
        return "bytes"
    return "text"


def _text(response: HttpResponse) -> str:
    stated = _CHARSET.search(response.header("content-type") or "")
    try:
        return response.body.decode(stated[1] if stated else "utf-8", "replace").removeprefix("\ufeff")
    except LookupError:
        return response.body.decode("utf-8", "replace")


def _events(text: str) -> list[Map]:
    events: list[Map] = []
    for block in re.split(r"\r\n\r\n|\n\n|\r\r", text):
        fields: dict[str, str] = {}
        for line in block.splitlines():
            name, colon, value = line.partition(":")
            if name in _EVENT_FIELDS:
                value = value.removeprefix(" ") if colon else ""
                fields[name] = f"{fields[name]}\n{value}" if name == "data" and name in fields else value
        if fields:
            events.append(map_of([(keyword(name), value) for name, value in fields.items()]))
    return events


class _NoDoctype(ElementTree.TreeBuilder):
    """Builds a tree of a document that defines nothing: entities come with a document type only."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Called where the declaration begins, before any entity of it."""
        raise StepError("http.body", "a document type is not read")


def _xml(text: str) -> Value:
    parser = ElementTree.XMLParser(target=_NoDoctype())
    parser.feed(text)
    return _element(parser.close(), 0)


def _element(node: ElementTree.Element, depth: int) -> Map:
    if depth > MAX_DEPTH:
        raise StepError("http.body", f"more than {MAX_DEPTH} levels")
    content: list[Value] = [node.text] if node.text and node.text.strip() else []
    for child in node:
        content.append(_element(child, depth + 1))
        if child.tail and child.tail.strip():
            content.append(child.tail)
    attributes = map_of([(keyword(name), value) for name, value in node.attrib.items()])
    return map_of(
        [
            (keyword("tag"), keyword(node.tag)),
            (keyword("attrs"), attributes),
            (keyword("content"), Vec(tuple(content))),
        ]
    )


def retry_after_ms(response: HttpResponse, now_ms: int) -> int | None:
    """How long the other side asks to wait, at most a day; None if it does not say."""
    text = (response.header("retry-after") or "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]) * 1_000, MAX_RETRY_AFTER_MS)
    if not text:
        return None
    try:
        until = parsedate_to_datetime(text).timestamp() * 1_000
    except (ValueError, OverflowError):
        return None
    return min(max(int(until) - now_ms, 0), MAX_RETRY_AFTER_MS)


def error_data(response: HttpResponse, headers: Map, body: Value) -> Mapping[str, object]:
    """What a flow's `catch` sees of a failing answer, a long text cut."""
    if isinstance(body, Bytes) or len(response.body) > 16_384:
        body = _text(response)[:4_096]
    return {"status": response.status, "headers": headers, "body": body}
