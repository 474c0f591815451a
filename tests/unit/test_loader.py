"""Loading flows: both dialects, includes with their positions, and what is refused."""

import pytest

from gitflow_runner.catalog.loader import list_flows, load
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.errors import LangError, NotFoundError, RefusedError
from gitflow_runner.lang.forms import ListForm, head
from gitflow_runner.lang.values import keyword

BILLING = """\
{:slug :billing
 :name "Billing"
 :description "Charges what is due"
 :concurrency {:type :keyed :on-new-version :drain :key-field [:event :id]}
 :requires [{:slot :shop-api :type :http-api :base-url "https://shop.test"}
            {:kind :form :collect :setup :fields [{:key :region :field-type :string}]}
            {:kind :worker :job-type :invoice}]
 :invocations {:default {:label "Start" :inputs [{:name :customer :type :string :required true}
                                                 {:name "amount" :type :number :default 5 :options [5 10]}]}}
 :interfaces {:manual [{:id :start :invocation :default :label "Go"}]
              :mcp [{:tool-name "charge a customer" :invocation :default :enabled false}]}
 :schedules [{:id :nightly :cron "0 3 * * *" :timezone "Europe/Rome" :input {:event {:id 1}}}]
 :templates [{:id :charge :type :http-request :request {:path "/charge"}}]
 :functions [{:id :total :language :clojure :code '(fn [input] (:n input))}
             {:id :tax :code "(fn [input] 1)"}]
 :steps [{:id :tools/fetch :type :http :defaults {:method :get}}]
 :agents [{:id :review/critic :objective "judge"}]
 :flow '(let [input (flow/input)]
          (flow/step :function :sum {:ref :total :input input}))}
"""

OLD = """\
{:slug :older
 :concurrency {:type :singleton :on-new-version :supersede}
 :requires [{:kind :form :collect :run :fields [{:key :city :field-type :text :required true}]}]
 :triggers [{:type :manual :label "Run it" :config {:fields [{:name :size :type :number}]}}
            {:type :schedule :config {:cron "*/5 * * * *" :timezone "UTC" :input {:size 3}}}
            {:type :event :enabled false
             :config {:source :webhook :event-name "order-placed" :auth {:type :bearer}
                      :fields [{:name :order}]}}]
 :flow '(flow/input)}
"""


def test_the_newer_dialect_is_taken_as_written() -> None:
    flow = load(MemoryTexts({"billing.edn": BILLING}), "billing")
    assert (flow.slug, flow.name, flow.description) == ("billing", "Billing", "Charges what is due")
    assert flow.concurrency.key_path == (keyword("event"), keyword("id"))
    assert [(r.kind, r.slot, r.type) for r in flow.requires] == [
        ("connection", "shop-api", "http-api"),
        ("form", None, None),
        ("worker", None, "invoice"),
    ]
    customer, amount = flow.invocations["default"].inputs
    assert (customer.name, customer.required) == ("customer", True)
    assert (amount.name, amount.type, amount.default, amount.options) == ("amount", "number", 5, (5, 10))
    assert [(i.category, i.id, i.enabled) for i in flow.interfaces] == [
        ("manual", "start", True),
        ("mcp", "charge a customer", False),
    ]
    assert [(s.id, s.invocation, s.cron, s.timezone) for s in flow.schedules] == [
        ("nightly", "default", "0 3 * * *", "Europe/Rome")
    ]
    assert set(flow.functions) == {"total", "tax"}
    assert isinstance(flow.functions["total"].code, ListForm)
    assert flow.templates["charge"].type == "http-request"
    assert flow.steps["tools/fetch"].type == "http"
    assert list(flow.agents) == ["review/critic"]
    assert head(flow.body) == "let"
    assert flow.root == "billing.edn"


