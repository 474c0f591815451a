"""Lint: everything that can be said about a flow's text, in the order of the text."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.catalog.diagnostic import Diagnostic, from_error, in_order
from gitflow_runner.catalog.lint.registry import RULES
from gitflow_runner.catalog.lint.rule import Subject
from gitflow_runner.catalog.loader import read_closure
from gitflow_runner.catalog.sources import Texts
from gitflow_runner.errors import GitflowError, NotFoundError
from gitflow_runner.lang.program import HostFn
from gitflow_runner.model.spec import Spec


def lint(
    texts: Texts, slug: str, specs: Mapping[str, Spec], host: Mapping[str, HostFn]
) -> tuple[Diagnostic, ...]:
    """All findings about the flow, sorted by file and position.

    A file that cannot be read, or that may not be, has that one finding. `specs` are the known step types
    by name without colon, `host` the `flow/…` names of a body; without them what depends on them is not
    judged. Raises `NotFoundError` (`flow.unknown`) where there is no such flow.
    """
    try:
        expanded = read_closure(texts, slug)
    except NotFoundError:
        raise
    except GitflowError as error:
        return (from_error(error),)
    subject = Subject(slug, expanded, specs, host)
    return in_order(found for rule in RULES for found in rule.check(subject))
