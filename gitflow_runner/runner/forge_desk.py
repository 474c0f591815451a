"""The forge of a run as its settings name it: the plug-in, the site with its opened secrets, the remote."""

from __future__ import annotations

from dataclasses import dataclass

from gitflow_runner.errors import StepError
from gitflow_runner.forges.base import Forge, Ports, Site
from gitflow_runner.forges.registry import forge
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import branch_ref, remote_branch_ref
from gitflow_runner.runner.forge_memory import ForgeMemory
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.settings import ForgeSettings, Settings

PLAIN = ForgeSettings("plain", "plain")  # what is proposed without a forge is a branch


@dataclass(frozen=True)
class ForgeDesk:
    """Where one run proposes; secrets are read from the environment when they are first needed."""

    runtime: Runtime
    settings: Settings

    @property
    def named(self) -> ForgeSettings:
        """What the settings say."""
        return self.settings.forge or PLAIN

    @property
    def forge(self) -> Forge:
        """The plug-in; `NotFoundError` (`forge.unknown_kind`), `UsageError` (`forge.plugin`)."""
        return forge(self.named.kind)

    @property
    def site(self) -> Site:
        """The site; a variable that is not set leaves its secret out."""
        named, environment = self.named, self.runtime.environment
        secret = environment.get(named.hint_secret or "") or None
        return Site(named.url, named.project, environment.get(named.token or "") or None, secret)

    @property
    def remote(self) -> str | None:
        """The remote whose branches people merge; None if that is this repository."""
        return self.named.remote or self.runtime.remote

    def ports(self, memory: ForgeMemory) -> Ports:
        """What one look may use."""
        runtime = self.runtime
        return Ports(runtime.http(self.settings.http), _Stop(runtime), memory.kept, runtime.clock.now_ms())

    def fetch(self, target: str) -> None:
        """Bring the branch in; errors as `GitProgram.fetch`. A rewound branch is not moved here."""
        if self.remote is not None:
            spec = f"{branch_ref(target)}:{remote_branch_ref(self.remote, target)}"
            self.runtime.git.fetch(self.remote, (spec,))

    def tip(self, target: str) -> Oid | None:
        """Where the branch stands, as fetched last."""
        name = branch_ref(target) if self.remote is None else remote_branch_ref(self.remote, target)
        return self.runtime.repository.resolve(name)


@dataclass(frozen=True)
class _Stop:
    """A look ends when the process is to end; its own time is bounded by the request."""

    runtime: Runtime

    def asked(self) -> bool:
        return self.runtime.stop()


def refuse_draft(desk: ForgeDesk) -> None:
    """A draft's code was released by nobody, so no token is used for it (`propose.draft`)."""
    if desk.forge.tells:
        raise StepError(
            "propose.draft",
            "a draft opens no change on a forge",
            hint="release and promote the flow, or try it with forge.kind plain",
        )
