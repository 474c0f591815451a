"""Webhooks of forges: a genuine delivery wakes the runs whose change it speaks of, and decides nothing."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.git.refs import run_ref
from gitflow_runner.ledger.chain import read_run
from gitflow_runner.ledger.lease import standings, wake
from gitflow_runner.runner.code import protected_settings
from gitflow_runner.runner.configured import Configured
from gitflow_runner.runner.forge_desk import ForgeDesk
from gitflow_runner.runner.runtime import Runtime


def take_hint(runtime: Runtime, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
    """The open runs that are to look at their change now, by a delivery's headers and raw bytes.

    The same delivery may come any number of times, late or out of order. `StepError`
    (`forge.hint_refused`, `forge.malformed`) for one that is not genuine or cannot be read.
    """
    desk = ForgeDesk(runtime, Configured(protected_settings(runtime)))
    given = {name.lower(): value for name, value in headers.items()}
    hint = desk.forge.hint(desk.hint_site, given, body, runtime.clock.now_ms())
    if hint is None:
        return ()
    reader, woken = runtime.repository, []
    for found in standings(reader):
        lease = found.lease
        tip = None if lease is None else reader.resolve(run_ref(lease.slug, found.run))
        if tip is None:
            continue
        changes = [state.change for state in read_run(reader, tip).waits if state.change is not None]
        if any(c.forge == desk.named.name and c.number == hint.number for c in changes):
            wake(reader.common_dir, found.run)
            woken.append(str(found.run))
    return tuple(woken)
