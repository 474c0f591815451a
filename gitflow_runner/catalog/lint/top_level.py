"""The top level of a flow file: what must be there, what is of an older generation, what looks misspelt."""

from __future__ import annotations

from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.syntax import is_nil, is_quoted, string_text
from gitflow_runner.lang.forms import MapForm

NOT_A_MAP = Code(
    "flow_not_a_map",
    "error",
    "A flow file holds exactly one map literal, with :slug, :concurrency and :flow at least.",
)
MISSING = Code(
    "missing_required_field",
    "error",
    "Every flow has its :slug, says by :concurrency how many runs may be open, and holds its body in :flow.",
)
INVALID = Code("invalid_required_field", "error", "A required field is there, but nil.")
OLD = Code(
    "gen0_refused",
    "error",
    "The file is written in the first spelling of the language (:concurrency-config, :definition). "
    "Write :concurrency {:type :singleton :on-new-version :drain} and :flow '(let [input (flow/input)] ...), "
    "and call steps as (flow/step :function :id {:code '(fn [input] ...)}).",
)
UNQUOTED = Code(
    "unquoted_flow",
    "warning",
    "The body is code that is kept as data: write a quote before it, :flow '(...).",
)
UNNAMED = Code("missing_name", "warning", "Without :name, lists and pages show the slug.")
BAD_NAME = Code("invalid_name", "error", ":name and :description are texts.")
UNKNOWN = Code(
    "unknown_field",
    "warning",
    "No top-level key of this name is known, but one that looks alike: probably a slip of the pen.",
)

_REQUIRED = {
    "slug": ":slug :my-flow",
    "concurrency": ":concurrency {:type :singleton :on-new-version :drain}",
    "flow": ":flow '(let [input (flow/input)] input)",
}
_OLD = {
    "concurrency-config": ":concurrency {:type :singleton :on-new-version :drain}",
    "definition": ":flow '(let [input (flow/input)] ...) and (flow/step :function :id {...})",
}
KNOWN = frozenset(
    [
        "slug",
        "name",
        "description",
        "icon",
        "tags",
        "concurrency",
        "flow",
        "requires",
        "invocations",
        "interfaces",
        "schedules",
        "triggers",
        "templates",
        "functions",
        "steps",
        "agents",
        "mcp",
        "deploy-key-required",
        "discover",
        "marketplace",
        "publish-media",
        "connections",
    ]
)


def _check(subject: Subject) -> Iterator[Diagnostic]:
    if not isinstance(subject.root, MapForm):
        yield NOT_A_MAP.at(subject.root, "a flow file holds one map", hint="{:slug :my-flow ...}")
        return
    for name, example in _REQUIRED.items():
        entry = subject.fields.get(name)
        if entry is None:
            message = f"the flow has no :{name}"
            yield MISSING.at(subject.root, message, hint=f"add {example}", path=(f":{name}",))
        elif is_nil(entry.value):
            yield INVALID.at(entry.value, f":{name} is nil", hint=f"write {example}", path=(f":{name}",))
    for name, instead in _OLD.items():
        if name in subject.fields:
            message = f":{name} is the first spelling of the language, which is no longer read"
            yield OLD.at(subject.fields[name].key, message, hint=f"write {instead}", path=(f":{name}",))


def _check_rest(subject: Subject) -> Iterator[Diagnostic]:
    flow = subject.field("flow")
    if flow is not None and not is_quoted(flow):
        yield UNQUOTED.at(flow, ":flow is not quoted", hint="write :flow '(...)", path=(":flow",))
    if "name" not in subject.fields and isinstance(subject.root, MapForm):
        yield UNNAMED.at(subject.root, "the flow has no :name", hint=':name "..."', path=(":name",))
    for name, entry in subject.fields.items():
        alike = None if name in KNOWN or name in _OLD else did_you_mean(name, KNOWN, ":")
        if alike is not None:
            yield UNKNOWN.at(entry.key, f":{name} is not a field of a flow", hint=alike, path=(f":{name}",))


def _check_texts(subject: Subject) -> Iterator[Diagnostic]:
    for name in ("name", "description"):
        form = subject.field(name)
        if form is not None and string_text(form) is None:
            yield BAD_NAME.at(form, f":{name} must be a text", hint=f':{name} "..."', path=(f":{name}",))


REQUIRED = Rule((NOT_A_MAP, MISSING, INVALID, OLD), _check, blocks=True)
TEXTS = Rule((BAD_NAME,), _check_texts, blocks=True)
ADVICE = Rule((UNQUOTED, UNNAMED, UNKNOWN), _check_rest)
