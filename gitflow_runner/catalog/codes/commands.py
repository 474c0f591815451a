"""What commands say of how they were called, and of files that people hand them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.catalog.codes.meaning import Meaning

COMMANDS: Final[Mapping[str, Meaning]] = {
    "batch.file": Meaning(
        "The file of rows cannot be read or is too large.",
        "gfr policy judge --help",
    ),
    "batch.row": Meaning(
        "A row of the batch is not one JSON object of the form that is asked for. The other rows are "
        "answered.",
        "gfr policy judge --help",
    ),
    "branch.unknown": Meaning(
        "There is no branch of that name.",
        "git branch --all",
    ),
    "code.unknown": Meaning(
        "Nothing ends with a code of that name; gfr explain without one lists them.",
        "gfr explain",
    ),
    "diff.range": Meaning(
        "What to compare is written v2..v3, or live..draft.",
        "gfr versions FLOW",
    ),
    "draft.bare": Meaning(
        "A bare repository has no work tree, so there are no drafts in it. Use a clone.",
        "git clone",
    ),
    "edit_overlap": Meaning(
        "Two edits change the same text, so that one would undo the other.",
        "gfr lint FLOW",
    ),
    "edit_path": Meaning(
        "The path leads to nothing in the file that could be edited.",
        "gfr read FILE",
    ),
    "eval.environment": Meaning(
        'A line of gfr eval --batch names its environment: "function" or "body".',
        "gfr eval --help",
    ),
    "eval.line_malformed": Meaning(
        'A line of gfr eval --batch is one JSON object with the expression in "expr".',
        "gfr eval --help",
    ),
    "eval.line_too_long": Meaning(
        "A line of gfr eval --batch is longer than any may be; put the code in a function.",
        "gfr eval --help",
    ),
    "file.unreadable": Meaning(
        "The file cannot be read, or there is no .breyta/ here or above.",
        "gfr init",
    ),
    "flow.file_missing": Meaning(
        "A file that the flow includes is not there.",
        "gfr lint FLOW",
    ),
    "flow.unknown": Meaning(
        "There is no .breyta/flows/<slug>.edn of that slug.",
        "gfr flows ls",
    ),
    "hooks.unknown": Meaning(
        "There is no such hook.",
        "gfr hooks status",
    ),
    "hooks.unwritable": Meaning(
        "The folder of the hooks cannot be written.",
        "gfr hooks status",
    ),
    "import.exists": Meaning(
        "A file that the import would write exists already and is different.",
        "gfr flows import FILE --force",
    ),
    "import.missing": Meaning(
        "The file to import is not there.",
        "gfr flows import --help",
    ),
    "init.bare": Meaning(
        "A bare repository has no work tree for flows. Run init in a clone; a server that drives runs "
        "only needs a runner's key.",
        "gfr init --runner",
    ),
    "install.incomplete": Meaning(
        "A file of the program itself is missing.",
        "pip install --force-reinstall gitflow-runner",
    ),
    "internal": Meaning(
        "A fault of this program. With GFR_DEBUG=1 the details are kept in a file, to be reported.",
        "GFR_DEBUG=1 gfr COMMAND",
    ),
    "migrate.unclear": Meaning(
        "What the older spelling means here cannot be told for certain; write this by hand.",
        "gfr flows migrate FLOW",
    ),
    "not_initialised": Meaning(
        "The repository has not been prepared: there is no runner's key and no policy.",
        "gfr init",
    ),
    "object.unknown": Meaning(
        "No one object is named so here. Name a commit or tag by its id, or a ref.",
        "git show-ref",
    ),
    "release.digest": Meaning(
        "A file of the release is not the one that its signer listed.",
        "gfr versions FLOW",
    ),
    "run.malformed": Meaning(
        "A run is named by its id, such as 20260101-120000-abc234, or the end of it.",
        "gfr runs ls",
    ),
    "test.action": Meaning(
        "A test decides a wait by an action that the wait does not have.",
        "gfr test FLOW",
    ),
    "test.not_decided": Meaning(
        "The run of a test came to a wait for which the test has no decision. Add it under :decisions.",
        "gfr test FLOW",
    ),
    "test.not_mocked": Meaning(
        "The run of a test came to a step for which the test says no result. Add it under :steps.",
        "gfr test FLOW",
    ),
    "test.steps": Meaning(
        "The run of a test takes more steps than a run may.",
        "gfr test FLOW",
    ),
    "test.stuck": Meaning(
        "The run of a test waits for something that no test can bring.",
        "gfr test FLOW",
    ),
    "test.thrown": Meaning(
        "A mock throws, as the test asks for.",
        "gfr test FLOW",
    ),
    "tests.none": Meaning(
        "The flow has no tests. Write .breyta/flows/<slug>.tests.edn.",
        "gfr test --help",
    ),
    "tests_invalid": Meaning(
        "The file <slug>.tests.edn is not of its form: a vector of tests, each a map with the keys that a "
        "test may have.",
        "gfr test FLOW",
    ),
    "usage": Meaning(
        "The command was not called as it is meant to be.",
        "gfr --help",
    ),
    "usage.answer": Meaning(
        "An answer is given by --payload, or by --payload-file that names a .json or .edn file.",
        "gfr waits complete --help",
    ),
    "usage.arguments": Meaning(
        "An argument is missing, or two contradict each other.",
        "gfr COMMAND --help",
    ),
    "usage.batch": Meaning(
        "With --batch everything stands in rows of JSON on standard input.",
        "gfr policy judge --help",
    ),
    "usage.confirm": Meaning(
        "This signs or removes something, and there is no terminal to ask at. Say --yes once it is what "
        "you want.",
        "gfr COMMAND --yes",
    ),
    "usage.connections": Meaning(
        "Name the connections to try, or try --all of them.",
        "gfr connections ls",
    ),
    "usage.declined": Meaning(
        "The question was answered with no, so nothing was done.",
        "gfr COMMAND --help",
    ),
    "usage.limit": Meaning(
        "--limit is a number from 1.",
        "gfr COMMAND --help",
    ),
    "usage.logs": Meaning(
        "An attempt has failed once it is over, so --failed and --follow go ill together.",
        "gfr logs --help",
    ),
    "usage.output": Meaning(
        "Say where to write to with -o FILE; a file that exists is not overwritten.",
        "gfr resources get --help",
    ),
    "usage.resolve": Meaning(
        "Exactly one of --retry, --done VALUE and --fail says what became of the step.",
        "gfr resolve --help",
    ),
    "usage.resources": Meaning(
        "Values to remove are named by their full digests, or all with --unused.",
        "gfr resources --help",
    ),
    "usage.time": Meaning(
        "A time is written 2026-11-22T09:14:02Z, 2026-11-22, seconds since 1970, or 7d.",
        "gfr audit --help",
    ),
    "usage.value": Meaning(
        "--done takes a value in EDN.",
        "gfr resolve --help",
    ),
    "usage.verify": Meaning(
        "Name at least one commit or tag.",
        "gfr verify HEAD",
    ),
    "usage.wait": Meaning(
        "A wait is named, or its --key is given, not both.",
        "gfr waits complete --help",
    ),
}
