"""The `flow/*` names of a body: their shapes, and what each answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeGuard

from gitflow_runner.engine.body import BodyHost
from gitflow_runner.engine.parallel import MAX_AT_ONCE, Parked
from gitflow_runner.engine.people import Guarded, called_as
from gitflow_runner.engine.tool_loop import ToolLoop
from gitflow_runner.engine.tools import agent_config, merged, offers_tools, over_defaults, packaged_config
from gitflow_runner.errors import LangError, UsageError
from gitflow_runner.lang.collection import Map, map_of
from gitflow_runner.lang.fuel import MANY, Call
from gitflow_runner.lang.program import HostFn
from gitflow_runner.lang.throwing import FlowThrow, illegal
from gitflow_runner.lang.values import Collection, ExInfo, Keyword, Value, keyword
from gitflow_runner.model.command import Packaged
from gitflow_runner.model.duration import parse_duration
from gitflow_runner.model.flow import Flow
from gitflow_runner.model.ids import is_label, is_name
from gitflow_runner.model.spec import Spec

MAX_ATTEMPTS = 100
MAX_POLL_MS = 3_600_000

HOST_NAMES: Mapping[str, HostFn] = {
    name: HostFn(name, low, high, thunks)
    for name, low, high, thunks in (
        ("flow/input", 0, 0, frozenset[int]()),
        # Counted at the call, so that lint and run time name the same code.
        ("flow/step", 0, MANY, frozenset[int]()),
        ("flow/poll", 2, 2, frozenset({1})),
        ("flow/parallel", 3, 4, frozenset[int]()),
        ("flow/call-flow", 1, 3, frozenset[int]()),
        ("flow/now-ms", 0, 0, frozenset[int]()),
        ("flow/elapsed?", 2, 2, frozenset[int]()),
        ("flow/backoff", 1, 2, frozenset[int]()),
        ("flow/slot-bound?", 1, 1, frozenset[int]()),
    )
}


class Answers:
    """Answers one evaluation's calls of `flow/*`."""

    def __init__(
        self,
        flow: Flow,
        specs: Mapping[str, Spec],
        host: BodyHost,
        bound: frozenset[str] = frozenset(),
    ) -> None:
        self._flow = flow
        self._bound = bound
        self._host = host
        self._loops = ToolLoop(flow, specs, host)
        self._names: Mapping[str, Callable[[Call], Value]] = {
            "flow/input": lambda call: host.input(),
            "flow/step": self._step,
            "flow/poll": self._poll,
            "flow/parallel": self._parallel,
            "flow/call-flow": self._call_flow,
            "flow/now-ms": lambda call: host.now_ms,
            "flow/elapsed?": self._elapsed,
            "flow/backoff": lambda call: interval_ms(call.args[0], _attempt(call)),
            "flow/slot-bound?": self._slot_bound,
        }

    def __call__(self, call: Call) -> Value:
        """The value of one call."""
        return self._names[call.name](call)

    def _step(self, call: Call) -> Value:
        if not 2 <= len(call.args) <= 3:
            raise _bad(call, "flow_step_arity_invalid", "flow/step takes a type, an id and a config")
        kind, *rest = call.args
        if not isinstance(kind, Keyword):
            raise _bad(call, "flow_step_invalid_type", "a step's type is a keyword")
        config = rest[-1]
        if not isinstance(config, Map):
            raise _bad(call, "flow_step_missing_config", "a step's config is a map")
        if kind.ns is None:
            if len(rest) != 2:
                raise _bad(call, "flow_step_arity_invalid", "flow/step takes a type, an id and a config")
            return self._called(_type(kind.text), _step_id(call, rest[0]), config, call)
        step_id = _step_id(call, rest[0]) if len(rest) == 2 else kind.name
        packaged, agent = self._flow.steps.get(kind.text), self._flow.agents.get(kind.text)
        if packaged is not None:
            step_type = _type(packaged.type)
            if self._host.behaviour >= 2:
                full = packaged_config(step_type, packaged.defaults, config)
            else:  # the call's map lay over a function's config, not over its input
                full = over_defaults(packaged.defaults, config)
            return self._called(step_type, step_id, full, call, called_as(self._host, kind.text, config))
        if isinstance(agent, Map):
            return self._called("agent", step_id, merged(agent_config(agent), config), call)
        raise _bad(
            call,
            "missing_packaged_step_reference",
            f":{kind.text} is declared neither in :steps nor in :agents",
        )

    def _called(
        self, step_type: str, step_id: str, config: Map, call: Call, packaged: Packaged | None = None
    ) -> Value:
        if offers_tools(step_type, config):
            return self._loops.run(step_type, step_id, config, call, packaged=packaged)
        return Guarded(self._host, step_type, step_id, config, call, packaged).run()

    def _poll(self, call: Call) -> Value:
        options, ask = call.args
        if not isinstance(options, Map):
            raise _bad(call, "flow_poll_invalid", "flow/poll takes a map of options and a step")
        limit, tries = _bounds(call, options)
        stops = options.get(keyword("return-on"))
        if stops is None:
            raise _bad(call, "flow_poll_invalid", "flow/poll needs :return-on")
        sleep_id = _step_id(call, options.get(keyword("id"), "poll-sleep"))
        began = self._host.now_ms
        for attempt in range(1, tries + 1):
            result = self._asked(call, ask, options)
            if call.invoke(stops, result) not in (None, False):
                return result
            if attempt == tries or (limit is not None and self._host.now_ms - began >= limit):
                break
            pause = interval_ms(options, attempt)
            self._host.step("sleep", sleep_id, map_of([(keyword("millis"), pause)]), call)
        waited = self._host.now_ms - began
        raise _thrown(
            "poll.exhausted", f"flow/poll gave up after {attempt} attempts", attempts=attempt, ms=waited
        )

    def _asked(self, call: Call, ask: Value, options: Map) -> Value:
        abort = options.get(keyword("abort-on"))
        abort = abort if isinstance(abort, Map) else Map()
        try:
            result = call.invoke(ask)
        except FlowThrow as thrown:
            _check_status(abort, thrown.info.data)
            if abort.get(keyword("error?"), True) is not False:
                raise
            return None
        _check_status(abort, result)
        return result

    def _parallel(self, call: Call) -> Value:
        step_id, *given = call.args
        options = given.pop(0) if len(given) == 3 else Map()
        items, branch = given
        if not isinstance(options, Map) or not isinstance(items, Collection | None):
            raise _bad(
                call, "flow_parallel_invalid", "flow/parallel takes an id, options, items and a function"
            )
        at_once = options.get(keyword("max"), MAX_AT_ONCE)
        if not _is_count(at_once):
            raise _bad(call, "flow_parallel_invalid", ":max is a whole number above 0")
        mode = options.get(keyword("on-error"), keyword("first"))
        if mode not in (keyword("first"), keyword("collect")):
            raise _bad(call, "flow_parallel_invalid", ":on-error is :first or :collect")
        return self._host.parallel(
            _step_id(call, step_id),
            call.runtime.listed(items),
            lambda item: _unpaid(call, branch, item),
            at_once=at_once,
            on_error="collect" if mode is keyword("collect") else "first",
        )

    def _call_flow(self, call: Call) -> Value:
        first, *rest = call.args
        if isinstance(first, Map) and not rest:
            config = first
        else:
            options = rest[1] if len(rest) == 2 else Map()
            if not isinstance(options, Map):
                raise _bad(call, "flow_call_flow_invalid", "the options of flow/call-flow are a map")
            given = [(keyword("flow-slug"), first), (keyword("input"), rest[0] if rest else None)]
            config = map_of((*options.items(), *given))
        slug = config.get(keyword("flow-slug"))
        text = slug.text if isinstance(slug, Keyword) else slug
        if not isinstance(text, str) or not is_name(text):
            raise _bad(call, "flow_call_flow_invalid", "flow/call-flow takes the slug of a flow")
        if not isinstance(config.get(keyword("input")), Map | None):
            raise _bad(call, "flow_call_flow_invalid", "the input of a called flow is a map")
        return self._host.step("call-flow", f"child:{text}", config.assoc(keyword("flow-slug"), text), call)

    def _slot_bound(self, call: Call) -> Value:
        slot = call.args[0]
        return (slot.text if isinstance(slot, Keyword) else slot) in self._bound

    def _elapsed(self, call: Call) -> Value:
        since, length = call.args
        if not isinstance(since, int) or isinstance(since, bool):
            raise illegal("flow/elapsed? takes a time in ms and a length of time")
        return self._host.now_ms - since >= _length(length)


