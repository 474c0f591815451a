"""What expressions mean: the answers of Clojure 1.11 where Python would give another."""

from __future__ import annotations

import pytest

from gitflow_runner.lang.fuel import Limits
from gitflow_runner.lang.printer import readable
from gitflow_runner.lang.session import call, compile_function, evaluate
from gitflow_runner.lang.throwing import FlowThrow

GIVES = [
    # numbers
    ("[(= 1 1.0) (== 1 1.0) (= 1.0M 1.00M) (distinct [1 1.0 1])]", "[false true true (1 1.0)]"),
    ("[(/ 1 3) (/ 4 2) (/ 1.0 0) (+ 1/2 1/2) (* 2 1/4)]", "[1/3 2 ##Inf 1N 1/2]"),
    ("[(quot -7 2) (mod -7 2) (rem -7 2) (mod 7.5 -2)]", "[-3 1 -1 -0.5]"),
    (
        "[(rationalize 0.1) (+' 9223372036854775807 1) (int \\a) (/ 3M 2M)]",
        "[1/10 9223372036854775808N 97 1.5M]",
    ),
    (
        "(map str [1e7 1.0E-4 0.001 9999999.0 9.99E-4 1e21 100.0])",
        '("1.0E7" "1.0E-4" "0.001" "9999999.0" "9.99E-4" "1.0E21" "100.0")',
    ),
    ("(last (range 0 1 0.3))", "0.8999999999999999"),
    (
        "[(bit-and 12 10) (bit-shift-left 1 63) (unsigned-bit-shift-right -1 60) (bit-test 5 2)]",
        "[8 -9223372036854775808 15 true]",
    ),
    ("[(max 1 2.0 3/2) (min 3 1) (abs -5) (max 1 ##NaN)]", "[2.0 1 5 ##NaN]"),
    # equality, order
    (
        '[(= [1 2] (list 1 2)) (= "a" \\a) (= {:a 1} (sorted-map :a 1)) (= #{1} #{1.0})]',
        "[true false true false]",
    ),
    (
        "[(sort [3 nil 1]) (compare [2] [1 2]) (sort [:b :a/z :a]) (sort > [1 3 2])]",
        "[(nil 1 3) -1 (:a :b :a/z) (3 2 1)]",
    ),
    ("(get {1 :int 1.0 :double true :bool} 1.0)", ":double"),
    ("(group-by even? [1 2 3 4])", "{false [1 3], true [2 4]}"),
    # collections
    (
        "[(get [1 2] 5) (nth nil 5) (assoc [1] 1 2) (conj nil 1) (conj '(1) 2) (conj {:a 1} {:b 2})]",
        "[nil nil [1 2] (1) (2 1) {:a 1, :b 2}]",
    ),
    (
        '[(seq []) (rest []) (next [1]) (:a "x") (contains? [1 2] 1) (merge nil nil) (every? odd? [])]',
        "[nil () nil nil true nil true]",
    ),
    ('[(if 0 1 2) (if "" 1 2) (if [] 1 2) (if nil 1 2)]', "[1 1 1 2]"),
    (
        (
            "[(partition 2 [1 2 3]) (partition-all 2 [1 2 3]) (partition"
            " 2 1 [1 2 3]) (partition 3 3 [:p] [1 2 3 4])]"
        ),
        "[((1 2)) ((1 2) (3)) ((1 2) (2 3)) ((1 2 3) (4 :p))]",
    ),
    ("[(reduce + []) (reduce (fn [a x] (if (> x 2) (reduced a) (+ a x))) 0 [1 2 3 4])]", "[0 3]"),
    ("(update-in {:a {:b 1}} [:a :b] + 10)", "{:a {:b 11}}"),
    ("(let [a [1] b (conj a 2) c (conj a 3)] [a b c])", "[[1] [1 2] [1 3]]"),
    ("(let [l '(1 2 3) r (rest l)] [(conj r 9) l (conj r 8)])", "[(9 2 3) (1 2 3) (8 2 3)]"),
    ("(subseq (sorted-map 1 :a 2 :b 3 :c) >= 2)", "([2 :b] [3 :c])"),
    ("(into (sorted-set) [3 1 2 1])", "#{1 2 3}"),
    # laziness
    ("(take 5 (iterate inc 0))", "(0 1 2 3 4)"),
    ("(take 3 (map vector (range) [:a :b :c :d]))", "([0 :a] [1 :b] [2 :c])"),
    ("(let [nat (fn nat [n] (lazy-seq (cons n (nat (inc n)))))] (nth (nat 0) 5000))", "5000"),
    ("(first (concat [1] (map (fn [x] (/ 1 0)) [1])))", "1"),
    ("(let [xs (map inc [1 2 3])] [(first xs) (reduce + xs) (count xs)])", "[2 9 3]"),
    # binding, control
    (
        (
            "(let [[a [b] & c :as d] [1 [2] 3 4]"
            ' {:keys [x :y] :strs [s] z :z :or {z 9} :as m} {:x 1 :y 2 "s" 3}]'
            " [a b c d x y s z m])"
        ),
        '[1 2 (3 4) [1 [2] 3 4] 1 2 3 9 {:x 1, :y 2, "s" 3}]',
    ),
    ("((fn [& {:keys [a b] :or {b 2}}] [a b]) :a 1)", "[1 2]"),
    ("(let [{:a/keys [b] :keys [c/d]} {:a/b 1 :c/d 2}] [b d])", "[1 2]"),
    ("(loop [i 0 fs []] (if (< i 3) (recur (inc i) (conj fs (fn [] i))) (mapv (fn [f] (f)) fs)))", "[0 1 2]"),
    ("(loop [[x & more] [1 2 3] acc 0] (if x (recur more (+ acc x)) acc))", "6"),
    ("((fn [n acc] (if (pos? n) (recur (dec n) (+ acc n)) acc)) 10000 0)", "50005000"),
    (
        "(letfn [(ev? [n] (or (zero? n) (od? (dec n)))) (od? [n] (and (pos? n) (ev? (dec n))))] (ev? 10))",
        "true",
    ),
    (
        "(for [x [1 2 3 4] :when (even? x) y [:a :b] :let [z (* x 10)] :while (< z 40)] [z y])",
        "([20 :a] [20 :b])",
    ),
    ('(case \'b (a b) 1 [1 2] 2 "s" 3 :default)', "1"),
    ("(case 5 1 :one :none)", ":none"),
    (
        (
            "[(cond-> 1 true inc false inc) (some-> {:a {:b 2}} :a :b"
            " inc) (some-> nil inc) (as-> 1 x (+ x 1) [x x])]"
        ),
        "[2 3 nil [2 2]]",
    ),
    ("(condp some [1 2 3] #{0 6} :a #{2 7} :>> inc)", "3"),
    (
        '(try (throw (ex-info "boom" {:a 1})) (catch Exception e [(ex-message e) (ex-data e)]))',
        '["boom" {:a 1}]',
    ),
    ("(try (/ 1 0) (catch ArithmeticException e (ex-message e)))", '"Divide by zero"'),
    ('(try (inc "x") (catch NullPointerException e 1) (catch ClassCastException e 2))', "2"),
    ("(try (assert false) (catch Exception e :no) (catch Throwable e :yes))", ":yes"),
    ("(let [map 1 + -] [map (+ 5 3)])", "[1 2]"),
    ("`(a ~(+ 1 2) [~@[4 5]] {:k ~'x})", "(a 3 [4 5] {:k x})"),
    ("(meta ^{:a 1} [1 (inc 1)])", "{:a 1}"),
    # strings, regexes, printing
    (
        '[(clojure.string/split "a,b,," #",") (str/split "a,b,," #"," -1) (str/split "a1b2c" #"\\d" 2)]',
        '[["a" "b"] ["a" "b" "" ""] ["a" "b2c"]]',
    ),
    (
        (
            '[(str/replace "a1b2" #"(\\d)" "<$1>") (str/replace "abc"'
            ' #"[ab]" {"a" "1" "b" "2"}) (str/upper-case "ß")]'
        ),
        '["a<1>b<2>" "12c" "SS"]',
    ),
    (
        '[(re-find #"(a)|(b)" "b") (re-matches #"a+" "aab") (re-seq #"\\d+" "1 22")]',
        '[["b" nil "b"] nil ("1" "22")]',
    ),
    (
        '(format "%5.2f|%d|%s|%-5s|%05d|%x|%,d|%e" 3.14159 42 nil "ab" 42 255 1234567 12345.678)',
        '" 3.14|42|null|ab   |00042|ff|1,234,567|1.234568e+04"',
    ),
    (
        '[(str nil) (str [1 "a" \\b nil]) (pr-str "a\\"b" \\newline) (str :a/b \'c 1.0 1/2 2M)]',
        '["" "[1 \\"a\\" \\\\b nil]" "\\"a\\\\\\"b\\" \\\\newline" ":a/bc1.01/22"]',
    ),
    (
        '[(str/trim "\\u00a0 a ") (str/capitalize "hELLO") (str/blank? " \\t") (str/join ", " [1 nil :a])]',
        '["\u00a0 a" "Hello" true "1, , :a"]',
    ),
    (
        (
            '[(parse-long " 12") (parse-long "-12") (parse-double "1e3")'
            ' (parse-double "x") (parse-boolean "true")]'
        ),
        "[nil -12 1000.0 nil true]",
    ),
    # transducers, sets, walk, json
    ("(into [] (comp (filter odd?) (map inc) (take 2)) (range 10))", "[2 4]"),
    ("(transduce (partition-all 2) conj [1 2 3])", "[[1 2] [3]]"),
    ("(sequence (map +) [1 2] [10 20])", "(11 22)"),
    (
        (
            "[(set/union #{1} #{2}) (set/difference #{1 2} #{2})"
            " (set/rename-keys {:a 1} {:a :b}) (set/map-invert {:a 1})]"
        ),
        "[#{1 2} #{1} {:b 1} {1 :a}]",
    ),
    ("(clojure.walk/postwalk (fn [x] (if (number? x) (inc x) x)) {:a [1 {:b 2}]})", "{:a [2 {:b 3}]}"),
    ('(json/read-str "{\\"a\\": [{\\"b\\": 1}]}" :key-fn keyword)', "{:a [{:b 1}]}"),
    ('(cheshire.core/parse-string "{\\"a\\": 1}" (fn [k] (str k "!")))', '{"a!" 1}'),
    ('(cheshire.core/parse-string "{\\"a\\": 1}" true)', "{:a 1}"),
    ('(json/parse "{\\"a\\": 1}" {:keywords false})', '{"a" 1}'),
    ("(cheshire.core/generate-string {:a 1} {:pretty true})", '"{\\"a\\":1}"'),
    ('(json/parse "{\\"a-b\\": [1, 2.5, null, true], \\"x y\\": {}}")', '{:a-b [1 2.5 nil true], "x y" {}}'),
    ('(json/write-str {:a [1 "x" nil 1.5] "b" #{:k}})', '"{\\"a\\":[1,\\"x\\",null,1.5],\\"b\\":[\\"k\\"]}"'),
    (
        '(clojure.edn/read-string "{:a [1 #inst \\"2020-01-01\\"]}")',
        '{:a [1 #inst "2020-01-01T00:00:00.000-00:00"]}',
    ),
    # helpers and aliases
    ('(breyta.sandbox/sha256-hex "a")', '"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"'),
    (
        '(breyta.sandbox/hmac-sha256-hex "k" "v")',
        '"c5d4be1992d50d3b41f9a21292fc67a28a1486fc64a0517d37f9af847e0732de"',
    ),
    ('(breyta.sandbox/base64-decode (breyta.sandbox/base64-encode "hé"))', '"hé"'),
    (
        '(breyta.sandbox/format-instant (breyta.sandbox/instant-plus "2024-02-28T23:00:00Z" 2 :hours))',
        '"2024-02-29T01:00:00Z"',
    ),
    (
        '(breyta.sandbox/format-instant-pattern "2024-02-05T03:04:05Z" "EEE, d MMM yyyy HH:mm")',
        '"Mon, 5 Feb 2024 03:04"',
    ),
    (
        '[(Math/round 2.5) (Long/parseLong "7") (.toUpperCase "a") (clojure.math/pow 2 10) (Math/floor 1.5)]',
        '[3 7 "A" 1024.0 1.0]',
    ),
]

