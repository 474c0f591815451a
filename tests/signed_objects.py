"""Keys, signed objects and an object database in a dict, for the tests of trust."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.objects import (
    BLOB_MODE,
    TREE_MODE,
    Commit,
    Ident,
    Oid,
    RawObject,
    TreeEntry,
    blob,
    encode_tree,
)
from gitflow_runner.trust.keyring import Entry, Keyring
from gitflow_runner.trust.revocation import Revocations
from gitflow_runner.trust.signer import FileSigner, Ran, Signer, load_signer, new_key_file, sign_commit

NOW = 1_790_000_000_000  # ms
HOUR = 3_600_000
DAY = 24 * HOUR
EMPTY_TREE = encode_tree(()).oid


def signer(name: str) -> FileSigner:
    """The same ed25519 key every time for the same name."""
    return load_signer(new_key_file(name.encode().ljust(32, b"."[:1])[:32]))


@cache
def rsa_key_file(bits: int) -> bytes:
    """An OpenSSH private key file with an RSA key of this length."""
    private = rsa.generate_private_key(65537, bits)
    return private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def ident(time: int = NOW, name: str = "Somebody") -> Ident:
    """A person line at `time` ms; the name proves nothing."""
    return Ident(name, "somebody@example.test", time // 1000)


class Objects(MemoryRepository):
    """A repository in memory that tests fill by hand."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))

    def add(self, *objects: RawObject) -> Oid:
        """Keep the objects; the id of the last one."""
        self.write(objects)
        return objects[-1].oid

    def folder(self, files: dict[str, bytes]) -> Oid:
        """A tree with these files, folders made from the slashes."""
        entries: list[TreeEntry] = []
        folders: dict[str, dict[str, bytes]] = {}
        for path, content in files.items():
            head, slash, rest = path.partition("/")
            if slash:
                folders.setdefault(head, {})[rest] = content
            else:
                entries.append(TreeEntry(head, BLOB_MODE, self.add(blob(content))))
        entries += [TreeEntry(name, TREE_MODE, self.folder(inner)) for name, inner in folders.items()]
        return self.add(encode_tree(entries))


def signed_commit(
    key: Signer,
    message: str = "a change\n",
    *,
    tree: Oid = EMPTY_TREE,
    parents: Iterable[Oid] = (),
    time: int = NOW,
) -> RawObject:
    """A commit signed by `key`."""
    return sign_commit(Commit(tree, tuple(parents), ident(time), ident(time), message), key)


def ring(*owners: tuple[str, Signer], revoked: Revocations | None = None) -> Keyring:
    """A keyring of these people, each key without a window."""
    return Keyring(tuple(Entry((name,), key.key) for name, key in owners), revoked or Revocations())


def run_process(arguments: Sequence[str], given: bytes) -> Ran:
    """Run a child to its end, as the composition root does it."""
    done = subprocess.run(arguments, input=given, capture_output=True, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


def keygen(folder: Path, name: str, *options: str) -> Path:
    """A new private key file made by ssh-keygen, without a passphrase."""
    path = folder / name
    command = ["ssh-keygen", "-q", "-N", "", "-C", name, "-f", str(path), *options]
    subprocess.run(command, check=True, capture_output=True)
    return path


def git(folder: Path, *arguments: str, given: bytes | None = None, **environment: str) -> str:
    """What git printed, without the newline at its end."""
    return git_bytes(folder, *arguments, given=given, **environment).decode().rstrip("\n")


def git_bytes(folder: Path, *arguments: str, given: bytes | None = None, **environment: str) -> bytes:
    """What git printed."""
    command = ["git", "-c", "user.name=Somebody", "-c", "user.email=somebody@example.test", *arguments]
    done = subprocess.run(
        command, cwd=folder, input=given, capture_output=True, check=True, env=os.environ | environment
    )
    return done.stdout
