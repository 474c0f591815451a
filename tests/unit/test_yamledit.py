"""YAML files changed by commands: the entry is there, and all else is as people wrote it."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitflow_runner.connections.document import Document
from gitflow_runner.connections.yamledit import with_entry, without_entry
from gitflow_runner.errors import UsageError

DOCUMENT = Document("services.yaml", "services")
SHOP = {"type": "http-api", "base-url": "https://a.example", "auth": {"type": "bearer", "secret": "TOKEN"}}
SHOP_LINES = """  shop:
    type: http-api
    base-url: https://a.example
    auth: {type: bearer, secret: TOKEN}
"""


def put(text: str, path: str, value: object) -> str:
    return with_entry(DOCUMENT, text.encode(), path.split("."), value).decode()


def removed(text: str, path: str) -> str:
    return without_entry(DOCUMENT, text.encode(), path.split(".")).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"connections:\n{SHOP_LINES}"),
        ("# ours\n", f"# ours\nconnections:\n{SHOP_LINES}"),
        ("connections: # ours\n", f"connections: # ours\n{SHOP_LINES}"),
        ("connections: ~\nnote: x\n", f"connections:\n{SHOP_LINES}note: x\n"),
        ("connections:\n  a: {type: ssh} # one", f"connections:\n  a: {{type: ssh}} # one\n{SHOP_LINES}"),
        (
            "connections:\n  a:\n    type: ssh\n    # the end of a\n\n# the end\n",
            f"connections:\n  a:\n    type: ssh\n{SHOP_LINES}    # the end of a\n\n# the end\n",
        ),
        ("connections:\r\n  a: {type: ssh}\r\n", None),
        ("{connections: {a: {type: ssh}}}\n", None),
        ("connections: {}\n", None),
        ("connections:\n      a:\n        note: |\n          text\n\n", None),
        ("connections:\n  a:\n", None),
    ],
)
def test_an_entry_is_put_below_the_others(before: str, after: str | None) -> None:
    found = put(before, "connections.shop", SHOP)
    assert yaml.safe_load(found)["connections"]["shop"] == SHOP
    assert "a:" not in before or "a:" in found
    assert (found.count("\r\n") == found.count("\n")) == ("\r\n" in before or "\n" not in found)
    if after is not None:
        assert found.replace("connections: \n", "connections:\n") == after
    again = removed(found, "connections.shop")
    assert yaml.safe_load(again or "{}") in (
        yaml.safe_load(before),
        {"connections": None},
        {"connections": {}},
    )


def test_a_map_is_changed_key_by_key() -> None:
    before = (
        "connections:\n  shop: # the shop\n    type: http-api  # a kind\n    'base-url': \"https://old.example\"\n"
        "    timeout: 5 # s\n    auth:\n      type: bearer\n      secret: TOKEN # by name\n"
    )
    after = put(before, "connections.shop", SHOP)
    assert after == before.replace('"https://old.example"', "https://a.example").replace(
        "    timeout: 5 # s\n", ""
    )


@pytest.mark.parametrize(
    ("before", "path", "after"),
    [
        ("a:\n  b: 1\n  # of c\n  c: 2 # two\nd: 3\n", "a.c", "a:\n  b: 1\n  # of c\nd: 3\n"),
        ("a: {b: 1, c: 2}\n", "a.b", "a: {c: 2}\n"),
        ("a: {b: 1, c: 2}\n", "a.c", "a: {b: 1}\n"),
        ("a: {b: 1}\n", "a.b", "a: {}\n"),
        ("a: {b: 1}\n", "a.x", "a: {b: 1}\n"),
        ("a: 1\n", "a.x.y", "a: 1\n"),
    ],
)
def test_an_entry_goes_with_its_lines_alone(before: str, path: str, after: str) -> None:
    assert removed(before, path) == after


@pytest.mark.parametrize("text", ["a: &x {b: 1}\nc: *x\n", "a: 1\na: 2\n", "- a\n", "a: [\n", "a: \xff\n"])
def test_what_is_not_read_is_not_changed(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        with_entry(DOCUMENT, text.encode("latin-1"), ("n",), 1)
    assert caught.value.code.startswith("services.")


@pytest.mark.parametrize(("text", "path"), [("a: 1\n", "a.b"), ("a: [1]\n", "a.b")])
def test_a_file_that_cannot_be_changed_safely_is_refused(text: str, path: str) -> None:
    with pytest.raises(UsageError) as caught:
        put(text, path, 2)
    assert caught.value.code == "services.edit"


class Plainly(yaml.SafeDumper):
    """Writes out what it meets twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


KEYS = st.sampled_from(("a", "b-c", "no", "1", "x y", "#", "ä:"))
LEAVES = st.one_of(st.booleans(), st.integers(), st.text(max_size=8), st.just([1, "two"]))
TREES = st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, min_size=1, max_size=3), max_leaves=8)


@given(
    st.dictionaries(KEYS, TREES, max_size=4),
    st.lists(KEYS, min_size=1, max_size=3),
    TREES,
    st.sampled_from((True, False, None)),
)
def test_any_entry_can_be_put_and_taken_out(
    tree: dict[str, object], path: list[str], value: object, flow: bool | None
) -> None:
    dumped = yaml.dump(tree, Dumper=Plainly, default_flow_style=flow, allow_unicode=True)
    text = f"# said\n{dumped}# said\n"
    try:
        found = with_entry(DOCUMENT, text.encode(), path, value)
    except UsageError:
        return  # and nothing is written
    at: object = yaml.safe_load(found)
    for key in path:
        assert isinstance(at, dict)
        at = at[key]
    assert at == value or value == {}
    assert found.decode().count("# said") == text.count("# said")
    gone: object = yaml.safe_load(without_entry(DOCUMENT, found, path))
    for key in path[:-1]:
        gone = gone[key] if isinstance(gone, dict) else None
    assert not isinstance(gone, dict) or path[-1] not in gone
