"""The reference pages of the step types, made from what each says about itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import cleandoc
from pathlib import Path

from gitflow_runner.lang.data import read_data
from gitflow_runner.model.spec import COMMON_FIELDS, Field, Spec
from gitflow_runner.steps.base import Step
from gitflow_runner.steps.config import plain_config
from gitflow_runner.steps.registry import Steps, built_in

INDEX = "README.md"
_EXAMPLES = "../../../templates/examples"
_EFFECTS: Mapping[str, str] = {
    "pure": "computes only; repeated freely, not recorded before it starts",
    "read": "reads; repeated freely",
    "keyed": "has an effect outside that carries a key, so that a repeat after a crash counts once",
    "unsafe": "has an effect outside that is never repeated without a person's word",
    "suspend": "stops the run until something happens",
}


def pages() -> dict[str, str]:
    """Every page by its file name, the index among them."""
    steps = [Steps().get(name) for name in built_in()]
    return {INDEX: _index(steps)} | {f"{step.spec.type}.md": step_page(step) for step in steps}


def write_pages(folder: Path) -> None:
    """Write the pages and remove those of step types that are gone."""
    made = pages()
    for path in folder.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


def step_page(step: Step) -> str:
    """One step type: its keys, what it gives, its effect, an example."""
    spec = step.spec
    said = cleandoc(type(step).run.__doc__ or "")
    parts = [
        f"# `:{spec.type}`",
        spec.summary,
        f"## Keys\n\n{_table(spec.fields)}",
        *_groups(spec),
        *_needs(spec),
        f"The keys that every step takes are on the [first page]({INDEX}).",
        f"## Result and errors\n\n{said}" if said else "",
        f"## Effect\n\n{_effect(spec)}",
        f"## Example\n\n```edn\n(flow/step :{spec.type} :example\n  {spec.example})\n```",
        f"A whole flow: [{spec.type}.edn]({_EXAMPLES}/{spec.type}.edn).",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _index(steps: Iterable[Step]) -> str:
    rows = [f"| [`:{step.spec.type}`]({step.spec.type}.md) | {_cell(step.spec.summary)} |" for step in steps]
    return "\n\n".join(
        [
            "# Steps",
            "Made by `make docs` from what each step type says about itself; tests hold these pages to it.",
            "\n".join(["| step | |", "| --- | --- |", *rows]),
            f"## Keys that every step takes\n\n{_table(COMMON_FIELDS)}\n",
        ]
    )


def _table(fields: Iterable[Field]) -> str:
    rows = [f"| `:{each.name}` | {_type(each)} | {_cell(each.summary)} |" for each in fields]
    return (
        "\n".join(["| key | type | |", "| --- | --- | --- |", *rows])
        if rows
        else "It takes no keys of its own."
    )


def _type(field: Field) -> str:
    kind = " ".join(f"`:{choice}`" for choice in field.choices) if field.choices else field.type
    return f"{kind}, required" if field.required else kind


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _groups(spec: Spec) -> list[str]:
    groups = []
    for names in spec.one_of:
        listed = " or ".join(f"`:{name}`" for name in names)
        groups.append(f"Exactly one of {listed}." if len(names) > 1 else f"{listed} is required.")
    return groups


def _needs(spec: Spec) -> list[str]:
    if spec.needs is None:
        return []
    rows = [
        f"| `:{choice}` | {', '.join(' or '.join(f'`:{name}`' for name in group) for group in groups)} |"
        for choice, groups in spec.needs.groups.items()
    ]
    return ["\n".join([f"| `:{spec.needs.by}` | needs |", "| --- | --- |", *rows])]


def _effect(spec: Spec) -> str:
    if not callable(spec.effect):
        return f"`{spec.effect}`: {_EFFECTS[spec.effect]}."
    effect = spec.effect_of(plain_config(read_data(spec.example)))
    return f"It depends on the keys. The example below is `{effect}`: {_EFFECTS[effect]}."
