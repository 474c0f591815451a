"""A server whose main branch is guarded by a flow that is live there, for the tests of gates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.git.objects import Oid
from gitflow_runner.git.pygit import open_repository
from gitflow_runner.ledger.chain import read_run
from gitflow_runner.model.run import Run
from tests.hooked import install, must
from tests.people import Person
from tests.repositories import NoJitter, StillClock
from tests.server import Server
from tests.spoken import Told, gfr
from tests.team import Team

MAIN = "refs/heads/main"
GATE = """{:slug :guard :name "Guard"
 :concurrency {:type :singleton :on-new-version :coexist}
 :invocations {:default {:inputs [{:name :ref :type :string} {:name :old :type :string}
                                  {:name :new :type :string}]}}
 :interfaces {:git [{:id :main :invocation :default :on :push :refs ["refs/heads/main"] :gate true}]}
 :flow '%s}
"""
CHECKS = """(let [given (flow/input)
       commit (first (:commits (flow/step :git :look {:op :log :ref (:new given) :limit 1})))]
   (if (= "bad" (:subject commit)) (throw (ex-info "the commit says that it is bad" {})) {:ok true}))"""
ASKS = """(let [given (flow/input)]
   (flow/step :wait :ask {:title "Let it in?" :payload {:new (:new given)} :timeout "1h"}))"""
_RUNNER = '"server" {:kind :runner %s :flows ["*"] :keys [{:ssh "%s"}]}'


@dataclass(frozen=True)
class Gated:
    """The server with its own runner, and Ann who pushes."""

    server: Server

    @property
    def team(self) -> Team:
        return self.server.team

    @property
    def folder(self) -> Path:
        return self.server.folder

    @property
    def ann(self) -> Person:
        return self.team.ann

    def commit(self, subject: str = "good", *, key: str = "ann") -> str:
        """A commit on top of what is on the server, signed; no branch of Ann's moves."""
        parent = must(self.folder, "rev-parse", MAIN)
        signing = ("-c", f"user.signingkey={self.team.keys / key}")
        return self.ann.git(
            *signing, "commit-tree", "-S", "-p", parent, f"{parent}^{{tree}}", given=f"{subject}\n".encode()
        )

    def push(self, oid: str) -> list[str]:
        """Push a commit to the guarded branch; the codes of the refusals."""
        return self.server.push(f"{oid}:{MAIN}")

    def ask(self, oid: str, leaf: str = "a") -> list[str]:
        """Push to the gate's ref."""
        return self.server.push(f"{oid}:refs/for/main/{leaf}")

    def said(self, oid: str) -> str:
        """What the server says to a push of that commit to the guarded branch."""
        done = self.ann.attempt("git", "push", "-q", "--no-verify", "origin", f"{oid}:{MAIN}")
        assert done.returncode != 0
        return re.sub(r"^remote: (.*?) *$", r"\1", done.stderr.decode(), flags=re.MULTILINE)

    def work(self) -> Told:
        """A worker looks once on the server."""
        return gfr(self.folder, "worker", "--once")

    def runs(self, slug: str = "guard") -> list[Run]:
        """The gate's runs on the server, oldest first."""
        reader = open_repository(self.folder, StillClock(), NoJitter())
        return [read_run(reader, Oid(tip)) for _, tip in reader.refs(f"refs/runs/{slug}/")]

    def policy(self, version: int, *, can: str = ":can #{:drive :gate}", more: str = "") -> None:
        """Put a policy into force that lets the server's runner do this, here and there."""
        line = gfr(self.folder, "init", "--runner").data["runner_key"]
        done = self.team.apply_policy(version=version, extra=_RUNNER % (can, line), more=more)
        assert done.exit == 0, done
        self.server.push("refs/policy/chain:refs/policy/chain")

    def go_live(self, body: str, text: str = GATE) -> None:
        """Release and promote the gate's flow, which needs no gate."""
        (self.team.home / ".breyta/flows/guard.edn").write_text(text % body)
        self.ann.git("add", "-A")
        self.ann.git("commit", "-q", "-S", "-m", "The gate")
        assert self.ann.gfr("release", "guard", "-m", "gate", "--yes").exit == 0
        assert self.ann.gfr("promote", "guard", "--yes").exit == 0


def guard(team: Team, body: str = CHECKS, *, more: str = "") -> Gated:
    """The team's server with hooks, its own runner that may speak for gates, and the gate live."""
    gated = Gated(Server(team, team.share()))
    install(gated.folder)
    gated.server.pin()
    gated.policy(3, more=more)
    gated.go_live(body)
    return gated
