"""The `:kv` step, and results persisted into it."""

from __future__ import annotations

import pytest

from gitflow_runner.lang.values import keyword
from gitflow_runner.steps.config import plain_config
from gitflow_runner.steps.kv import SPEC, STEP
from tests.step_context import World, at, edn, failure, run, text


class Store:
    """One world whose every operation is another execution of the step."""

    def __init__(self) -> None:
        self.world = World()
        self.count = 0

    def do(self, config: str, key: str | None = None) -> object:
        """Run an operation under its own idempotency key, or a given one."""
        self.count += 1
        return run(STEP, config, self.world.context(key=key or f"{self.count:064x}"))

    def fails(self, config: str) -> str:
        """The code of an operation's error."""
        return failure(STEP, config, self.world.context(key="f" * 64)).code


def test_a_value_is_set_and_got_with_string_keys() -> None:
    store = Store()
    assert text(store.do("{:operation :set :key :a :value {:n [1 :b nil]}}")) == (
        '{:success true, :key "a", :created? true}'
    )
    got = store.do('{:operation :get :key "a"}')
    assert text(got) == '{:success true, :value {"n" [1 "b" nil]}, :exists? true}'
    assert at(got, "value").get(keyword("n")) == edn('[1 "b" nil]')


def test_a_missing_value_is_the_default() -> None:
    store = Store()
    assert text(store.do("{:operation :get :key :a}")) == "{:success true, :value nil, :exists? false}"
    assert at(store.do("{:operation :get :key :a :default 7}"), "value") == 7


def test_a_repeat_with_the_same_key_changes_nothing() -> None:
    store = Store()
    first = store.do("{:operation :increment :key :n}", "a" * 64)
    again = store.do("{:operation :increment :key :n}", "a" * 64)
    assert text(first) == text(again) == '{:success true, :key "n", :value 1, :previous 0}'
    assert at(store.do("{:operation :get :key :n}"), "value") == 1


@pytest.mark.parametrize(
    ("delta", "value"),
    [
        ("", "6"),
        (":delta -2", "3"),
        (":delta 0.5", "5.5"),
        (":delta 1/2", "5.5"),
        (":delta 0.5M", "5.5"),
        (":delta 5N", "10"),
        (":delta nil", "6"),
        (":delta 9223372036854775807", "9223372036854775812N"),
    ],
)
def test_a_number_is_incremented(delta: str, value: str) -> None:
    store = Store()
    store.do("{:operation :set :key :n :value 5}")
    assert text(at(store.do(f"{{:operation :increment :key :n {delta}}}"), "value")) == value


def test_a_number_beyond_64_bits_goes_on() -> None:
    store = Store()
    store.do("{:operation :set :key :n :value 9223372036854775807}")
    store.do("{:operation :increment :key :n}")
    assert text(at(store.do("{:operation :increment :key :n :delta -2}"), "value")) == "9223372036854775806"


def test_items_are_appended_and_the_oldest_fall_out() -> None:
    store = Store()
    store.do("{:operation :append :key :l :item 1}")
    store.do("{:operation :append :key :l :items [2 3]}")
    assert text(store.do("{:operation :append :key :l :value 4 :max-length 3}")) == (
        '{:success true, :key "l", :count 3}'
    )
    assert text(at(store.do("{:operation :get :key :l}"), "value")) == "[2 3 4]"


def test_only_a_new_value_is_set_where_asked() -> None:
    store = Store()
    assert at(store.do("{:operation :set :key :a :value 1 :if-not-exists true}"), "created?") is True
    assert at(store.do("{:operation :set :key :a :value 2 :if-not-exists true}"), "created?") is False
    assert at(store.do("{:operation :get :key :a}"), "value") == 1


def test_deleting_and_asking_for_existence() -> None:
    store = Store()
    store.do("{:operation :set :key :a :value nil}")
    assert at(store.do("{:operation :exists :key :a}"), "exists?") is True
    assert text(store.do("{:operation :delete :key :a}")) == '{:success true, :key "a", :existed? true}'
    assert at(store.do("{:operation :delete :key :a}"), "existed?") is False
    assert at(store.do("{:operation :exists :key :a}"), "exists?") is False


def test_a_value_expires_and_metadata_stays_beside_it() -> None:
    store = Store()
    store.do("{:operation :set :key :a :value 1 :ttl 10 :metadata {:by :me}}")
    assert text(at(store.do("{:operation :get :key :a}"), "metadata")) == '{"by" "me"}'
    store.world.clock.advance(5_000)
    store.do("{:operation :increment :key :a}")
    store.world.clock.advance(5_000)
    assert at(store.do("{:operation :get :key :a}"), "exists?") is False


def test_keys_are_listed_by_prefix() -> None:
    store = Store()
    for name in ("b:2", "a", "b:1"):
        store.do(f'{{:operation :set :key "{name}" :value 1}}')
    assert text(store.do('{:operation :list-keys :prefix "b:"}')) == (
        '{:success true, :keys ["b:1" "b:2"], :count 2}'
    )
    assert at(store.do("{:operation :list-keys :limit 1}"), "count") == 1


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ("{:operation :get}", "missing_config_key"),
        ("{:operation :set :key :a}", "missing_config_key"),
        ('{:operation :get :key "a/b"}', "kv.key"),
        ('{:operation :get :key ""}', "kv.key"),
        (f'{{:operation :get :key "{"a" * 257}"}}', "kv.key"),
        ("{:operation :set :key :a :value 1 :ttl 0}", "config_type"),
        ("{:operation :set :key :a :value 1 :ttl 31536001}", "config_type"),
        (f'{{:operation :set :key :a :value "{"x" * 1_000_000}"}}', "kv.too_large"),
        ("{:operation :append :key :a}", "config_one_of"),
        ("{:operation :append :key :a :item 1 :items [2]}", "config_one_of"),
        ("{:operation :append :key :a :items nil}", "config_one_of"),
        ("{:operation :append :key :n :item 1}", "kv.not_a_list"),
        ("{:operation :increment :key :s}", "kv.not_a_number"),
        ("{:operation :list-keys :limit 1001}", "config_type"),
        ("{:operation :drop :key :a}", "config_choice"),
    ],
)
def test_a_wrong_operation_is_told(config: str, code: str) -> None:
    store = Store()
    store.do("{:operation :set :key :n :value 1}")
    store.do('{:operation :set :key :s :value "x"}')
    assert store.fails(config) == code


@pytest.mark.parametrize("operation", ["get", "exists", "list-keys", "set", "delete", "increment", "append"])
def test_only_reads_are_reads(operation: str) -> None:
    effect = SPEC.effect_of(plain_config(edn(f"{{:operation :{operation}}}")))
    assert effect == ("read" if operation in ("get", "exists", "list-keys") else "keyed")
