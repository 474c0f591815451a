"""What every adapter of the `Connections` port keeps to: the one in memory, and the one of runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.connections.file import parse_connections
from gitflow_runner.connections.records import Record
from gitflow_runner.connections.redactor import Redactor
from gitflow_runner.connections.registry import Place
from gitflow_runner.errors import StepError
from gitflow_runner.model.connection import Installation, Permit
from gitflow_runner.model.secret import Secret
from gitflow_runner.runner.configured import Configured
from gitflow_runner.runner.connections import RunConnections
from gitflow_runner.runner.local import LocalState
from gitflow_runner.runner.secrets import Secrets
from gitflow_runner.steps.base import Connections, HttpConnection, Service
from gitflow_runner.steps.memory import MemoryConnections
from tests.spoken import flow_text

TOKEN = "tok-" + "Zq7" * 9
ORIGIN = "https://shop.example:443"
DATABASE = "postgresql://db.example:5432"
FILE = b"""connections:
  shop: {type: http-api, base-url: "https://shop.example", auth: {type: bearer, secret: TOKEN}}
  data: {type: database, backend: postgresql, port: 5432, secrets: {password: PASSWORD}}
"""


def in_memory(folder: Path) -> Connections:
    headers = (("Authorization", f"Bearer {TOKEN}"),)
    shop = HttpConnection("https://shop.example", headers, (), (ORIGIN,))
    settings = {"backend": "postgresql", "port": 5432}
    data = Service("data", "database", settings, {"password": TOKEN}, (DATABASE,))
    return MemoryConnections({"shop": shop, "TOKEN": shop}, {"data": data}, kept={"TOKEN": TOKEN})


def of_a_run(folder: Path) -> Connections:
    local, redactor = LocalState(folder), Redactor()
    place = Place(
        {}, None, lambda: None, lambda store: local.read(store), local.write, "home", lambda: None, None
    )
    secrets = Secrets(local, lambda: place, redactor, lambda: 0)
    for name, origin in (("TOKEN", ORIGIN), ("PASSWORD", DATABASE)):
        secrets.keep(Record(name, "live", (Permit("*", "live", origin),)), Secret(TOKEN), "file")
    requires = ":requires [{:slot :shop :type :http-api} {:slot :data :type :database}]"
    flow = load(MemoryTexts({"buy.edn": flow_text("buy", "1", requires)}), "buy")
    found = Configured(connections=parse_connections(FILE), installation=Installation("buy", "buy"))
    return RunConnections("buy", flow.requires, found, "live", secrets, hide=redactor.learn)


each = pytest.mark.parametrize("make", [in_memory, of_a_run], ids=["memory", "run"])
Make = Callable[[Path], Connections]


@each
def test_a_named_connection_brings_its_place_and_its_credentials(make: Make, tmp_path: Path) -> None:
    found = make(tmp_path).named("shop")
    assert (found.base_url, found.origins) == ("https://shop.example", (ORIGIN,))
    assert found.headers == (("Authorization", f"Bearer {TOKEN}"),)
    assert TOKEN not in repr(found)


@each
def test_a_steps_own_auth_has_no_place_but_bounds(make: Make, tmp_path: Path) -> None:
    found = make(tmp_path).inline({"type": "bearer", "secret-ref": "TOKEN"})
    assert (found.base_url, found.origins) == (None, (ORIGIN,))
    assert found.headers == (("Authorization", f"Bearer {TOKEN}"),)


@each
def test_a_service_brings_settings_and_opened_secrets_by_role(make: Make, tmp_path: Path) -> None:
    found = make(tmp_path).service("data")
    assert (found.name, found.type, found.settings["port"]) == ("data", "database", 5432)
    assert dict(found.secrets) == {"password": TOKEN}
    assert (found.allows(DATABASE), found.allows("postgresql://elsewhere:5432")) == (True, False)
    assert TOKEN not in repr(found)


@each
def test_what_is_not_bound_is_told(make: Make, tmp_path: Path) -> None:
    connections = make(tmp_path)
    for call in (connections.named, connections.service):
        with pytest.raises(StepError) as caught:
            call("nothing")
        assert caught.value.code == "connection.unbound"


@each
def test_a_token_that_a_service_gave_can_be_hidden(make: Make, tmp_path: Path) -> None:
    make(tmp_path).hide("granted-" + TOKEN)


def test_secrets_that_share_no_origin_go_nowhere(tmp_path: Path) -> None:
    connections = of_a_run(tmp_path)
    auth = {"type": "aws-sigv4", "secret-access-key": "TOKEN", "session-token": "PASSWORD"}
    with pytest.raises(StepError) as caught:
        connections.inline(auth | {"region": "eu", "service": "s3"})
    assert caught.value.code == "connection.refused"


def test_a_choice_of_an_inline_auth_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    auth = {"type": "oauth", "token-url": "https://shop.example/t", "client-secret": "TOKEN"}
    with pytest.raises(StepError) as caught:
        of_a_run(tmp_path).inline(auth | {"client-auth": "header"})
    assert (caught.value.code, caught.value.message) == (
        "config_choice",
        ":auth: client-auth is basic or post",
    )
    assert of_a_run(tmp_path).inline(auth | {"client-auth": "post"}).auth is not None


@each
def test_a_service_for_requests_is_opened_once_for_both(make: Make, tmp_path: Path) -> None:
    assert make(tmp_path).service("data").http is None
    connections = of_a_run(tmp_path)
    assert connections.service("shop").http == connections.named("shop")


@each
def test_a_secret_that_is_renewed_takes_the_place_of_the_old_one(make: Make, tmp_path: Path) -> None:
    connections = make(tmp_path)
    with connections.renewing("TOKEN") as held:
        assert held.value == TOKEN
        assert held.keep("new-" + TOKEN) is None
    with connections.renewing("TOKEN") as held:
        assert held.value == "new-" + TOKEN
    with pytest.raises(StepError) as caught, connections.renewing("NOTHING"):
        pass
    assert caught.value.code == "secret.unknown"


def test_two_that_renew_one_secret_go_one_after_the_other(tmp_path: Path) -> None:
    connections, seen = of_a_run(tmp_path), []

    def second() -> None:
        with connections.renewing("TOKEN") as held:
            seen.append(held.value)

    other = threading.Thread(target=second)
    with connections.renewing("TOKEN") as held:
        other.start()
        held.keep("new-" + TOKEN)
    other.join()
    assert seen == ["new-" + TOKEN]


def test_what_has_to_be_signed_is_handed_over_with_its_kind(tmp_path: Path) -> None:
    auth = {"type": "aws-sigv4", "secret-ref": "TOKEN", "region": "eu", "service": "s3"}
    found = of_a_run(tmp_path).inline(auth)
    assert found.auth is not None
    assert (found.auth.kind, found.headers) == ("aws-sigv4", ())
    assert dict(found.auth.secrets) == {"secret-access-key": TOKEN}
    assert TOKEN not in repr(found)
