"""The way from a slug to a `Flow`: find the file, read it with its includes, check it, normalise it."""

from __future__ import annotations

from gitflow_runner.catalog.includes import Expanded, expand
from gitflow_runner.catalog.lint.rule import Subject
from gitflow_runner.catalog.nearest import nearest
from gitflow_runner.catalog.normalise import normalise
from gitflow_runner.catalog.sources import Texts, check_twins, shown
from gitflow_runner.catalog.validate import require_valid
from gitflow_runner.errors import NotFoundError
from gitflow_runner.model.flow import Flow
from gitflow_runner.model.ids import Slug, is_name

SUFFIX = ".edn"


def list_flows(texts: Texts) -> tuple[Slug, ...]:
    """The slugs of all flow files, sorted: `<slug>.edn` directly in the folder, tests and includes left out.

    Nothing is read. Raises `RefusedError` (`closure.twin`) if two slugs are equal but for their case.
    """
    names = texts.names()
    found = tuple(Slug(name.removesuffix(SUFFIX)) for name in names if is_flow_file(name))
    check_twins(names, [root_path(each) for each in found])
    return found


def is_flow_file(path: str) -> bool:
    """Whether a path below `.breyta/flows/` is that of a flow."""
    return path.endswith(SUFFIX) and is_name(path.removesuffix(SUFFIX))


def root_path(slug: str) -> str:
    """The path of a flow's file below `.breyta/flows/`."""
    return slug + SUFFIX


def read_closure(texts: Texts, slug: str) -> Expanded:
    """The flow's form and its files, whatever the form says.

    Raises `NotFoundError` (`flow.unknown`, with the nearest names), `RefusedError` (`closure.*`) and
    `LangError` (the reader's codes, `flow_include_invalid`).
    """
    path = root_path(slug)
    names = texts.names()
    if not is_name(slug) or path not in names:
        known = [name.removesuffix(SUFFIX) for name in names if is_flow_file(name)]
        close = nearest(slug, known)
        raise NotFoundError(
            "flow.unknown",
            f"there is no flow {slug[:140]!r}: {shown(path)} does not exist"
            if is_name(slug)
            else f"there is no flow {slug[:140]!r}",
            hint=f"did you mean {' or '.join(close)}?" if close else None,
            fix=("gfr flows ls",),
            details={"nearest": list(close)},
        )
    expanded = expand(texts, path)
    check_twins(names, [file.path for file in expanded.files])
    return expanded


def load(texts: Texts, slug: str) -> Flow:
    """The flow of that slug; errors as `read_closure`, and `LangError` for a file that is no valid flow."""
    expanded = read_closure(texts, slug)
    require_valid(Subject(slug, expanded))
    return normalise(expanded)
