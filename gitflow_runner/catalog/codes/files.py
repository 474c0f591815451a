"""The project's files, changesets, and what is published of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.catalog.codes.meaning import Meaning

FILES: Final[Mapping[str, Meaning]] = {
    "files.ambiguous": Meaning(
        "The text that an edit replaces stands in the file more than once. Take more of the text around "
        "it, or replace every place with :replace.",
        "gfr logs RUN",
    ),
    "files.archive": Meaning(
        "An archive that came back is no plain tar of plain files inside the tree, so nothing of it is "
        "taken.",
        "gfr logs RUN",
    ),
    "files.binary": Meaning(
        "The file, or what is to stand in it, is no text, so there are no lines and places in it.",
        "gfr logs RUN",
    ),
    "files.branch": Meaning(
        "A flow publishes to a branch with a plain name of its own, never to names that the runner uses.",
        "gfr lint FLOW",
    ),
    "files.branch_moved": Meaning(
        "The branch does not stand where the changeset begins. Resolve it again and make the changes upon"
        " its tip; nothing is merged by itself, and nothing is forced.",
        "gfr show RUN",
    ),
    "files.branch_taken": Meaning(
        "A new branch was wanted, and one of that name is there already.",
        "git branch --all",
    ),
    "files.changeset": Meaning(
        "What a step was given as a changeset is none. Hand on what :init-changeset or a later change gave.",
        "gfr show RUN",
    ),
    "files.checked_out": Meaning(
        "A work tree has the branch checked out, and the runner touches no work tree.",
        "git worktree list",
    ),
    "files.count": Meaning(
        "The text that is to be replaced stands in the file another number of times than expected.",
        "gfr logs RUN",
    ),
    "files.draft": Meaning(
        "A draft pushes nothing, since nobody released its code.",
        "gfr release FLOW",
    ),
    "files.gated": Meaning(
        "A gate guards the branch, and only a push asks it. Publish to a branch of the flow's own.",
        "gfr gates ls",
    ),
    "files.lines": Meaning(
        "The file has no such lines. They count from 1.",
        "gfr logs RUN",
    ),
    "files.message": Meaning(
        "A commit's message is empty, too long, not printable, or has a line that begins with Gitflow-, "
        "which only the runner itself may write.",
        "gfr logs RUN",
    ),
    "files.no_match": Meaning(
        "The text that an edit replaces does not stand in the file. Blanks, line ends and case count.",
        "gfr logs RUN",
    ),
    "files.not_a_file": Meaning(
        "A link or a submodule lies there. Neither is read or written through.",
        "git ls-tree -r HEAD",
    ),
    "files.nothing": Meaning(
        "The changeset comes to the very tree that it began with, so there is no commit to publish.",
        "gfr show RUN",
    ),
    "files.path": Meaning(
        "No file of the project can have this path: it leads out, is git's own on some disk, or is "
        "another's. Write it from the project's root.",
        "gfr lint FLOW",
    ),
    "files.path_taken": Meaning(
        "A file is to be moved to a path where another one lies. Delete that one first.",
        "gfr show RUN",
    ),
    "files.pattern": Meaning(
        "The text or pattern cannot be searched for: it is empty, has several lines, is none, or would "
        "cost too much.",
        "gfr lint FLOW",
    ),
    "files.protected": Meaning(
        "The branch is protected, and the policy does not let releases of this flow publish there. "
        "Publish to a branch of its own and open a change, or grant it by :publish in the policy.",
        "gfr policy check",
    ),
    "files.repo": Meaning(
        "Steps read the project that the run belongs to and no other repository.",
        "git remote -v",
    ),
    "files.secret": Meaning(
        "A file would hold the value of a secret, and a commit is for ever. Let the file name the secret.",
        "gfr doctor",
    ),
    "files.source": Meaning(
        "What a step was given as a source tree is none. Hand on what :resolve-source gave.",
        "gfr show RUN",
    ),
    "files.too_large": Meaning(
        "A file, a changeset or an archive is larger than what is read or written at once.",
        "gfr logs RUN",
    ),
    "files.unknown_path": Meaning(
        "There is no such file in the tree, or it was deleted in the changeset.",
        "git ls-tree -r --name-only HEAD",
    ),
    "files.unsupported": Meaning(
        "There is no project where the flow is tried out. Give the step an answer in the flow's tests.",
        "gfr test FLOW",
    ),
}
