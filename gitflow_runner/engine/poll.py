"""`flow/poll`: a step that is asked again until it says what is waited for, with a sleep in between."""

from __future__ import annotations

from gitflow_runner.engine.arguments import is_count, length_ms, refused, step_id_of
from gitflow_runner.engine.body import BodyHost
from gitflow_runner.lang.collection import Map, map_of
from gitflow_runner.lang.fuel import Call
from gitflow_runner.lang.throwing import FlowThrow, illegal
from gitflow_runner.lang.values import Collection, ExInfo, Keyword, Value, keyword
from gitflow_runner.model.duration import MAX_POLL_ATTEMPTS, MAX_POLL_MS


class Poll:
    """Answers the calls of `flow/poll` of one evaluation."""

    def __init__(self, host: BodyHost) -> None:
        self._host = host

    def __call__(self, call: Call) -> Value:
        """The result for which `:return-on` is true; throws `poll.exhausted`, `poll.aborted` or its error."""
        options, ask = call.args
        if not isinstance(options, Map):
            raise refused(call, "flow_poll_invalid", "flow/poll takes a map of options and a step")
        limit, tries = _bounds(call, options)
        stops = options.get(keyword("return-on"))
        if stops is None:
            raise refused(call, "flow_poll_invalid", "flow/poll needs :return-on")
        if options.get(keyword("interval")) is None and self._host.behaviour >= 3:
            raise refused(call, "flow_poll_invalid", "flow/poll needs :interval")
        sleep_id = step_id_of(call, options.get(keyword("id"), "poll-sleep"))
        began = self._host.now_ms
        for attempt in range(1, tries + 1):
            answered, result = self._asked(call, ask, options)
            if answered and call.invoke(stops, result) not in (None, False):
                return result
            if attempt == tries or (limit is not None and self._host.now_ms - began >= limit):
                break
            pause = interval_ms(options, attempt)
            if limit is not None and self._host.behaviour >= 3:
                pause = min(pause, limit - (self._host.now_ms - began))
            self._host.step("sleep", sleep_id, map_of([(keyword("millis"), pause)]), call)
        waited = self._host.now_ms - began
        raise _thrown(
            "poll.exhausted", f"flow/poll gave up after {attempt} attempts", attempts=attempt, ms=waited
        )

    def _asked(self, call: Call, ask: Value, options: Map) -> tuple[bool, Value]:
        """Whether there is a result, and it; a failure that `:error? false` lets pass is none."""
        abort = options.get(keyword("abort-on"))
        abort = abort if isinstance(abort, Map) else Map()
        try:
            result = call.invoke(ask)
        except FlowThrow as thrown:
            _check_status(abort, thrown.info.data)
            if abort.get(keyword("error?"), True) is not False:
                raise
            return self._host.behaviour < 3, None
        _check_status(abort, result)
        return True, result


def _check_status(abort: Map, found: Value) -> None:
    statuses = abort.get(keyword("status"))
    status = found.get(keyword("status")) if isinstance(found, Map) else None
    if isinstance(statuses, Collection) and status is not None and status in tuple(statuses):
        raise _thrown("poll.aborted", f"flow/poll met the status {status}", status=status)


def interval_ms(given: Value, attempt: int) -> int:
    """Milliseconds to wait after the `attempt`-th try: a length, or a map with `:interval` and `:backoff`."""
    if not isinstance(given, Map):
        return length_ms(given)
    base = length_ms(given.get(keyword("interval")))
    backoff = given.get(keyword("backoff"))
    if not isinstance(backoff, Map):
        return base
    kind = backoff.get(keyword("type"))
    kind = kind.name if isinstance(kind, Keyword) else "exponential"
    match kind:
        case "constant":
            grown = base
        case "linear":
            grown = base + length_ms(backoff.get(keyword("step"))) * (attempt - 1)
        case "exponential":
            factor = backoff.get(keyword("factor"), 2)
            if isinstance(factor, bool) or not isinstance(factor, int | float) or not 1 <= factor <= 100:
                raise illegal(":factor is a number from 1 to 100")
            grown = int(min(base * float(factor) ** min(attempt - 1, 64), 1e12))
        case _:
            raise illegal(f"no backoff of type {kind}: constant, linear or exponential")
    limit = backoff.get(keyword("max"))
    return grown if limit is None else min(grown, length_ms(limit))


def _bounds(call: Call, options: Map) -> tuple[int | None, int]:
    limit, tries = options.get(keyword("timeout")), options.get(keyword("max-attempts"))
    if limit is None and tries is None:
        raise refused(call, "flow_poll_invalid", "flow/poll needs :timeout or :max-attempts")
    if tries is not None and not is_count(tries):
        raise refused(call, "flow_poll_invalid", ":max-attempts is a whole number above 0")
    limit_ms = None if limit is None else min(length_ms(limit), MAX_POLL_MS)
    return limit_ms, MAX_POLL_ATTEMPTS if tries is None else min(tries, MAX_POLL_ATTEMPTS)


def _thrown(code: str, message: str, **data: Value) -> FlowThrow:
    entries = [(keyword("code"), code), *((keyword(name), value) for name, value in data.items())]
    return FlowThrow(ExInfo(message, map_of(entries)))
