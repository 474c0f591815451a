"""What a notifier is, and the ports it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gitflow_runner.model.message import Delivery, Message
from gitflow_runner.model.spec import Spec
from gitflow_runner.net.apprise import Note
from gitflow_runner.net.exchange import Cancel, HttpRequest, HttpResponse
from gitflow_runner.net.mail import Mail


class Http(Protocol):
    """The one HTTP client."""

    def send(self, request: HttpRequest, cancel: Cancel) -> HttpResponse:
        """Send and read; `StepError` (`http.*`)."""
        ...


class Mailer(Protocol):
    """The one mail client."""

    def send(self, mail: Mail, cancel: Cancel) -> None:
        """Hand a mail over; `StepError` (`mail.*`)."""
        ...


class Apprise(Protocol):
    """The one way to the services of apprise's."""

    def send(self, note: Note, cancel: Cancel) -> None:
        """Hand a note over; `StepError` (`apprise.*`, `http.*`)."""
        ...


class Lines(Protocol):
    """Where a line of text goes: a run's log, or the log of the service."""

    def line(self, text: str) -> None:
        """Write one line."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that a notifier may use."""

    http: Http
    mail: Mailer
    log: Lines
    cancel: Cancel
    apprise: Apprise


class Notifier(Protocol):
    """A kind of channel. Settings have plain names as keys; text, numbers, booleans and maps as values."""

    @property
    def spec(self) -> Spec:
        """The one account of its settings."""
        ...

    def send(self, settings: Mapping[str, object], message: Message, ports: Ports) -> Delivery:
        """Send once; the receiver may see a repeat, with the same `message.key`.

        `StepError`: `notify.settings`, or why it failed, with `retryable` telling whether to try again.
        """
        ...
