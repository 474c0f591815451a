"""What a flow still lacks, asked of the person at the terminal, one question a thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from gitflow_runner.model.flow import InputField
from gitflow_runner.runner.inputs import option_text
from gitflow_runner.runner.readiness import Missing

SECRET = ("secret", "password")


def asked_pairs(missing: Iterable[Missing]) -> Iterator[str]:
    """`place=value` for everything that can be answered here; an empty answer leaves a thing out."""
    for each in missing:
        if each.field is not None:
            answer = _answer(each.field)
            if answer:
                yield f"activation.{each.field.name}={answer}"
        elif each.choices:
            offered = click.Choice([*each.choices, ""])
            question = f"Connection for :{each.name} ({', '.join(each.choices)})"
            answer = click.prompt(
                question, type=offered, default=each.choices[0], show_choices=False, err=True
            )
            if answer:
                yield f"{each.name}.conn={answer}"


def _answer(field: InputField) -> str:
    label = field.label or field.name
    if field.type in ("boolean", "checkbox"):
        return "true" if click.confirm(label, default=False, err=True) else "false"
    if field.options:
        label = f"{label} ({', '.join(option_text(option) for option in field.options)})"
    elif field.type in SECRET:
        label = f"{label} (the name of a secret, never its value)"
    elif field.type not in ("string", "text"):
        label = f"{label} ({field.type})"
    found: str = click.prompt(label, default="", show_default=False, err=True)
    return found
