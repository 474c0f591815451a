"""The `apprise` notifier: a message over one of the services that the library apprise knows."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from gitflow_runner.errors import StepError
from gitflow_runner.model.message import Delivery, Message
from gitflow_runner.model.spec import Field, Spec
from gitflow_runner.net.address import DEFAULT_PORTS, Origin
from gitflow_runner.net.apprise import Note
from gitflow_runner.notifiers.base import Ports


class AppriseNotifier:
    """Sends text, link and commands. Apprise hands no key on, so that a repeat comes as a second message."""

    spec = Spec(
        type="apprise",
        summary="Sends the message over a service of apprise's.",
        effect="keyed",
        fields=(
            Field("connection", "any", "of type `apprise`: base URL and the secret `address`", required=True),
        ),
        example="{:connection :alerts}",
    )

    def send(self, settings: Mapping[str, object], message: Message, ports: Ports) -> Delivery:
        """Send once; `StepError` (`notify.settings`, `apprise.*`, `http.*`)."""
        address = settings.get("address")
        if not isinstance(address, str):
            raise StepError(
                "notify.settings",
                "the apprise notifier needs a connection of type apprise with the secret address",
            )
        text = "\n\n".join((message.linked_text, *message.commands))
        ports.apprise.send(Note(address, _origin(settings), message.title, text), ports.cancel)
        return Delivery()


NOTIFIER = AppriseNotifier()


def _origin(settings: Mapping[str, object]) -> Origin:
    parts = urlsplit(str(settings.get("url") or ""))
    if parts.scheme != "https" or parts.hostname is None:
        raise StepError("notify.settings", "a connection of type apprise has a base URL with https://")
    return Origin("https", parts.hostname, parts.port or DEFAULT_PORTS["https"])
