"""The `:http` step: what it sends, how it reads the answer, and which answers are failures."""

from __future__ import annotations

import pytest

from gitflow_runner.lang.values import keyword
from gitflow_runner.net.exchange import HttpRequest
from gitflow_runner.steps.base import HttpConnection
from gitflow_runner.steps.bodies import StoredBody
from gitflow_runner.steps.config import plain_config
from gitflow_runner.steps.http import SPEC, STEP
from gitflow_runner.steps.memory import MemoryConnections
from tests.step_context import Echo, World, answer, at, edn, failure, run, text

URL = "https://api.example/x"


def sent(config: str, **changes: object) -> HttpRequest:
    """The request that a config makes."""
    world = World({URL: answer(204)})
    run(STEP, config, world.context(**changes))
    return world.http.requests[0]


def content(request: HttpRequest) -> bytes:
    """All bytes of a request's body."""
    body = request.body
    assert body is not None
    return body if isinstance(body, bytes) else b"".join(body.chunks())


def got(body: bytes, media: str = "", more: str = "", **changes: object) -> object:
    """The body that an answer is read as."""
    world = World({URL: answer(200, body, media)})
    return at(run(STEP, f'{{:url "{URL}" {more}}}', world.context(**changes)), "body")


def test_an_answer_becomes_a_map() -> None:
    world = World({URL: answer(200, b'{"a":{"b":[1,null,1.5]}}', "application/json", X_Id="7")})
    result = run(STEP, f'{{:url "{URL}"}}', world.context())
    assert text(result) == (
        '{:status 200, :headers {"content-type" "application/json", "x-id" "7"},'
        ' :body {"a" {"b" [1 nil 1.5]}}}'
    )
    assert at(result, "body", "a", "b") == edn("[1 nil 1.5]")


@pytest.mark.parametrize(
    ("config", "method", "media", "body"),
    [
        ("", "GET", None, None),
        (":method :post", "POST", None, None),
        (':method "DELETE"', "DELETE", None, None),
        (":method :post :json {:a [1 :b]}", "POST", "application/json", b'{"a":[1,"b"]}'),
        (":method :post :json {:a 1} :body 7", "POST", "application/json", b'{"a":1}'),
        (
            ':method :post :form {:a "b c" :d [1 2]}',
            "POST",
            "application/x-www-form-urlencoded",
            b"a=b+c&d=1&d=2",
        ),
        (':method :put :body "text"', "PUT", "text/plain; charset=utf-8", b"text"),
        (':method :put :body "<a/>" :content-type "text/xml"', "PUT", "text/xml", b"<a/>"),
        (':method :put :body #bytes "/w=="', "PUT", "application/octet-stream", b"\xff"),
        (":method :put :body [1 2]", "PUT", "application/json", b"[1,2]"),
    ],
)
def test_a_request_has_method_and_body(
    config: str, method: str, media: str | None, body: bytes | None
) -> None:
    request = sent(f'{{:url "{URL}" {config}}}')
    assert (request.method, dict(request.headers).get("Content-Type"), request.body) == (method, media, body)


@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete"])
def test_the_idempotency_key_goes_with_every_method(method: str) -> None:
    assert dict(sent(f'{{:url "{URL}" :method :{method}}}').headers)["Idempotency-Key"] == "ab" * 32


def test_a_key_of_the_flows_own_is_left_alone() -> None:
    headers = sent(f'{{:url "{URL}" :headers {{"idempotency-key" "mine"}}}}').headers
    assert [value for name, value in headers if name.lower() == "idempotency-key"] == ["mine"]


def test_query_and_headers_are_written_as_text() -> None:
    request = sent(
        f'{{:url "{URL}?z=1#f" :query {{:q "a b" :n [1 2] :no nil}} :headers {{:x-a 1 :b :c}} :accept :json}}'
    )
    assert request.url == f"{URL}?z=1&q=a+b&n=1&n=2#f"
    assert [pair for pair in request.headers if pair[0] in ("x-a", "b", "Accept")] == [
        ("x-a", "1"),
        ("b", "c"),
        ("Accept", "application/json"),
    ]


