"""A flow as every layer sees it: both dialects normalised into one shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gitflow_runner.lang.forms import Form
from gitflow_runner.model.ids import Slug

ConcurrencyType = Literal["singleton", "keyed"]
OnNewVersion = Literal["supersede", "drain", "coexist"]
Category = Literal["manual", "http", "webhook", "mcp", "git"]
RequirementKind = Literal["connection", "form", "worker"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a flow's closure, as text; `path` is relative to `.breyta/flows/`."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class FunctionEntry:
    """One of `:functions`: `code` is the form, or the text that holds it (a `lang` form in both cases)."""

    id: str
    code: object
    description: str | None = None


@dataclass(frozen=True, slots=True)
class TemplateEntry:
    """One of `:templates`: `body` is the data whose strings are rendered."""

    id: str
    type: str
    body: object


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many runs of one key may be open, and what a newer version does to them."""

    type: ConcurrencyType
    on_new_version: OnNewVersion
    key_path: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class InputField:
    """One input of an invocation."""

    name: str
    type: str = "string"
    label: str | None = None
    required: bool = False
    default: object = None
    options: tuple[object, ...] = ()
    multiple: bool = False
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """One way in: a set of inputs with a name."""

    id: str
    inputs: tuple[InputField, ...] = ()
    label: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Interface:
    """One surface of an invocation: manual, http, webhook, mcp, git; `settings` keeps what the kind adds."""

    category: Category
    id: str
    invocation: str
    enabled: bool = True
    label: str | None = None
    settings: object = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """One cron line."""

    id: str
    invocation: str
    cron: str
    timezone: str
    enabled: bool = True
    input: object = None


@dataclass(frozen=True, slots=True)
class PushTrigger:
    """Pushes to refs that fit one of `refs` (full names, `*` and `?` as wildcards); a gate guards them."""

    id: str
    invocation: str
    refs: tuple[str, ...]
    gate: bool = False
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing the flow needs bound before it runs: a connection slot, a form, a worker."""

    kind: RequirementKind
    slot: str | None
    type: str | None
    optional: bool = False
    settings: object = None
    fields: tuple[InputField, ...] = ()  # of a form that is filled in at setup


@dataclass(frozen=True, slots=True)
class PackagedStep:
    """A step type with defaults and schemas under a name of its own (`ns/name`)."""

    id: str
    type: str
    defaults: object = None
    input_schema: object = None
    output_schema: object = None
    description: str | None = None


@dataclass(frozen=True)
class Flow:
    """A loaded flow. `body` is the form of `:flow` without its quote, spans included.

    `files` are the closure's texts with the root first, `digest` is the SHA-256 over their names and
    bytes, `raw` the whole map as data for whatever a later reader needs.
    """

    slug: Slug
    name: str
    body: Form
    concurrency: Concurrency
    files: tuple[SourceFile, ...]
    digest: str
    description: str | None = None
    functions: Mapping[str, FunctionEntry] = field(default_factory=dict)
    templates: Mapping[str, TemplateEntry] = field(default_factory=dict)
    invocations: Mapping[str, Invocation] = field(default_factory=dict)
    interfaces: tuple[Interface, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    pushes: tuple[PushTrigger, ...] = ()
    requires: tuple[Requirement, ...] = ()
    steps: Mapping[str, PackagedStep] = field(default_factory=dict)
    agents: Mapping[str, object] = field(default_factory=dict)
    raw: object = None

    @property
    def root(self) -> str:
        """Path of the flow file itself."""
        return self.files[0].path
