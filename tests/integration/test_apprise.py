"""Notes over apprise's own library to a real server: they go to one origin, or they do not go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.lang.values import Value
from gitflow_runner.net.address import Origin
from gitflow_runner.net.apprise import AppriseClient, Note
from gitflow_runner.net.mail import MailClient
from gitflow_runner.runner.channels import Channels
from gitflow_runner.steps.base import Service
from gitflow_runner.steps.memory import MemoryConnections
from gitflow_runner.steps.notify import STEP
from tests.certificates import tls_for
from tests.loopback import Answer, Loopback
from tests.step_context import World, at, run, text

ALLOW = ("https://localhost:*",)
CANARY = "c4nary-of-the-address"


@dataclass(frozen=True, slots=True)
class Site:
    """A service inside the network, by TLS, and a client that trusts it."""

    server: Loopback
    client: AppriseClient

    @property
    def base(self) -> str:
        return f"https://localhost:{self.server.port}"

    def address(self, scheme: str = "jsons", query: str = "") -> str:
        return f"{scheme}://{CANARY}:pw@localhost:{self.server.port}/hook{query}"

    def note(self, address: str, origin: Origin | None = None) -> Note:
        return Note(address, origin or Origin("https", "localhost", self.server.port), "Ship", "Ship 7?")

    def refuses(self, note: Note) -> StepError:
        with pytest.raises(StepError) as caught:
            self.client.send(note, World().cancel)
        assert CANARY not in str(caught.value)
        return caught.value


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    serving, _ = tls_for("localhost", tmp_path)
    authorities = tmp_path / "pair.pem"
    with Loopback(tls=serving) as server:
        server.on("/hook", Answer(200, b"ok"))
        yield Site(server, AppriseClient(allow=ALLOW, authorities=str(authorities)))


def told(site: Site, origins: tuple[str, ...]) -> Value:
    """What a step says that goes over a connection, whose secret may go to `origins`."""
    world = World()
    service = Service("alerts", "apprise", {"base-url": site.base}, {"address": site.address()}, origins)
    channels = Channels(world.http, MailClient(), world.log, world.cancel, site.client)
    config = (
        '{:message "Ship 7?" :title "Ship" :channels {:apprise {:connection :alerts}}'
        ' :data {:change-url "https://forge.test/1" :git-commands "git fetch …"'
        ' :approve-command "gfr approve x"}}'
    )
    connections = MemoryConnections({}, {"alerts": service})
    context = world.context(notify=channels, connections=connections, render=lambda text, data: text)
    return run(STEP, config, context)


def test_a_note_carries_the_message_the_link_and_the_commands(site: Site) -> None:
    assert text(told(site, (site.base,))) == "{:sent? true, :channels {:apprise {:sent? true}}}"
    (seen,) = site.server.seen
    said = json.loads(seen.body)
    assert said["title"] == "Ship"
    assert said["message"].split("\n\n") == [
        "Ship 7?\nhttps://forge.test/1",
        "gfr approve x",
        "git fetch …",
    ]


def test_the_secret_goes_only_where_it_is_allowed_to(site: Site) -> None:
    result = told(site, ("https://localhost:1",))
    assert [at(error, "code") for error in at(result, "errors")] == ["connection.refused"]
    assert CANARY not in text(result)
    assert site.server.seen == []


def test_a_redirect_to_another_origin_is_not_followed(site: Site) -> None:
    with Loopback() as other:
        target = f"https://localhost:{other.port}/hook"
        site.server.on("/hook", Answer(307, b"", {"Location": target}))
        error = site.refuses(site.note(site.address(query="?redirect=yes")))
        assert other.seen == []
    assert error.code == "apprise.refused"
    assert f"https://localhost:{other.port}" in str(error)


@pytest.mark.parametrize(
    ("scheme", "said"),
    [
        ("json://{place}/hook", "a request without TLS"),
        ("mailtos://u:{secret}@localhost?to=a@x.test&from=b@x.test", "socket."),
        ("rsyslog://localhost", "socket."),
        ("syslog://", "syslog."),
    ],
)
def test_a_service_that_goes_other_ways_is_refused(site: Site, scheme: str, said: str) -> None:
    address = scheme.format(place=f"localhost:{site.server.port}", secret=CANARY)
    error = site.refuses(site.note(address))
    assert (error.code, said in str(error)) == ("apprise.refused", True)
    assert site.server.seen == []


def test_an_address_inside_must_be_allowed(site: Site) -> None:
    with pytest.raises(StepError) as caught:
        AppriseClient().send(site.note(site.address()), World().cancel)
    assert caught.value.code == "http.refused_address"
    assert site.server.seen == []


def test_a_service_that_says_no_may_be_tried_again(site: Site) -> None:
    site.server.on("/hook", Answer(500, b""))
    error = site.refuses(site.note(site.address()))
    assert (error.code, error.retryable, error.definite) == ("apprise.failed", True, False)


def test_a_secret_that_is_no_address_is_told(site: Site) -> None:
    assert site.refuses(site.note(f"nothing://{CANARY}")).code == "apprise.address"


def test_a_missing_library_names_what_to_install(site: Site) -> None:
    bare = AppriseClient(allow=ALLOW, installed=lambda name: None)
    with pytest.raises(StepError) as caught:
        bare.send(site.note(site.address()), World().cancel)
    assert caught.value.code == "apprise.missing"
    assert caught.value.hint == "pip install 'gitflow-runner[apprise]'"


class Gone:
    """A cancel that comes once the request has arrived."""

    def __init__(self, server: Loopback) -> None:
        self._server = server

    def asked(self) -> bool:
        return self._server.arrived.is_set()


def test_a_cancel_ends_a_note_that_waits_for_its_answer(site: Site) -> None:
    site.server.on("/hook", Answer(hold=True))
    with pytest.raises(StepError) as caught:
        site.client.send(site.note(site.address()), Gone(site.server))
    assert (caught.value.code, caught.value.definite) == ("step.cancelled", False)