def test_a_multipart_body_is_the_same_at_each_try() -> None:
    world = World()
    put = world.blobs.put(b"\xff", "image/png")
    file = f'{{:name :f :filename "x\\"y" :from-ref "{put.uri}"}}'
    config = f'{{:url "{URL}" :method :post :multipart [{{:name "a" :value "1"}} {file}]}}'
    first, second = (content(sent(config, blobs=world.blobs)) for _ in range(2))
    assert first == second
    assert first.split(b"\r\n")[1:4] == [b'Content-Disposition: form-data; name="a"', b"", b"1"]
    assert b'name="f"; filename="x%22y"\r\nContent-Type: application/octet-stream\r\n\r\n\xff\r\n' in first


def test_a_stored_value_can_be_the_body() -> None:
    world = World()
    put = world.blobs.put(b"stored", "text/plain")
    config = (
        f'{{:url "{URL}" :method :put :body-from-ref {{:type :blob :uri "{put.uri}"}} :content-type "a/b"}}'
    )
    request = sent(config, blobs=world.blobs)
    assert isinstance(request.body, StoredBody)
    assert (request.body.size, content(request), content(request)) == (6, b"stored", b"stored")


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("https://api.example", "x", URL),
        ("https://api.example/", "/x", URL),
        ("https://api.example/v1", "x?y=1", "https://api.example/v1/x?y=1"),
    ],
)
def test_a_path_is_put_behind_the_connections_base(base: str, path: str, url: str) -> None:
    world = World({url.partition("?")[0]: answer()})
    connections = MemoryConnections({"api": HttpConnection(base)})
    run(STEP, f'{{:connection :api :path "{path}"}}', world.context(connections=connections))
    assert world.http.requests[0].url == url


@pytest.mark.parametrize("path", ["../admin", "a/%2e%2e/b", "a\\\\..\\\\b", "https://evil.example/"])
def test_a_path_stays_below_its_base(path: str) -> None:
    connections = MemoryConnections({"api": HttpConnection("https://api.example/v1")})
    error = failure(STEP, f'{{:connection :api :path "{path}"}}', World().context(connections=connections))
    assert error.code == "config_type"


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ("{}", "config_one_of"),
        (f'{{:url "{URL}" :connection :a}}', "config_one_of"),
        ("{:connection :a}", "connection.unbound"),
        (f'{{:url "{URL}" :method :brew}}', "config_choice"),
        (f'{{:url "{URL}" :form {{}} :body "x"}}', "config_one_of"),
        (f'{{:url "{URL}" :ok-status :maybe}}', "config_type"),
        (f'{{:url "{URL}" :ok-status [99]}}', "config_type"),
        (f'{{:url "{URL}" :response-as :pdf}}', "config_choice"),
        (f'{{:url "{URL}" :client-opts {{:max-response-bytes 0}}}}', "config_type"),
        (f'{{:url "{URL}" :client-opts {{:verify false}}}}', "unknown_config_key"),
        (f'{{:url "{URL}" :multipart [{{:value 1}}]}}', "missing_config_key"),
        (f'{{:url "{URL}" :body-from-ref "res"}}', "config_type"),
    ],
)
def test_a_wrong_config_sends_nothing(config: str, code: str) -> None:
    world = World({URL: answer()})
    assert failure(STEP, config, world.context(connections=MemoryConnections())).code == code
    assert world.http.requests == []


@pytest.mark.parametrize("key", ["token", "password", "value"])
def test_an_inline_secret_is_refused(key: str) -> None:
    config = f'{{:url "{URL}" :auth {{:type :bearer :{key} "s3cret"}}}}'
    error = failure(STEP, config, World().context(connections=MemoryConnections()))
    assert (error.code, "s3cret" in str(error)) == ("config_choice", False)


