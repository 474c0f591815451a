"""What to write instead, for errors that do not say it themselves."""

from __future__ import annotations

from typing import Final

# The code, how its message begins (or a part of it), and the way out; the first that fits is given.
_HINTS: Final[tuple[tuple[str, str, str], ...]] = (
    ("arity_invalid", "cond ", "(cond test value ... :else value)"),
    ("arity_invalid", "", "give as many arguments as the name takes"),
    ("binding_invalid", "for ", "(for [x items :let [y (f x)] :when (test y)] y)"),
    ("binding_invalid", "dotimes ", "(dotimes [i 3] ...)"),
    ("binding_invalid", "& ", "[first-one & others]"),
    ("binding_invalid", "only :as", "[first-one & others :as all]"),
    ("binding_invalid", ":as ", "{:keys [a b] :as whole}"),
    ("binding_invalid", ":or ", "{:keys [a b] :or {b 0}}"),
    ("binding_invalid", "Can't let qualified", "bind a name without a namespace"),
    ("binding_invalid", "", "[name value, other-name value]"),
    ("call_invalid", "", "a call begins with a function: (f x); data in brackets is quoted: '(1 2)"),
    ("case_duplicate", "", "take one of the two branches away"),
    ("clojure_delimiters_invalid", ", expected", "close what is open by its own kind of bracket"),
    ("clojure_delimiters_invalid", "Unmatched", "take it away, or open the form that it closes"),
    ("clojure_reader_invalid", "current namespace", "write the namespace out: :my.ns/name"),
    ("clojure_reader_invalid", "Nested #()", "write the inner one as (fn [x] ...)"),
    ("clojure_reader_invalid", "symbolic", "there are ##Inf, ##-Inf and ##NaN"),
    ("clojure_reader_invalid", "Metadata", '^{:label "Is it new?"} (if ...)'),
    ("clojure_reader_invalid", "#inst", '#inst "2026-01-31T12:00:00Z"'),
    ("clojure_reader_invalid", "date/time", '#inst "2026-01-31T12:00:00Z"'),
    ("clojure_reader_invalid", "UUID", '#uuid "550e8400-e29b-41d4-a716-446655440000"'),
    ("clojure_reader_invalid", "Duplicate", "take one of the two away"),
    ("clojure_reader_invalid", "nothing follows", "write the form that it is for, or take it away"),
    ("clojure_reader_invalid", "even number", "every key has a value"),
    ("clojure_reader_invalid", "number", "what is not counted with is written as a text"),
    ("clojure_reader_invalid", "escape", 'escapes are \\t \\n \\r \\b \\f \\" \\\\ and \\u0000'),
    (
        "clojure_reader_invalid",
        "character",
        "characters are \\a \\newline \\space \\u0041 and the like",
    ),
    ("clojure_reader_invalid", "surrogate", "write the character itself, or both halves of it"),
    (
        "clojure_reader_invalid",
        "Invalid token",
        "names hold letters, digits, * + ! _ ? < > = . - and one /",
    ),
    ("clojure_reader_invalid", "reader macro", "text beside the code goes behind ;"),
    ("clojure_reader_invalid", "is code", "data holds no quotes and no functions"),
    ("clojure_reader_invalid", "", "take it away, or write it as a text"),
    ("clojure_syntax_invalid", "", 'close it with ", and write a " inside of it as \\"'),
    ("macro_as_value", "", "wrap it in a function: (fn [x] (when x ...))"),
    ("reader_limit", "nested", "name parts of it by let, or move them into :functions"),
    ("reader_limit", "", 'move parts into files of their own: #flow/include "part.edn"'),
    ("recur_misplaced", "", "(loop [i 0] (if (< i 3) (recur (inc i)) i))"),
    ("tag_forbidden", "", "write the value itself, without the tag"),
    ("try_invalid", "", "(try (work) (catch Exception e (ex-data e)) (finally (tidy)))"),
    ("unbound_symbol", "", "bind it by let, or take it as an argument"),
    ("unused_binding", "", "begin it with _ where that is meant"),
)


def usual_hint(code: str, message: str) -> str | None:
    """The way out of an error of that code and message; None for a code that names its own."""
    return next((hint for known, part, hint in _HINTS if known == code and part in message), None)