def test_the_older_dialect_becomes_the_newer_one() -> None:
    flow = load(MemoryTexts({"older.edn": OLD}), "older")
    assert flow.name == "older"
    assert [f.name for f in flow.invocations["default"].inputs] == ["size", "city"]
    assert [f.name for f in flow.invocations["order-placed"].inputs] == ["order", "city"]
    assert [(i.category, i.id, i.invocation, i.enabled, i.label) for i in flow.interfaces] == [
        ("manual", "manual", "default", True, "Run it"),
        ("webhook", "order-placed", "order-placed", False, None),
    ]
    assert [(s.id, s.cron, s.timezone) for s in flow.schedules] == [("schedule", "*/5 * * * *", "UTC")]


def test_declared_interfaces_win_over_triggers_of_their_category() -> None:
    text = OLD.replace(
        " :flow",
        " :invocations {:go {}} :interfaces {:manual [{:id :press :invocation :go}]}\n :flow",
    )
    flow = load(MemoryTexts({"older.edn": text}), "older")
    assert [(i.category, i.id, i.invocation) for i in flow.interfaces] == [
        ("manual", "press", "go"),
        ("webhook", "order-placed", "go"),
    ]


def test_an_unknown_slug_names_the_nearest_ones() -> None:
    texts = MemoryTexts({"billing.edn": BILLING, "older.edn": OLD})
    with pytest.raises(NotFoundError) as missing:
        load(texts, "biling")
    assert missing.value.code == "flow.unknown"
    assert missing.value.details["nearest"] == ["billing"]


def test_flows_are_the_edn_files_of_the_folder_itself() -> None:
    texts = MemoryTexts(
        {
            "b.edn": "",
            "a.edn": "",
            "a.tests.edn": "",
            "lib/c.edn": "",
            "notes.md": "",
            "1x.edn": "",
            "d.clj": "",
        }
    )
    assert list_flows(texts) == ("a", "b")


def test_slugs_that_differ_in_case_only_are_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        list_flows(MemoryTexts({"Deploy.edn": "", "deploy.edn": ""}))
    assert refused.value.code == "closure.twin"


def test_a_file_must_be_named_after_its_slug() -> None:
    with pytest.raises(LangError) as wrong:
        load(MemoryTexts({"invoices.edn": BILLING}), "invoices")
    assert wrong.value.code == "slug_mismatch"
    assert wrong.value.at is not None
    assert (wrong.value.at.file, wrong.value.at.line, wrong.value.at.col) == (
        ".breyta/flows/invoices.edn",
        1,
        8,
    )


def test_the_first_spelling_is_refused_with_the_new_one_named() -> None:
    old = "{:slug :first :concurrency-config {:concurrency :singleton} :definition '(defflow [input] input)}"
    with pytest.raises(LangError) as refused:
        load(MemoryTexts({"first.edn": old}), "first")
    codes = [each["code"] for each in refused.value.details["diagnostics"]]  # type: ignore[attr-defined]
    assert codes.count("gen0_refused") == 2
    assert refused.value.fix == ("gfr lint first",)


def test_a_reader_error_keeps_its_position() -> None:
    with pytest.raises(LangError) as broken:
        load(MemoryTexts({"b.edn": "{:slug :b\n :flow '(let [x 1)}"}), "b")
    assert broken.value.code == "clojure_delimiters_invalid"
    assert broken.value.at is not None
    assert (broken.value.at.file, broken.value.at.line) == (".breyta/flows/b.edn", 2)


def test_the_digest_names_the_texts_and_nothing_else() -> None:
    one = load(MemoryTexts({"billing.edn": BILLING, "other.edn": "{}"}), "billing")
    two = load(MemoryTexts({"billing.edn": BILLING}), "billing")
    three = load(MemoryTexts({"billing.edn": BILLING + "\n"}), "billing")
    assert one.digest == two.digest
    assert one.digest != three.digest


def test_code_in_a_text_keeps_the_place_of_its_string() -> None:
    flow = load(MemoryTexts({"billing.edn": BILLING}), "billing")
    code = flow.functions["tax"].code
    line = BILLING[: BILLING.index(':code "(fn')].count("\n") + 1
    assert code.source.place(code.start).line == line  # type: ignore[attr-defined]
