"""What an approval wait gives back to the flow: the action, the people behind it, and the texts they left."""

from __future__ import annotations

from gitflow_runner.git.objects import Oid, decode_commit
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.lang.collection import Map, Vec, map_of
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.values import Value, keyword
from gitflow_runner.model.stored import Stored
from gitflow_runner.trust.approval import FORM, edit_files
from gitflow_runner.trust.quorum import Outcome

_ACTION, _BY = keyword("action"), keyword("by")
EXPIRED = Stored(write(map_of([(_ACTION, "expired"), (_BY, Vec(()))])))
NOTHING = Stored("nil")


def decided(reader: ObjectReader, outcome: Outcome, asked: Oid) -> Stored:
    """The value of an approved or rejected wait; form values may not pose as action or people.

    `asked` is the wait's own tree, which holds the texts that nobody changed.
    """
    entries: list[tuple[Value, Value]] = [(_ACTION, outcome.action), (_BY, Vec(tuple(outcome.by)))]
    edited = outcome.edited is not None
    tree = decode_commit(reader.read(outcome.evidence[-1]).data).tree if edited else asked
    files = edit_files(tree, reader)
    texts = {p.removeprefix("edit/"): d.decode("utf-8", "replace") for p, d in files.items() if p != FORM}
    if texts:
        entries.append((keyword("edit"), map_of(sorted(texts.items()))))
    form = files.get(FORM)
    if form is not None:
        value = read_data(form.decode("utf-8", "replace"), loose=True)
        if isinstance(value, Map):
            entries = [*((k, v) for k, v in value.items() if k not in (_ACTION, _BY)), *entries]
    return Stored(write(map_of(entries)))
