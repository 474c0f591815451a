"""Who sits at this clone: the name that Git knows, and the key that signs for them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.errors import UsageError
from gitflow_runner.git.objects import Ident
from gitflow_runner.git.program import GitProgram
from gitflow_runner.trust.gpgkey import parse_key_block
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.signer import GpgSigner, KeygenSigner, Ran, RunProcess, Signer, load_signer
from gitflow_runner.trust.sshkey import parse_key_line

_KEY_FILE_LIMIT = 64 * 1024
_SIGN_TIMEOUT_S = 120  # a person may have to touch a security key


@dataclass(frozen=True, slots=True)
class Person:
    """`signer` is None where no usable key is configured; `missing` then says why."""

    name: str
    email: str
    signer: Signer | None
    missing: str | None = None

    def ident(self, now_ms: int) -> Ident:
        """The author line of what this person makes."""
        return Ident(self.name, self.email, now_ms // 1_000)

    def require_signer(self, act: str) -> Signer:
        """The signer; `UsageError` (`key_missing`) naming what it is needed for and how to get one."""
        if self.signer is None:
            raise UsageError(
                "key_missing",
                f"{act} needs your signature, and {self.missing}",
                hint="Git signs with an SSH key once gpg.format is ssh and user.signingkey names it; "
                "without gpg.format it takes user.signingkey for a GPG key",
                fix=("git config gpg.format ssh", "git config user.signingkey ~/.ssh/id_ed25519.pub"),
            )
        return self.signer


def find_person(git: GitProgram, environment: Mapping[str, str]) -> Person:
    """The person of this clone, from Git's own configuration (`user.*`, `gpg.*`)."""
    name = environment.get("GIT_AUTHOR_NAME") or _config(git, "user.name") or "unknown"
    email = environment.get("GIT_AUTHOR_EMAIL") or _config(git, "user.email") or "unknown@invalid"
    scheme = (_config(git, "gpg.format") or "openpgp").lower()
    if scheme not in ("ssh", "openpgp"):
        return Person(name, email, None, f"gpg.format is {scheme}, not ssh or openpgp")
    key = _config(git, "user.signingkey")
    if not key:
        return Person(name, email, None, "user.signingkey is not set")
    # A program is taken from the person's own configuration only, never from the repository's.
    if scheme == "openpgp":
        program = git.global_config("gpg.openpgp.program") or git.global_config("gpg.program") or "gpg"
        return _with_gpg(name, email, key, program, environment)
    program = git.global_config("gpg.ssh.program") or "ssh-keygen"
    return _with_key(name, email, key, program, environment)


def _config(git: GitProgram, key: str) -> str | None:
    return git.config(key) or git.global_config(key)


def _with_key(name: str, email: str, key: str, program: str, environment: Mapping[str, str]) -> Person:
    run = process_runner(environment)
    literal = key.removeprefix("key::")
    if literal.startswith(("ssh-", "ecdsa-", "sk-")):
        return Person(name, email, None, "user.signingkey holds a key's text; name its .pub file instead")
    home = environment.get("HOME", "")
    path = Path(home + key[1:]) if key.startswith("~/") else Path(key)
    private = path.with_suffix("") if path.suffix == ".pub" else path
    public = path if path.suffix == ".pub" else Path(f"{path}.pub")
    if private.is_file():
        try:
            return Person(name, email, load_signer(_read(private), name=str(private)))
        except UsageError as error:
            # A passphrase is the agent's business; any other fault is the answer.
            if error.code != "trust.key_encrypted" or not public.is_file():
                return Person(name, email, None, error.message)
    if public.is_file():
        line = parse_key_line(_read(public).decode("utf-8", "replace"))
        return Person(name, email, KeygenSigner(line, str(public), run, program))
    return Person(name, email, None, f"user.signingkey names {key}, which is not there")


def _with_gpg(name: str, email: str, key: str, program: str, environment: Mapping[str, str]) -> Person:
    run = process_runner(environment)
    ran = run(
        (
            program,
            "--batch",
            "--no-tty",
            "--armor",
            "--export-options",
            "export-minimal",
            "--export",
            "--",
            key,
        ),
        b"",
    )
    try:
        public = parse_key_block(ran.stdout.decode("utf-8", "replace"))
    except Refusal as refusal:
        # gpg prints nothing at all for a key that it does not have.
        why = refusal.message if ran.stdout else f"{program} has no key {key[:80]!r}"
        return Person(name, email, None, f"{why} (gpg.format is openpgp)")
    return Person(name, email, GpgSigner(public, key, run, program))


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_KEY_FILE_LIMIT)


def process_runner(environment: Mapping[str, str]) -> RunProcess:
    """How a signing or checking program is run: with this environment, and not for ever."""

    def run(arguments: Sequence[str], data: bytes) -> Ran:
        try:
            done = subprocess.run(
                list(arguments),
                input=data,
                capture_output=True,
                env=dict(environment),
                timeout=_SIGN_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return Ran(1, b"", str(error).encode())
        return Ran(done.returncode, done.stdout, done.stderr)

    return run
