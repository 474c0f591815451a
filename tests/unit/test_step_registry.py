"""Step types and notifiers are found by name, and only by a name that was asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import EntryPoint

import pytest

from gitflow_runner.errors import NotFoundError, UsageError
from gitflow_runner.model.message import Delivery, Message
from gitflow_runner.model.spec import Field, Spec
from gitflow_runner.net.apprise import AppriseClient
from gitflow_runner.net.mail import MailClient
from gitflow_runner.notifiers import registry as notifiers
from gitflow_runner.notifiers.base import Ports
from gitflow_runner.notifiers.registry import Notifiers
from gitflow_runner.steps.registry import GROUP, Steps, built_in
from tests.step_context import World

# Taken as third parties' entry points name them: an object or a class in this very module.
THIS = __name__


class Plain:
    """A step type of a third party."""

    spec = Spec("plain", "Does nothing.", "pure", (), "{}")

    def run(self, config: object, context: object) -> object:
        return None

    def send(self, settings: object, message: object, ports: object) -> object:
        return None


PLAIN = Plain()


def entry(name: str, attribute: str) -> EntryPoint:
    return EntryPoint(name, f"{THIS}:{attribute}", GROUP)


def test_a_built_in_is_found_and_imported_once() -> None:
    steps = Steps(lambda name: ())
    assert steps.get("http") is steps.get("http")
    assert (steps.spec("http").type, steps.knows("http"), steps.knows("base")) == ("http", True, False)


def test_the_old_name_of_function_still_works() -> None:
    assert Steps(lambda name: ()).get("code").spec.type == "function"


def test_listing_imports_nothing() -> None:
    before = set(sys.modules)
    assert {"http", "wait", "sleep", "kv", "git", "time", "notify", "function"} <= set(built_in())
    assert set(sys.modules) == before


@pytest.mark.parametrize("attribute", ["PLAIN", "Plain"])
def test_a_plug_in_is_asked_for_by_name_only(attribute: str) -> None:
    asked: list[str] = []

    def installed(name: str) -> list[EntryPoint]:
        asked.append(name)
        return [entry(name, attribute)]

    steps = Steps(installed)
    steps.get("http")
    assert asked == []
    assert steps.get("plain").spec.summary == "Does nothing."
    assert asked == ["plain"]


@pytest.mark.parametrize(
    "found",
    [[entry("other", "PLAIN")], [entry("other", "THIS")], [entry("other", "PLAIN"), entry("other", "Plain")]],
    ids=["another name", "no step", "two of them"],
)
def test_a_plug_in_that_is_not_what_it_says_is_refused(found: list[EntryPoint]) -> None:
    with pytest.raises(UsageError) as caught:
        Steps(lambda name: found).get("other")
    assert caught.value.code == "step.plugin"


@pytest.mark.parametrize("name", ["htpp", "base", "registry", "../http", "", "gitflow_runner.steps.http"])
def test_an_unknown_type_is_told(name: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        Steps(lambda wanted: ()).get(name)
    assert caught.value.code == "step.unknown_type"


def test_a_near_name_is_offered() -> None:
    with pytest.raises(NotFoundError) as caught:
        Steps(lambda wanted: ()).get("htpp")
    assert caught.value.hint == "did you mean :http?"


def test_a_real_installation_has_no_plug_in_of_an_unknown_name() -> None:
    assert not Steps().knows("no-such-step-type")


def test_notifiers_are_found_the_same_way() -> None:
    found = Notifiers(lambda name: [entry(name, "PLAIN")] if name == "plain" else [])
    assert found.get("log") is found.get("log")
    assert found.get("plain").spec.type == "plain"
    with pytest.raises(NotFoundError) as caught:
        found.get("pigeon")
    assert caught.value.code == "notify.unknown_channel"


class Pigeon:
    """A notifier as a package outside of this one has it: the whole of what the port asks for."""

    spec = Spec(
        "pigeon", "Sends the message by pigeon.", "keyed", (Field("loft", "string", "where to"),), "{}"
    )

    def send(self, settings: Mapping[str, object], message: Message, ports: Ports) -> Delivery:
        ports.log.line(f"{settings['loft']}: {message.linked_text}; {'; '.join(message.commands)}")
        return Delivery()


def test_an_installed_notifier_hears_how_a_wait_is_decided() -> None:
    found = EntryPoint("pigeon", f"{THIS}:Pigeon", notifiers.GROUP)
    notifier = Notifiers(lambda name: [found]).get("pigeon")
    world = World()
    ports = Ports(world.http, MailClient(), world.log, world.cancel, AppriseClient())
    variables = {"approve-command": "gfr approve x", "git-commands": "git fetch"}
    assert notifier.send({"loft": "north"}, Message("T", "Ship?", variables), ports) == Delivery()
    assert world.log.lines == ["north: Ship?; gfr approve x; git fetch"]
