"""The two environments: the body, which orchestrates, and functions, which transform."""

from __future__ import annotations

from typing import Final

from gitflow_runner.lang.comprehensions import COMPREHENSIONS
from gitflow_runner.lang.core import (
    arithmetic,
    bits,
    collections,
    conversions,
    edn,
    endless,
    formatting,
    functions,
    java,
    javabytes,
    javanumbers,
    javatime,
    json,
    lookups,
    maths,
    metadata,
    patterns,
    predicates,
    reducing,
    sandbox,
    sequences,
    sets,
    slices,
    sorting,
    strings,
    text,
    timemaking,
    transducing,
    walking,
)
from gitflow_runner.lang.fuel import Builtin
from gitflow_runner.lang.macros import LAZY, MACROS, THREADING
from gitflow_runner.lang.program import Environment
from gitflow_runner.lang.quoting import syntax_quote
from gitflow_runner.lang.refused import (
    FORBIDDEN,
    SANDBOX_REFUSAL,
    THREADING_REFUSAL,
    TRANSFORM_REFUSAL,
    TRANSFORMS,
    Refusal,
)
from gitflow_runner.lang.special import SPECIALS
from gitflow_runner.lang.values import Value

_CORE: dict[str, Builtin] = {
    **arithmetic.TABLE,
    **bits.TABLE,
    **conversions.TABLE,
    **predicates.TABLE,
    **collections.TABLE,
    **lookups.TABLE,
    **metadata.TABLE,
    **sequences.TABLE,
    **slices.TABLE,
    **endless.TABLE,
    **reducing.TABLE,
    **transducing.TABLE,
    **sorting.TABLE,
    **text.TABLE,
    **formatting.TABLE,
    **functions.TABLE,
    **patterns.TABLE,
    **walking.TABLE,
}
_SPACES: dict[str, Builtin] = {
    **strings.TABLE,
    **sets.TABLE,
    **edn.TABLE,
    **json.TABLE,
    **maths.TABLE,
    **sandbox.TABLE,
    **java.TABLE,
    **javabytes.TABLE,
    **javatime.TABLE,
}
_ALIASES: Final = {
    "str": "clojure.string",
    "string": "clojure.string",
    "s": "clojure.string",
    "set": "clojure.set",
    "walk": "clojure.walk",
    "w": "clojure.walk",
    "edn": "clojure.edn",
    "math": "clojure.math",
    "m": "clojure.math",
    "clojure.data.json": "json",
    "cheshire.core": "json",
    "java.lang.Math": "Math",
    "java.lang.Long": "Long",
    "java.lang.Integer": "Integer",
    "java.lang.Double": "Double",
    "java.lang.Boolean": "Boolean",
    "java.lang.String": "String",
    "sandbox": "breyta.sandbox",
    "time": "breyta.sandbox",
    **javabytes.ALIASES,
    **javanumbers.ALIASES,
    **timemaking.ALIASES,
}
_SPECIALS = {**SPECIALS, **MACROS, **COMPREHENSIONS, "syntax-quote": syntax_quote}

_JAVA: dict[str, Value] = {**javabytes.CONSTANTS, **javanumbers.CONSTANTS, **timemaking.CONSTANTS}

FUNCTION: Final = Environment(
    name="function",
    specials={**_SPECIALS, **THREADING, **LAZY},
    functions={**_CORE, **_SPACES},
    constants={**maths.CONSTANTS, **_JAVA},
    refused=FORBIDDEN,
    refused_names={},
    aliases=_ALIASES,
    eager=False,
)


def _body_refusals() -> dict[str, Refusal]:
    outside = {
        name for name in _SPACES if not name.startswith(("clojure.string/", "clojure.set/", "clojure.math/"))
    }
    return {
        **FORBIDDEN,
        **dict.fromkeys(THREADING, THREADING_REFUSAL),
        **dict.fromkeys(outside | set(_JAVA) | set(LAZY) | {"lazy-seq"}, SANDBOX_REFUSAL),
    }


BODY: Final = Environment(
    name="body",
    specials={name: handler for name, handler in (_SPECIALS | THREADING).items() if name != "lazy-seq"},
    functions={**_CORE, **_SPACES},
    constants={},
    refused=_body_refusals(),
    refused_names=dict.fromkeys(TRANSFORMS, TRANSFORM_REFUSAL),
    aliases=_ALIASES,
    eager=True,
)
