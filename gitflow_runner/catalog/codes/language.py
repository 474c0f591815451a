"""Reading, checking and running the text of a flow, beside the codes of the lint rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.catalog.codes.meaning import Meaning

LANGUAGE: Final[Mapping[str, Meaning]] = {
    "behaviour_unsupported": Meaning(
        "The run was started by a version whose meaning of some form this version does not have. Drive it "
        "with the version that started it, or a newer one.",
        "pip install --upgrade gitflow-runner",
    ),
    "clojure_delimiters_invalid": Meaning(
        "A bracket is not closed, or closed by one of another kind. The message names the place of the "
        "bracket that was opened.",
        "gfr lint FLOW",
    ),
    "clojure_reader_eval_disabled": Meaning(
        "#= would run code while the file is read; it is refused everywhere.",
        "gfr lint FLOW",
    ),
    "clojure_reader_invalid": Meaning(
        "The text is not readable as Clojure data: an unknown reader macro, a map with an odd number of "
        "forms, a key that stands there twice, or something after the one map of the file.",
        "gfr lint FLOW",
    ),
    "clojure_syntax_invalid": Meaning(
        "A text or regex is not closed by its quotation mark.",
        "gfr lint FLOW",
    ),
    "closure.digest": Meaning(
        "A file that the run is pinned to is not in the repository as it was.",
        "gfr runs verify RUN",
    ),
    "closure.mode": Meaning(
        "A file of the flow is a symbolic link, a submodule or has an odd mode. Only ordinary files are "
        "read, since what a link shows is not what was signed.",
        "gfr lint FLOW",
    ),
    "closure.path": Meaning(
        "A name could mean two things: it is absolute, leaves the folder, or holds control characters.",
        "gfr lint FLOW",
    ),
    "closure.size": Meaning(
        "A file is larger than 256 KB, or the flow with its includes than 2.5 MB.",
        "gfr lint FLOW",
    ),
    "closure.twin": Meaning(
        "Two names differ only in case or in how their letters are composed; on some disks they are one "
        "file.",
        "gfr lint FLOW",
    ),
    "closure.unreadable": Meaning(
        "The file system refuses to show the file.",
        "gfr lint FLOW",
    ),
    "code_too_large": Meaning(
        "The code of one function may have 64 KB, that of all functions of a flow 1 MB.",
        "gfr lint FLOW",
    ),
    "depth_exceeded": Meaning(
        "Calls, data or code are nested too deeply: calls to 1,000, data that is printed, compared or "
        "read to 200. Use loop/recur in the place of a function that calls itself.",
        "gfr logs RUN",
    ),
    "duration.malformed": Meaning(
        "A duration is a number and a unit: 500ms, 10s, 5m, 2h, 1d.",
        "gfr lint FLOW",
    ),
    "encoding_invalid": Meaning(
        "Flow files are UTF-8.",
        "gfr lint FLOW",
    ),
    "flow.thrown": Meaning(
        "The body threw an exception that nothing catches, so the run failed. The message and the data "
        "are those of the exception.",
        "gfr logs RUN",
    ),
    "flow_include_invalid": Meaning(
        '#flow/include "path" takes a path relative to the file that it stands in. It must stay below '
        ".breyta/flows/, name an existing file, and not lead back to itself.",
        "gfr lint FLOW",
    ),
    "flow_step_invalid_id": Meaning(
        "The id of a step was computed, and what came out is no id: a plain keyword or text, without "
        "spaces, brackets, / and #.",
        "gfr lint FLOW",
    ),
    "fuel_exhausted": Meaning(
        "The code did more work than one evaluation may. The same code on the same input always ends "
        "there, so it is not tried again: bound the loop, or give it less data.",
        "gfr logs RUN",
    ),
    "host_unbound": Meaning(
        "A flow/... name was called where no run answers it, as in gfr eval; a body can call it.",
        "gfr run FLOW",
    ),
    "nondeterminism": Meaning(
        "The body asked for another step than the one that its history holds at this place. With the same "
        "release that can only be a hand-edited history or a fault of this program.",
        "gfr runs verify RUN",
    ),
    "not_data": Meaning(
        "A result or an input of a step must be data. A function, an exception, a date of Java or an endless "
        "sequence in it cannot be kept in the run; return what it stands for: (str date).",
        "gfr lint FLOW",
    ),
    "parallel_too_wide": Meaning(
        "flow/parallel takes 1,000 items at most; split them over child flows.",
        "gfr lint FLOW",
    ),
    "poll.aborted": Meaning(
        "flow/poll ended because a result was one of those that :abort-on names.",
        "gfr logs RUN",
    ),
    "poll.exhausted": Meaning(
        "flow/poll ended by its :timeout or :max-attempts before :return-on was true.",
        "gfr logs RUN",
    ),
    "reader_limit": Meaning(
        "The text is larger, deeper or has more forms than the reader accepts.",
        "gfr lint FLOW",
    ),
    "size_exceeded": Meaning(
        "One value grew larger than any may be: a text of 8 million characters, a collection of 1 million "
        "elements, an integer of 4,096 bits, a decimal of 1,000 digits, a printed result of 1 MB.",
        "gfr logs RUN",
    ),
    "slug.malformed": Meaning(
        "A slug begins with a letter and holds letters, digits, - and _, at most 128.",
        "gfr flows ls",
    ),
    "uncaught": Meaning(
        "The code threw an exception that it does not catch; the message is that of the exception.",
        "gfr logs RUN",
    ),
}
