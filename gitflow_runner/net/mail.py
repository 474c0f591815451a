"""One mail over SMTP: to the address that was checked, encrypted where the settings say so."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage

from gitflow_runner.errors import StepError
from gitflow_runner.net.address import (
    AllowPattern,
    Origin,
    Resolver,
    addresses_of,
    system_resolver,
)
from gitflow_runner.net.exchange import Cancel

SECURITIES = ("tls", "starttls", "none")
PORTS = {"tls": 465, "starttls": 587, "none": 25}


def mail_origin(settings: Mapping[str, object]) -> str:
    """`smtp://host:port` of a server by its settings `host`, `port` and `security`."""
    security = str(settings.get("security") or "starttls")
    return f"smtp://{str(settings.get('host')).lower()}:{settings.get('port') or PORTS.get(security)}"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail and the server that is to carry it; `security` is `tls`, `starttls` or `none`."""

    host: str
    port: int
    message: EmailMessage
    security: str = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_ms: int = 30_000


class MailClient:
    """Sends mails; safe to share between threads."""

    def __init__(
        self,
        *,
        allow: Sequence[str] = (),
        resolver: Resolver = system_resolver,
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        """`allow` lists patterns as those of `HttpClient`; a mail server inside is `*://host:port`."""
        self._allow = tuple(AllowPattern.parse(text) for text in allow)
        self._resolver = resolver
        self._tls = tls

    def send(self, mail: Mail, cancel: Cancel) -> None:
        """Hand the mail over.

        `StepError`: `mail.connect`, `mail.refused` (the server says no; what may pass is retryable),
        `mail.broken` (nobody knows whether it was taken), `http.refused_address`, `step.cancelled`.
        """
        with self._session(mail, cancel) as server, _told(mail, "mail.broken"):
            server.send_message(mail.message)

    def greet(self, mail: Mail, cancel: Cancel) -> str:
        """Do all but hand the mail over, and say what was done; the same errors."""
        with self._session(mail, cancel) as server, _told(mail, "mail.connect"):
            server.noop()
        sealed = "in the clear" if mail.security == "none" else f"over {mail.security}"
        return sealed if mail.password is None else f"{sealed}, logged in as {mail.username}"

    @contextmanager
    def _session(self, mail: Mail, cancel: Cancel) -> Iterator[smtplib.SMTP]:
        if cancel.asked():
            raise StepError("step.cancelled", "the mail was given up before it was sent")
        if mail.security == "none" and mail.password is not None:
            raise StepError("mail.insecure", "a password is not sent without encryption")
        address = self._address(mail)
        with _told(mail, "mail.connect"):
            server = _connected(mail, address, self._tls)
        try:
            with _told(mail, "mail.connect"):
                if mail.security == "starttls":
                    server.starttls(context=self._tls())
                if mail.username is not None and mail.password is not None:
                    server.login(mail.username, mail.password)
            yield server
        finally:
            # A farewell that fails says nothing of a mail that was taken.
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def _address(self, mail: Mail) -> str:
        addresses = addresses_of(Origin("smtp", mail.host.lower(), mail.port), self._allow, self._resolver)
        if not addresses:
            raise StepError("mail.connect", f"{mail.host[:100]} has no known address", retryable=True)
        return addresses[0]


@contextmanager
def _told(mail: Mail, code: str) -> Iterator[None]:
    """What goes wrong in here as a step's error; under `mail.broken` nobody knows whether the mail went."""
    try:
        yield
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPRecipientsRefused as error:
        raise _refused(*next(iter(error.recipients.values()))) from None
    except (smtplib.SMTPException, OSError) as error:
        why = str(error)[:200] or type(error).__name__
        raise StepError(
            code, f"{mail.host[:100]}: {why}", definite=code != "mail.broken", retryable=True
        ) from None


def _refused(code: int, text: bytes | str) -> StepError:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return StepError(
        "mail.refused",
        f"the mail server answered {code}: {said[:200]}",
        retryable=400 <= code < 500,
        data={"status": code},
    )


def _connected(mail: Mail, address: str, tls: Callable[[], ssl.SSLContext]) -> smtplib.SMTP:
    """A session with the checked address, under the name that the settings spell."""

    class Pinned(smtplib.SMTP):
        def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
            opened = socket.create_connection((address, port), timeout)
            if mail.security == "tls":
                return tls().wrap_socket(opened, server_hostname=host)
            return opened

    return Pinned(mail.host, mail.port, timeout=mail.timeout_ms / 1_000)
