"""The `flow/*` names of a body: their shapes, and what each answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gitflow_runner.engine.arguments import is_count, length_ms, refused, step_id_of
from gitflow_runner.engine.body import BodyHost
from gitflow_runner.engine.childcall import child_config
from gitflow_runner.engine.parallel import MAX_AT_ONCE, Parked
from gitflow_runner.engine.people import Guarded, called_as
from gitflow_runner.engine.poll import Poll, interval_ms
from gitflow_runner.engine.tool_loop import ToolLoop
from gitflow_runner.engine.tools import agent_config, merged, offers_tools, over_defaults, packaged_config
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.fuel import MANY, Call
from gitflow_runner.lang.program import HostFn
from gitflow_runner.lang.throwing import illegal
from gitflow_runner.lang.values import Collection, Keyword, Value, keyword
from gitflow_runner.model.command import Packaged
from gitflow_runner.model.flow import Flow
from gitflow_runner.model.spec import Spec

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
            "flow/poll": Poll(host),
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
            raise refused(call, "flow_step_arity_invalid", "flow/step takes a type, an id and a config")
        kind, *rest = call.args
        if not isinstance(kind, Keyword):
            raise refused(call, "flow_step_invalid_type", "a step's type is a keyword")
        config = rest[-1]
        if not isinstance(config, Map):
            raise refused(call, "flow_step_missing_config", "a step's config is a map")
        if kind.ns is None:
            if len(rest) != 2:
                raise refused(call, "flow_step_arity_invalid", "flow/step takes a type, an id and a config")
            return self._called(_type(kind.text), step_id_of(call, rest[0]), config, call)
        step_id = step_id_of(call, rest[0]) if len(rest) == 2 else kind.name
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
        raise refused(
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

    def _parallel(self, call: Call) -> Value:
        step_id, *given = call.args
        options = given.pop(0) if len(given) == 3 else Map()
        items, branch = given
        if not isinstance(options, Map) or not isinstance(items, Collection | None):
            raise refused(
                call, "flow_parallel_invalid", "flow/parallel takes an id, options, items and a function"
            )
        at_once = options.get(keyword("max"), MAX_AT_ONCE)
        if not is_count(at_once):
            raise refused(call, "flow_parallel_invalid", ":max is a whole number above 0")
        mode = options.get(keyword("on-error"), keyword("first"))
        if mode not in (keyword("first"), keyword("collect")):
            raise refused(call, "flow_parallel_invalid", ":on-error is :first or :collect")
        return self._host.parallel(
            step_id_of(call, step_id),
            call.runtime.listed(items),
            lambda item: _unpaid(call, branch, item),
            at_once=at_once,
            on_error="collect" if mode is keyword("collect") else "first",
        )

    def _call_flow(self, call: Call) -> Value:
        slug, config = child_config(call, self._host.behaviour)
        return self._host.step("call-flow", f"child:{slug}", config, call)

    def _slot_bound(self, call: Call) -> Value:
        slot = call.args[0]
        return (slot.text if isinstance(slot, Keyword) else slot) in self._bound

    def _elapsed(self, call: Call) -> Value:
        since, length = call.args
        if not isinstance(since, int) or isinstance(since, bool):
            raise illegal("flow/elapsed? takes a time in ms and a length of time")
        return self._host.now_ms - since >= length_ms(length)


def _unpaid(call: Call, branch: Value, item: Value) -> Value:
    # A branch is evaluated once a pass; only the pass that ends it is paid for, so that the fuel of a
    # replay is that of the first time.
    fuel = call.runtime.fuel
    try:
        return call.invoke(branch, item)
    except Parked:
        call.runtime.fuel = fuel
        raise


def _attempt(call: Call) -> int:
    if len(call.args) < 2:
        return 1
    attempt = call.args[1]
    if not is_count(attempt):
        raise illegal("the attempt is a whole number from 1")
    return attempt


def _type(text: str) -> str:
    return "function" if text == "code" else text