THROWS = [
    ("(+ nil 1)", "NullPointerException"),
    ("(+ 9223372036854775807 1)", "ArithmeticException"),
    ("(/ 1 0)", "ArithmeticException"),
    ("(nth [1 2] 5)", "IndexOutOfBoundsException"),
    ("([1 2] 5)", "IndexOutOfBoundsException"),
    ("(assoc [1] 3 2)", "IndexOutOfBoundsException"),
    ('(sort [1 "a"])', "ClassCastException"),
    ('(let [s "a"] (s 1))', "ClassCastException"),
    ("((fn [a] a))", "ArityException"),
    ("(let [f (fn ([a] a) ([a b] b))] (apply f [1 2 3]))", "ArityException"),
    ("(case 7 1 2)", "IllegalArgumentException"),
    ('(long "1")', "ClassCastException"),
    ("(let [[a] {:a 1}] a)", "UnsupportedOperationException"),
    ('(format "%d" 1.5)', "IllegalFormatConversionException"),
    ("(hash-map 1)", "IllegalArgumentException"),
    ("{(inc 0) 1 1 2}", "IllegalArgumentException"),
    ('(throw (Exception. "x"))', "Exception"),
    ('(clojure.edn/read-string "[1")', "RuntimeException"),
    ("(count 5)", "UnsupportedOperationException"),
    ('(json/parse "{")', "IllegalArgumentException"),
]


