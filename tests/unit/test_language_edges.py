"""What a real Clojure answers where the language once answered otherwise."""

from __future__ import annotations

import pytest

from gitflow_runner.lang.printer import readable
from gitflow_runner.lang.session import evaluate
from gitflow_runner.lang.throwing import FlowThrow

GIVES = [
    (
        "[(update-vals [1 2] inc) (update-keys [:a :b] str) (update-keys [] str)]",
        '[[2 3] {"0" :a, "1" :b} {}]',
    ),
    (
        "[(update-vals nil inc) (update-vals {:a 1} inc) (meta (update-vals ^:x [1] inc))]",
        "[{} {:a 2} {:x true}]",
    ),
    ("[(merge nil ['a 1]) (merge nil [1 2] {:a 1}) (merge ['a 1] nil)]", "[{a 1} {1 2, :a 1} [a 1 nil]]"),
    (
        "[(merge) (merge nil) (merge nil nil) (merge {} nil) (merge {:a 1} nil {:b 2})]",
        "[nil nil nil {} {:a 1, :b 2}]",
    ),
    (
        "(map (fn [x] (try (int x) (catch ArithmeticException e :overflow))) [1E9M 1E10M 10000000000])",
        "(1000000000 :overflow :overflow)",
    ),
    (
        "[(Math/min 0.0 -0.0) (Math/min -0.0 0.0) (Math/max 0.0 -0.0) (Math/max -0.0 0.0)]",
        "[-0.0 -0.0 0.0 0.0]",
    ),
    ("[(Math/max 1.0 ##NaN) (Math/min ##NaN 1.0) (Math/max 1 2) (Math/min 2.5 1.5)]", "[##NaN ##NaN 2 1.5]"),
    (
        '[(.equalsIgnoreCase "a" nil) (.equalsIgnoreCase "aÉ" "Aé") (.equalsIgnoreCase "ß" "SS")'
        ' (.equalsIgnoreCase "\u0130" "i")]',
        "[false true false true]",
    ),
    ('[(format "%.1e" 4.9E-324) (= (rationalize 4.9E-324) (rationalize 4.9E-324M))]', '["4.9e-324" true]'),
    ("[(clojure.edn/read-string false) (Math/round 9007199254740993)]", "[nil 9007199254740993]"),
    ("(sort (fn compare [a b] (- b a)) [1 2 3])", "(3 2 1)"),
    ("(reduce (fn conj [a x] (str a x)) [] [1 2])", '"[]12"'),
    ('(print-str ["a" \\b {:k "c"}] "d")', '"[a b {:k c}] d"'),
    ("[(:tag (tagged-literal 'x 1)) (:form (tagged-literal 'x 1)) (rationalize nil)]", "[x 1 nil]"),
    (
        "[(rsubseq (sorted-set) > 1) (subseq (sorted-set 1) > 1) (subseq (sorted-set 1) < 0)]",
        "[() nil ()]",
    ),
    ("[(subseq (sorted-set 1 2) > 1 < 2) (rsubseq (sorted-set 3) > 1 < 2)]", "[() nil]"),
    ("(clojure.set/union (map inc [1 2]) #{5})", "(5 2 3)"),
    ("[(merge {:a 1} #{} () {}) (conj {} #{(first {:a 1})})]", "[{:a 1} {:a 1}]"),
    (
        '[(list* ()) (set/union #{1} (sorted-set "" "b") #{[1] [2]}) (set/intersection #{1 2} #{2 3} #{2})]',
        '[nil #{[1] [2] 1 "" "b"} #{2}]',
    ),
    ("[(unchecked-dec 1N) (unchecked-add 1.5 1)]", "[0N 2.5]"),
    ("(-' -9223372036854775808)", "9223372036854775808N"),
    (
        "[(quot 2.50M -1) (quot 1.5M -3) (quot 0 1.5M) (rem 1E10M 0.001M) (- 1E+300M)]",
        "[-2.00M 0.0M 0E+1M 0E+10M -1E+300M]",
    ),
    ("[(long ##NaN) (subvec [1 2] ##NaN 1) (num nil)]", "[0 [1] nil]"),
    ('[(nth {:a 1} -1 :none) (nth (re-matcher #"(a)" "a") 5 :none)]', "[:none :none]"),
    ("[(partition 0 4 [1 2 3]) (take 2 (partition 0 [1])) (drop-last 0.1 [1 2])]", "[(()) (() ()) (1)]"),
    ("(first (second (partition-by zero? (range))))", "1"),
    (
        "[(meta (get #{(with-meta [1] {:a 1})} [1])) (get #{1.50M} 1.5M) (find {[1] 2} '(1))]",
        "[{:a 1} 1.50M [[1] 2]]",
    ),
    ("(meta (replace {1 2} (with-meta [1] {:a 1})))", "{:a 1}"),
    ('[(str/split "$1" #"" 5) (str/split "a,b" #"[^,]*" 3)]', '[["$" "1" ""] ["" "" ",b"]]'),
    (
        '[(str/replace-first "abc" "b" 12) (str/replace-first "abc" \\b "y") (str/re-quote-replacement :a$)]',
        '["a12c" "ayc" ":a\\\\$"]',
    ),
    ('(str/index-of "abc" "" 10)', "3"),
    ("[(into #{} (halt-when neg?) [1 -2 3]) (into {} (map (fn [x] [x x])) [1 2])]", "[-2 {1 1, 2 2}]"),
    ("[(sorted-set-by > :a) (get (sorted-map) {}) (contains? (sorted-set) {})]", "[#{:a} nil false]"),
    (
        '[(assoc [1 2] 0N 5) (contains? [1] 0N) (find [1 2] 1N) (contains? "ab" 1.5)]',
        "[[5 2] true [1N 2] true]",
    ),
    ('[(re-find #"\\p{L}+" "1éb") (re-find #"[\\p{Punct}x]+" "ax!")]', '["éb" "x!"]'),
    ('[(re-find #"\\u0041+" "BAA") (re-seq #"\\R" "a\\r\\nb\\n")]', '["AA" ("\\r\\n" "\\n")]'),
    ('[(re-find #"a.b" "a\\rb") (re-find #"(?s)a.b" "a\\rb")]', '[nil "a\\rb"]'),
    ('[(re-find #"\\h" "a b") (re-find #"[\\s]" "a\\u000bb")]', '[" " "\\u000b"]'),
    ('(edn/read-string {:readers {\'inst (constantly :mine)}} "[#inst \\"2020\\"]")', "[:mine]"),
]

