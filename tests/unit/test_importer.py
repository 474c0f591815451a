"""Taking over flow files: the text stays, the markers go, the includes come along."""

from pathlib import Path

import pytest

from gitflow_runner.catalog.importer import import_file, import_flow, strip_markers
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.errors import GitflowError

PULLED = """\
;; breyta: pulled-source
;; breyta: legacy-bare-function-input ":sum"
;; Sends the weekly report.
{:slug :weekly-report
 :concurrency {:type :singleton :on-new-version :drain}
 :functions [{:id :sum :code #flow/include "lib/sum.clj"}]
 ;; breyta: pulled-source (this is text of the flow, not a marker)
 :flow '(flow/step :function :sum {:ref :sum :input {}})}
"""


def code_of(texts: dict[str, str]) -> str:
    with pytest.raises(GitflowError) as refused:
        import_flow(MemoryTexts(texts), "report.clj")
    return refused.value.code


def test_only_the_markers_at_the_top_are_left_out() -> None:
    assert strip_markers(PULLED) == PULLED.split("\n", 2)[2]
    assert strip_markers("{:a 1}") == "{:a 1}"
    assert strip_markers("") == ""


def test_a_file_is_named_after_its_slug_and_its_includes_keep_their_place(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "report.clj").write_text(PULLED)
    (tmp_path / "lib" / "sum.clj").write_text("'(fn [input] 1)\n")
    imported = import_file(tmp_path / "report.clj")
    assert (imported.slug, imported.path) == ("weekly-report", ".breyta/flows/weekly-report.edn")
    assert [(file.path, file.text) for file in imported.files] == [
        ("weekly-report.edn", strip_markers(PULLED)),
        ("lib/sum.clj", "'(fn [input] 1)\n"),
    ]


def test_a_link_beside_the_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "report.clj").write_text(PULLED)
    (tmp_path / "lib" / "sum.clj").symlink_to("/etc/hostname")
    with pytest.raises(GitflowError) as refused:
        import_file(tmp_path / "report.clj")
    assert refused.value.code == "closure.mode"


def test_what_is_no_flow_is_refused() -> None:
    assert code_of({"report.clj": "{:name 1}"}) == "invalid_slug"
    assert code_of({"report.clj": "[1 2"}) == "clojure_delimiters_invalid"
    assert (
        code_of({"report.clj": "{:slug :old :concurrency-config {} :definition '(x)}"})
        == "missing_required_field"
    )
    outside = '{:slug :a :flow #flow/include "../b.clj"}'
    assert code_of({"report.clj": outside}) == "flow_include_invalid"


def test_a_missing_file_is_named() -> None:
    with pytest.raises(GitflowError) as missing:
        import_file(Path("/nowhere/report.clj"))
    assert missing.value.code == "import.missing"
