"""The `:function` step: a pure computation of the flow's own, under fuel."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import EMPTY_MAP, Map, map_of
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.values import Bytes, Collection, Value, keyword
from gitflow_runner.model.spec import Field, Spec
from gitflow_runner.schemas.jsontext import read_json
from gitflow_runner.steps.base import Context, Written
from gitflow_runner.steps.bodies import stored_bytes
from gitflow_runner.steps.config import name_of

MAX_LOADED_BYTES = 1_000_000
_FLOW, _RUN, _SLUG = keyword("flow/ctx"), keyword("workflow-id"), keyword("slug")
_STEP, _ID = keyword("step/ctx"), keyword("id")

SPEC = Spec(
    type="function",
    summary="Computes a value from its input; reaches nothing else.",
    effect="pure",
    fields=(
        Field("ref", "name", "id of one of the flow's `:functions`"),
        Field("code", "any", "the function itself, quoted or as text"),
        Field("input", "map", "what the function gets; `{}` if absent"),
        Field("load", "vector", "keys of the input whose stored values are read before the call"),
    ),
    example="{:ref :summarise :input {:rows [1 2 3]}}",
    one_of=(("ref", "code"),),
)


class FunctionStep:
    """Calls the function with one map: the input, `:flow/ctx` and `:step/ctx`."""

    spec = SPEC

    def run(self, config: Mapping[str, object], context: Context) -> Written:
        """What the function returns; `StepError` (`function.*`, `res.*`)."""
        given = config.get("input")
        argument = given if isinstance(given, Map) else EMPTY_MAP
        load = config.get("load")
        for key in load if isinstance(load, Collection) else ():
            argument = _loaded(argument, key, context)
        argument = argument.assoc(_FLOW, map_of([(_RUN, context.run), (_SLUG, context.slug)]))
        argument = argument.assoc(_STEP, map_of([(_ID, context.identity)]))
        if config.get("ref") is not None:
            return context.functions.call(name_of(config["ref"]), argument)
        return context.functions.call_code(config["code"], argument)


STEP = FunctionStep()


def _loaded(argument: Map, key: Value, context: Context) -> Map:
    reference = argument.get(key)
    if reference is None:
        return argument
    data = stored_bytes(reference, context)
    if len(data) > MAX_LOADED_BYTES:
        raise StepError(
            "res.too_large", f"the stored value under :{name_of(key)} is too large for a function"
        )
    stated = reference.get(keyword("content-type")) if isinstance(reference, Map) else None
    return argument.assoc(key, _read(data, str(stated or "")))


def _read(data: bytes, media: str) -> Value:
    media = media.partition(";")[0].strip().lower()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return Bytes(data)
    if media == "application/json" or media.endswith("+json"):
        return read_json(text)
    if media == "application/edn":
        return read_data(text, loose=True)
    return text