def _unpaid(call: Call, branch: Value, item: Value) -> Value:
    # A branch is evaluated once a pass; only the pass that ends it is paid for, so that the fuel of a
    # replay is that of the first time.
    fuel = call.runtime.fuel
    try:
        return call.invoke(branch, item)
    except Parked:
        call.runtime.fuel = fuel
        raise


def _check_status(abort: Map, found: Value) -> None:
    statuses = abort.get(keyword("status"))
    status = found.get(keyword("status")) if isinstance(found, Map) else None
    if isinstance(statuses, Collection) and status is not None and status in tuple(statuses):
        raise _thrown("poll.aborted", f"flow/poll met the status {status}", status=status)


def interval_ms(given: Value, attempt: int) -> int:
    """Milliseconds to wait after the `attempt`-th try: a length, or a map with `:interval` and `:backoff`."""
    if not isinstance(given, Map):
        return _length(given)
    base = _length(given.get(keyword("interval")))
    backoff = given.get(keyword("backoff"))
    if not isinstance(backoff, Map):
        return base
    kind = backoff.get(keyword("type"))
    kind = kind.name if isinstance(kind, Keyword) else "exponential"
    match kind:
        case "constant":
            grown = base
        case "linear":
            grown = base + _length(backoff.get(keyword("step"))) * (attempt - 1)
        case "exponential":
            factor = backoff.get(keyword("factor"), 2)
            if isinstance(factor, bool) or not isinstance(factor, int | float) or not 1 <= factor <= 100:
                raise illegal(":factor is a number from 1 to 100")
            grown = int(min(base * float(factor) ** min(attempt - 1, 64), 1e12))
        case _:
            raise illegal(f"no backoff of type {kind}: constant, linear or exponential")
    limit = backoff.get(keyword("max"))
    return grown if limit is None else min(grown, _length(limit))


