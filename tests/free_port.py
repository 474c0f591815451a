"""A port of loopback that nobody listens on."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Free when it was asked for; whoever takes it at once has it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
