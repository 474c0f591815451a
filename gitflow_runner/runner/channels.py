"""The `Notify` port of one attempt: finds the notifier of a channel and hands it its own ports."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.errors import NotFoundError, StepError, UsageError
from gitflow_runner.model.message import Delivery, Message
from gitflow_runner.notifiers.base import Apprise, Mailer, Ports
from gitflow_runner.notifiers.registry import Notifiers
from gitflow_runner.steps.base import Cancel, Http, StepLog


class Channels:
    """The notifiers that are built in or installed."""

    def __init__(self, http: Http, mail: Mailer, log: StepLog, cancel: Cancel, apprise: Apprise) -> None:
        self._ports = Ports(http, mail, log, cancel, apprise)
        self._notifiers = Notifiers()

    def send(self, channel: str, settings: Mapping[str, object], message: Message) -> Delivery:
        """Send over one channel; `StepError` (`notify.unknown_channel`, `notify.*`, `http.*`, …)."""
        try:
            notifier = self._notifiers.get(channel)
        except (NotFoundError, UsageError) as error:
            raise StepError(error.code, error.message, hint=error.hint) from None
        return notifier.send(settings, message, self._ports)
