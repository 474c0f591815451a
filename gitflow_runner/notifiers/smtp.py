"""The `smtp` notifier: a message as a plain mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.message import EmailMessage

from gitflow_runner.errors import StepError
from gitflow_runner.model.message import Delivery, Message
from gitflow_runner.model.spec import Field, Spec
from gitflow_runner.net.mail import PORTS, SECURITIES, Mail
from gitflow_runner.notifiers.base import Ports

MAX_PEOPLE = 50


class SmtpNotifier:
    """Sends one mail; its `Message-ID` follows from the message's key, so that a repeat can be dropped."""

    spec = Spec(
        type="smtp",
        summary="Sends the message as a mail.",
        effect="keyed",
        fields=(
            Field("to", "any", "the address or addresses", required=True),
            Field("from", "string", "the sender's address", required=True),
            Field("host", "string", "the mail server; a connection's if absent"),
            Field("port", "integer", "587, 465 for `tls`, 25 for `none`"),
            Field("security", "name", "how the session is encrypted", choices=SECURITIES),
            Field("username", "string", "who logs in, with the connection's password"),
        ),
        example='{:to ["ops@example.com"] :from "runner@example.com" :host "mail.example.com"}',
    )

    def send(self, settings: Mapping[str, object], message: Message, ports: Ports) -> Delivery:
        """Send once; `StepError` (`notify.settings`, `mail.*`)."""
        ports.mail.send(mail_of(settings, _mail(settings, message)), ports.cancel)
        return Delivery()


NOTIFIER = SmtpNotifier()


def mail_of(settings: Mapping[str, object], message: EmailMessage) -> Mail:
    """The mail for the server that the settings name; `StepError` (`notify.settings`)."""
    security = str(settings.get("security") or "starttls")
    port = settings.get("port") or PORTS.get(security)
    host = settings.get("host")
    if security not in SECURITIES or not isinstance(port, int) or not isinstance(host, str):
        raise StepError("notify.settings", "the smtp notifier needs a host, and tls, starttls or none")
    username, password = settings.get("username"), settings.get("password")
    return Mail(
        host,
        port,
        message,
        security,
        None if username is None else str(username),
        None if password is None else str(password),
    )


def _mail(settings: Mapping[str, object], message: Message) -> EmailMessage:
    given = settings.get("to")
    people = [given] if isinstance(given, str) else list(given) if isinstance(given, Sequence) else []
    sender = settings.get("from")
    addresses = [*people, sender]
    if not people or len(people) > MAX_PEOPLE or not all(_is_address(each) for each in addresses):
        raise StepError("notify.settings", f"a mail goes from one address to 1 to {MAX_PEOPLE}")
    mail = EmailMessage()
    mail["From"], mail["To"] = str(sender), ", ".join(str(each) for each in people)
    mail["Subject"] = " ".join(message.title.split())[:200]
    if message.key is not None:
        mail["Message-ID"] = f"<{message.key[:64]}@gitflow.invalid>"
    parts = [message.linked_text, *message.commands]
    mail.set_content("\n\n".join(parts) + "\n")
    return mail


def _is_address(value: object) -> bool:
    return (
        isinstance(value, str)
        and value.count("@") == 1
        and value.isprintable()
        and not set(value) & set(" ,;<>")
    )
