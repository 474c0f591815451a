"""How text is laid out, case by case."""

from __future__ import annotations

import textwrap

import pytest

from gitflow_runner.errors import LangError
from gitflow_runner.lang.layout import laid_out

CASES = {
    "spaces between forms become one": ("{:a   1,:b\t2  }", "{:a 1, :b 2}\n"),
    "what touches is set apart": ('[1"a"(f)\\x{}]', '[1 "a" (f) \\x {}]\n'),
    "map entries stand one column after the bracket": (
        "{:a 1\n:b {:c 2\n:d 3}}",
        "{:a 1\n :b {:c 2\n     :d 3}}\n",
    ),
    "bodies are indented by two": (
        "(let [a 1\nb 2]\n(when a\nb))",
        "(let [a 1\n      b 2]\n  (when a\n    b))\n",
    ),
    "arguments are aligned": ("(foo a\nb\nc)", "(foo a\n     b\n     c)\n"),
    "arguments on a line of their own": ("(foo\na\nb)", "(foo\n a\n b)\n"),
    "both branches of an if": ("(if a\nb\nc)", "(if a\n  b\n  c)\n"),
    "what comes before a body goes further in": ("(let\n[a 1]\na)", "(let\n    [a 1]\n  a)\n"),
    "a cond by its first clause": ("(cond a 1\nb 2)", "(cond a 1\n      b 2)\n"),
    "a cond with its clauses below": ("(cond\na 1\nb 2)", "(cond\n  a 1\n  b 2)\n"),
    "a fn with arities": ("(fn\n([x]\nx)\n([x y]\ny))", "(fn\n  ([x]\n   x)\n  ([x y]\n   y))\n"),
    "functions of a letfn": (
        "(letfn [(f [x]\nx)\n(g [y] y)]\n1)",
        "(letfn [(f [x]\n          x)\n        (g [y] y)]\n  1)\n",
    ),
    "a quote stands at its form": ("' \n(a)", "'(a)\n"),
    "an unquote is not made a splice": ("`(~ @a)", "`(~ @a)\n"),
    "metadata above its form": ("^{:label 1}\n   (if a b)", "^{:label 1}\n(if a b)\n"),
    "sets and anonymous functions": ("#{1\n2}\n#(f %\n1)", "#{1\n  2}\n#(f %\n    1)\n"),
    "a comment at the end of a line stays there": ("[1   ; one\n2]", "[1   ; one\n 2]\n"),
    "a comment keeps the bracket off": ("[1\n;; two\n]", "[1\n ;; two\n ]\n"),
    "a discard stays where it is": ("{:a 1 #_ :b #_ 2\n#_{:c 3}}", "{:a 1 #_ :b #_ 2\n #_{:c 3}}\n"),
    "one empty line at most": ("\n\na\n\n\n\nb\n\n", "a\n\nb\n"),
    "lines within a text are its own": ('[1 "a  \n  b  "\n2]', '[1 "a  \n  b  "\n 2]\n'),
    "line ends become those of unix, but not within a text": ('[1\r\n"a\r\nb"]\r\n', '[1\n "a\r\nb"]\n'),
    "nothing stays nothing": (" \n\n", ""),
    "a comment alone": (";; a  ", ";; a\n"),
}
LONG = {
    "a map gets an entry a line": ("{:a 1 :bbbbbbbbbbbb 2 :c 3}", "{:a 1\n :bbbbbbbbbbbb 2\n :c 3}\n"),
    "a row of scalars is filled": (
        "[aaaaaaa bbbbbbb ccccccc ddddddd]",
        "[aaaaaaa bbbbbbb\n ccccccc ddddddd]\n",
    ),
    "the outermost bracket is broken first": (
        "(let [a (foo 1 2)] (bar a 3))",
        "(let [a (foo 1 2)]\n  (bar a 3))\n",
    ),
    "bindings by pairs": (
        "(let [aaaaaa 1 bbbbbb 2 c 3]\n  1)",
        "(let [aaaaaa 1\n      bbbbbb 2\n      c 3]\n  1)\n",
    ),
    "a long comment breaks no line": (
        "[1 2] ; a comment that is too long",
        "[1 2] ; a comment that is too long\n",
    ),
    "other lines are left as they are": (
        "{:a 1 :b 2\n :c [aaaaaaaaaa bbbbbbbbbb cc]}",
        "{:a 1 :b 2\n :c [aaaaaaaaaa\n     bbbbbbbbbb cc]}\n",
    ),
}


@pytest.mark.parametrize(("text", "wanted"), CASES.values(), ids=CASES)
def test_layout(text: str, wanted: str) -> None:
    assert laid_out(text) == wanted
    assert laid_out(wanted) == wanted


@pytest.mark.parametrize(("text", "wanted"), LONG.values(), ids=LONG)
def test_long_lines(text: str, wanted: str) -> None:
    assert laid_out(text, width=20) == wanted
    assert laid_out(wanted, width=20) == wanted


def test_a_flow_as_people_write_it_is_left_alone() -> None:
    text = textwrap.dedent(
        """\
        ;; A flow.
        {:slug :demo ; the name
         :flow '(let [input (flow/input)
                      got (flow/step :http :get {:url "https://a.test"
                                                 :timeout 5})]
                  ^{:label "Found?" :yes "go on"}
                  (if (= 200 (:status got))
                    (flow/step :function :keep {:ref :keep})
                    {:kept false}))}
        """
    )
    assert laid_out(text) == text


def test_a_text_that_cannot_be_read_is_refused_with_its_place() -> None:
    with pytest.raises(LangError) as refused:
        laid_out("{:a\n [1)}", file="a.edn")
    assert (refused.value.code, str(refused.value.at)) == ("clojure_delimiters_invalid", "a.edn:2:4")


def test_one_line_of_everything_is_broken_in_reasonable_time() -> None:
    text = "{" + " ".join(f":k{n} [{{:a (f {n} [1 2 3])}} {n}]" for n in range(3_000)) + "}"
    result = laid_out(text)
    assert max(map(len, result.split("\n"))) <= 110
    assert len(result.split("\n")) == 3_001
