"""Findings for other tools: GitHub's annotations and SARIF."""

from __future__ import annotations

from gitflow_runner.catalog.diagnostic import Diagnostic
from gitflow_runner.catalog.report import github_lines, sarif

FOUND = Diagnostic(
    "unbound_symbol", "error", "no x: 50%\nat all", "use y", ".breyta/flows/a,b.edn", 3, 4, 3, 9
)
BARE = Diagnostic("closure.size", "warning", "too large")


def test_an_annotation_escapes_what_would_end_it() -> None:
    place = "file=.breyta/flows/a%2Cb.edn,line=3,endLine=3,col=4,endColumn=9,title=unbound_symbol"
    assert github_lines([FOUND, BARE]) == [
        f"::error {place}::no x: 50%25%0Aat all (fix: use y)",
        "::warning title=closure.size::too large",
    ]


def test_sarif_names_rules_and_regions() -> None:
    document = sarif([FOUND, BARE], "1.2.3")
    run = document["runs"][0]  # type: ignore[index]
    assert document["version"] == "2.1.0"
    assert run["tool"]["driver"]["version"] == "1.2.3"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["closure.size", "unbound_symbol"]
    first, second = run["results"]
    assert (first["ruleId"], first["level"]) == ("unbound_symbol", "error")
    where = first["locations"][0]["physicalLocation"]
    assert where["artifactLocation"] == {"uri": ".breyta/flows/a,b.edn"}
    assert where["region"] == {"startLine": 3, "startColumn": 4, "endLine": 3, "endColumn": 9}
    assert (second["level"], "locations" in second) == ("warning", False)
