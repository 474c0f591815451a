"""A model that calls tools: every question to it and every call is a step of its own, in the loop's scope.

The loop is evaluated like the rest of the body. Which tool comes next follows from recorded answers, so a
crash anywhere leaves it where history says that it stood, and no answered call is made again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gitflow_runner.engine.body import BodyHost, step_throw
from gitflow_runner.engine.people import Guarded, called_as
from gitflow_runner.engine.tools import AGENT_SAFE, OfferedTool, Unoffered, offered_tools, offers_tools
from gitflow_runner.lang.collection import Map, Vec, map_of
from gitflow_runner.lang.fuel import Call
from gitflow_runner.lang.printer import canonical, write
from gitflow_runner.lang.throwing import FlowThrow
from gitflow_runner.lang.values import Dec, Value, keyword
from gitflow_runner.model.command import Packaged
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.flow import Flow
from gitflow_runner.model.spec import Spec

MODEL = "model"  # the id of the questions to the model
MAX_DEPTH = 4  # of agents that call agents
MAX_RESULT = 32_768  # characters of a tool's result that the model is shown

_LOOP_KEYS = (
    "tools",
    "available-steps",
    "max-iterations",
    "max-tool-calls",
    "max-repeated-tool-calls",
    "transcript",
    "key",
)
_WHOLE_ONLY = ("persist", "review", "confirm", "expect")
"""Options that concern one result; a loop has many."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a loop may go."""

    iterations: int
    calls: int
    repeated: int | None


@dataclass(frozen=True, slots=True)
class ToolLoop:
    """The loops of one evaluation."""

    flow: Flow
    specs: Mapping[str, Spec]
    host: BodyHost

    def run(
        self,
        step_type: str,
        step_id: str,
        config: Map,
        call: Call,
        depth: int = 1,
        packaged: Packaged | None = None,
    ) -> Value:
        """The model's last answer, with `:iterations`, `:tool-call-count` and the usage of all answers.

        A tool's failure is told to the model. The loop fails like a step, by `llm.iterations`,
        `llm.tool_calls` or `llm.repeated_tool_calls` at a bound, by `llm.tools` for what cannot be offered.
        """
        with self.host.nested(step_type, step_id, config) as identity:

            def failed(code: str, message: str) -> FlowThrow:
                return step_throw(step_type, identity, Failure(code, message, identity))

            try:
                if depth > MAX_DEPTH:
                    raise failed("llm.tools", f"agents call one another at most {MAX_DEPTH} deep")
                begun = None if packaged is None else replace(packaged, whole=False)
                return self._ask(step_type, config, call, failed, depth, begun)
            except FlowThrow:
                if config.get(keyword("on-error")) is keyword("skip"):
                    return None
                raise

    def _ask(
        self,
        step_type: str,
        config: Map,
        call: Call,
        failed: Callable[[str, str], FlowThrow],
        depth: int,
        begun: Packaged | None,
    ) -> Value:
        bounds, tools = self._prepared(config, failed)
        transcript: list[Value] = list(config.get(keyword("transcript")) or ())
        total: Value = None
        made = 0
        seen: dict[str, int] = {}
        for iteration in range(1, bounds.iterations + 1):
            question = _question(config, tools, transcript)
            answer = Guarded(self.host, step_type, MODEL, question, call, begun).run()
            begun = None  # what it was given is looked at once
            if not isinstance(answer, Map):
                return answer  # skipped
            total = answer if total is None else _added(total, answer)
            wishes = answer.get(keyword("tool-calls"))
            if not wishes:
                return _final(answer, total, iteration, made)
            transcript.append(answer.get(keyword("message")))
            for wish in wishes:
                made += 1
                if made > bounds.calls:
                    raise failed("llm.tool_calls", f"the model asked for more than {bounds.calls} tool calls")
                text = canonical(Vec((wish.get(keyword("name")), wish.get(keyword("arguments")))))
                seen[text] = seen.get(text, 0) + 1
                if bounds.repeated is not None and seen[text] > bounds.repeated:
                    name = wish.get(keyword("name"))
                    message = (
                        f"the model called {name} with equal arguments more than {bounds.repeated} times"
                    )
                    raise failed("llm.repeated_tool_calls", message)
                transcript.append(self._told(wish, tools, call, depth))
        raise failed("llm.iterations", f"the model did not end within {bounds.iterations} answers")

    def _prepared(
        self, config: Map, failed: Callable[[str, str], FlowThrow]
    ) -> tuple[Bounds, Mapping[str, OfferedTool]]:
        try:
            for key in _WHOLE_ONLY:
                if config.get(keyword(key)) is not None:
                    raise Unoffered("llm.tools", f":{key} goes with one answer, not with a loop of tools")
            iterations = _bound(config, "max-iterations", 20, 100)
            calls = _bound(config, "max-tool-calls", 100, 1_000)
            assert iterations is not None
            assert calls is not None
            bounds = Bounds(iterations, calls, _bound(config, "max-repeated-tool-calls", None, 100))
            return bounds, {tool.name: tool for tool in offered_tools(self.flow, self.specs, config)}
        except Unoffered as error:
            raise failed(error.code, str(error)) from None

    def _told(self, wish: Map, tools: Mapping[str, OfferedTool], call: Call, depth: int) -> Value:
        """The message that answers one call: its result, or why there is none."""
        name, arguments = wish.get(keyword("name")), wish.get(keyword("arguments"))
        problem, tool = wish.get(keyword("problem")), tools.get(str(name))
        if problem is None and (tool is None or not isinstance(arguments, Map)):
            problem = "there is no such tool"
        if problem is None and tool is not None and isinstance(arguments, Map):
            problem = self._beyond(tool, arguments)
        content: Value = problem
        if problem is None:
            assert tool is not None
            try:
                content = self._called(tool, arguments, call, depth)
            except FlowThrow as thrown:
                code = thrown.info.data.get(keyword("code")) if isinstance(thrown.info.data, Map) else None
                problem = content = f"{code or 'failed'}: {thrown.info.message}"[:MAX_RESULT]
        parts: list[tuple[str, Value]] = [
            ("role", "tool"),
            ("tool-call-id", wish.get(keyword("id"))),
            ("name", name),
            ("content", _shown(content)),
        ]
        if problem is not None:
            parts.append(("failed?", True))
        return map_of([(keyword(key), value) for key, value in parts])

    def _beyond(self, tool: OfferedTool, arguments: Map) -> str | None:
        """Why a step that a model may use as it is does not do this: it reads, and what acts is packaged."""
        if tool.source not in AGENT_SAFE:
            return None
        effect = self.specs[tool.type].effect_of({_name(key): value for key, value in arguments.items()})
        if effect in ("pure", "read"):
            return None
        return f"{tool.name} only reads when a model uses it as it is; this needs a packaged step of the flow"

    def _called(self, tool: OfferedTool, arguments: Map, call: Call, depth: int) -> Value:
        config, step_id = tool.config(arguments), f"tool:{tool.name}"
        packaged = called_as(self.host, tool.source, arguments) if tool.source in self.flow.steps else None
        if offers_tools(tool.type, config):
            return self.run(tool.type, step_id, config, call, depth + 1, packaged)
        return Guarded(self.host, tool.type, step_id, config, call, packaged).run()


