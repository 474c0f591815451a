"""Flows that call flows: a run of its own, its value handed back, its waits waited for."""

from __future__ import annotations

from tests.team import Team

HEAD = ":concurrency {:type :singleton :on-new-version :coexist}"
TWICE = f"""{{:slug :twice :name "Twice" {HEAD}
 :functions [{{:id :double :language :clojure :code '(fn [{{:keys [n]}}] (* 2 n))}}]
 :flow '(let [n (:n (flow/input))]
          (when (= n 3) (flow/step :wait :ask {{:title "Three?"}}))
          (flow/step :function :double {{:ref :double :input {{:n n}}}}))}}
"""


def write_flow(team: Team, slug: str, text: str) -> None:
    (team.home / f".breyta/flows/{slug}.edn").write_text(text)


def caller(body: str) -> str:
    return f"""{{:slug :caller :name "Caller" {HEAD} :flow '{body}}}\n"""


def test_a_called_flow_is_a_run_of_its_own_and_its_value_comes_back(team: Team) -> None:
    write_flow(team, "twice", TWICE)
    write_flow(team, "caller", caller("(vec (for [n [1 2]] (flow/call-flow :twice {:n n})))"))
    told = team.ann.gfr("run", "caller")
    assert told.exit == 0
    assert told.data["output"]["preview"] == "[2 4]"
    children = [r for r in team.ann.gfr("runs", "ls").data["items"] if r["flow"] == "twice"]
    assert [c["status"] for c in children] == ["succeeded", "succeeded"]
    for run in (told.data["run"], *(c["run"] for c in children)):
        assert team.ann.gfr("runs", "verify", run).data["verdict"] == "ok"


def test_the_caller_waits_while_the_called_run_waits_for_people(team: Team) -> None:
    write_flow(team, "twice", TWICE)
    write_flow(team, "caller", caller('[:got (flow/call-flow {:flow-slug "twice" :input {:n 3}})]'))
    told = team.ann.gfr("run", "caller")
    assert (told.exit, told.data["status"]) == (7, "waiting")
    child = next(r for r in team.ann.gfr("runs", "ls").data["items"] if r["flow"] == "twice")
    asked = team.waiting(child["run"], "twice")
    team.send(asked, team.sign("bob", asked))
    for _ in range(2):  # the caller may be looked at before the called run has gone on
        team.ann.gfr("worker", "--once")
    shown = team.ann.gfr("show", told.data["run"])
    assert shown.data["status"] == "succeeded"
    assert shown.data["output"]["preview"] == "[:got 6]"


def test_a_failed_call_can_be_caught(team: Team) -> None:
    write_flow(team, "twice", TWICE)
    body = (
        '(try (flow/call-flow :twice {:n "x"}) (catch Exception e [(:code (ex-data e)) (:step (ex-data e))]))'
    )
    write_flow(team, "caller", caller(body))
    told = team.ann.gfr("run", "caller")
    assert told.data["output"]["preview"] == '["child.failed" "child:twice"]'


def test_flows_call_one_another_five_deep_and_no_deeper(team: Team) -> None:
    body = """(try (+ 1 (flow/call-flow :caller {})) (catch Exception e 1))"""
    write_flow(team, "caller", caller(body))
    told = team.ann.gfr("run", "caller")
    assert told.data["output"]["preview"] == "6"


def test_an_unknown_flow_fails_the_call_with_its_code(team: Team) -> None:
    write_flow(team, "caller", caller("(flow/call-flow :nobody {})"))
    told = team.ann.gfr("run", "caller")
    assert (told.exit, told.data["failure"]["code"]) == (1, "flow.unknown")


def test_a_call_names_the_target_that_it_is_for(team: Team) -> None:
    form = ":requires [{:kind :form :fields [{:key :region :field-type :string}]}]"
    write_flow(
        team,
        "shop",
        f'{{:slug :shop :name "Shop" {HEAD} {form} :flow \'(:region (:activation (flow/input)))}}',
    )
    (team.home / ".breyta/installations").mkdir(exist_ok=True)
    (team.home / ".breyta/installations/acme.yaml").write_text("flow: shop\nactivation: {region: EU}\n")
    write_flow(team, "caller", caller('(flow/call-flow :shop {} {:installation-id "acme"})'))
    assert team.ann.gfr("run", "caller").data["output"]["preview"] == '"EU"'


def test_a_released_run_calls_releases_and_nothing_that_nobody_signed(team: Team) -> None:
    ann = team.ann
    call = "(flow/call-flow :twice {:n 2} {:version v})"
    calls = f"(for [v [1 :main]] (try {call} (catch Exception e (:code (ex-data e)))))"
    write_flow(team, "twice", TWICE)
    write_flow(team, "caller", caller(calls))
    ann.git("add", ".breyta")
    ann.git("commit", "-qm", "two flows")
    for slug in ("twice", "caller"):
        assert ann.gfr("release", slug, "--yes").exit == 0
    assert ann.gfr("promote", "caller", "--yes").exit == 0
    told = ann.gfr("run", "caller", "--ref", "live")
    assert told.data["output"]["preview"] == '[4 "call.unreleased"]'
