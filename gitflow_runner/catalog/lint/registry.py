"""The list of all rules; a new rule is a module and one line here."""

from __future__ import annotations

from gitflow_runner.catalog.lint import (
    bounds,
    concurrency,
    function_steps,
    functions,
    interfaces,
    invocations,
    packaged_steps,
    schedules,
    slots,
    slug,
    step_calls,
    step_config,
    templates,
    text,
    top_level,
    triggers,
)
from gitflow_runner.catalog.lint.rule import Rule

RULES: tuple[Rule, ...] = (
    top_level.REQUIRED,
    top_level.TEXTS,
    top_level.ADVICE,
    slug.RULE,
    concurrency.RULE,
    invocations.RULE,
    interfaces.RULE,
    schedules.RULE,
    triggers.RULE,
    triggers.ADVICE,
    functions.SHAPE,
    functions.REFS,
    functions.USE,
    templates.SHAPE,
    templates.REFS,
    templates.USE,
    slots.SHAPE,
    slots.REFS,
    slots.USE,
    packaged_steps.SHAPE,
    packaged_steps.CALLS,
    packaged_steps.USE,
    step_calls.RULE,
    function_steps.RULE,
    step_config.RULE,
    bounds.RULE,
    text.RULE,
)
