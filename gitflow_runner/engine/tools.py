"""The tools that a step offers to a model: how the model is told of each, and what a call becomes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gitflow_runner.lang.collection import EMPTY_MAP, Map, Vec, map_of
from gitflow_runner.lang.values import Collection, Keyword, Value, keyword
from gitflow_runner.model.flow import Flow, PackagedStep
from gitflow_runner.model.spec import FieldType, Spec

MODEL_STEPS = ("llm", "agent")
AGENT_SAFE = ("files", "table", "search")
"""Step types that a model may use as they are; every other one only behind a packaged step."""

MAX_NAME = 64
_TASK = map_of([(keyword("type"), "object"), (keyword("required"), Vec(("task",)))]).assoc(
    keyword("properties"), map_of([("task", map_of([(keyword("type"), "string")]))])
)
_JSON_TYPES: Mapping[FieldType, str] = {
    "string": "string",
    "name": "string",
    "keyword": "string",
    "url": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "map": "object",
    "vector": "array",
}
_OFFERING = ("steps", "agents", "mcp")
_KNOWN = (*_OFFERING, "allowed", "mode", "definitions")


class Unoffered(Exception):
    """A `:tools` that cannot be carried out; `code` and message say why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """One tool: the name that the model knows, and the step that a call of it becomes."""

    name: str
    source: str  # `ns/name`, or a step type
    type: str
    description: str
    params: Value
    defaults: Map

    def config(self, arguments: Map) -> Map:
        """The config of the step for a model's arguments, whose keys are texts."""
        given = map_of([(_as_keyword(key), value) for key, value in arguments.items()], loose=True)
        if self.type == "agent":
            return merged(self.defaults, map_of([(keyword("inputs"), given)]))
        return packaged_config(self.type, self.defaults, given)

    @property
    def definition(self) -> Map:
        """How the model is told of it."""
        parts = [("name", self.name), ("description", self.description), ("params", self.params)]
        return map_of([(keyword(key), value) for key, value in parts if value is not None])


def packaged_config(step_type: str, defaults: Value, given: Map) -> Map:
    """A packaged step's config: its defaults under the call's map, which is a function's whole input."""
    if step_type != "function":
        return over_defaults(defaults, given)
    base = defaults if isinstance(defaults, Map) else EMPTY_MAP
    return base.assoc(keyword("input"), over_defaults(base.get(keyword("input")), given))


def over_defaults(defaults: Value, given: Map) -> Map:
    """The entries of a map that may be missing, under those given."""
    return merged(defaults if isinstance(defaults, Map) else EMPTY_MAP, given)


def merged(base: Map, over: Map) -> Map:
    """The entries of both, the later above the earlier."""
    return map_of((*base.items(), *over.items()), loose=over.loose)


def offers_tools(step_type: str, config: Map) -> bool:
    """Whether the step's tools are to be carried out, and not only handed back as wishes."""
    if step_type not in MODEL_STEPS:
        return False
    tools = config.get(keyword("tools"))
    if isinstance(tools, Map):
        return any(tools.get(keyword(key)) is not None for key in _OFFERING)
    named = isinstance(tools, Collection) and any(isinstance(each, Keyword | str) for each in tools)
    return named or config.get(keyword("available-steps")) is not None


def offered_tools(flow: Flow, specs: Mapping[str, Spec], config: Map) -> tuple[OfferedTool, ...]:
    """The tools of a config, in its order; `Unoffered` names what is not there."""
    tools = config.get(keyword("tools"))
    allowed: Value = None
    if isinstance(tools, Map):
        _check_keys(tools)
        names = [*_names(tools, "steps"), *_names(tools, "agents")]
        allowed = tools.get(keyword("allowed"))
    else:
        names = [] if tools is None else [_text(each) for each in tools]
    sources = [
        *(_declared(flow, name) for name in names),
        *_built_in(specs, config.get(keyword("available-steps"))),
    ]
    made = tuple(_named(sources))
    if allowed is None:
        return made
    kept = {_text(each) for each in allowed}
    return tuple(tool for tool in made if tool.name in kept or tool.source in kept)


