"""A model that calls tools: identities, bounds, what the model is told, and replay."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.values import Value, keyword
from gitflow_runner.model.command import RunStep
from gitflow_runner.model.event import CancelAsked, RunCancelled
from gitflow_runner.model.failure import Failure
from tests.engine_shell import Result, Shell, program

STEPS = """:steps [{:id :tools/look :type :http :description "Looks" :input-schema [:map [:q :string]]
                    :defaults {:url "https://x.test/look" :method :get}}
                   {:id :tools/twice :type :function :defaults {:ref :twice}}
                   {:id :tools/nap :type :sleep :defaults {:seconds 1}}
                   {:id :tools/sure :type :wait :defaults {:title "Sure?"}}]
           :agents [{:id :review/critic :description "Judges" :objective "Judge it"
                     :tools {:steps [:tools/look]}}]"""
ASK = '(flow/step :llm :ask {:prompt "go" :provider :mock :tools {:steps [:tools/look :tools/twice]}%s})'


def wish(*calls: tuple[str, str]) -> Value:
    """An answer that wants these tools called with these arguments (EDN of a map with texts as keys)."""
    texts = [
        f'{{:id "c{index}" :name "{name}" :arguments {arguments}}}'
        for index, (name, arguments) in enumerate(calls)
    ]
    listed = " ".join(texts)
    message = f'{{:role "assistant" :content "" :tool-calls [{listed}]}}'
    usage = "{:input-tokens 10 :output-tokens 1}"
    return read_data(f'{{:content "" :tool-calls [{listed}] :message {message} :usage {usage}}}')


DONE = read_data('{:content "done" :finish-reason "stop" :usage {:input-tokens 20 :output-tokens 2}}')


def model(*answers: Value, tools: Mapping[str, Value | Failure] | None = None) -> Result:
    """Answers the questions of each loop in turn, and tools by their id."""
    asked: dict[str, int] = {}

    def result(command: RunStep) -> Value | Failure:
        if command.step_id != "model":
            return (tools or {}).get(command.step_id, 7)
        scope = command.identity.rpartition("/")[0]
        asked[scope] = asked.get(scope, 0) + 1
        return answers[min(asked[scope], len(answers)) - 1]

    return result


class Watched(Shell):
    """Keeps the commands that it did."""

    def __init__(self, *given: object, **named: object) -> None:
        self.commands: dict[str, RunStep] = {}
        super().__init__(*given, **named)  # type: ignore[arg-type]
        inner = self.result

        def result(command: RunStep) -> Value | Failure:
            self.commands[command.identity] = command
            return inner(command)

        self.result = result


def loop(options: str = "", *, result: Result, body: str = "") -> Watched:
    made = program(body or ASK % options, "[{:id :twice :language :clojure :code '(fn [m] m)}]", STEPS)
    return Watched(made, result=result).run()


def test_every_question_and_every_call_is_a_step_of_its_own() -> None:
    shell = loop(
        result=model(wish(("look", '{"q" "a"}'), ("twice", '{"n" 2}')), wish(("look", '{"q" "b"}')), DONE)
    )
    assert shell.identities == [
        "ask/model",
        "ask/tool:look",
        "ask/tool:twice",
        "ask/model#1",
        "ask/tool:look#1",
        "ask/model#2",
    ]
    assert shell.output is not None
    assert read_data(shell.output) == read_data(
        '{:content "done" :finish-reason "stop" :usage {:input-tokens 40 :output-tokens 4}'
        " :iterations 3 :tool-call-count 3}"
    )


def test_a_replay_asks_for_the_same_at_every_prefix() -> None:
    shell = loop(result=model(wish(("look", '{"q" "a"}'), ("twice", "{}")), wish(("nap", "{}")), DONE))
    for upto in range(1, len(shell.history)):
        again = Watched(shell.program, result=shell.result)
        again.feed(*(recorded.event for recorded in shell.history[1:upto]))
        assert again.activation.commands() == shell.replayed(upto)


def test_a_tool_gets_its_defaults_and_what_the_model_may_set() -> None:
    shell = loop(result=model(wish(("look", '{"q" "a"}'), ("twice", '{"n" 2}')), DONE))
    look, twice = (shell.commands[f"ask/tool:{name}"] for name in ("look", "twice"))
    assert (look.type, write(look.config)) == ("http", '{:url "https://x.test/look", :method :get, :q "a"}')
    assert (twice.type, write(twice.config)) == ("function", "{:ref :twice, :input {:n 2}}")


def test_a_tool_is_held_to_its_schemas_and_a_loop_to_what_it_is_given() -> None:
    shell = loop(result=model(wish(("look", '{"q" "a"}')), DONE))
    look = shell.commands["ask/tool:look"].packaged
    assert look is not None
    assert (look.id, write(look.given), look.whole) == ("tools/look", '{"q" "a"}', True)
    assert shell.commands["ask/model"].packaged is None
    steps = """:steps [{:id :ask/all :type :llm :input-schema [:map [:prompt :string]]
                        :defaults {:provider :mock :tools {:steps [:tools/look]}}}
                       {:id :tools/look :type :http :defaults {:url "https://x.test"}}]"""
    again = Watched(
        program('(flow/step :ask/all :ask {:prompt "go"})', "[]", steps),
        result=model(wish(("look", "{}")), DONE),
    ).run()
    first, second = again.commands["ask/model"].packaged, again.commands["ask/model#1"].packaged
    assert first is not None
    assert (first.id, first.whole, second) == ("ask/all", False, None)


@pytest.mark.parametrize(
    ("behaviour", "config"),
    [(1, "{:ref :twice, :n 2}"), (2, "{:ref :twice, :input {:n 2}}")],
)
def test_a_packaged_function_means_what_it_meant_when_its_run_began(behaviour: int, config: str) -> None:
    functions = "[{:id :twice :language :clojure :code '(fn [m] m)}]"
    made = program("(flow/step :tools/twice :once {:n 2})", functions, STEPS, behaviour)
    shell = Watched(made).run()
    assert write(shell.commands["once"].config) == config


def test_the_model_is_told_of_its_tools_and_of_their_results() -> None:
    shell = loop(result=model(wish(("look", '{"q" "a"}')), DONE, tools={"tool:look": read_data("{:hits 3}")}))
    first, second = shell.commands["ask/model"].config, shell.commands["ask/model#1"].config
    assert write(first) == (
        '{:prompt "go", :provider :mock, :tools {:definitions [{:name "look", :description "Looks", :params '
        '[:map [:q :string]]} {:name "twice", :description "tools/twice"}]}}'
    )
    transcript = second.get(keyword("transcript"))  # type: ignore[attr-defined]
    assert write(list(transcript)[1]) == (
        '{:role "tool", :tool-call-id "c0", :name "look", :content {:hits 3}}'
    )


def test_a_tools_failure_is_told_to_the_model_and_fails_nothing() -> None:
    failure = Failure("http.status", "the service answered 500")
    shell = loop(result=model(wish(("look", '{"q" "a"}')), DONE, tools={"tool:look": failure}))
    told = list(shell.commands["ask/model#1"].config.get(keyword("transcript")))[1]  # type: ignore[attr-defined]
    assert write(told) == (
        '{:role "tool", :tool-call-id "c0", :name "look", :content "http.status: the service answered 500",'
        " :failed? true}"
    )
    assert shell.output is not None


def test_a_call_that_cannot_be_carried_out_is_told_to_the_model() -> None:
    broken = read_data(
        '{:content "" :message {:role "assistant" :content ""}'
        ' :tool-calls [{:id "c" :name "look" :arguments {} :problem "q is missing"}'
        ' {:id "d" :name "rm" :arguments {}}]}'
    )
    shell = loop(result=model(broken, DONE))
    assert shell.identities == ["ask/model", "ask/model#1"]
    transcript = list(shell.commands["ask/model#1"].config.get(keyword("transcript")))  # type: ignore[attr-defined]
    assert [write(each.get(keyword("content"))) for each in transcript[1:]] == [
        '"q is missing"',
        '"there is no such tool"',
    ]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (" :max-iterations 2", "llm.iterations"),
        (" :max-tool-calls 2", "llm.tool_calls"),
        (" :max-repeated-tool-calls 2", "llm.repeated_tool_calls"),
        ("", "llm.iterations"),
    ],
)
def test_a_loop_without_end_ends_at_its_bound(options: str, code: str) -> None:
    shell = loop(options, result=model(wish(("look", '{"q" "a"}'))))
    assert shell.failure is not None
    assert (shell.failure.code, shell.failure.step) == (code, "ask")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (" :max-iterations 101", "config_type"),
        (" :max-tool-calls 0", "config_type"),
        (" :persist {:type :blob}", "llm.tools"),
    ],
)
def test_what_a_loop_cannot_do_is_refused_before_the_model_is_asked(options: str, code: str) -> None:
    shell = loop(options, result=model(DONE))
    assert (shell.failure and shell.failure.code, shell.identities) == (code, [])


@pytest.mark.parametrize(
    ("tools", "code"),
    [
        ("{:steps [:tools/other]}", "llm.tools"),
        ("{:mcp [:x]}", "llm.tools"),
        ("{:steps [:tools/look] :mode :propose}", "config_choice"),
        ("{:steps [:tools/look] :definitions []}", "llm.tools"),
        ("{:steps [:tools/look] :stepz []}", "unknown_config_key"),
    ],
)
def test_tools_that_are_not_there_are_refused(tools: str, code: str) -> None:
    body = f'(flow/step :llm :ask {{:prompt "go" :tools {tools}}})'
    shell = loop(result=model(DONE), body=body)
    assert (shell.failure and shell.failure.code, shell.identities) == (code, [])


def test_a_step_that_is_offered_as_it_is_only_reads() -> None:
    calls = [
        ("files", '{"op" "search" "query" "x"}'),
        ("files", '{"op" "publish" "branch" "b" "message" "m"}'),
    ]
    body = '(flow/step :llm :ask {:prompt "go" :provider :mock :available-steps [:files]})'
    shell = loop(result=model(wish(*calls), DONE), body=body)
    assert shell.identities == ["ask/model", "ask/tool:files", "ask/model#1"]
    told = shell.commands["ask/model#1"].config.get(keyword("transcript"))
    assert "packaged step" in write(told)


def test_only_allowed_tools_are_offered() -> None:
    body = (
        '(flow/step :llm :ask {:prompt "go" :tools {:steps [:tools/look :tools/nap] :allowed [:tools/nap]}})'
    )
    shell = loop(result=model(DONE), body=body)
    assert '"nap"' in write(shell.commands["ask/model"].config)
    assert '"look"' not in write(shell.commands["ask/model"].config)


def test_definitions_alone_hand_the_calls_back() -> None:
    body = '(flow/step :llm :ask {:prompt "go" :tools {:definitions [{:name "x"}]}})'
    shell = loop(result=lambda command: wish(("x", "{}")), body=body)
    assert shell.identities == ["ask"]


def test_a_tool_may_sleep_or_wait_for_people() -> None:
    body = '(flow/step :llm :ask {:prompt "go" :tools [:tools/nap :tools/sure]})'
    shell = loop(result=model(wish(("nap", "{}"), ("sure", "{}")), DONE), body=body)
    assert shell.identities == ["ask/model", "ask/tool:nap", "ask/tool:sure", "ask/model#1"]
    told = list(shell.commands["ask/model#1"].config.get(keyword("transcript")))[2]  # type: ignore[attr-defined]
    assert write(told.get(keyword("content"))) == '{:action "approve", :by ["ann"]}'


def test_an_agent_is_called_by_name_and_as_a_tool() -> None:
    def result(command: RunStep) -> Value:
        if command.identity == "ask/model":
            return wish(("critic", '{"task" "judge"}'))
        if command.identity.endswith("critic/model"):
            return wish(("look", '{"q" "a"}'))
        return DONE if "model" in command.step_id else 7

    ask = '(flow/step :agent :ask {:objective "o" :tools [:review/critic]})'
    body = f"[(flow/step :review/critic {{:inputs {{:a 1}}}}) {ask}]"
    shell = loop(result=result, body=body)
    assert shell.identities == [
        "critic/model",
        "critic/tool:look",
        "critic/model#1",
        "ask/model",
        "ask/tool:critic/model",
        "ask/tool:critic/tool:look",
        "ask/tool:critic/model#1",
        "ask/model#1",
    ]
    inner = shell.commands["ask/tool:critic/model"]
    assert (inner.type, write(inner.config.get(keyword("inputs")))) == ("agent", '{:task "judge"}')  # type: ignore[attr-defined]


def test_loops_nest_in_parallel_branches() -> None:
    body = f"(flow/parallel :p {{}} [1 2] (fn [n] (:content {ASK % ''})))"
    shell = loop(result=model(wish(("look", '{"q" "a"}')), DONE), body=body)
    assert shell.output == '["done" "done"]'
    assert set(shell.identities) == {
        f"p[{index}]/ask/{name}" for index in range(2) for name in ("model", "tool:look", "model#1")
    }


def test_a_failed_answer_fails_the_loop_and_may_be_skipped() -> None:
    failure = Failure("llm.status", "the provider answered 400")
    shell = loop(result=model(failure))  # type: ignore[arg-type]
    assert shell.failure is not None
    assert (shell.failure.code, shell.failure.step) == ("llm.status", "ask/model")
    assert loop(" :max-iterations 1 :on-error :skip", result=model(wish(("look", "{}")))).output == "nil"


def test_a_cancel_strikes_inside_a_loop_and_cleanup_has_its_own_scope() -> None:
    body = f"(try {ASK % ''} (finally (flow/step :time :tidy {{}})))"
    made = program(body, "[{:id :twice :language :clojure :code '(fn [m] m)}]", STEPS)
    shell = Watched(made, result=model(wish(("look", '{"q" "a"}')), DONE))
    shell.run(most=1)
    shell.feed(CancelAsked("ann", "r", None, 10**15))
    shell.run()
    assert shell.identities == ["ask/model", "cleanup/tidy"]
    assert isinstance(shell.history[-1].event, RunCancelled)


def test_a_long_result_is_cut_for_the_model() -> None:
    shell = loop(result=model(wish(("look", '{"q" "a"}')), DONE, tools={"tool:look": "x" * 40_000}))
    told = list(shell.commands["ask/model#1"].config.get(keyword("transcript")))[1]  # type: ignore[attr-defined]
    content = told.get(keyword("content"))
    assert len(content) < 33_000
    assert content.endswith("(cut; 40000 characters)")
