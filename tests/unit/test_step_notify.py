"""The `:notify` step, the notifiers, and `:persist`."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.model.message import Delivery, Message
from gitflow_runner.net.apprise import AppriseClient
from gitflow_runner.net.mail import MailClient
from gitflow_runner.notifiers.base import Ports
from gitflow_runner.notifiers.registry import Notifiers, built_in
from gitflow_runner.steps.config import config_problems, plain_config
from gitflow_runner.steps.notify import STEP
from gitflow_runner.steps.persist import persist
from tests.step_context import World, answer, at, edn, failure, run, text

URL = "https://hooks.example/x"
HTTP = f'{{:channels {{:http {{:url "{URL}" :json {{:text "hi {{{{id}}}}"}}}}}}'


def by_id(template: str, data: object) -> str:
    return template.replace("{{id}}", str(at(data, "id")))


def test_an_http_channel_posts_its_request_with_the_key() -> None:
    world = World({URL: answer(202)})
    result = run(STEP, HTTP + " :data {:id 7}}", world.context(render=by_id))
    assert text(result) == "{:sent? true, :channels {:http {:sent? true, :status 202}}}"
    request = world.http.requests[0]
    assert (request.method, request.body) == ("POST", b'{"text":"hi 7"}')
    assert dict(request.headers)["Idempotency-Key"] == "ab" * 32


def test_without_data_braces_stay_text() -> None:
    world = World({URL: answer()})
    run(STEP, HTTP + "}", world.context())
    assert world.http.requests[0].body == b'{"text":"hi {{id}}"}'


def test_a_failed_channel_is_a_result() -> None:
    world = World({URL: answer(404)})
    result = run(STEP, HTTP + "}", world.context())
    assert text(result) == (
        "{:sent? false, :channels {:http {:sent? false, :status 404}}, :errors"
        ' [{:channel :http, :code "http.status", :message "the receiver answered 404"}]}'
    )


@pytest.mark.parametrize(("attempt", "raised"), [(1, True), (2, False)])
def test_a_failure_that_may_pass_is_tried_again_while_attempts_remain(attempt: int, raised: bool) -> None:
    world = World({URL: answer(503)})
    config, context = HTTP + " :retry {:max-attempts 2}}", world.context(attempt=attempt)
    if raised:
        error = failure(STEP, config, context)
        assert (error.code, error.retryable) == ("http.status", True)
    else:
        assert at(run(STEP, config, context), "sent?") is False


def test_a_template_holds_the_channels() -> None:
    world = World()
    template = edn('{:id :t :channels {:log {:text "run {{id}}"}}}')
    context = world.context(templates={"t": template}, render=by_id)
    assert at(run(STEP, "{:template :t :data {:id 7}}", context), "sent?") is True
    assert world.log.lines == ["run 7"]


class Pigeon:
    """A notifier port that keeps what it sends."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Mapping[str, object], Message]] = []

    def send(self, channel: str, settings: Mapping[str, object], message: Message) -> Delivery:
        self.sent.append((channel, settings, message))
        return Delivery()


def test_other_channels_go_through_the_notifiers() -> None:
    pigeon = Pigeon()
    config = '{:channels {:pigeon {:loft "north"}} :title "T" :message "M" :data {:id 7}}'
    run(STEP, config, World().context(notify=pigeon))
    assert pigeon.sent == [("pigeon", {"loft": "north"}, Message("T", "M", {"id": "7"}, "ab" * 32))]


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ("{}", "missing_config_key"),
        ("{:channels {}}", "missing_config_key"),
        ('{:channels {:ui {:text "x"}}}', "config_choice"),
        ('{:channels {:email {:text "x"}}}', "config_choice"),
        ("{:channels {:log {}}}", "missing_config_key"),
        ("{:channels {:http {:json 1}}}", "config_one_of"),
        ('{:channels {:http {:url "https://a.example" :response-as :json}}}', "unknown_config_key"),
        ("{:channels [:log]}", "config_type"),
    ],
)
def test_a_wrong_notification_is_told(config: str, code: str) -> None:
    assert failure(STEP, config, World().context()).code == code


def test_a_flow_holds_no_address_with_credentials() -> None:
    config = '{:message "x" :channels {:apprise {:address "jsons://u:p@h.example"}}}'
    assert failure(STEP, config, World().context(notify=Pigeon())).code == "config_choice"


def test_an_unknown_channel_is_a_failed_one() -> None:
    result = run(STEP, '{:channels {:pigeon {:text "x"}}}', World().context())
    assert at(result, "sent?") is False


