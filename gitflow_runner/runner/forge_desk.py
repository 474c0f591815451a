"""The forge of a run as its settings name it: the plug-in, the site with its opened secrets, the remote."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from gitflow_runner.errors import StepError
from gitflow_runner.forges.base import Forge, Ports, Site
from gitflow_runner.forges.registry import forge
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import branch_ref, remote_branch_ref
from gitflow_runner.model.connection import ANY_FLOW
from gitflow_runner.runner.configured import Configured
from gitflow_runner.runner.forge_memory import ForgeMemory
from gitflow_runner.runner.opener import Opener
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.settings import ForgeSettings
from gitflow_runner.runner.stopping import ProcessEnd

PLAIN = ForgeSettings("plain", "plain")  # what is proposed without a forge is a branch


@dataclass(frozen=True)
class ForgeDesk:
    """Where one run of the flow `slug` proposes; its token is opened when it is first needed."""

    runtime: Runtime
    configured: Configured
    slug: str = ANY_FLOW

    @property
    def named(self) -> ForgeSettings:
        """What the settings say."""
        return self.configured.settings.forge or PLAIN

    @property
    def forge(self) -> Forge:
        """The plug-in; `NotFoundError` (`forge.unknown_kind`), `UsageError` (`forge.plugin`)."""
        return forge(self.named.kind)

    @cached_property
    def site(self) -> Site:
        """The site with its token, held to the token's allow-list.

        `StepError`: `forge.settings`, `connection.unbound`, `connection.refused`, `secret.*`.
        """
        named, environment = self.named, self.runtime.environment
        if named.connection is None:
            # The operator set the variable for this process, and the protected branch says where it goes.
            token = environment.get(named.token or "") or None
            self.runtime.redactor.learn(token or "")
            return Site(named.url, named.project, token)
        return self._connected(named, named.connection)

    def _connected(self, named: ForgeSettings, name: str) -> Site:
        connection = self.configured.connections.get(name)
        if connection is None:
            raise StepError(
                "connection.unbound",
                f"forge.connection names {name}, which .breyta/connections.yaml does not have",
                hint="describe it there, on the protected branch: type http-api, base-url, auth by bearer",
            )
        if (connection.type, connection.auth) != ("http-api", "bearer") or connection.base_url is None:
            raise StepError(
                "forge.settings",
                f"connection {name} is not of type http-api with a base-url and auth of type bearer",
                hint="whatever the forge calls it, its token goes by bearer here",
            )
        found = Opener(self.runtime.secrets, self.slug, "live").connection(connection)
        return Site(connection.base_url.rstrip("/"), named.project, found.secrets["token"])

    @cached_property
    def hint_secret(self) -> str | None:
        """What deliveries are signed with: a variable, or a kept secret, of that name; it is sent nowhere."""
        name = self.named.hint_secret
        if name is None:
            return None
        found = self.runtime.environment.get(name)
        secrets = self.runtime.secrets
        if not found and secrets.is_known("live", name):
            found = secrets.find(secrets.record(name, "live"))[0].reveal()
        self.runtime.redactor.learn(found or "")
        return found or None

    @property
    def hint_site(self) -> Site:
        """What judging a delivery needs: the secret that signs it, and no token."""
        return Site(self.named.url, self.named.project, hint_secret=self.hint_secret)

    @property
    def remote(self) -> str | None:
        """The remote whose branches people merge; None if that is this repository."""
        return self.named.remote or self.runtime.remote

    def ports(self, memory: ForgeMemory) -> Ports:
        """What one look may use."""
        runtime = self.runtime
        return Ports(
            runtime.http(self.configured.settings.http),
            ProcessEnd(runtime.stop),
            memory.kept,
            runtime.clock.now_ms(),
        )

    def fetch(self, target: str) -> None:
        """Bring the branch in; errors as `GitProgram.fetch`. A rewound branch is not moved here."""
        if self.remote is not None:
            spec = f"{branch_ref(target)}:{remote_branch_ref(self.remote, target)}"
            self.runtime.git.fetch(self.remote, (spec,))

    def tip(self, target: str) -> Oid | None:
        """Where the branch stands, as fetched last."""
        name = branch_ref(target) if self.remote is None else remote_branch_ref(self.remote, target)
        return self.runtime.repository.resolve(name)


def refuse_draft(desk: ForgeDesk) -> None:
    """A draft's code was released by nobody, so no token is used for it (`propose.draft`)."""
    if desk.forge.tells:
        raise StepError(
            "propose.draft",
            "a draft opens no change on a forge",
            hint="release and promote the flow, or try it with forge.kind plain",
        )
