"""The codes that no lint rule declares, with what `gfr explain` says of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

READING: Final[Mapping[str, str]] = {
    "clojure_delimiters_invalid": (
        "A bracket is not closed, or closed by one of another kind. The message names the place "
        "of the bracket that was opened."
    ),
    "clojure_syntax_invalid": "A text or regex is not closed by its quotation mark.",
    "clojure_reader_invalid": (
        "The text is not readable as Clojure data: an unknown reader macro, a map with an odd "
        "number of forms, a key that stands there twice, or something after the one map of the "
        "file."
    ),
    "clojure_reader_eval_disabled": "#= would run code while the file is read; it is refused everywhere.",
    "reader_limit": "The text is larger, deeper or has more forms than the reader accepts.",
    "encoding_invalid": "Flow files are UTF-8.",
    "flow_include_invalid": (
        '#flow/include "path" takes a path relative to the file that it stands in. It must stay '
        "below .breyta/flows/, name an existing file, and not lead back to itself."
    ),
    "closure.mode": (
        "A file of the flow is a symbolic link, a submodule or has an odd mode. Only ordinary "
        "files are read, since what a link shows is not what was signed."
    ),
    "closure.twin": (
        "Two names differ only in case or in how their letters are composed; on some disks they are one file."
    ),
    "closure.path": (
        "A name could mean two things: it is absolute, leaves the folder, or holds control characters."
    ),
    "closure.size": "A file is larger than 256 KB, or the flow with its includes than 2.5 MB.",
    "closure.unreadable": "The file system refuses to show the file.",
}

RUNNING: Final[Mapping[str, str]] = {
    "files.path": (
        "No file of the project can have this path: it leads out, is git's own on some disk, or is "
        "another's. Write it from the project's root."
    ),
    "fuel_exhausted": (
        "The code did more work than one evaluation may. The same code on the same input always ends "
        "there, so it is not tried again: bound the loop, or give it less data."
    ),
    "depth_exceeded": (
        "Calls, data or code are nested too deeply: calls to 1,000, data that is printed, compared or read "
        "to 200. Use loop/recur in the place of a function that calls itself."
    ),
    "size_exceeded": (
        "One value grew larger than any may be: a text of 8 million characters, a collection of 1 million "
        "elements, an integer of 4,096 bits, a decimal of 1,000 digits, a printed result of 1 MB."
    ),
    "code_too_large": "The code of one function may have 64 KB, that of all functions of a flow 1 MB.",
    "not_data": (
        "A result or an input of a step must be data. A function, an exception or an endless sequence in it "
        "cannot be kept in the run; return what it stands for."
    ),
    "host_unbound": "A flow/... name was called where no run answers it, as in gfr eval; a body can call it.",
    "uncaught": "The code threw an exception that it does not catch; the message is that of the exception.",
    "behaviour_unsupported": (
        "The run was started by a version whose meaning of some form this version does not have. Drive it "
        "with the version that started it, or a newer one."
    ),
    "nondeterminism": (
        "The body asked for another step than the one that its history holds at this place. With the same "
        "release that can only be a hand-edited history or a fault of this program."
    ),
    "parallel_too_wide": "flow/parallel takes 1,000 items at most; split them over child flows.",
    "poll.exhausted": "flow/poll ended by its :timeout or :max-attempts before :return-on was true.",
    "poll.aborted": "flow/poll ended because a result was one of those that :abort-on names.",
    "wait.expired": "Nobody decided the wait in time and its :on-timeout is :fail.",
    "step.rejected": (
        "A person rejected the step where its :confirm or :review asked. The flow may catch that; who it was "
        "and why stands in the signed decision: gfr show."
    ),
    "step.unknown_outcome": (
        "The runner stopped while the step's effect was in flight, and doing it again could do it twice. A "
        "person looks and says what became of it: gfr resolve."
    ),
    "template.syntax": (
        "A template cannot be read at the place named: a tag or block is not closed, or there is no "
        "block or helper of that name."
    ),
    "template.too_large": "A template is longer than 1,000,000 characters; hand large texts over by :data.",
    "template.too_much": (
        "A template would become longer than 10,000,000 characters, or takes more work than one may; hand it "
        "less data."
    ),
    "template.value": "A value cannot stand in a text, or a helper cannot take it: infinity, a bad length.",
    "template.unknown": "The step names a template that :templates of the flow does not hold.",
    "template.shape": "The template lacks the part that this step takes: :request, :channels, :sql, :prompt.",
    "db.read_only": (
        "The statement changes data and the step may only read. Give :write true, or :write :repeatable for "
        "a statement that does no harm when it runs twice."
    ),
    "db.params": "The statement has another number of ? than :params has values, or one is unfit.",
    "db.statement": "The database refused the statement; the message is the beginning of what it said.",
    "db.connect": "The database could not be reached or opened with what its connection says.",
    "db.timeout": "The statement ran out of its :timeout and was stopped; what it had changed is undone.",
    "db.too_many_rows": "More rows came than a result holds; ask for fewer, or give :max-results.",
    "history.gap": "An event of the run is missing: the numbers of its events do not follow each other.",
    "history.empty": "The run's first commit holds no event.",
    "history.start": "The run's history does not begin with its start.",
}

ASKING: Final[Mapping[str, str]] = {
    "eval.environment": 'A line of gfr eval --batch names its environment: "function" or "body".',
    "eval.line_malformed": 'A line of gfr eval --batch is one JSON object with the expression in "expr".',
    "eval.line_too_long": "A line of gfr eval --batch is longer than any may be; put the code in a function.",
    "edit_overlap": "Two edits change the same text, so that one would undo the other.",
    "edit_path": "The path leads to nothing in the file that could be edited.",
    "flow.unknown": "There is no .breyta/flows/<slug>.edn of that slug.",
    "origin.malformed": "An origin is scheme://host:port; the port of a known scheme may be left out.",
    "flow.file_missing": "A file that the flow includes is not there.",
    "branch.unknown": "There is no branch of that name.",
    "step.unknown": "The body of the flow calls no step of that id.",
    "code.unknown": "Nothing ends with a code of that name; gfr explain without one lists them.",
    "import.missing": "The file to import is not there.",
    "migrate.unclear": "What the older spelling means here cannot be told for certain; write this by hand.",
    "release.digest": "A file of the release is not the one that its signer listed.",
    "closure.digest": "A file that the run is pinned to is not in the repository as it was.",
    "duration.malformed": "A duration is a number and a unit: 500ms, 10s, 5m, 2h, 1d.",
    "slug.malformed": "A slug begins with a letter and holds letters, digits, - and _, at most 128.",
    "run.malformed": "A run is named by its id, such as 20260101-120000-abc234, or the end of it.",
    "res.malformed": "A stored value is named res://sha256/ and 64 hexadecimal digits.",
}
