"""A note over a service of apprise's: the library in a process of its own, behind our tunnel."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from gitflow_runner.errors import StepError
from gitflow_runner.net.address import AllowPattern, Origin, Resolver, addresses_of, system_resolver
from gitflow_runner.net.exchange import Cancel
from gitflow_runner.net.tunnel import Tunnel

LIBRARY = "apprise"
_PROGRAM = Path(__file__).with_name("apprise_child.py")
_SLICE_S = 0.25


@dataclass(frozen=True, slots=True)
class Note:
    """`address` is apprise's URL of the service, a secret; `origin` the one place that it may go to."""

    address: str = field(repr=False)
    origin: Origin
    title: str
    text: str
    timeout_ms: int = 60_000


class AppriseClient:
    """Sends notes; safe to share between threads."""

    def __init__(
        self,
        *,
        allow: Sequence[str] = (),
        resolver: Resolver = system_resolver,
        authorities: str | None = None,
        installed: Callable[[str], object] = find_spec,
    ) -> None:
        """`allow` as for `HttpClient`; `authorities` is a PEM file in place of the system's."""
        self._allow = tuple(AllowPattern.parse(text) for text in allow)
        self._resolver = resolver
        self._authorities = authorities or ssl.get_default_verify_paths().cafile
        self._installed = installed

    def send(self, note: Note, cancel: Cancel) -> None:
        """Hand the note over.

        `StepError`: `apprise.missing`, `apprise.address` (no URL of a service), `apprise.refused` (it wanted
        to go elsewhere than to its origin, or to do more than to send requests), `apprise.failed` (retryable,
        and nobody knows whether it was taken), `http.refused_address`, `http.connect`, `step.cancelled`.
        """
        if self._installed(LIBRARY) is None:
            raise StepError(
                "apprise.missing",
                "the library apprise is not installed",
                hint="pip install 'gitflow-runner[apprise]'",
            )
        if cancel.asked():
            raise StepError("step.cancelled", "the note was given up before it was sent")
        addresses = addresses_of(note.origin, self._allow, self._resolver)
        if not addresses:
            raise StepError("http.connect", f"{note.origin.host[:100]} has no known address", retryable=True)
        with Tunnel(note.origin, addresses) as tunnel:
            answer = self._ask(note, tunnel.port, cancel)
        _judge(answer, note, tunnel)

    def _ask(self, note: Note, port: int, cancel: Cancel) -> Mapping[str, object]:
        asked = {"address": note.address, "port": port, "title": note.title, "text": note.text}
        with subprocess.Popen(
            # Isolated, writing no bytecode: no variable and no user directory has a say.
            (sys.executable, "-I", "-B", str(_PROGRAM)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=self._environment(port),
            start_new_session=True,
        ) as process:
            try:
                said = _said(process, json.dumps(asked).encode(), note, cancel)
            finally:
                process.kill()
        try:
            answer = json.loads(said)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise _failed("its process ended without an answer")
        return answer

    def _environment(self, port: int) -> dict[str, str]:
        proxy = f"http://127.0.0.1:{port}"
        # No home: a .netrc or a settings file of the person who runs this adds nothing.
        found = {"HOME": "/nonexistent", "http_proxy": proxy, "https_proxy": proxy}
        return found if self._authorities is None else {**found, "REQUESTS_CA_BUNDLE": self._authorities}


def _said(process: subprocess.Popen[bytes], asked: bytes, note: Note, cancel: Cancel) -> bytes:
    given: bytes | None = asked
    for _ in range(max(1, round(note.timeout_ms / 1_000 / _SLICE_S))):
        try:
            return process.communicate(given, timeout=_SLICE_S)[0]
        except subprocess.TimeoutExpired:
            given = None  # it was taken at the first call
        if cancel.asked():
            raise StepError("step.cancelled", "the note was given up: cancelled", definite=False)
    raise _failed("there was no answer in time")


def _judge(answer: Mapping[str, object], note: Note, tunnel: Tunnel) -> None:
    if answer.get("taken") is True and tunnel.used:
        return
    denied = answer.get("denied")
    if tunnel.refused:
        raise _refused(f"wanted to go to {tunnel.refused[0]}, and its connection names {note.origin} only")
    if answer.get("taken") is True:
        raise _refused("said that it took the note, which did not come through its connection")
    if isinstance(denied, list) and denied:
        raise _refused(f"wanted more than to send requests ({', '.join(map(str, denied))})")
    if answer.get("known") is not True:
        raise StepError("apprise.address", "the secret is no URL that apprise knows a service for")
    if tunnel.unreached:
        raise StepError("http.connect", f"{note.origin} does not answer", retryable=True)
    raise _failed("the service did not take the note")


def _refused(why: str) -> StepError:
    return StepError(
        "apprise.refused",
        f"the service {why}",
        hint="services that send all their requests to one https origin can be used",
    )


def _failed(why: str) -> StepError:
    return StepError("apprise.failed", f"apprise: {why}", definite=False, retryable=True)
