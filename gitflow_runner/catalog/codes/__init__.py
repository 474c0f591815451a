"""What `gfr explain` says of the codes that no lint rule declares: one table a part of the product."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.catalog.codes.commands import COMMANDS
from gitflow_runner.catalog.codes.files import FILES
from gitflow_runner.catalog.codes.forges import FORGES
from gitflow_runner.catalog.codes.language import LANGUAGE
from gitflow_runner.catalog.codes.meaning import Meaning
from gitflow_runner.catalog.codes.models import MODELS
from gitflow_runner.catalog.codes.policy import POLICY
from gitflow_runner.catalog.codes.record import RECORD
from gitflow_runner.catalog.codes.releases import RELEASES
from gitflow_runner.catalog.codes.repository import REPOSITORY
from gitflow_runner.catalog.codes.search import SEARCH
from gitflow_runner.catalog.codes.services import SERVICES
from gitflow_runner.catalog.codes.settings import SETTINGS
from gitflow_runner.catalog.codes.steps import STEPS
from gitflow_runner.catalog.codes.tables import TABLE_CODES
from gitflow_runner.catalog.codes.trust import TRUST

TABLES: Final[tuple[Mapping[str, Meaning], ...]] = (
    COMMANDS,
    FILES,
    FORGES,
    LANGUAGE,
    MODELS,
    POLICY,
    RECORD,
    RELEASES,
    REPOSITORY,
    SEARCH,
    SERVICES,
    SETTINGS,
    STEPS,
    TABLE_CODES,
    TRUST,
)
