"""Tests beside a flow: read strictly, run through the real engine in memory."""

from __future__ import annotations

import pytest

from gitflow_runner.catalog.cases import read_cases
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.errors import LangError
from gitflow_runner.model.flow import Flow
from gitflow_runner.runner.cases import Verdict, run_cases
from gitflow_runner.runner.functions import FlowFunctions
from gitflow_runner.runner.settings import LimitSettings
from gitflow_runner.runner.stack import on_big_stack
from gitflow_runner.steps.registry import Steps

FLOW = """{:slug :order
 :name "Order"
 :concurrency {:type :singleton :on-new-version :drain}
 :invocations {:default {:inputs [{:name :id :type :string :required true}]}}
 :functions [{:id :total :language :clojure :code '(fn [{:keys [items]}] (reduce + (map :price items)))}]
 :flow '(let [input (flow/input)
              got (try (flow/step :http :fetch {:url (str "https://shop.test/" (:id input))})
                    (catch Exception e {:body {:items []} :err (:code (ex-data e))}))
              total (flow/step :function :sum {:ref :total :input {:items (:items (:body got))}})
              answer (flow/step :wait :ask {:title "Ship?" :payload total
                                            :actions [:approve :reject :later]})]
          (flow/step :sleep :rest {:duration "5m"})
          (vec (for [n [1 2]] (flow/step :kv :tell {:operation :get :key (str "k" n)})))
          {:total total :action (:action answer) :by (:by answer) :err (:err got) :now (flow/now-ms)})}
"""
MOCKS = """:input {:id "A"}
  :steps {:fetch {:returns {:body {"items" [{"price" 2} {"price" 3}]}}} :tell {:returns nil}}"""


def verdicts(cases: str, flow: str = FLOW) -> tuple[Verdict, ...]:
    texts = MemoryTexts({"order.edn": flow, "order.tests.edn": cases})
    found = run(texts, LimitSettings())
    assert found is not None
    return found


def run(texts: MemoryTexts, limits: LimitSettings) -> tuple[Verdict, ...] | None:
    def functions(flow: Flow) -> FlowFunctions:
        return FlowFunctions(flow, fuel=limits.fuel)

    return on_big_stack(lambda: run_cases(texts, "order", Steps(), limits, functions), lambda: None)


def verdict(case: str, flow: str = FLOW) -> Verdict:
    (found,) = verdicts(f'[{{:name "it" {case}}}]', flow)
    return found


def test_functions_are_real_steps_mocked_and_time_stands_but_for_sleeps() -> None:
    found = verdict(
        f"{MOCKS} :decisions {{:ask :approve}} :now-ms 1000"
        ' :path [:fetch :sum :ask :rest :tell "tell#1"]'
        ' :expect {:output {:total 5 :action "approve" :by ["tester"] :err nil :now 301000}}'
    )
    assert found.problems == ()
    assert found.path == ("fetch", "sum", "ask", "rest", "tell", "tell#1")


def test_a_mock_throws_what_the_body_catches() -> None:
    found = verdict(
        ':input {:id "A"} :steps {:fetch {:throws {:code "http.status" :status 500}} :tell {:returns nil}}'
        ' :decisions {"ask" {:action :reject :by ["ann"]}} :now-ms 0'
        ' :expect {:output {:total 0 :action "reject" :by ["ann"] :err "http.status" :now 300000}}'
    )
    assert found.problems == ()


def test_an_identity_is_nearer_than_an_id_and_a_function_can_be_mocked() -> None:
    flow = FLOW.replace(
        "{:total total ", '{:last (flow/step :kv :tell {:operation :get :key "k"}) :total total '
    )
    found = verdict(
        f"{MOCKS.replace(':tell {', ':sum {:returns 7} &tell#2& {:returns 9} :tell {').replace('&', chr(34))}"
        " :decisions {:ask :later} :now-ms 0"
        ' :expect {:output {:last 9 :total 7 :action "later" :by ["tester"] :err nil :now 300000}}',
        flow,
    )
    assert found.problems == ()


def test_a_difference_is_shown_line_by_line() -> None:
    found = verdict(f"{MOCKS} :decisions {{:ask :approve}} :now-ms 0 :expect {{:output {{:total 6}}}}")
    assert found.problems[0] == "the output differs"
    assert "-{:total 6}" in found.problems
    assert any(line.startswith("+{:total 5") for line in found.problems)


