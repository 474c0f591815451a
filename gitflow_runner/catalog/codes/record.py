"""Runs and their histories, and what verifying them finds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.catalog.codes.meaning import Meaning

RECORD: Final[Mapping[str, Meaning]] = {
    "audit.no_second_reader": Meaning(
        "The audit reads everything twice, by two independent readers of Git, and the second one is not "
        "installed.",
        "gfr audit verify --one-reader",
    ),
    "clock": Meaning(
        "The date of a turn's commit is not that of its last event. Turns are written so; a hand made "
        "this one.",
        "gfr runs verify RUN",
    ),
    "clock_suspect": Meaning(
        "The machine's clock was set while a worker ran, or lies behind what is on record. Waits, "
        "timers and decisions hold until it is right again, or a new process begins.",
        "gfr worker",
    ),
    "history.callback": Meaning(
        "A wait for an event is recorded as answered by something that nobody saw count, or one answer is "
        "used twice.",
        "gfr runs verify RUN",
    ),
    "history.canonical": Meaning(
        "An event is not spelled as it is written here, so a hand or another program wrote it.",
        "gfr runs verify RUN",
    ),
    "history.cut": Meaning(
        "A turn inside the history has no parent: the clone is shallow, or the history was cut.",
        "git fetch --unshallow",
    ),
    "history.empty": Meaning(
        "The run's first commit holds no event.",
        "gfr runs verify RUN",
    ),
    "history.ended": Meaning(
        "The history goes on after the event that ended the run.",
        "gfr runs verify RUN",
    ),
    "history.epoch": Meaning(
        "The run changed hands without the number of its holder rising by exactly one: two runners wrote "
        "it, or somebody without the right.",
        "gfr runs verify RUN",
    ),
    "history.gap": Meaning(
        "An event of the run is missing: the numbers of its events do not follow each other.",
        "gfr runs verify RUN",
    ),
    "history.malformed": Meaning(
        "A turn's commit does not hold what each turn holds, or its events cannot be read.",
        "gfr runs verify RUN",
    ),
    "history.newer": Meaning(
        "The run was recorded by a newer version than this one, which does not know its format.",
        "pip install --upgrade gitflow-runner",
    ),
    "history.queued": Meaning(
        "Something of the run began before it was admitted to its slot, or it was admitted to another one.",
        "gfr runs verify RUN",
    ),
    "history.start": Meaning(
        "The run's history does not begin with its start.",
        "gfr runs verify RUN",
    ),
    "history.step": Meaning(
        "An event about a step comes where none can: an attempt that was never begun, an outcome of a "
        "step that is not in doubt.",
        "gfr runs verify RUN",
    ),
    "history.time": Meaning(
        "An event is older than the one before it. Recorded times never go back.",
        "gfr runs verify RUN",
    ),
    "history.timer": Meaning(
        "A timer ends that never began.",
        "gfr runs verify RUN",
    ),
    "history.unknown_event": Meaning(
        "An event is of a kind that this version does not know.",
        "pip install --upgrade gitflow-runner",
    ),
    "history.value": Meaning(
        "A value that an event names is missing from the turn, or is not the one named.",
        "gfr runs verify RUN",
    ),
    "history.wait": Meaning(
        "The history decides or mentions a wait that it never opened.",
        "gfr runs verify RUN",
    ),
    "history_rewritten": Meaning(
        "A run's ref no longer holds what this clone has seen there. Runs only grow; somebody replaced "
        "the history.",
        "gfr audit",
    ),
    "incomplete": Meaning(
        "Something that verifying needs is not in this clone, so it cannot be said whether all is well. "
        "Fetch it and verify again.",
        "git fetch --unshallow",
    ),
    "kv.malformed": Meaning(
        "An entry of the key-value store cannot be read, or lies under the name of another.",
        "gfr audit",
    ),
    "parents": Meaning(
        "A turn's parents are not the turn before it and what it consumed.",
        "gfr runs verify RUN",
    ),
    "pin.digest": Meaning(
        "What the run says it is pinned to does not have the digest that its start names.",
        "gfr runs verify RUN",
    ),
    "pin.malformed": Meaning(
        "pin.json, which says what the run is bound to, cannot be read.",
        "gfr runs verify RUN",
    ),
    "pin.missing": Meaning(
        "The run has no pin.json, so nobody can tell which code it runs.",
        "gfr runs verify RUN",
    ),
    "pin.newer": Meaning(
        "The run's pin.json was written by a newer version than this one.",
        "pip install --upgrade gitflow-runner",
    ),
    "proof.tag": Meaning(
        "The release tag that the run carries as its proof is not the one that it is pinned to.",
        "gfr runs verify RUN",
    ),
    "readers_differ": Meaning(
        "The two independent readers of Git disagree about a commit. One was deceived or has a fault; "
        "look with a third.",
        "gfr audit verify",
    ),
    "res.damaged": Meaning(
        "A stored value does not have the digest that names it. Restore it from another clone or a backup.",
        "gfr doctor",
    ),
    "res.digest": Meaning(
        "A stored value in a run's tree is not what its name says.",
        "gfr runs verify RUN",
    ),
    "run.ambiguous": Meaning(
        "Several runs end with what was typed. Type more of the id.",
        "gfr runs ls",
    ),
    "run.cancelled": Meaning(
        "The run was cancelled; who asked for it stands in its history.",
        "gfr show RUN",
    ),
    "run.foreign": Meaning(
        "Another clone drives this run. Only a takeover that is asked for moves it here.",
        "gfr runs ls",
    ),
    "run.newer": Meaning(
        "The run's run.json was written by a newer version than this one.",
        "pip install --upgrade gitflow-runner",
    ),
    "run.over": Meaning(
        "The run has ended, so it takes no requests any more.",
        "gfr show RUN",
    ),
    "run.ref": Meaning(
        "The ref holds the history of another run than its name says.",
        "gfr runs verify RUN",
    ),
    "run.state": Meaning(
        "run.json is not what the events add up to. A hand changed one of the two.",
        "gfr runs verify RUN",
    ),
    "run.unknown": Meaning(
        "No run is recorded under that name here.",
        "gfr runs ls",
    ),
    "slot.contended": Meaning(
        "Other starts write the slot at the same time, again and again. Try once more.",
        "gfr worker --once",
    ),
    "slot.full": Meaning(
        "A thousand runs queue for this slot already. See why the first of them does not end.",
        "gfr runs ls",
    ),
    "slot.malformed": Meaning(
        "The record of who may run now cannot be read, or it is that of another slot. Remove it, and let "
        "a worker put the open runs back.",
        "gfr worker --once",
    ),
    "slot.taken": Meaning(
        "Another run of the same version is open, and the flow lets versions overlap, not runs of one "
        "version. See that one out, or end it; :on-new-version :drain lets runs queue.",
        "gfr watch RUN",
    ),
    "slot.untrusted": Meaning(
        "The record of who may run now was not written by a runner. Remove it, and let a worker put the "
        "open runs back.",
        "git update-ref -d REF",
    ),
    "start.mismatch": Meaning(
        "The signed request that the run rests on asks for another flow, input or code than the run has.",
        "gfr runs verify RUN",
    ),
    "trailer_mismatch": Meaning(
        "A turn's message says something else than its events. Messages are for people and decide "
        "nothing, but this one misleads them.",
        "gfr runs verify RUN",
    ),
    "tree.mode": Meaning(
        "A turn's tree holds a link, a submodule or an executable where it holds plain files.",
        "gfr runs verify RUN",
    ),
    "trigger.contended": Meaning(
        "Another process writes the trigger's record at the same time, again and again. Try once more.",
        "gfr worker",
    ),
    "trigger.malformed": Meaning(
        "The record of what a trigger started cannot be read.",
        "gfr doctor",
    ),
    "trigger.rewound": Meaning(
        "The record of what a trigger answered was moved back. It only grows.",
        "git fetch",
    ),
    "trigger.untrusted": Meaning(
        "The record of a trigger was not written by a runner. Remove it; the trigger is then asked anew.",
        "git update-ref -d REF",
    ),
    "turn.empty": Meaning(
        "A fault of the program: a turn without an event was to be written.",
        "gfr doctor",
    ),
    "turn.start": Meaning(
        "The first turn of a run is not its start, or does not hold the pin that it names.",
        "gfr runs verify RUN",
    ),
    "turn.wait": Meaning(
        "A fault of the program: a wait was to open beside other events, or two to be resolved in one turn.",
        "gfr doctor",
    ),
    "untrusted_run": Meaning(
        "The run's history does not verify, so it is shown but not driven: a turn is unsigned, signed by "
        "a key that may not, or contradicts the others.",
        "gfr runs verify RUN",
    ),
    "wait.alone": Meaning(
        "A wait opened in one turn with other events. What is asked would not be all that the commit says.",
        "gfr runs verify RUN",
    ),
    "wait.payload": Meaning(
        "The payload in the wait's turn is not the one whose digest the wait names.",
        "gfr runs verify RUN",
    ),
    "wait.policy": Meaning(
        "The wait's turn carries another policy than the one it pins.",
        "gfr runs verify RUN",
    ),
}
