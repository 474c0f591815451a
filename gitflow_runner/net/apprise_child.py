"""Runs apprise, in a process that can reach nothing but one port of the loopback.

A program, which `net.apprise` starts: `{address port title text}` on standard input, `{taken known denied}`
on standard output. What apprise itself says goes nowhere, since it may tell the address, which is a secret.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import apprise

LOOPBACK = "127.0.0.1"
_NEVER = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "pty.spawn",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "socket.getnameinfo",
        "socket.sendmsg",
        "socket.sendto",
        "subprocess.Popen",
        "syslog.openlog",
        "syslog.syslog",
    }
)
# Code that is not Python's asks no hook, so nothing else is loaded: no D-Bus, no USB, no queue.
_LIBRARIES = sys.stdlib_module_names | {
    "_cffi_backend",
    "apprise",
    "certifi",
    "charset_normalizer",
    "cryptography",
    "idna",
    "markdown",
    "oauthlib",
    "requests",
    "requests_oauthlib",
    "urllib3",
    "yaml",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def guard(port: int, denied: list[str]) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook: no program, no written file, no look-up, no connection but to that port."""

    def hook(event: str, given: tuple[Any, ...]) -> None:
        match event:
            case "import":
                # Not a denial to tell of: apprise looks what is there, and does without.
                if str(given[0]).partition(".")[0] not in _LIBRARIES:
                    raise ImportError(f"{given[0]} is not for a notification")
                bad = False
            case "socket.connect":
                bad = given[1] != (LOOPBACK, port)
            case "socket.getaddrinfo":
                bad = given[0] != LOOPBACK
            case "open":
                bad = isinstance(given[2], int) and bool(given[2] & _WRITING)
            case "ctypes.dlopen":
                bad = given[0] is not None  # None is the program itself
            case _:
                bad = event in _NEVER
        if bad:
            denied.append(event)
            raise PermissionError(f"{event} is not for a notification")

    return hook


def main() -> None:
    """Answer one question; a hook cannot be taken off again, so the process ends with it."""
    out, sys.stdout = sys.stdout, sys.stderr
    asked = json.load(sys.stdin)
    denied: list[str] = []
    sys.addaudithook(guard(asked["port"], denied))
    asset = apprise.AppriseAsset(async_mode=False, http_redirects=False)
    service = apprise.Apprise.instantiate(asked["address"], asset=asset)
    taken = False
    if service is not None:
        # Some services handle the errors of sockets and some do not; `denied` tells of it either way.
        with contextlib.suppress(PermissionError):
            taken = service.notify(
                title=asked["title"],
                body=asked["text"],
                notify_type=apprise.NotifyType.INFO,
                body_format=apprise.NotifyFormat.TEXT,
            )
    json.dump({"taken": bool(taken), "known": service is not None, "denied": sorted(set(denied))}, out)


if __name__ == "__main__":
    main()
