"""Flows set up by commands: bindings, setup forms, targets; asked for at a terminal and nowhere else."""

from __future__ import annotations

import os
import pty
import select
import sys
from collections.abc import Iterator

import pytest

from tests.loopback import Loopback
from tests.secrets_case import TOKEN, Shop, shop
from tests.spoken import Told
from tests.team import Team

REQUIRES = """[{:slot :shop :type :http-api} {:slot :key :type :secret}
  {:slot :data :type :database :optional true}
  {:kind :form :fields [{:key :region :label "Where" :field-type :select :options [:eu :us] :required true}
                        {:key :limit :field-type :number} {:key :eager :field-type :boolean :required true}
                        {:key :from :field-type :date} {:key :mail :field-type :email}
                        {:key :tags :field-type :string :multiple true} {:key :pin :field-type :secret}]}]"""
BODY = "(:activation (flow/input))"
FILE = ".breyta/installations/call.yaml"


@pytest.fixture
def there(team: Team) -> Iterator[Shop]:
    with Loopback() as server:
        made = shop(team, server)
        made.flow("call", BODY, requires=REQUIRES)
        made.connect(name="north")
        yield made


def put(there: Shop, *pairs: str, more: tuple[str, ...] = ()) -> Told:
    settings = [word for pair in pairs for word in ("--set", pair)]
    return there.team.ann.gfr("configure", "call", *settings, *more)


def test_a_flow_is_set_up_by_settings_alone(there: Shop) -> None:
    there.secret()
    missing = put(there)
    assert missing.exit == 1
    asked = {each["name"]: each for each in missing.data["missing"]}
    assert list(asked) == ["shop", "region", "eager"]
    assert (asked["shop"]["choices"], asked["shop"]["fix"]) == (
        ["north"],
        "gfr configure call --set shop.conn=north",
    )
    assert asked["region"]["field"] == {
        "type": "select",
        "label": "Where",
        "description": None,
        "multiple": False,
        "options": ["eu", "us"],
    }
    there.write(FILE, "# the team's own\nactivation:\n  limit: 3 # at most\n")
    settings = ("activation.region=eu", "activation.eager=yes", "activation.limit=5", "activation.tags=a, b")
    told = put(there, "shop.conn=north", "key.secret=SHOP_TOKEN", *settings)
    assert (told.exit, told.data["ready"], told.data["missing"]) == (0, True, [])
    assert (there.team.home / FILE).read_text() == (
        "# the team's own\nactivation:\n  limit: 5 # at most\n  region: eu\n  eager: true\n  tags: [a, b]\n"
        "bindings:\n  shop: north\n  key:\n    secret: SHOP_TOKEN\n"
    )
    there.commit()
    assert there.output("call") == '{:region :eu, :limit 5, :eager true, :tags ["a" "b"]}'
    assert put(there, "activation.limit=5").data["changed"] == []
    assert put(there, "activation.limit=", "activation.tags=").data["changed"] == [
        "activation.limit",
        "activation.tags",
    ]
    assert there.output("call") == "{:region :eu, :eager true}"


def test_another_target_has_a_file_of_its_own(there: Shop) -> None:
    there.secret()
    more = ("--installation", "north")
    assert put(there, more=more).code == "installation.unknown"
    settings = ("shop.conn=north", "activation.region=us", "activation.eager=no")
    assert put(there, *settings, more=more).data["installation"] == "north"
    assert (there.team.home / ".breyta/installations/north.yaml").read_text().startswith("flow: call\n")
    there.commit()
    told = there.run("call", "--installation", "north")
    assert told.data["output"]["preview"] == "{:region :us, :eager false}"
    assert there.run("call").code == "input.missing"
    assert there.run("call", "--installation", "south").code == "installation.unknown"
    off = put(there, "enabled=false", more=more)
    assert (off.exit, off.data["changed"], off.data["ready"]) == (0, ["enabled"], False)
    assert there.run("call", "--installation", "north").code == "installation.disabled"
    there.flow("other", BODY, requires="[]")
    assert (
        there.team.ann.gfr("configure", "other", "--set", "enabled=true", *more).code == "installation.flow"
    )


@pytest.mark.parametrize(
    ("pair", "code"),
    [
        ("shop", "configure.set"),
        ("shop=north", "configure.set"),
        (f"shop.apikey={TOKEN}", "configure.set"),
        ("shop.conn=south", "connection.unknown"),
        ("data.conn=north", "configure.type"),
        ("shp.conn=north", "configure.slot"),
        ("key.conn=north", "configure.set"),
        (f"key.secret={TOKEN}!", "installation.secret_value"),
        ("activation.regoin=eu", "configure.slot"),
        ("activation.region=mars", "input.choice"),
        ("activation.limit=many", "input.type"),
        ("activation.eager=perhaps", "input.type"),
        ("activation.from=tomorrow", "input.type"),
        ("activation.mail=nobody", "input.type"),
        (f"activation.pin={TOKEN}", "input.secret"),
        ("activation.tags=ghp_a1B2c3D4e5F6g7H8i9J0", "installation.secret_value"),
    ],
)
def test_a_wrong_setting_is_told_and_none_is_written(there: Shop, pair: str, code: str) -> None:
    told = put(there, "shop.conn=north", pair)
    assert (told.code, told.exit in (2, 3)) == (code, True)
    assert not [secret for secret in (TOKEN, "ghp_a1B2") if secret in f"{told.envelope} {told.err}"]
    assert not (there.team.home / FILE).exists()


def test_a_release_waits_until_the_flow_is_set_up(there: Shop) -> None:
    there.secret(store="live")
    there.commit()
    ann = there.team.ann
    refused = ann.gfr("release", "call", "-m", "first", "--yes")
    assert (refused.code, len(refused.envelope["error"]["details"]["missing"])) == ("configure.missing", 3)
    put(there, "shop.conn=north", "activation.region=eu", "activation.eager=yes")
    there.commit()
    assert ann.gfr("release", "call", "-m", "first", "--yes").exit == 0
    assert ann.gfr("promote", "call", "--yes").exit == 0
    assert there.run("call", "--ref", "live").exit == 0
    # What the protected branch lacks keeps live runs from starting, whatever the release says.
    put(there, "activation.region=")
    assert there.run("call", "--ref", "live").exit == 0
    there.commit()
    assert there.run("call", "--ref", "live").code == "configure.missing"


def test_at_a_terminal_what_is_missing_is_asked_for(there: Shop) -> None:
    there.secret()
    said = at_terminal(there, ("configure", "call"), {"Connection": "", "Where": "us", "eager": "y"})
    assert "bindings.shop" in said
    assert (there.team.home / FILE).read_text() == (
        "bindings:\n  shop: north\nactivation:\n  region: us\n  eager: true\n"
    )


def at_terminal(there: Shop, command: tuple[str, ...], answers: dict[str, str]) -> str:
    """What a command prints at a real terminal where each question is answered as it comes."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(there.team.home)
        environment = {name: value for name, value in os.environ.items() if name != "CI"}
        os.execve(sys.executable, [sys.executable, "-m", "gitflow_runner", *command], environment)
    said, waiting = "", dict(answers)
    while select.select([terminal], [], [], 60)[0]:
        try:
            data = os.read(terminal, 4_096)
        except OSError:
            break
        said += data.decode()
        question = next((each for each in waiting if each in said.rpartition("\n")[2]), None)
        if question is not None and said.rstrip(" ").endswith((":", "]")):
            os.write(terminal, waiting.pop(question).encode() + b"\n")
    os.close(terminal)
    assert (os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), waiting) == (0, {}), said
    return said