@pytest.mark.parametrize(("text", "printed"), GIVES)
def test_gives(text: str, printed: str) -> None:
    assert readable(evaluate(text)) == printed


@pytest.mark.parametrize(("text", "cls"), THROWS)
def test_throws(text: str, cls: str) -> None:
    with pytest.raises(FlowThrow) as caught:
        evaluate(text)
    assert caught.value.info.cls.rsplit(".", 1)[1] == cls
    assert caught.value.at is not None
    assert caught.value.at.line == 1


def test_an_uncaught_exception_tells_where_it_passed() -> None:
    code = compile_function("(fn [x]\n  (let [f (fn [y]\n            (/ y 0))]\n    (f x)))")
    with pytest.raises(FlowThrow) as caught:
        call(code, (1,))
    assert (caught.value.at and caught.value.at.line) == 3
    assert [place.line for place in caught.value.trace] == [3, 4]


def test_definitions_may_come_before_the_function_in_its_code() -> None:
    code = compile_function(
        '(def base 10)\n(defn twice "doubles" [x] (* 2 x))\n'
        "(defn more [x] (+ base (twice x)))\n(fn [x] (more x))"
    )
    assert call(code, (4,)) == 18
    assert call(compile_function("(defn main [x] (inc x))"), (1,)) == 2


def test_a_function_may_be_called_again_and_by_others_without_memory_of_earlier_calls() -> None:
    code = compile_function("(fn [xs] (conj [1 2] (count xs)))")
    assert readable(call(code, (evaluate("[1]"),))) == "[1 2 1]"
    assert readable(call(code, (evaluate("[1 2]"),))) == "[1 2 2]"


def test_results_are_realised_within_the_budget() -> None:
    assert readable(evaluate("{:a (map inc [1 2])}")) == "{:a (2 3)}"


def test_the_budget_does_not_depend_on_how_deep_python_already_is() -> None:
    code = compile_function("(fn [n] (loop [i 0] (if (< i n) (recur (inc i)) i)))")
    assert call(code, (100,), Limits(fuel=500)) == 100
