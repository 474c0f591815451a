"""Rows of JSON answered one by one, whatever is wrong with a row, and the outside world that rows name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from gitflow_runner.errors import GitflowError, NotFoundError, RefusedError, UsageError
from gitflow_runner.git.cat_file import CatFile
from gitflow_runner.git.pygit import find_common_dir, open_repository
from gitflow_runner.git.repository import Objects
from gitflow_runner.runner.clock import Clock, Jitter
from gitflow_runner.runner.gpg_home import GpgHomes
from gitflow_runner.runner.local import LocalState
from gitflow_runner.runner.person import process_runner
from gitflow_runner.runner.policies import Policies
from gitflow_runner.trust.batch import Batch, Json, Outside
from gitflow_runner.trust.gpgsig import Gpg, GpgProgram
from gitflow_runner.trust.keyring import Keyring

MAX_LINE = 16 * 1024 * 1024  # bytes of one row
MAX_FILE = 16 * 1024 * 1024  # bytes of a list of signers or of revoked keys


@contextmanager
def open_batch(environment: Mapping[str, str], clock: Clock, jitter: Jitter) -> Iterator[Batch]:
    """A batch over the real world; what its rows open is closed at the end."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="gfr-batch-")))

        homes = GpgHomes(environment)

        def fresh(name: str) -> Path:
            return scratch / f"{name}{sum(1 for _ in scratch.iterdir())}"

        def open_objects(path: str) -> Objects:
            try:
                return open_repository(Path(path), clock, jitter)
            except RefusedError as error:
                if error.code != "git.sha256":
                    raise
            reader = CatFile(find_common_dir(Path(path)) / "objects", fresh("git"), environment)
            stack.callback(reader.close)
            return reader

        def open_gpg(home: str) -> Gpg:
            folder = fresh("gpg")
            folder.mkdir()
            return GpgProgram(Path(home), folder, process_runner(environment))

        def policy_keyring(path: str) -> Keyring:
            repository = open_repository(Path(path), clock, jitter)
            local = LocalState(repository.common_dir / "gitflow")
            return Policies(repository, local, clock, homes.open).require().keyring

        yield Batch(Outside(open_objects, _read_file, open_gpg, policy_keyring, homes.open))


def _read_file(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise NotFoundError("batch.file", f"{path} cannot be read: {error.strerror}") from None
    if len(data) > MAX_FILE:
        raise UsageError("batch.file", f"{path} has more than {MAX_FILE} bytes")
    return data


def answers(lines: BinaryIO, answer: Callable[[Json], Json]) -> Iterator[Json]:
    """One answer a line, in order; a line that has none is answered with `{"error": …}`."""
    while line := lines.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            while line and not line.endswith(b"\n"):
                line = lines.readline(MAX_LINE)
            yield _error(UsageError("batch.row", f"a line of more than {MAX_LINE} bytes"))
        elif line.strip():
            yield _answer(line, answer)


def _answer(line: bytes, answer: Callable[[Json], Json]) -> Json:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as problem:
        return _error(UsageError("batch.row", f"the line is no JSON: {problem}"[:200]))
    if not isinstance(row, dict):
        return _error(UsageError("batch.row", "the line is no JSON object"))
    try:
        return answer(row)
    except GitflowError as error:
        return _error(error)
    except Exception as defect:  # noqa: BLE001 - one row's defect must not take the other rows' answers
        return _error(GitflowError("internal", f"an internal error: {type(defect).__name__}: {defect}"))


def _error(error: GitflowError) -> Json:
    at = {} if error.at is None else {"at": error.at.as_json()}
    return {"error": {"code": error.code, "message": error.message, **at}}
