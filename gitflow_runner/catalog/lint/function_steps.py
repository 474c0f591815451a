"""How function steps are called: exactly one of `:code` and `:ref`, and a map as input."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic, Severity
from gitflow_runner.catalog.lint.calls import StepCall
from gitflow_runner.catalog.lint.functions import STEP_TYPES, check_code_text
from gitflow_runner.catalog.lint.functions import STRING as CODE_STRING
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.syntax import get, is_literal, is_quoted, keyword_text, unquoted
from gitflow_runner.lang.forms import Form, MapForm

ARITY = Code("function_step_arity_invalid", "error", "A function step has a type, an id and one config map.")
CONFIG = Code("function_step_config_invalid", "error", "The config of a function step is a map.")
CONFLICT = Code("function_step_code_ref_conflict", "error", "A function step has :code or :ref, not both.")
NEITHER = Code("function_step_missing_code_or_ref", "error", "A function step has :code or :ref.")
INPUT = Code(
    "function_step_input_shape_invalid",
    "error",
    "The function of a :ref gets one map; this :input can never be one.",
)

_EXAMPLE = "(flow/step :function :sum {:ref :total :input {...}})"
_LEGACY = re.compile(r';;\s*breyta:\s*legacy-bare-function-input\s+"?:([^\s"]+)"?')


def _check(subject: Subject) -> Iterator[Diagnostic]:
    legacy = frozenset(_LEGACY.findall(subject.expanded.files[0].text))
    for call in subject.calls:
        if call.type in STEP_TYPES and not call.threaded:
            yield from _check_call(call, legacy)


def _check_call(call: StepCall, legacy: frozenset[str]) -> Iterator[Diagnostic]:
    if len(call.arguments) != 3:
        message = f"{call.name} is called with {len(call.arguments)} arguments, a function step takes three"
        yield ARITY.at(call.form, message, hint=_EXAMPLE, path=(":flow",))
    if len(call.arguments) < 3:
        return
    config = call.config
    if not isinstance(config, MapForm):
        if config is not None and is_literal(config):
            message = f"the config of {call.name} is not a map"
            yield CONFIG.at(config, message, hint=_EXAMPLE, path=(":flow",))
        return
    code, ref = get(config, "code"), get(config, "ref")
    if code is not None and ref is not None:
        hint = "keep :ref, and the code in :functions"
        yield CONFLICT.at(ref, f"{call.name} has both :code and :ref", hint=hint, path=(":flow",))
    elif code is None and ref is None:
        hint = "add :ref :name with an entry in :functions, or :code '(fn [input] ...)"
        yield NEITHER.at(config, f"{call.name} has neither :code nor :ref", hint=hint, path=(":flow",))
    if code is not None:
        yield from check_code_text(code, (":flow",))
    given = get(config, "input")
    if ref is not None and given is not None and _never_a_map(given):
        severity: Severity = "warning" if keyword_text(call.id) in legacy else "error"
        message = f"the :input of {call.name} is not a map"
        hint = ":input {:value ...}"
        yield INPUT.at(given, message, hint=hint, path=(":flow",), severity=severity)


def _never_a_map(form: Form) -> bool:
    inner = unquoted(form)
    if is_quoted(form):
        return not isinstance(inner, MapForm)
    return is_literal(form) and not isinstance(form, MapForm)


RULE = Rule((ARITY, CONFIG, CONFLICT, NEITHER, INPUT, CODE_STRING), _check)