def test_another_path_is_shown() -> None:
    found = verdict(f"{MOCKS} :decisions {{:ask :approve}} :path [:fetch :ask :sum :rest :tell]")
    assert found.problems[0] == "the path differs"
    assert "+tell#1" in found.problems


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        ("", "order needs the input id (input.missing)"),
        (':input {:id "A"}', "step fetch (:http) has no mock (test.not_mocked)"),
        (MOCKS, "wait ask has no decision (test.not_decided)"),
        (f"{MOCKS} :decisions {{:ask :maybe}}", "wait ask has no action 'maybe' (test.action)"),
        (f"{MOCKS} :decisions {{:ask :expired}}", "it should succeed, and failed in step ask"),
        (
            f'{MOCKS} :decisions {{:ask :approve}} :expect {{:fails "x.y"}}',
            "it should fail with x.y, and succeeded with",
        ),
        (
            f'{MOCKS} :decisions {{:ask :expired}} :expect {{:fails "x.y"}}',
            "it should fail with x.y, and failed in step ask",
        ),
    ],
)
def test_what_goes_wrong_is_told(case: str, problem: str) -> None:
    assert verdict(case).problems[0].startswith(problem)


def test_an_expected_failure_passes_by_its_code() -> None:
    assert verdict(f'{MOCKS} :decisions {{:ask :expired}} :expect {{:fails "wait.expired"}}').passed


def test_what_nothing_asked_for_is_named() -> None:
    found = verdict(f"{MOCKS} :decisions {{:ask :approve :other :approve}}")
    assert (found.passed, found.unused) == (True, ("other",))


def test_a_config_that_its_step_refuses_fails_as_in_a_run() -> None:
    found = verdict(f"{MOCKS} :decisions {{:ask :approve}}", FLOW.replace(":duration", ":duraton"))
    assert "(unknown_config_key)" in found.problems[0]


def test_a_skipped_failure_is_nil() -> None:
    flow = FLOW.replace('{:url (str "https', '{:on-error :skip :url (str "https')
    found = verdict(
        ':input {:id "A"} :steps {:fetch {:throws {:code :boom}} :tell {:returns nil}}'
        " :decisions {:ask :approve}",
        flow,
    )
    assert found.problems == ()


def test_an_event_wait_is_answered_by_its_payload() -> None:
    flow = FLOW.replace(':title "Ship?" :payload total', ':key "k" :event {:name "paid"}').replace(
        ":actions [:approve :reject :later]",
        "",
    )
    found = verdict(
        f'{MOCKS} :decisions {{"k" {{:action "paid" :by ["bank"]}}}} :now-ms 0'
        ' :expect {:output {:total 5 :action "paid" :by ["bank"] :err nil :now 300000}}',
        flow,
    )
    assert found.problems == ()


def test_every_step_that_keeps_something_keeps_it() -> None:
    flow = (
        FLOW[: FLOW.index(":flow")]
        + """:flow '(let [kept (vec (for [n [1 2 3]]
        (flow/step :function :keep {:code '(fn [m] m) :input {:n n} :persist {:type :table :table "rows"}})))]
        (select-keys (last kept) [:row-count :revision :created?]))}"""
    )
    case = ':input {:id "A"} :expect {:output {:row-count 3 :revision 3 :created? false}}'
    assert verdict(case, flow).problems == ()


def test_an_endless_loop_runs_out() -> None:
    flow = """{:slug :order :concurrency {:type :singleton :on-new-version :drain}
 :flow '(loop [] (flow/step :sleep :s {:duration "1s"}) (recur))}"""
    texts = MemoryTexts({"order.edn": flow, "order.tests.edn": '[{:name "a"}]'})
    found = run(texts, LimitSettings(steps=20))
    assert found is not None
    assert "(test.steps)" in found[0].problems[0]


def test_a_flow_without_tests_has_none() -> None:
    assert read_cases(MemoryTexts({"order.edn": FLOW}), "order") is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{}", "1:1"),
        ("[1]", "1:2"),
        ("[{:expect {}}]", "1:2"),
        ('[{:name "a" :expcet {}}]', "1:13"),
        ('[{:name "a" :expect {}}]', "1:21"),
        ('[{:name "a" :steps {:x {:return 1}}}]', "1:24"),
        ('[{:name "a" :steps {:x {:throws 1}}}]', "1:33"),
        ('[{:name "a" :steps {1 {:returns 1}}}]', "1:21"),
        ('[{:name "a" :input []}]', "1:20"),
        ('[{:name "a" :now-ms -1}]', "1:21"),
        ('[{:name "a" :path :x}]', "1:19"),
        ('[{:name "a"} {:name "a"}]', "1:2"),
    ],
)
def test_a_file_of_another_shape_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(LangError) as refused:
        read_cases(MemoryTexts({"order.tests.edn": text}), "order")
    assert (refused.value.code, str(refused.value.at)) == (
        "tests_invalid",
        f".breyta/flows/order.tests.edn:{place}",
    )