MESSAGE = Message("Ship?", "Please look\nnow", {"run": "r1"}, "k1")


def ports(world: World) -> Ports:
    return Ports(world.http, MailClient(), world.log, world.cancel, AppriseClient())


@pytest.mark.parametrize("name", built_in())
def test_a_notifiers_example_passes_its_own_check(name: str) -> None:
    spec = Notifiers().get(name).spec
    assert (spec.type, spec.summary[-1]) == (name, ".")
    assert config_problems(spec, plain_config(edn(spec.example))) == ()


def test_the_log_notifier_writes_one_line() -> None:
    world = World()
    Notifiers().get("log").send({}, MESSAGE, ports(world))
    assert world.log.lines == ["Ship?: Please look\\nnow"]


@pytest.mark.parametrize(
    ("settings", "body"),
    [
        ({}, {"title": "Ship?", "text": "Please look\nnow", "variables": {"run": "r1"}, "key": "k1"}),
        ({"format": "chat"}, {"text": "*Ship?*\nPlease look\nnow"}),
    ],
)
def test_the_http_notifier_posts_json(settings: dict[str, object], body: object) -> None:
    world = World({URL: answer(200)})
    notifier = Notifiers().get("http")
    assert notifier.send(
        {"url": URL, "headers": {"X-A": "1"}, **settings}, MESSAGE, ports(world)
    ) == Delivery(200)
    request = world.http.requests[0]
    assert json.loads(request.body or b"") == body
    assert dict(request.headers) == {"Content-Type": "application/json", "X-A": "1", "Idempotency-Key": "k1"}


@pytest.mark.parametrize(
    ("settings", "status", "code", "retryable"),
    [
        ({"url": URL}, 503, "http.status", True),
        ({"url": URL}, 404, "http.status", False),
        ({}, 200, "notify.settings", False),
        ({"url": URL, "format": "morse"}, 200, "notify.settings", False),
    ],
)
def test_a_notifier_says_why_it_failed(
    settings: dict[str, object], status: int, code: str, retryable: bool
) -> None:
    with pytest.raises(StepError) as caught:
        Notifiers().get("http").send(settings, MESSAGE, ports(World({URL: answer(status)})))
    assert (caught.value.code, caught.value.retryable) == (code, retryable)


def kept(value: str, options: str, world: World) -> object:
    return persist(edn(value), {"persist": edn(options)}, world.context())


@pytest.mark.parametrize(
    ("value", "data", "media"),
    [
        ("{:a [1 2]}", b"{:a [1 2]}", "application/edn"),
        ('"text"', b"text", "text/plain; charset=utf-8"),
        ('#bytes "/w=="', b"\xff", "application/octet-stream"),
    ],
)
def test_a_persisted_result_is_a_reference_under_all_its_names(value: str, data: bytes, media: str) -> None:
    world = World()
    made = kept(value, '{:type :blob :filename "f"}', world)
    uri = at(made, "uri")
    assert {at(made, name) for name in ("ref", "blob-ref", "uri", "resource-uri")} == {uri}
    assert world.blobs.get(uri) == data
    assert (at(made, "size-bytes"), at(made, "content-type"), at(made, "filename")) == (len(data), media, "f")
    assert text(at(made, "type")) == ":blob"
    assert at(made, "path") == f"sha256/{at(made, 'sha256')}"


def test_a_result_that_is_stored_already_stays() -> None:
    world = World()
    made = kept('"text"', "{:type :blob}", world)
    assert persist(made, {"persist": edn("{:type :blob}")}, world.context()) is made


def test_a_result_can_go_into_the_store_of_named_values() -> None:
    world = World()
    assert text(kept("{:a 1}", '{:type :kv :key "k" :ttl 10}', world)) == '{:type :kv, :key "k"}'
    entry = world.kv.get("k")
    assert entry is not None
    assert (entry.text, entry.expires_at) == ('{"a" 1}', world.clock.now_ms() + 10_000)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("true", "config_type"),
        ("{}", "config_choice"),
        ("{:type :table}", "missing_config_key"),
        ("{:type :kv}", "missing_config_key"),
        ('{:type :kv :key "a b"}', "kv.key"),
        ("{:type :blob :key 1}", "unknown_config_key"),
        ("{:type :blob :tier :gold}", "config_choice"),
    ],
)
def test_a_wrong_persist_option_is_told(options: str, code: str) -> None:
    with pytest.raises(StepError) as caught:
        kept("1", options, World())
    assert caught.value.code == code


def test_without_the_option_a_result_stays_inline() -> None:
    assert persist(7, {}, World().context()) == 7
