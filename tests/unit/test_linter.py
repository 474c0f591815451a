"""Lint as a whole: what cannot be read is one finding, sizes warn, and load refuses what lint calls fatal."""

import pytest

from gitflow_runner.catalog.linter import lint
from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.errors import LangError, NotFoundError

HEAD = '{:slug :demo :name "Demo" :concurrency {:type :singleton :on-new-version :drain}\n'


def codes(text: str, **files: str) -> list[str]:
    return [each.code for each in lint(MemoryTexts({"demo.edn": text, **files}), "demo", {}, {})]


def test_a_text_that_cannot_be_read_has_that_one_finding() -> None:
    assert codes("{:slug :demo") == ["clojure_delimiters_invalid"]
    assert codes(HEAD + ':flow #flow/include "none.clj"}') == ["flow_include_invalid"]
    assert codes("{:a #=(x)}") == ["clojure_reader_eval_disabled"]
    assert codes("{:slug :demo :slug :demo}") == ["clojure_reader_invalid"]
    assert codes("x" * (256 * 1024 + 1)) == ["closure.size"]


def test_no_flow_no_findings() -> None:
    with pytest.raises(NotFoundError):
        lint(MemoryTexts({}), "demo", {}, {})


def test_a_large_file_warns_before_it_is_refused() -> None:
    comment = "; " + "x" * 150 * 1024 + "\n"
    assert codes(comment + HEAD + ":flow '(flow/input)}") == ["large_file"]


def test_many_steps_and_much_code_are_noticed() -> None:
    steps = "(do " + 201 * "(flow/step :time :now {})\n" + ")"
    assert codes(HEAD + f":flow '{steps}}}") == ["many_steps"]
    code = "'(fn [_] " + 7_000 * "(inc 1000)" + ")"
    text = HEAD + f":functions [{{:id :a :code {code}}}] :flow '(flow/step :function :a {{:ref :a}})}}"
    assert codes(text) == ["function_code_too_large"]


def test_load_refuses_with_the_first_of_the_findings_that_lint_shows() -> None:
    text = HEAD + ":invocations [] :schedules {} :flow '(flow/input)}"
    with pytest.raises(LangError) as refused:
        load(MemoryTexts({"demo.edn": text}), "demo")
    assert [refused.value.code, "invalid_schedule"] == codes(text)
    assert len(refused.value.details["diagnostics"]) == 2  # type: ignore[arg-type]


def test_findings_in_an_include_name_its_file() -> None:
    texts = MemoryTexts(
        {"demo.edn": HEAD + ':functions #flow/include "f.clj" :flow \'(flow/input)}', "f.clj": "\n[:total]"}
    )
    (found,) = lint(texts, "demo", {}, {})
    assert (found.file, found.line, found.col, found.path) == (".breyta/flows/f.clj", 2, 2, (":functions", 0))
