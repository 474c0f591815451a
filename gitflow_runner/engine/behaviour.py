"""The number of the engine's meanings, recorded at a run's start.

It rises when the meaning of any supported form or step identity changes. An engine refuses a run whose
number it does not know; a newer one keeps every old meaning or refuses.
"""

from __future__ import annotations

from gitflow_runner.errors import RefusedError

CURRENT = 3
"""2: `:confirm`, `:review` and `:on-error :checkpoint` ask people; the map that a packaged `:function` is
called with is its input.

3: packaged steps are held to their schemas; `flow/poll` ends at its `:timeout` and does not show
`:return-on` a failure that it lets pass; `flow/call-flow` takes `:target` and an installation, and no
option that it does not know."""

SUPPORTED = frozenset({1, 2, 3})


def check(behaviour: int) -> None:
    """Refuse (`behaviour_unsupported`) a run that this engine cannot serve, before anything is claimed."""
    if behaviour not in SUPPORTED:
        raise RefusedError(
            "behaviour_unsupported",
            f"the run was started with engine behaviour {behaviour}; this engine knows {sorted(SUPPORTED)}",
            hint="use a runner of the version that started it, or a newer one",
        )
