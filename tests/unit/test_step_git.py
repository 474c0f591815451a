"""The `:git`, `:time` and `:function` steps."""

from __future__ import annotations

import pytest

from gitflow_runner.lang.values import keyword
from gitflow_runner.steps import function, git, time
from tests.step_context import ONE, THREE, TWO, Echo, World, at, failure, run, text


def read(config: str) -> object:
    return run(git.STEP, config, World().context())


def test_the_log_tells_commits_newest_first() -> None:
    result = read('{:op :log :ref "main" :since "v1"}')
    assert [at(commit, "id") for commit in at(result, "commits")] == [THREE, TWO]
    assert text(at(result, "commits").nth(1)) == (
        f'{{:id "{TWO}", :parents ["{ONE}"], :author "Ann", :email "ann@example.com",'
        ' :time-ms 2000, :subject "add b", :body ""}'
    )
    assert (at(result, "count"), at(result, "truncated?")) == (2, False)


def test_the_log_is_bounded_and_says_so() -> None:
    result = read("{:op :log :limit 2}")
    assert (at(result, "count"), at(result, "truncated?")) == (2, True)


def test_the_log_follows_paths() -> None:
    assert [at(commit, "id") for commit in at(read('{:op :log :paths ["src/a.py"]}'), "commits")] == [
        THREE,
        ONE,
    ]


@pytest.mark.parametrize(
    ("config", "changes"),
    [
        ('{:op :changed-paths :since "v1"}', [("D", "README.md"), ("M", "src/a.py"), ("A", "src/b.bin")]),
        ("{:op :changed-paths}", [("D", "README.md"), ("M", "src/a.py")]),
        ('{:op :changed-paths :ref "v1"}', [("A", "README.md"), ("A", "src/a.py")]),
        ('{:op :changed-paths :since "v1" :paths ["src/"] :limit 1}', [("M", "src/a.py")]),
    ],
)
def test_changed_paths_lie_between_two_commits(config: str, changes: list[tuple[str, str]]) -> None:
    found = at(read(config), "changes")
    assert [(at(change, "status"), at(change, "path")) for change in found] == changes


def test_a_patch_is_cut_at_its_bound() -> None:
    result = read('{:op :diff :since "v1" :max-bytes 5}')
    assert (len(at(result, "patch")), at(result, "truncated?"), at(result, "base")) == (5, True, ONE)


def test_show_gives_a_file_or_the_commit() -> None:
    assert at(read('{:op :show :path "src/a.py"}'), "content") == "a = 2\n"
    assert text(at(read('{:op :show :ref "v2" :path "src/b.bin"}'), "content")) == '#bytes "//4="'
    assert at(read('{:op :show :ref "v2"}'), "subject") == "add b"


def test_files_and_tags_are_listed() -> None:
    assert text(at(read('{:op :files :path "src" :ref "v1"}'), "files")) == '[{:path "src/a.py", :size 6}]'
    assert [at(tag, "name") for tag in at(read('{:op :tags :pattern "v*"}'), "tags")] == ["v2", "v1"]


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ('{:op :log :ref "gone"}', "git.unknown_revision"),
        ('{:op :show :path "gone"}', "git.unknown_path"),
        ('{:op :show :path "../etc"}', "git.path"),
        ('{:op :show :path "a//b"}', "git.path"),
        ('{:op :files :path "a/./b"}', "git.path"),
        ('{:op :log :paths ["a\\\\b"]}', "git.path"),
        ('{:op :show :path "src/a.py" :max-bytes 2}', "git.too_large"),
        ("{:op :log :limit 1001}", "config_type"),
        ("{:op :push}", "config_choice"),
        ("{}", "missing_config_key"),
    ],
)
def test_a_wrong_reading_is_told(config: str, code: str) -> None:
    assert failure(git.STEP, config, World().context()).code == code


def test_a_cancelled_reading_reads_nothing() -> None:
    world = World()
    world.cancel.ask()
    assert failure(git.STEP, "{:op :log}", world.context()).code == "step.cancelled"


def test_the_time_is_the_injected_clocks() -> None:
    assert text(run(time.STEP, "{}", World().context())) == (
        '{:now-ms 1700000000000, :iso "2023-11-14T22:13:20.000Z"}'
    )


def test_a_function_gets_its_input_and_who_calls_it() -> None:
    echo = Echo()
    run(function.STEP, "{:ref :f :input {:a 1}}", World().context(functions=echo))
    name, argument = echo.calls[0]
    assert name == "f"
    assert text(argument) == (
        '{:a 1, :flow/ctx {:workflow-id "20260101-120000-abcdef", :slug "hello"},'
        ' :step/ctx {:id "body/fetch#0"}}'
    )


def test_a_function_without_input_gets_an_empty_one() -> None:
    echo = Echo()
    run(function.STEP, "{:code (fn [x] x)}", World().context(functions=echo))
    assert text(echo.calls[0][0]) == "(fn [x] x)"
    assert echo.calls[0][1].get(keyword("input")) is None


@pytest.mark.parametrize(
    ("data", "media", "value"),
    [
        (b'{"a":1}', "application/json", '{"a" 1}'),
        (b"{:a 1}", "application/edn", "{:a 1}"),
        (b"text", "text/plain; charset=utf-8", '"text"'),
        (b"\xff", "image/png", '#bytes "/w=="'),
    ],
)
def test_stored_values_in_the_input_are_loaded_where_asked(data: bytes, media: str, value: str) -> None:
    world, echo = World(), Echo()
    put = world.blobs.put(data, media)
    reference = f'{{:type :blob :uri "{put.uri}" :content-type "{media}"}}'
    config = f"{{:ref :f :input {{:big {reference} :other {reference}}} :load [:big :none]}}"
    run(function.STEP, config, world.context(functions=echo))
    assert text(echo.calls[0][1].get(keyword("big"))) == value
    assert at(echo.calls[0][1], "other", "uri") == put.uri


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ("{}", "config_one_of"),
        ("{:ref :f :code (fn [x] x)}", "config_one_of"),
        ("{:ref :f :input [1]}", "config_type"),
        ("{:ref :f :input {:a 7} :load [:a]}", "config_type"),
        ("{:ref :f}", "function.unknown"),
    ],
)
def test_a_wrong_function_step_is_told(config: str, code: str) -> None:
    assert failure(function.STEP, config, World().context()).code == code


def test_a_value_too_large_for_a_function_is_not_loaded() -> None:
    world = World()
    put = world.blobs.put(b"x" * 1_000_001, "text/plain")
    config = f'{{:ref :f :input {{:a "{put.uri}"}} :load [:a]}}'
    assert failure(function.STEP, config, world.context(functions=Echo())).code == "res.too_large"
