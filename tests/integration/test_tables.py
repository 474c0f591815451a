"""Tables in a real repository: two processes that write one, and what people and plain Git see of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from tests.real_clone import SLUG, Clone

FLOW = """{:slug :hello
 :name "Count"
 :concurrency {:type :keyed :key-field :who :on-new-version :coexist}
 :invocations {:default {:inputs [{:name :who :type :string :required true}]}}
 :interfaces {:manual [{:id :run :label "Run" :invocation :default :enabled true}]}
 :flow
 '(let [who (:who (flow/input))
        written (vec (for [n (range 8)]
                       (flow/step :function :row {:code '(fn [{:keys [who n]}] {:who who :n n})
                                                  :input {:who who :n n}
                                                  :persist {:type :table :table "rows"}})))]
    (flow/step :table :mine {:op :aggregate :table (last written) :where [:who := who]
                             :metrics [{:op :count} {:op :sum :field :n}]}))}
"""


def test_two_processes_write_one_table_and_people_and_plain_git_read_it(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone", FLOW, functions="in-process")
    clone.gfr("run", SLUG, "-i", "who=first")  # so that both find a table
    both = [clone.begin("run", SLUG, "-i", f"who={who}", "--json") for who in ("ann", "ben")]
    for process in both:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        preview = json.loads(out)["data"]["output"]["preview"]
        assert '"count" 8' in preview
        assert '"sum-n" 28' in preview
    shown = json.loads(clone.gfr("resources", "show", "res://table/rows", "--json"))["data"]
    assert (shown["rows"], shown["revision"], shown["whole"]) == (24, 24, True)
    assert shown["columns"] == [{"name": "who", "type": "text"}, {"name": "n", "type": "number"}]
    counted = {(row["who"], row["n"]) for row in shown["preview"]}
    assert counted == {(who, n) for who in ("first", "ann", "ben") for n in range(8)}
    items = json.loads(clone.gfr("resources", "ls", "--json"))["data"]["items"]
    assert [(item["uri"], item["rows"]) for item in items] == [("res://table/rows", 24)]
    (hit,) = json.loads(clone.gfr("resources", "search", "BEN", "--json"))["data"]["items"]
    assert (hit["uri"], hit["line"]) == ("res://table/rows", '{"n":0,"who":"ben"}')
    clone.gfr("resources", "get", "res://table/rows", "-o", "../rows.csv")
    with (tmp_path / "rows.csv").open(newline="") as file:
        assert {(row["who"], int(row["n"])) for row in csv.DictReader(file)} == counted
    change = clone.git("log", "-p", "-1", "--format=%s", "refs/runner/tables/rows", "--", "rows")
    assert change.startswith("table rows revision 24: 24 rows\n")
    assert '+{"row":24,"cells":{' in change
    missing = json.loads(clone.gfr("resources", "show", "res://table/none", "--json", codes=(3,)))
    assert missing["error"]["code"] == "table.unknown"
