"""Small templates: how many in a second, beside Python's own formatting of the same text."""

from __future__ import annotations

import time
from collections.abc import Callable

from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.template import parse

Compare = Callable[[str, Callable[[], object], Callable[[], object]], float]

TEXT = "Hello {{user-name}}, {{#each items}}{{@index}}: {{name}} {{/each}}{{#if ok}}yes{{else}}no{{/if}}"
DATA = read_data('{:user-name "Ann" :items [{:name "x"} {:name "y"}] :ok true}')
A_SECOND = 10_000


def formatted() -> str:
    items = "".join(f"{index}: {name} " for index, name in enumerate(["x", "y"]))
    return f"Hello {'Ann'}, {items}{'yes' if items else 'no'}"


def bench_ten_thousand_small_templates_take_less_than_a_second(compare: Compare) -> None:
    template = parse(TEXT)
    assert template.render(DATA) == formatted()
    began = time.process_time()
    for _ in range(A_SECOND):
        template.render(DATA)
    assert time.process_time() - began < 1.0
    compare(
        "a small template : an f-string",
        lambda: [template.render(DATA) for _ in range(1_000)],
        lambda: [formatted() for _ in range(1_000)],
    )


def bench_reading_a_template_costs_less_than_ten_renderings(compare: Compare) -> None:
    template = parse(TEXT)
    ratio = compare(
        "reading a template : rendering it",
        lambda: [parse(TEXT) for _ in range(300)],
        lambda: [template.render(DATA) for _ in range(300)],
    )
    assert ratio < 10
