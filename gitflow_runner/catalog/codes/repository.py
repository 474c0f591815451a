"""Git, and what it says of the repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.catalog.codes.meaning import Meaning

REPOSITORY: Final[Mapping[str, Meaning]] = {
    "git.command_failed": Meaning(
        "A git command ended with an error that is none of the expected ones; the message holds what it "
        "said.",
        "gfr doctor",
    ),
    "git.config": Meaning(
        "Git's configuration cannot be read, or a key of it has no valid name.",
        "git config --list --show-origin",
    ),
    "git.disk_full": Meaning(
        "The disk is full. Nothing was left half-done: free some space and repeat the command.",
        "df -h .",
    ),
    "git.failed": Meaning(
        "A :git step asked git for something and got no answer.",
        "gfr logs RUN",
    ),
    "git.fetch_rejected": Meaning(
        "A ref on the remote does not continue the one that is here, so it was not fetched. One of the "
        "two histories was rewritten.",
        "git ls-remote REMOTE",
    ),
    "git.grafts": Meaning(
        "A grafts file gives commits other parents than they have, so that no history here can be trusted.",
        "git replace --convert-graft-file",
    ),
    "git.hostile_config": Meaning(
        "The repository's own configuration names a program to run. Whoever can write the repository "
        "could run programs as you, so it is refused.",
        "git config --local --edit",
    ),
    "git.malformed": Meaning(
        "An object id, or the content of an object, is not of its form.",
        "git fsck",
    ),
    "git.no_folder": Meaning(
        "The folder in which a command was to run is gone.",
        "gfr doctor",
    ),
    "git.no_remote": Meaning(
        "No remote of that name is set up in this clone.",
        "git remote -v",
    ),
    "git.not_a_repository": Meaning(
        "The folder lies in no Git repository.",
        "git init",
    ),
    "git.not_installed": Meaning(
        "The git program was not found. Install version 2.30 or newer.",
        "git --version",
    ),
    "git.not_reachable": Meaning(
        "A flow may read commits that a branch, a tag or its own pin reaches. This one is reached by none.",
        "git branch --contains COMMIT",
    ),
    "git.object_damaged": Meaning(
        "An object's bytes do not have the id that they lie under. Fetch it again from a clone that has "
        "it whole.",
        "git fsck",
    ),
    "git.object_kind": Meaning(
        "An object is of another kind than what names it says: a tree where a commit belongs.",
        "git cat-file -t OBJECT",
    ),
    "git.object_missing": Meaning(
        "An object that something names is not in this repository: it was pruned, or never fetched.",
        "git fsck --connectivity-only",
    ),
    "git.output_too_large": Meaning(
        "A program, or an object, gave more bytes than are read here.",
        "gfr doctor",
    ),
    "git.path": Meaning(
        "The path leaves the tree, or could mean two things.",
        "gfr lint FLOW",
    ),
    "git.push_rejected": Meaning(
        "The remote did not take the push; the message holds its reason. Fetch, look at what is there "
        "now, and decide again.",
        "git fetch",
    ),
    "git.quarantine": Meaning(
        "While a push is being judged nothing may be written, since it may yet be refused.",
        "gfr doctor",
    ),
    "git.read_only": Meaning(
        "The repository cannot be written: the file system or the rights do not allow it. Reading works.",
        "gfr doctor",
    ),
    "git.ref_blocked": Meaning(
        "Git cannot keep a ref beside another that is the beginning of its path.",
        "git for-each-ref",
    ),
    "git.ref_damaged": Meaning(
        "A ref cannot be read, or leads back to itself.",
        "git fsck",
    ),
    "git.ref_locked": Meaning(
        "A ref is locked by another process, or by one that died. Repeat; if it stays, gfr doctor names "
        "the lock file.",
        "gfr doctor",
    ),
    "git.ref_moved": Meaning(
        "A ref has moved between the look and the write, so nothing was written. Look at it again, and "
        "decide again.",
        "gfr runs ls",
    ),
    "git.reftable": Meaning(
        "The repository keeps its refs in the reftable format, which is not supported yet.",
        "git refs migrate --ref-format=files",
    ),
    "git.remote_denied": Meaning(
        "The remote did not let you in. Credentials come from ssh-agent and your global configuration, "
        "never from the repository.",
        "git ls-remote REMOTE",
    ),
    "git.remote_malformed": Meaning(
        "What was given is neither the name of a remote nor a URL that is used here.",
        "git remote -v",
    ),
    "git.remote_unreachable": Meaning(
        "The remote did not answer. What was not pushed stays here and goes with the next push.",
        "git ls-remote REMOTE",
    ),
    "git.sha256": Meaning(
        "The repository names its objects by SHA-256, which is not supported yet.",
        "git init --object-format=sha1 DIRECTORY",
    ),
    "git.symbolic_ref": Meaning(
        "A symbolic ref stands in a namespace where it could point a decision at something else.",
        "git symbolic-ref -d REF",
    ),
    "git.timeout": Meaning(
        "A program took longer than it may, and was stopped.",
        "gfr doctor",
    ),
    "git.too_large": Meaning(
        "A file that a :git step reads is larger than it may be; raise the step's bound or read less.",
        "gfr lint FLOW",
    ),
    "git.too_old": Meaning(
        "The installed git is older than 2.30, the oldest that is known to do what is needed.",
        "git --version",
    ),
    "git.unknown_path": Meaning(
        "The commit has no file of that path.",
        "git ls-tree -r COMMIT",
    ),
    "git.unknown_revision": Meaning(
        "The name is that of no branch, tag or commit here.",
        "git log",
    ),
    "git.unsafe_owner": Meaning(
        "The repository belongs to another user, so Git does not trust its settings. If you do, say so.",
        "git config --global --add safe.directory DIRECTORY",
    ),
    "git.unsupported": Meaning(
        "The repository cannot be opened: it uses an extension of Git that is not supported.",
        "gfr doctor",
    ),
    "git.write_failed": Meaning(
        "Git or the file system refused a write, for the reason in the message. Nothing was left half-done.",
        "gfr doctor",
    ),
    "lease.maintenance_held": Meaning(
        "Another process tidies this clone right now. Wait until it has ended.",
        "gfr doctor",
    ),
    "lease.malformed": Meaning(
        "The lease that says who drives a run cannot be read.",
        "gfr doctor",
    ),
    "lease.run_held": Meaning(
        "Another process drives this run right now. What you ask for is done by that one.",
        "gfr show RUN",
    ),
    "lease.untrusted": Meaning(
        "The lease of another clone's run names this one, which did not sign it. Driven here as well, the "
        "run's effects would happen twice; remove the lease.",
        "git update-ref -d REF",
    ),
    "lease.unwritable": Meaning(
        "The lock file of a run cannot be opened, for the reason in the message.",
        "gfr doctor",
    ),
    "ledger.path": Meaning(
        "A step wants to keep a file under a name that a run's tree does not hold, or that only the "
        "journal writes.",
        "gfr doctor",
    ),
    "local.unwritable": Meaning(
        "The clone's local state below .git cannot be written. Make room, or mount it writable.",
        "df -h .",
    ),
    "ref.malformed": Meaning(
        "A name cannot be part of a ref, or a refspec is not one that may be fetched.",
        "gfr runs ls",
    ),
    "ref.twice": Meaning(
        "One transaction would move the same ref twice.",
        "gfr doctor",
    ),
    "sync.diverged": Meaning(
        "The remote holds other commits under the run's ref: two clones wrote it. One has to give way.",
        "git ls-remote REMOTE",
    ),
}