def _question(config: Map, tools: Mapping[str, OfferedTool], transcript: list[Value]) -> Map:
    kept = [(key, value) for key, value in config.items() if getattr(key, "text", key) not in _LOOP_KEYS]
    definitions = Vec(tuple(tool.definition for tool in tools.values()))
    kept.append((keyword("tools"), map_of([(keyword("definitions"), definitions)])))
    if transcript:
        kept.append((keyword("transcript"), Vec(tuple(transcript))))
    return map_of(kept, loose=config.loose)


def _shown(content: Value) -> Value:
    text = content if isinstance(content, str) else write(content)
    if len(text) <= MAX_RESULT:
        return content
    return f"{text[:MAX_RESULT]}… (cut; {len(text)} characters)"


def _added(total: Map, answer: Map) -> Map:
    """The later answer with the usage and the cost of both."""
    before, now = total.get(keyword("usage")), answer.get(keyword("usage"))
    usage = map_of(
        [(key, value + _count(before, key)) for key, value in _entries(now) if isinstance(value, int)]
    )
    added = answer.assoc(keyword("usage"), usage)
    spent, more = total.get(keyword("cost")), answer.get(keyword("cost"))
    if isinstance(spent, Map) and isinstance(more, Map):
        first, second = spent.get(keyword("amount")), more.get(keyword("amount"))
        if isinstance(first, Dec) and isinstance(second, Dec):
            added = added.assoc(
                keyword("cost"), more.assoc(keyword("amount"), Dec(first.value + second.value))
            )
    return added


def _name(key: Value) -> str:
    return str(getattr(key, "text", key))


def _entries(value: Value) -> list[tuple[Value, Value]]:
    return list(value.items()) if isinstance(value, Map) else []


def _count(value: Value, key: Value) -> int:
    found = value.get(key) if isinstance(value, Map) else None
    return found if isinstance(found, int) else 0


def _final(answer: Map, total: Value, iterations: int, made: int) -> Map:
    whole = total if isinstance(total, Map) else answer
    return whole.assoc(keyword("iterations"), iterations).assoc(keyword("tool-call-count"), made)


def _bound(config: Map, key: str, default: int | None, most: int) -> int | None:
    value = config.get(keyword(key))
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise Unoffered("config_type", f":{key} is a whole number from 1 to {most}")
    return value
