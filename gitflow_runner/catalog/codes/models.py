"""Models that flows ask, and the tools that these ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.catalog.codes.meaning import Meaning

MODELS: Final[Mapping[str, Meaning]] = {
    "llm.content": Meaning(
        "A message holds a part that is no text; only texts are sent to models.",
        "gfr lint FLOW",
    ),
    "llm.content_type": Meaning(
        "What answered does not speak the model's interface. Look at the base URL.",
        "gfr connections ls",
    ),
    "llm.cut": Meaning(
        "The answer broke off before its end. It is asked again where the step has a :retry.",
        "gfr logs RUN",
    ),
    "llm.iterations": Meaning(
        "The model did not come to an end within :max-iterations answers.",
        "gfr logs RUN",
    ),
    "llm.malformed": Meaning(
        "The answer does not have the shape that the provider's format prescribes.",
        "gfr logs RUN",
    ),
    "llm.object": Meaning(
        "The answer is no JSON object, though the step asks for one.",
        "gfr logs RUN",
    ),
    "llm.provider": Meaning(
        "The provider broke the answer off with an error of its own.",
        "gfr logs RUN",
    ),
    "llm.provider_unknown": Meaning(
        "There is no provider of that name here; the hint lists those that there are.",
        "gfr lint FLOW",
    ),
    "llm.provider_unsupported": Meaning(
        "This provider's interface is not spoken yet; the hint tells another way.",
        "gfr lint FLOW",
    ),
    "llm.refused": Meaning(
        "The model ended without an answer: a filter of the provider, or its own refusal.",
        "gfr logs RUN",
    ),
    "llm.repeated_tool_calls": Meaning(
        "The model asked for the same tool with the same arguments more often than :max-repeated-tool- "
        "calls allows.",
        "gfr logs RUN",
    ),
    "llm.schema": Meaning(
        "The answer breaks the schema under :output. :repair lets the model mend it.",
        "gfr logs RUN",
    ),
    "llm.status": Meaning(
        "The provider answered with a status that means failure, for the reason in the message.",
        "gfr logs RUN",
    ),
    "llm.too_large": Meaning(
        "The answer, or one event of it, is larger than is read here.",
        "gfr logs RUN",
    ),
    "llm.tool_calls": Meaning(
        "The model asked for more tools than :max-tool-calls allows.",
        "gfr logs RUN",
    ),
    "llm.tools": Meaning(
        "The tools of the step cannot be offered: two have one name, there are too many, or agents call "
        "one another too deeply.",
        "gfr lint FLOW",
    ),
    "llm.truncated": Meaning(
        "The answer was cut at :max-tokens before its JSON was complete. Raise it.",
        "gfr lint FLOW",
    ),
    "llm.unsupported": Meaning(
        "The provider's format has no such setting.",
        "gfr lint FLOW",
    ),
    "schema.malformed": Meaning(
        "The schema is neither a JSON Schema nor one in the Malli style, or uses a part that is not "
        "supported.",
        "gfr lint FLOW",
    ),
}
