"""What a rule is, what it looks at, and the codes by which its findings are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gitflow_runner.catalog.diagnostic import Diagnostic, Path, Severity
from gitflow_runner.catalog.includes import Expanded
from gitflow_runner.catalog.lint.calls import StepCall, executed, step_calls
from gitflow_runner.catalog.syntax import Entry, elements, entries, finding, get, name_text, unquoted
from gitflow_runner.errors import LangError
from gitflow_runner.lang.forms import Atom, Form
from gitflow_runner.lang.program import HostFn
from gitflow_runner.lang.reader import read_all, string_source
from gitflow_runner.model.spec import Spec


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding: a stable name, how bad it is, and what `gfr explain` says about it."""

    name: str
    severity: Severity
    explain: str

    def at(
        self,
        form: Form,
        message: str,
        *,
        hint: str | None = None,
        path: Path = (),
        severity: Severity | None = None,
    ) -> Diagnostic:
        """A finding of this kind about `form`."""
        return finding(self.name, severity or self.severity, message, form, hint=hint, path=path)


@dataclass(frozen=True)
class Subject:
    """The flow under examination: `slug` is the file's name, `root` the map with its includes in place.

    `specs` are the known step types by name without colon, `host` the `flow/…` names that a body may call;
    without them, what depends on them is not judged.
    """

    slug: str
    expanded: Expanded
    specs: Mapping[str, Spec] = field(default_factory=dict)
    host: Mapping[str, HostFn] = field(default_factory=dict)

    @property
    def root(self) -> Form:
        """The form of the file."""
        return self.expanded.form

    @cached_property
    def fields(self) -> Mapping[str, Entry]:
        """The top-level keys of the flow."""
        return entries(self.root)

    def field(self, name: str) -> Form | None:
        """The value of a top-level key, None where it is missing or nil."""
        return get(self.root, name)

    @cached_property
    def body(self) -> Form | None:
        """The form of `:flow` without its quote."""
        form = self.field("flow")
        return None if form is None else unquoted(form)

    @cached_property
    def calls(self) -> tuple[StepCall, ...]:
        """Every `flow/step` of the body that can be executed, in the order of the text."""
        return () if self.body is None else tuple(step_calls(self.body))

    @cached_property
    def executed(self) -> tuple[Form, ...]:
        """Every form of the body that is neither quoted nor commented out."""
        return () if self.body is None else tuple(executed(self.body))

    @cached_property
    def code_forms(self) -> tuple[tuple[Path, Form], ...]:
        """The `:code` of every function as written: of `:functions`, of steps, of packaged steps."""
        holders: list[tuple[Path, Form | None]] = []
        for index, item in enumerate(elements(self.field("functions"))):
            holders.append(((":functions", index, ":code"), get(item, "code")))
        for index, item in enumerate(elements(self.field("steps"))):
            holders.append(((":steps", index, ":defaults", ":code"), get(get(item, "defaults"), "code")))
        holders += [((":flow",), get(call.config, "code")) for call in self.calls]
        return tuple((path, code) for path, code in holders if code is not None)

    @cached_property
    def codes(self) -> tuple[tuple[Path, Form], ...]:
        """The forms of all functions; a text that cannot be read is left out here."""
        return tuple((path, form) for path, code in self.code_forms for form in _read_code(code))

    def named(self, name: str, key: str = "id") -> Iterator[tuple[int, Form, str]]:
        """The entries of the vector at a top-level key that have a name: their index, its form, its text."""
        for index, entry in enumerate(elements(self.field(name))):
            form = get(entry, key)
            text = name_text(form)
            if form is not None and text is not None:
                yield index, form, text

    def ids(self, name: str, key: str = "id") -> frozenset[str]:
        """The names declared in the vector at a top-level key."""
        return frozenset(text for _, _, text in self.named(name, key))


def _read_code(code: Form) -> tuple[Form, ...]:
    if not isinstance(code, Atom):
        return (unquoted(code),)
    if not isinstance(code.value, str):
        return ()
    try:
        return tuple(read_all(string_source(code)))
    except LangError:
        return ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One examination. `blocks` says that a flow with its errors cannot even be loaded."""

    codes: tuple[Code, ...]
    check: Callable[[Subject], Iterator[Diagnostic]]
    blocks: bool = False
