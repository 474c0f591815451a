"""Checks of the trust code that may be switched off unseen, because another check refuses the same.

They stay: each says at its own place what is true there. A row is the module, the check as
`tests.switched_off` tells it, and what else holds it.
"""

from __future__ import annotations

from typing import Final

HELD_TWICE: Final[dict[tuple[str, str], str]] = {
    (
        "policy_text",
        "without kind == 'runner' in: if kind == 'runner' and person.can and (not person.flows)",
    ): ("two lines above, :can of anybody who is no runner is refused"),
    ("records", "without policy is None in: if policy is None or not listed"): (
        "without a policy nobody is listed, which is the other part; this one is for mypy and for readers"
    ),
    ("turns", "without policy is None in: if policy is None or not listed"): (
        "without a policy nobody is listed, which is the other part; this one is for mypy and for readers"
    ),
}