@pytest.mark.parametrize(
    ("body", "media", "more", "value"),
    [
        (b'{"a":1}', "application/vnd.x+json; charset=utf-8", "", '{"a" 1}'),
        (b"not json", "application/json", ":response-as :text", '"not json"'),
        (b'{"a":1}\n{"b":2}\n', "application/x-ndjson", "", '[{"a" 1} {"b" 2}]'),
        (b"{:a 1}", "application/edn", "", "{:a 1}"),
        (b"a: [1, x]", "text/yaml", ":response-as :yaml", '{"a" [1 "x"]}'),
        (b"a: [1, x]", "text/yaml", "", '"a: [1, x]"'),
        (
            b"<a b='1'>t<c/>u</a>",
            "text/xml",
            ":response-as :xml",
            '{:tag :a, :attrs {:b "1"}, :content ["t" {:tag :c, :attrs {}, :content []} "u"]}',
        ),
        (
            b"event: x\ndata: 1\ndata: 2\n\ndata: 3\n\n: note\n\n",
            "text/event-stream",
            "",
            '[{:event "x", :data "1\\n2"} {:data "3"}]',
        ),
        ("ä".encode("latin-1"), "text/plain; charset=iso-8859-1", "", '"ä"'),
        (b"plain", "", "", '"plain"'),
        (b"", "application/json", "", "nil"),
        (b"", "image/png", "", '#bytes ""'),
        (b"12345678901234567890", "application/json", "", "12345678901234567890N"),
    ],
)
def test_a_body_is_read_by_its_media_type_or_as_told(body: bytes, media: str, more: str, value: str) -> None:
    assert text(got(body, media, more)) == value


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (b"{", ":response-as :json"),
        (b"[NaN]", ":response-as :json"),
        (b"[" * 100_000, ":response-as :json"),
        (b"{:a", ":response-as :edn"),
        (b"<a>", ":response-as :xml"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', ":response-as :xml"),
        (b"a: [", ":response-as :yaml"),
        (b"!!python/object/apply:os.getpid []", ":response-as :yaml"),
    ],
)
def test_a_body_that_cannot_be_read_so_is_a_failure(body: bytes, more: str) -> None:
    world = World({URL: answer(200, body)})
    error = failure(STEP, f'{{:url "{URL}" {more}}}', world.context())
    assert (error.code, error.definite, error.retryable) == ("http.body", False, False)


def test_a_yaml_text_that_multiplies_itself_is_bounded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    world = World({URL: answer(200, "\n".join(lines).encode())})
    assert failure(STEP, f'{{:url "{URL}" :response-as :yaml}}', world.context()).code == "http.body"


def test_a_parser_function_gets_the_answer() -> None:
    echo = Echo()
    body = got(b"7", "text/plain", ":parser-fn (fn [r] r)", functions=echo)
    assert text(at(body, "body")) == '"7"'
    assert text(echo.calls[0][0]) == "(fn [r] r)"


def test_only_the_headers_that_were_asked_for_come_back() -> None:
    world = World({URL: answer(200, b"", "text/plain", X_One="1", Set_Cookie="c")})
    plain = run(STEP, f'{{:url "{URL}"}}', world.context())
    asked = run(STEP, f'{{:url "{URL}" :include-headers ["Set-Cookie" :x-none]}}', world.context())
    assert text(at(plain, "headers")) == '{"content-type" "text/plain", "x-one" "1"}'
    assert text(at(asked, "headers")) == '{"set-cookie" "c"}'
    assert at(plain, "headers").get(keyword("x-one")) == "1"


@pytest.mark.parametrize(
    ("status", "definite", "retryable"),
    [
        (400, True, False),
        (404, True, False),
        (408, False, True),
        (409, True, False),
        (425, True, True),
        (429, True, True),
        (500, False, True),
        (501, False, False),
        (503, False, True),
        (504, False, True),
    ],
)
def test_a_failing_status_says_whether_to_try_again(status: int, definite: bool, retryable: bool) -> None:
    world = World({URL: answer(status, b'{"why":"x"}', "application/json")})
    error = failure(STEP, f'{{:url "{URL}"}}', world.context())
    assert (error.code, error.definite, error.retryable) == ("http.status", definite, retryable)
    assert (error.details["status"], text(error.details["body"])) == (status, '{"why" "x"}')


