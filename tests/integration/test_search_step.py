"""`:search` in real runs: the index beside Git, an engine on loopback, and runs that nobody should find."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.ledger.chain import read_history
from gitflow_runner.ledger.index import SearchIndex
from gitflow_runner.model.event import RunFailed, RunSucceeded
from gitflow_runner.runner.compose import compose
from gitflow_runner.runner.service import Service
from gitflow_runner.runner.stack import on_big_stack
from tests.real_clone import SLUG, Clone
from tests.searxng_server import searxng

SAY = """{:slug :say :name "Say what it is told" :concurrency {:type :singleton :on-new-version :coexist}
 :interfaces {:manual [{:id :run :label "Run" :invocation :default :enabled true}]}
 :invocations {:default {:inputs [{:name :word :type :string}]}}
 :functions [{:id :same :language :clojure :code '(fn [m] (:word m))}]
 :flow '(let [word (:word (flow/input))
              kept (flow/step :function :keep {:ref :same :input {:word (str "kept " word)}
                                               :persist {:type :blob}})]
          {:said word :ref (:uri kept)})}
"""
ASK = """{:slug :hello :name "Ask" :concurrency {:type :singleton :on-new-version :coexist}
 :requires [{:slot :web :type :http-api :label "Web search" :optional true}]
 :interfaces {:manual [{:id :run :label "Run" :invocation :default :enabled true}]}
 :invocations {:default {:inputs [{:name :query :type :string} {:name :targets :type :string}]}}
 :flow '(let [asked (flow/input)
              web (= "web" (:targets asked))
              found (if web
                      (flow/step :search :web {:query (:query asked) :targets [:web] :connection :web
                                               :retry {:max-attempts 2 :backoff-ms 1}})
                      (flow/step :search :own {:query (:query asked) :limit 5}))]
          (:hits found))}
"""


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    made = Clone(tmp_path / "project", ASK, functions="in-process")
    (made.folder / ".breyta/flows/say.edn").write_text(SAY)
    made.git("add", "-A")
    made.git("commit", "-q", "-S", "-m", "another flow")
    return made


def ended(clone: Clone, slug: str, **given: str) -> tuple[str, RunSucceeded | RunFailed]:
    """A run of a flow as the branch has it, by a process of its own in all but name: its id and its end."""
    runtime = compose(clone.folder, environment=clone.environment, say=lambda text: None)
    try:
        started = on_big_stack(
            lambda: Service(runtime).start(slug, "main", given, told=lambda run, changed: None), lambda: None
        )
    finally:
        runtime.close()
    run = started.run.run
    tip = clone.repository().resolve(f"refs/runs/{slug}/{run}")
    assert tip is not None
    last = read_history(clone.repository(), tip)[-1].event
    assert isinstance(last, RunSucceeded | RunFailed)
    return run, last


def said(clone: Clone, word: str) -> str:
    """A run that says a word; its id."""
    return ended(clone, "say", word=word)[0]


def found(clone: Clone, query: str, targets: str = "own") -> str:
    """The hits as the run came to them."""
    last = ended(clone, SLUG, query=query, targets=targets)[1]
    assert isinstance(last, RunSucceeded), last
    return last.output.text


def test_runs_flows_and_values_are_found_and_the_index_is_only_a_cache(clone: Clone) -> None:
    run = said(clone, "albatross")
    said(clone, "pelican")
    hits = found(clone, "albatross")
    assert hits.count(":target") == 2, hits
    assert f':target :runs, :rank 1, :id "{run}"' in hits
    assert ':target :resources, :rank 1, :id "res://sha256/' in hits
    assert ':content "kept albatross"' in hits
    assert ':target :flows, :rank 1, :id "say"' in found(clone, "told what")
    index = SearchIndex(clone.folder / ".git/gitflow")
    assert {source.partition(" ")[0] for source in index.tips()} == {"runs", "flows"}
    index.path.unlink()
    assert f'"{run}"' in found(clone, "albatross")
    index.path.write_bytes(b"broken" * 1_000)
    assert f'"{run}"' in found(clone, "albatross")
    clone.git("update-ref", "-d", f"refs/runs/say/{run}")
    assert f'"{run}"' not in found(clone, "albatross kept")


def test_a_run_that_does_not_verify_is_not_found(clone: Clone) -> None:
    run = said(clone, "cormorant")
    ref = f"refs/runs/say/{run}"
    forged = clone.git("commit-tree", "-p", ref, "-m", "step said it", f"{ref}^{{tree}}").strip()
    clone.git("update-ref", ref, forged)
    assert found(clone, "cormorant") == "[]"


def test_a_draft_that_nobody_signed_does_not_see_what_runs_held(clone: Clone) -> None:
    said(clone, "gannet")
    clone.git("commit", "-q", "--no-gpg-sign", "--allow-empty", "-m", "unsigned")
    last = ended(clone, SLUG, query="gannet", targets="own")[1]
    assert isinstance(last, RunFailed)
    assert last.failure.code == "search.draft"


def test_the_web_is_asked_over_a_named_connection(clone: Clone) -> None:
    with searxng() as engine:
        engine.busy = 1
        clone.folder.joinpath(".breyta/connections.yaml").write_text(
            f"connections:\n  web: {{type: http-api, base-url: '{engine.origin}'}}\n"
        )
        clone.git("add", "-A")
        clone.git("commit", "-q", "-S", "-m", "a connection")
        # Loopback is an inside address: without the settings' word nothing is sent there.
        last = ended(clone, SLUG, query="git", targets="web")[1]
        assert isinstance(last, RunFailed)
        assert (last.failure.code, engine.asked) == ("http.refused_address", [])
        settings = clone.folder / ".breyta/config.yaml"
        settings.write_text(f"{settings.read_text()}http:\n  allow: ['{engine.origin}']\n")
        clone.git("commit", "-aq", "-S", "-m", "allow it")
        hits = found(clone, "git", "web")
    assert [asked["q"] for asked in engine.asked] == ["git", "git"]
    assert [hits.index(page) for page in ("docs.example", "blog.example", "news.example")] == sorted(
        hits.index(page) for page in ("docs.example", "blog.example", "news.example")
    )
    assert ':published "2026-11-20"' in hits
