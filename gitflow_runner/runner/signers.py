"""The allowed-signers file of this clone, made from the policy so that `git log --show-signature` is good."""

from __future__ import annotations

from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.trust.sshkey import PublicKey


def write_signers(runtime: Runtime) -> None:
    """Write the file anew, where this clone was prepared; Git's word from it decides nothing."""
    if not runtime.local.is_ready():
        return
    lines = [f'runner@gitflow.invalid namespaces="git" {bare(runtime.signer.key.line)}']
    policy = runtime.policies.newest()
    for person in policy.people.values() if policy is not None else ():
        ssh = [key.key.line for key in person.keys if isinstance(key.key, PublicKey)]
        lines += [f'{person.name} namespaces="git" {bare(line)}' for line in ssh]
    runtime.local.write(runtime.local.signers_file.name, ("\n".join(lines) + "\n").encode())


def bare(line: str) -> str:
    """Kind and blob of a public key's line, without its comment."""
    return " ".join(line.split()[:2])
