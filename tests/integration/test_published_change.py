"""A live flow that changes files, publishes them to a forge's repository and opens the change, for real."""

from __future__ import annotations

from pathlib import Path

from gitflow_runner.git.pygit import open_repository
from gitflow_runner.ledger.chain import read_run
from gitflow_runner.runner.service import Service
from gitflow_runner.runner.stack import on_big_stack
from tests.fakeforge.forge import Lies
from tests.proposing import SLUG, Proposing, proposing
from tests.repositories import NoJitter, StillClock
from tests.team import Team

BODY = """(let [begun (flow/step :files :begin {:op :init-changeset})
      found (flow/step :files :find {:op :search :changeset begun :query "drafts:"
                                    :paths [".breyta/config.yaml"]})
      made (flow/step :files :edit {:op :replace :changeset begun :path ".breyta/config.yaml"
                                    :old "in-process" :new "worker"})
      told (flow/step :files :told {:op :diff :changeset made})
      done (flow/step :files :publish {:op :publish :changeset made :branch "settings/worker"
                                       :message "Let drafts run apart"})
      asked (flow/step :files :open {:op :open-change-request :published done
                                     :retry {:max-attempts 3 :backoff-ms 1 :retry-on ["forge"]}
                                     :change {:title "Let drafts run apart" :body "Please."}})]
  {:number (:number asked) :commit (:commit done) :found (:count found) :changed (:count told)})"""


def ran(there: Proposing) -> str:
    """Run the live flow to its end; what it came to."""
    tools = there.runtime()
    started = on_big_stack(
        lambda: Service(tools).start(SLUG, "live", {}, told=lambda run, changed: None), lambda: None
    )
    reader = open_repository(there.team.home, StillClock(), NoJitter())
    tip = reader.resolve(f"refs/runs/{SLUG}/{started.run.run}")
    assert tip is not None
    run = read_run(reader, tip)
    assert run.status == "succeeded", run.failure
    return str(there.team.ann.gfr("show", run.run).data["output"]["preview"])


def test_a_changeset_becomes_one_change_on_the_forge(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path, body=BODY) as there:
        answers = 0

        def lost_at_first(path: str, found: object) -> object:
            nonlocal answers
            if isinstance(found, list):
                return found
            answers += 1
            return {} if answers == 1 else found

        # The forge opens the change, and the answer to that is lost: the next attempt finds it.
        there.forge.lies = Lies(answer=lost_at_first)
        output = ran(there)
        pull = there.pull
        assert (there.forge.opened, pull.base, pull.branch) == (1, "main", "settings/worker")
        assert output.startswith("{:number 1,")
        assert f':commit "{pull.head}"' in output
        assert ":found 1, :changed 1}" in output
        assert there.forge.git("show", f"{pull.head}:.breyta/config.yaml").startswith(
            "functions: {drafts: worker}"
        )
        assert there.forge.git("log", "--format=%an %s", "-1", pull.head) == "runner Let drafts run apart"
        assert team.ann.git("for-each-ref", "refs/heads/settings") == ""