@pytest.mark.parametrize(
    ("status", "more"),
    [
        (200, ""),
        (204, ""),
        (304, ""),
        (404, ":ok-status [404 409]"),
        (404, ":ok-status #{404}"),
        (500, ":ok-status :any"),
        (409, ":ok-status 409"),
    ],
)
def test_a_status_that_is_taken_as_success_is_a_result(status: int, more: str) -> None:
    world = World({URL: answer(status)})
    assert at(run(STEP, f'{{:url "{URL}" {more}}}', world.context()), "status") == status


@pytest.mark.parametrize(
    ("header", "ms"),
    [
        ("3", 3_000),
        ("999999999999", 86_400_000),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10_000),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
    ],
)
def test_the_wait_that_the_other_side_asks_for_is_kept(header: str, ms: int | None) -> None:
    world = World({URL: answer(429, Retry_After=header)})
    assert failure(STEP, f'{{:url "{URL}"}}', world.context()).retry_after_ms == ms


def test_a_long_error_body_is_cut() -> None:
    world = World({URL: answer(400, b"x" * 100_000, "text/plain")})
    assert len(str(failure(STEP, f'{{:url "{URL}"}}', world.context()).details["body"])) == 4_096


@pytest.mark.parametrize(
    ("config", "effect"),
    [
        ("{}", "read"),
        ("{:method :head}", "read"),
        ('{:method "GET"}', "read"),
        ("{:method :post}", "keyed"),
        ("{:method :delete :unsafe true}", "unsafe"),
        ("{:template :t}", "keyed"),
        ("{:template :t :method :get}", "read"),
    ],
)
def test_the_effect_follows_from_the_config(config: str, effect: str) -> None:
    assert SPEC.effect_of(plain_config(edn(config))) == effect


@pytest.mark.parametrize("more", [':persist {:type :blob :filename "a.png"}', ":response-as :bytes", ""])
def test_a_binary_or_persisted_body_is_stored(more: str) -> None:
    world = World({URL: answer(200, b"\x89PNG\xff", "image/png")})
    result = run(STEP, f'{{:url "{URL}" {more}}}', world.context())
    assert text(at(result, "body")) == "{:type :omitted, :reason :persisted}"
    assert world.blobs.get(str(at(result, "blob-ref"))) == b"\x89PNG\xff"
    assert (at(result, "content-type"), at(result, "size-bytes"), at(result, "status")) == (
        "image/png",
        5,
        200,
    )


def test_a_template_gives_the_request_and_the_step_wins() -> None:
    template = edn(
        '{:id :t :request {:url "https://api.example/{{id}}" :method :post :json {:a ["{{id}}" 1]}}}'
    )
    world = World({URL: answer(), "https://api.example/{{y}}": answer()})
    context = world.context(
        templates={"t": template}, render=lambda text, data: text.replace("{{id}}", str(at(data, "id")))
    )
    run(STEP, '{:template :t :data {:id "x"} :method :put}', context)
    run(STEP, '{:template :t :data {:id "{{y}}"}}', context)
    first, second = world.http.requests
    assert (first.method, first.url, first.body) == ("PUT", URL, b'{"a":["x",1]}')
    assert (second.method, second.url, second.body) == (
        "POST",
        "https://api.example/{{y}}",
        b'{"a":["{{y}}",1]}',
    )


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("{}", "template.unknown"),
        ("{:other {}}", "template.shape"),
        ("{:request {:nope 1}}", "unknown_config_key"),
    ],
)
def test_a_template_that_does_not_fit_is_told(template: str, code: str) -> None:
    templates = {} if code == "template.unknown" else {"t": edn(template)}
    assert failure(STEP, "{:template :t}", World().context(templates=templates)).code == code


def test_the_time_for_a_request_ends_with_the_attempt() -> None:
    world = World({URL: answer()})
    run(STEP, f'{{:url "{URL}" :timeout 60}}', world.context(deadline_ms=5_000))
    run(
        STEP,
        f'{{:url "{URL}" :timeout "2s" :client-opts {{:max-response-bytes 9 :follow-redirects false}}}}',
        world.context(),
    )
    first, second = world.http.requests
    assert (first.timeout_ms, second.timeout_ms) == (5_000, 2_000)
    assert (second.max_response_bytes, second.follow_redirects) == (9, False)
