"""The `log` notifier: a message as one line of the log."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.model.message import Delivery, Message
from gitflow_runner.model.spec import Spec
from gitflow_runner.notifiers.base import Ports

MAX_LINE = 2_000


class LogNotifier:
    """Writes title and text, control characters made visible so that nobody forges a line."""

    spec = Spec(
        type="log",
        summary="Writes the message into the log.",
        effect="keyed",
        fields=(),
        example="{}",
    )

    def send(self, settings: Mapping[str, object], message: Message, ports: Ports) -> Delivery:
        """Write one line of at most 2,000 characters."""
        text = f"{message.title}: {message.linked_text}"[:MAX_LINE]
        ports.log.line("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text))
        return Delivery()


NOTIFIER = LogNotifier()
