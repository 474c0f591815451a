"""A real HTTP server on loopback that speaks SearXNG's JSON over a handful of pages."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGES = (
    ("https://docs.example/git", "Git in depth", "How objects and refs work", "general", "2026-01-02"),
    ("https://blog.example/runs", "Runs as commits", "A run is a chain in git", "general", None),
    ("https://news.example/git", "Git news", "What is new in git this week", "news", "2026-11-20"),
)


@dataclass
class Instance:
    """What the instance was asked, and whether its settings allow JSON."""

    origin: str = ""
    json_allowed: bool = True
    busy: int = 0  # so many answers are 429 first
    asked: list[dict[str, str]] = field(default_factory=list)

    def answer(self, target: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for the target of one request."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append(query)
        if self.busy:
            self.busy -= 1
            return 429, {"Retry-After": "1"}, b"too many requests"
        if parts.path != "/search" or not query.get("q"):
            return 400, {}, b"no query"
        if query.get("format") != "json" or not self.json_allowed:
            return 403, {}, b"<html>Forbidden</html>"
        return 200, {"Content-Type": "application/json"}, json.dumps(self._found(query)).encode()

    def _found(self, query: dict[str, str]) -> dict[str, object]:
        categories = query.get("categories", "general,news").split(",")
        words = query["q"].lower().split()
        rows = [
            {"url": url, "title": title, "content": text, "category": category, "publishedDate": published,
             "engine": "fixed", "engines": ["fixed"], "score": 4.0 / rank}
            for rank, (url, title, text, category, published) in enumerate(PAGES, 1)
            if category in categories and all(word in f"{title} {text}".lower() for word in words)
        ]  # fmt: skip
        empty: dict[str, object] = {
            name: []
            for name in ("answers", "corrections", "infoboxes", "suggestions", "unresponsive_engines")
        }
        return {"query": query["q"], "number_of_results": len(rows), "results": rows, **empty}


@contextmanager
def searxng() -> Iterator[Instance]:
    """A running instance."""
    instance = Instance()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = instance.answer(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    instance.origin = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield instance
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