def _check_keys(tools: Map) -> None:
    for name in (_text(key) for key, _ in tools.items()):
        if name not in _KNOWN:
            raise Unoffered("unknown_config_key", f":tools has no key :{name[:60]}")
    if tools.get(keyword("mcp")) is not None:
        raise Unoffered("llm.tools", "tools of MCP servers are not called yet; offer packaged steps")
    if tools.get(keyword("definitions")) is not None:
        raise Unoffered("llm.tools", ":tools holds either :definitions or what is to be carried out")
    if tools.get(keyword("mode"), keyword("execute")) not in (keyword("execute"), "execute"):
        raise Unoffered("config_choice", ":tools :mode must be :execute")


def _names(tools: Map, key: str) -> list[str]:
    given = tools.get(keyword(key))
    if given is None:
        return []
    if not isinstance(given, Collection) or isinstance(given, Map):
        raise Unoffered("config_type", f":tools :{key} must be a vector of names")
    return [_text(each) for each in given]


def _declared(flow: Flow, name: str) -> OfferedTool:
    packaged = flow.steps.get(name)
    if packaged is not None:
        return _of_step(name, packaged)
    agent = flow.agents.get(name)
    if isinstance(agent, Map):
        return _of_agent(name, agent)
    raise Unoffered("llm.tools", f":{name[:120]} is declared neither in :steps nor in :agents")


def _of_step(name: str, packaged: PackagedStep) -> OfferedTool:
    kind = "function" if packaged.type == "code" else packaged.type
    defaults = packaged.defaults if isinstance(packaged.defaults, Map) else EMPTY_MAP
    return OfferedTool("", name, kind, packaged.description or name, packaged.input_schema, defaults)


def _of_agent(name: str, agent: Map) -> OfferedTool:
    described = agent.get(keyword("description")) or agent.get(keyword("objective")) or name
    params = agent.get(keyword("input-schema"))
    shape = _TASK if params is None else params
    return OfferedTool("", name, "agent", str(described), shape, agent_config(agent))


def agent_config(agent: Map) -> Map:
    """The config of a flow-level agent: what it says besides its name."""
    own = ("id", "description", "input-schema", "output-schema")
    return map_of([(key, value) for key, value in agent.items() if _text(key) not in own])


def _built_in(specs: Mapping[str, Spec], wanted: Value) -> Iterator[OfferedTool]:
    for each in () if wanted is None else wanted:
        name = _text(each)
        spec = specs.get(name) if name in AGENT_SAFE else None
        if spec is None:
            raise Unoffered("llm.tools", f":{name[:60]} is no step that a model may use as it is")
        properties = []
        for field in spec.fields:
            stated = [(keyword("description"), field.summary)]
            if field.type in _JSON_TYPES:
                stated.append((keyword("type"), _JSON_TYPES[field.type]))
            properties.append((field.name, map_of(stated)))
        required = Vec(tuple(field.name for field in spec.fields if field.required))
        shape = [("type", "object"), ("properties", map_of(properties)), ("required", required)]
        params = map_of([(keyword(key), value) for key, value in shape])
        yield OfferedTool("", name, name, spec.summary, params, EMPTY_MAP)


def _named(tools: Sequence[OfferedTool]) -> Iterator[OfferedTool]:
    """Each tool under its last part, or under the whole where another ends alike."""
    short = [_plain(tool.source.rpartition("/")[2]) for tool in tools]
    taken: set[str] = set()
    for tool, name in zip(tools, short, strict=True):
        own = name if short.count(name) == 1 else _plain(tool.source)
        if own in taken:
            raise Unoffered("llm.tools", f"two tools are named {own}")
        taken.add(own)
        yield OfferedTool(own, tool.source, tool.type, tool.description, tool.params, tool.defaults)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:MAX_NAME]


def _as_keyword(key: Value) -> Value:
    return keyword(key) if isinstance(key, str) else key


def _text(value: Value) -> str:
    return str(value.text) if isinstance(value, Keyword) else str(value)
