"""Mail to a real sink and chat to a real server: messages with the commands that decide a wait."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import Message as Received
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from gitflow_runner.errors import StepError
from gitflow_runner.model.message import Message
from gitflow_runner.net.apprise import AppriseClient
from gitflow_runner.net.client import HttpClient
from gitflow_runner.net.mail import Mail, MailClient
from gitflow_runner.notifiers.smtp import _mail
from gitflow_runner.runner.channels import Channels
from gitflow_runner.runner.clock import SystemClock
from gitflow_runner.steps.base import Context, Service
from gitflow_runner.steps.memory import MemoryConnections
from gitflow_runner.steps.notify import STEP
from tests.certificates import tls_for
from tests.free_port import free_port
from tests.loopback import Answer, Loopback
from tests.step_context import World, at, run, text


@dataclass
class Sink:
    """Keeps mails; `answer` is what it says to each."""

    answer: str = "250 taken"
    mails: list[tuple[list[str], Received]] = field(default_factory=list)
    port: int = 0

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802  # its name
        if self.answer.startswith("250"):
            self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return self.answer


@contextmanager
def running(**options: Any) -> Iterator[Sink]:
    made = Sink(port=free_port())
    controller = Controller(made, hostname="127.0.0.1", port=made.port, **options)
    controller.start()
    try:
        yield made
    finally:
        controller.stop()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running() as made:
        yield made


def known(server: SMTP, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
    right = isinstance(given, LoginPassword) and (given.login, given.password) == (b"robot", b"c0rrect-horse")
    return AuthResult(success=right, handled=False)


ALLOW = ("*://127.0.0.1:*",)


def context_of(world: World, http: HttpClient | None = None, **changes: object) -> Context:
    channels = Channels(http or world.http, MailClient(allow=ALLOW), world.log, world.cancel, AppriseClient())
    return world.context(notify=channels, **changes)


def smtp(port: int, rest: str = "") -> str:
    return (
        '{:message "Ship 7?" :title "Ship\\nit"'
        ' :data {:git-commands "git fetch …" :approve-command "gfr approve x"}'
        f' :channels {{:smtp {{:to ["a@x.test" "b@x.test"] :from "r@x.test" :host "127.0.0.1" :port {port}'
        f" :security :none {rest}}}}}}}"
    )


def test_a_mail_carries_the_message_and_the_commands(sink: Sink) -> None:
    result = run(STEP, smtp(sink.port), context_of(World(), render=lambda text, data: text))
    assert text(result) == "{:sent? true, :channels {:smtp {:sent? true}}}"
    ((people, mail),) = sink.mails
    assert people == ["a@x.test", "b@x.test"]
    assert (mail["Subject"], mail["From"]) == ("Ship it", "r@x.test")
    assert mail["Message-ID"] == f"<{'ab' * 32}@gitflow.invalid>"
    body = mail.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert body.decode().split("\r\n\r\n") == ["Ship 7?", "gfr approve x", "git fetch …\r\n"]


@pytest.mark.parametrize(("answer", "retryable"), [("451 later", True), ("554 no", False)])
def test_a_refused_mail_says_whether_to_try_again(sink: Sink, answer: str, retryable: bool) -> None:
    sink.answer = answer
    settings = {"to": "a@x.test", "from": "r@x.test"}
    mail = Mail("127.0.0.1", sink.port, _mail(settings, Message("t", "x")), "none")
    with pytest.raises(StepError) as caught:
        MailClient(allow=ALLOW).send(mail, World().cancel)
    assert (caught.value.code, caught.value.retryable) == ("mail.refused", retryable)


def test_a_server_inside_the_network_must_be_allowed(sink: Sink) -> None:
    world = World()
    channels = Channels(world.http, MailClient(), world.log, world.cancel, AppriseClient())
    result = run(STEP, smtp(sink.port), world.context(notify=channels, render=lambda text, data: text))
    assert [at(error, "code") for error in at(result, "errors")] == ["http.refused_address"]
    assert sink.mails == []


def test_a_password_is_never_sent_in_the_clear_nor_written_in_a_flow(sink: Sink) -> None:
    origins = (f"smtp://127.0.0.1:{sink.port}",)
    settings = {"host": "127.0.0.1", "port": sink.port, "username": "u"}
    service = Service("mail", "smtp", settings, {"password": "s3cret-canary"}, origins)
    world = World()
    context = context_of(
        world, render=lambda text, data: text, connections=MemoryConnections({}, {"mail": service})
    )
    result = run(STEP, smtp(sink.port, ":connection :mail"), context)
    assert [at(error, "code") for error in at(result, "errors")] == ["mail.insecure"]
    assert "s3cret" not in text(result)
    with pytest.raises(StepError) as caught:
        run(STEP, smtp(sink.port, ':password "x"'), context)
    assert caught.value.code == "config_choice"


def test_a_server_that_is_gone_is_told(sink: Sink) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    result = run(STEP, smtp(port), context_of(World(), render=lambda text, data: text))
    assert [at(error, "code") for error in at(result, "errors")] == ["mail.connect"]


def sealed(port: int, **changes: Any) -> Mail:
    said = _mail({"to": "a@x.test", "from": "r@x.test"}, Message("t", "x"))
    mail = Mail("localhost", port, said, "starttls", "robot", "c0rrect-horse")
    return replace(mail, **changes)


@pytest.fixture
def certified(tmp_path: Path) -> tuple[ssl.SSLContext, MailClient]:
    """What a mail server called localhost presents, and a client that trusts it."""
    serving, asking = tls_for("localhost", tmp_path)
    return serving, MailClient(allow=("*://localhost:*",), tls=lambda: asking)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_goes_encrypted_and_with_a_login(
    certified: tuple[ssl.SSLContext, MailClient], security: str
) -> None:
    serving, client = certified
    options = {
        "tls_context": serving,
        "require_starttls": True,
        "authenticator": known,
        "auth_required": True,
    }
    if security == "tls":
        # The session is encrypted from its first byte on, which the server's library does not count as TLS.
        options = {"ssl_context": serving, "authenticator": known, "auth_require_tls": False}
    with running(**options) as sink:
        client.send(sealed(sink.port, security=security), World().cancel)
        assert client.greet(sealed(sink.port, security=security), World().cancel) == (
            f"over {security}, logged in as robot"
        )
        with pytest.raises(StepError) as caught:
            client.send(sealed(sink.port, security=security, password="wr0ng-horse"), World().cancel)
    assert [people for people, _ in sink.mails] == [["a@x.test"]]
    assert (caught.value.code, caught.value.details["status"], caught.value.retryable) == (
        "mail.refused",
        535,
        False,
    )


def test_a_server_that_offers_no_encryption_gets_neither_login_nor_mail(
    certified: tuple[ssl.SSLContext, MailClient],
) -> None:
    with running(authenticator=known, auth_require_tls=False) as sink:
        with pytest.raises(StepError) as caught:
            certified[1].send(sealed(sink.port), World().cancel)
        assert (caught.value.code, caught.value.definite) == ("mail.connect", True)
        assert "STARTTLS" in str(caught.value)
    assert sink.mails == []


def test_a_server_with_the_certificate_of_another_gets_neither(tmp_path: Path) -> None:
    serving, asking = tls_for("mail.example", tmp_path)
    client = MailClient(allow=("*://localhost:*",), tls=lambda: asking)
    with running(tls_context=serving, authenticator=known) as sink, pytest.raises(StepError) as caught:
        client.send(sealed(sink.port), World().cancel)
    assert (caught.value.code, caught.value.definite) == ("mail.connect", True)
    assert "certificate" in str(caught.value)
    assert sink.mails == []


def test_the_password_goes_to_the_port_that_is_used_and_not_to_another(sink: Sink) -> None:
    settings = {"host": "127.0.0.1", "username": "u"}
    service = Service("mail", "email", settings, {"password": "s3cret-canary"}, ("smtp://127.0.0.1:587",))
    context = context_of(
        World(), render=lambda text, data: text, connections=MemoryConnections({}, {"mail": service})
    )
    result = run(STEP, smtp(sink.port, ":connection :mail"), context)
    assert [at(error, "code") for error in at(result, "errors")] == ["connection.refused"]


def test_a_chat_gets_text_and_commands_with_its_marks_escaped() -> None:
    with Loopback() as server:
        server.on("/hook", Answer(200, b"ok"))
        config = (
            '{:message "Ship <!channel> 7?" :title "Ship" :data {:git-commands "git & co"}'
            f' :channels {{:slack {{:url "{server.origin}/hook"}}}}}}'
        )
        http = HttpClient(monotonic_ms=SystemClock().monotonic_ms, allow=ALLOW)
        run(STEP, config, context_of(World(), http, render=lambda text, data: text))
        http.close()
    assert server.seen[0].headers["idempotency-key"] == "ab" * 32
    said = json.loads(server.seen[0].body)
    assert said["text"] == "*Ship*\nShip &lt;!channel&gt; 7?"
    assert [block["text"]["text"] for block in said["blocks"]] == [said["text"], "```git &amp; co```"]