def _bounds(call: Call, options: Map) -> tuple[int | None, int]:
    limit, tries = options.get(keyword("timeout")), options.get(keyword("max-attempts"))
    if limit is None and tries is None:
        raise _bad(call, "flow_poll_invalid", "flow/poll needs :timeout or :max-attempts")
    if tries is not None and not _is_count(tries):
        raise _bad(call, "flow_poll_invalid", ":max-attempts is a whole number above 0")
    limit_ms = None if limit is None else min(_length(limit), MAX_POLL_MS)
    return limit_ms, MAX_ATTEMPTS if tries is None else min(tries, MAX_ATTEMPTS)


def _attempt(call: Call) -> int:
    if len(call.args) < 2:
        return 1
    attempt = call.args[1]
    if not _is_count(attempt):
        raise illegal("the attempt is a whole number from 1")
    return attempt


def _is_count(value: Value) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _length(value: Value) -> int:
    try:
        return parse_duration(value, bare_unit_ms=1)
    except UsageError as error:
        raise illegal(error.message) from None


def _type(text: str) -> str:
    return "function" if text == "code" else text


def _step_id(call: Call, value: Value) -> str:
    text = value.text if isinstance(value, Keyword) else value
    if not isinstance(text, str) or not is_label(text):
        raise _bad(call, "flow_step_invalid_id", f"{str(text)[:60]!r} cannot be a step's id")
    return text


def _bad(call: Call, code: str, message: str) -> LangError:
    return LangError(code, message, at=call.place())


def _thrown(code: str, message: str, **data: Value) -> FlowThrow:
    entries = [(keyword("code"), code), *((keyword(name), value) for name, value in data.items())]
    return FlowThrow(ExInfo(message, map_of(entries)))
