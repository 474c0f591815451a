"""No forge at all: the proposal is a branch of any remote, and its merge is seen by fetching."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.errors import StepError
from gitflow_runner.forges.base import Draft, Hint, Ports, Remark, Site, Told
from gitflow_runner.model.change import Change, ChangeState


class Plain:
    """There is nobody to ask, so every question is a defect of who asks (`forge.nobody`)."""

    tells = False

    def check(self, site: Site) -> None:
        """Refuse a token, which nothing would use (`forge.settings`)."""
        if site.token is not None or site.url or site.project:
            raise StepError("forge.settings", "forge.kind plain takes neither url nor project nor token")

    def who(self, site: Site, ports: Ports) -> str:
        """Nobody."""
        raise _nobody()

    def find(self, site: Site, branch: str, base: str, ports: Ports) -> Change | None:
        """There are no changes, only branches."""
        return None

    def open(self, site: Site, draft: Draft, ports: Ports) -> Change:
        """Nobody opens anything."""
        raise _nobody()

    def look(self, site: Site, number: int, ports: Ports) -> Told:
        """Nobody tells anything."""
        raise _nobody()

    def close(self, site: Site, number: int, remark: Remark, ports: Ports) -> ChangeState:
        """Nobody closes anything: what is proposed is a branch."""
        raise _nobody()

    def hint(self, site: Site, headers: Mapping[str, str], body: bytes, now_ms: int) -> Hint | None:
        """Nobody sends deliveries."""
        raise StepError("forge.hint_refused", "no forge is configured that could send a delivery")


FORGE = Plain()


def _nobody() -> StepError:
    return StepError("forge.nobody", "forge.kind plain is git alone; there is no forge to ask")
