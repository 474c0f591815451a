"""The `:db` step: one statement to a database, and its rows as values."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map, Vec
from gitflow_runner.lang.values import Collection, Keyword, Value
from gitflow_runner.model.spec import Effect, Field, Spec
from gitflow_runner.steps.base import Context, Databases, Query, Rows, Target
from gitflow_runner.steps.config import check_config, length_ms, name_of, text_of, whole_number
from gitflow_runner.steps.rendering import template_texts
from gitflow_runner.steps.results import result_map

MAX_ROWS = 5_000
DEFAULT_TIMEOUT_MS = 60_000
BACKENDS = ("sqlite", "postgres", "mysql", "mariadb", "duckdb")


def _effect(config: Mapping[str, object]) -> Effect:
    write = config.get("write")
    if write is None or write is False:
        return "read"
    return "keyed" if isinstance(write, Keyword) else "unsafe"


SPEC = Spec(
    type="db",
    summary="Runs one SQL statement with parameters and gives back its rows; it reads unless told to write.",
    effect=_effect,
    fields=(
        Field("database", "name", "which kind of database", required=True, choices=BACKENDS),
        Field("sql", "string", "the statement, `?` for each parameter, `??` for the operator `?`"),
        Field("query", "string", "the older name of `:sql`"),
        Field("params", "vector", "the values for the placeholders, in their order"),
        Field("max-results", "integer", f"at most that many rows, the rest left out; {MAX_ROWS} at most"),
        Field(
            "write",
            "any",
            "`true` lets the statement change data, once; `:repeatable` if running it twice does no harm",
        ),
    ),
    example='{:database :postgres :connection :shop :sql "SELECT id, total FROM orders WHERE status = ?"'
    ' :params ["open"]}',
    one_of=(("connection",), ("sql", "query")),
)


class DbStep:
    """Runs the statement in a transaction of its own; values reach it as parameters only."""

    spec = SPEC

    def run(self, config: Mapping[str, object], context: Context) -> object:
        """A vector of maps by column; for a write without an answer `{:changed n}`.

        `StepError` (`db.*`, `connection.*`, `template.*`, `missing_config_key`, `config_*`).
        """
        full = _filled(config, context)
        limit = whole_number(full, "max-results", default=MAX_ROWS, low=1, high=MAX_ROWS)
        query = Query(
            sql=text_of(full, "sql") or text_of(full, "query") or "",
            params=_params(full.get("params")),
            max_rows=limit,
            deadline_ms=_deadline(full, context),
            writes=_writes(full.get("write")),
        )
        if context.cancel.asked():
            raise StepError("step.cancelled", "the step was given up before it began")
        rows = _databases(context).run(
            name_of(full["database"]), _target(full, context), query, context.cancel
        )
        return _result(rows, limit_given=full.get("max-results") is not None, limit=limit, context=context)


STEP = DbStep()


def _filled(config: Mapping[str, object], context: Context) -> Mapping[str, object]:
    texts: dict[str, object] = {**template_texts(config, context, ("sql", "query"))}
    own = {key: value for key, value in config.items() if key not in ("template", "data")}
    if own.get("sql") is not None or own.get("query") is not None:
        texts = {}
    full = {**own, **texts}
    check_config(SPEC, full)
    return full


def _deadline(config: Mapping[str, object], context: Context) -> int:
    wanted = config.get("timeout")
    bound = DEFAULT_TIMEOUT_MS if wanted is None else length_ms("timeout", wanted)
    return min(context.deadline_ms, context.clock.monotonic_ms() + bound)


def _writes(value: Value) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, Keyword) and value.text == "repeatable":
        return True
    raise StepError("config_choice", ":write must be true, false or :repeatable")


def _params(value: Value) -> tuple[Value, ...]:
    return tuple(value) if isinstance(value, Collection) else ()


def _databases(context: Context) -> Databases:
    if context.databases is None:
        raise StepError("db.unsupported", "there are no databases here")
    return context.databases


def _target(config: Mapping[str, object], context: Context) -> Target:
    if context.connections is None:
        raise StepError("connection.unbound", "there are no connections here")
    service = context.connections.service(name_of(config["connection"]))
    if service.type != "database":
        raise StepError(
            "connection.type", f"the connection {service.name} is no database but a {service.type}"
        )
    return Target(service.name, service.settings, service.secrets, service.allows)


def _result(rows: Rows, *, limit_given: bool, limit: int, context: Context) -> Value:
    if rows.changed is not None:
        context.log.line(f"db: {rows.changed} rows changed")
        return result_map(changed=rows.changed)
    if rows.more and not limit_given:
        raise StepError(
            "db.too_many_rows",
            f"the statement gives more than {limit} rows",
            hint="ask for fewer, by LIMIT or by :max-results, which leaves out the rest",
        )
    context.log.line(f"db: {len(rows.rows)} rows{', the rest left out' if rows.more else ''}")
    return Vec(tuple(Map(dict(zip(rows.columns, row, strict=True)), loose=True) for row in rows.rows))
