"""Where a body's two deny lists see a name, and where it is bound, data or not there at all."""

from __future__ import annotations

import pytest

from gitflow_runner.lang.analyzer import check
from gitflow_runner.lang.environments import BODY
from gitflow_runner.lang.program import HostFn
from gitflow_runner.lang.reader import read_one

HOST = {"flow/step": HostFn("flow/step", 2, 3)}
DENIED = {"prohibited_orchestration_transform", "unsupported_visual_flow_form"}

FREE = [
    "(let [map 1] map)",
    "(let [{:keys [map]} {}] map)",
    "(let [{:syms [map]} {}] map)",
    "(let [{:strs [map]} {}] map)",
    "(let [[a & map :as filter] [1]] [a map filter])",
    "(let [{map :a :as filter :or {map 1}} {}] [map filter])",
    "(let [{:keys [a/map]} {}] map)",
    "(let [{:a/keys [map]} {}] map)",
    "(let [{:keys [:map]} {}] map)",
    "(let [{{:keys [map]} :x} {}] map)",
    "(let [[[map]] [[1]]] map)",
    "(loop [map 1] map)",
    "(fn [map] map)",
    "(fn map ([] 1) ([x] (map)))",
    "(fn ([map] map) ([filter x] [filter x]))",
    "(letfn [(map [x] x)] (map 1))",
    "(letfn [(a [] (map)) (map [] 1)] (a))",
    "(vec (for [map [1]] map))",
    "(vec (for [x [1] :let [map x]] map))",
    "(doseq [map [1]] map)",
    "(dotimes [map 1] map)",
    "(if-let [map 1] map 2)",
    "(when-let [map 1] map)",
    "(if-some [map 1] map 2)",
    "(when-some [map 1] map)",
    "(when-first [map [1]] map)",
    "(try 1 (catch Exception map map))",
    "(case 1 map 2 (filter keep) 3 4)",
    "'(map inc)",
    "(quote (map))",
    "(comment (map inc [1]))",
    "[#_(map inc) 1]",
    "#?(:cljs (map inc [1]) :clj 2)",
    "{:a '(fn [x] (map x))}",
    "^{:a (map)} [1]",
    "(:customer/map {})",
    "`(map 1)",
    "(let [map 1 {:keys [a] :or {a map}} {}] a)",
    "(let [->> 1] ->>)",
    "(clojure.core/->> 1 inc)",
    "(let [{:keys [map a] :or {a map}} {}] [map a])",
]

FLAGGED = [
    "map",
    "(map inc [1])",
    "[map]",
    "{:a map}",
    "{map 1}",
    "#{map}",
    "(let [x map] x)",
    "#'map",
    "(var map)",
    "(apply map [inc])",
    "(partial map inc)",
    "(comp map)",
    "(^:x map inc)",
    "(#?(:clj map) inc [1])",
    "`(a ~(map inc [1]))",
    "`(a ~@(map inc [1]))",
    "(if-let [map 1] 2 map)",
    "(if-some [map 1] 2 (map 1))",
    "(let [map map] map)",
    "(let [{:keys [a map] :or {a map}} {}] [a map])",
    "(binding [map 1] (map 1))",
    "(do (let [map 1] map) (map inc))",
    "(let [comment inc] (comment (map inc [1])))",
    "(try 1 (catch Exception e (map e)))",
    "(case (map 1) 1 2)",
    "(case 1 1 (map) 2)",
    "(for [x (map 1)] x)",
    "(for [x [1] :when (map x)] x)",
    "(letfn [(f [] (map 1))] (f))",
    "(fn [x] (map x))",
    "#(map % 1)",
    "(-> [1] map)",
    "(->> 1 inc)",
    "(some-> 1 inc)",
    "(cond-> 1 true inc)",
    "(as-> 1 x x)",
    "(flow/step :http :a {:x map})",
    "@map",
    "(reduce + [1])",
    "(dotimes [x (map 1)] x)",
    "(when-let [a (map)] a)",
    "(clojure.core/map inc [1])",
    "(let [map 1] `(a ~filter))",
    "(if true ^:a map 1)",
    "(mapv inc [1])",
    "(filter odd? [1])",
]


def codes(text: str) -> set[str]:
    return {problem.code for problem in check(read_one(text), BODY, HOST)}


@pytest.mark.parametrize("text", FREE)
def test_a_name_that_is_bound_or_data_is_free(text: str) -> None:
    assert codes(text) <= {"unused_binding"}


@pytest.mark.parametrize("text", FLAGGED)
def test_the_name_itself_is_flagged_wherever_it_stands(text: str) -> None:
    assert codes(text) & DENIED