THROWS = [
    ("(clojure.set/union 's nil)", "java.lang.UnsupportedOperationException"),
    ("(sort :a [{:a 2} {:a 1}])", "java.lang.ClassCastException"),
    ('(nth "a" 1)', "java.lang.StringIndexOutOfBoundsException"),
    ('(clojure.edn/read-string "1x")', "java.lang.NumberFormatException"),
    ("(ex-info 1 {})", "java.lang.ClassCastException"),
    ("(rseq 1)", "java.lang.ClassCastException"),
    ("(sorted-set inc)", "java.lang.ClassCastException"),
    ("([1 2] 1.0)", "java.lang.IllegalArgumentException"),
    ("(vals (zipmap [] 3))", "java.lang.IllegalArgumentException"),
    ("(set/superset? inc #{})", "java.lang.UnsupportedOperationException"),
    ('(str/replace "a" "a" \\b)', "java.lang.ClassCastException"),
    ("(subs nil 1)", "java.lang.NullPointerException"),
    ("(namespace nil)", "java.lang.NullPointerException"),
    ('(str/replace "a" #"a" "$1")', "java.lang.IndexOutOfBoundsException"),
]


@pytest.mark.parametrize(("text", "printed"), GIVES)
def test_gives(text: str, printed: str) -> None:
    assert readable(evaluate(text)) == printed


@pytest.mark.parametrize(("text", "cls"), THROWS)
def test_throws(text: str, cls: str) -> None:
    with pytest.raises(FlowThrow) as caught:
        evaluate(text)
    assert caught.value.info.cls == cls
