"""The `:notify` step: a message over one or more channels."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map, Vec, map_of
from gitflow_runner.lang.values import Value, keyword
from gitflow_runner.model.connection import origin_of
from gitflow_runner.model.message import Delivery, Message
from gitflow_runner.model.spec import Effect, Field, Spec
from gitflow_runner.net.mail import mail_origin
from gitflow_runner.schemas.jsontext import to_plain
from gitflow_runner.steps.base import Context
from gitflow_runner.steps.bodies import scalar_text
from gitflow_runner.steps.config import name_of, parse_config, plain_config, retry_policy
from gitflow_runner.steps.rendering import rendered, template_part
from gitflow_runner.steps.request import FIELDS, send


def _effect(config: Mapping[str, object]) -> Effect:
    return "unsafe" if config.get("unsafe") is True else "keyed"


SPEC = Spec(
    type="notify",
    summary="Sends a message to people or services.",
    effect=_effect,
    fields=(
        Field(
            "channels",
            "map",
            "`:http` with request keys, `:log`, `:slack {:url …}`, `:smtp {:to … :from …}`, "
            "`:apprise {:connection …}`, or one that is installed",
            required=True,
        ),
        Field("message", "string", "the text for channels that take one"),
    ),
    example='{:channels {:log {:text "Build {{id}} is done"}} :data {:id 7}}',
)

CHANNEL = Spec(
    type="http",
    summary="The HTTP channel: a request, POST unless it says otherwise.",
    effect="keyed",
    fields=FIELDS,
    example='{:url "https://hooks.example.com/x" :json {:text "hello"}}',
    one_of=(("connection", "url"),),
)

_SECRET = ("password", "token", "secret", "api-key", "address")
_ADDRESS = frozenset({"host", "url"})
_BODY = frozenset({"json", "form", "multipart", "body", "body-from-ref"})
_REFUSED = {
    "ui": "there is no :ui channel; pages show every run anyway",
    "email": "there is no :email channel; :smtp sends mail, :http calls a mail service",
}


class NotifyStep:
    """Sends over every channel, and says for each whether it was taken."""

    spec = SPEC

    def run(self, config: Mapping[str, object], context: Context) -> object:
        """`{:sent? :channels {<name> {:sent? :status}}}`, with `:errors` where one failed.

        A wait's own message brings the variables `run`, `wait`, `title`, `change-url`, `approve-command` and
        `git-commands`. Every channel says the page of the change, `gfr approve` and the block of plain Git:
        `:smtp`, `:apprise` and `:log` under the text, `:slack` in blocks of their own, `:http` as JSON
        `{title text variables key}` where the channel has no body, or wherever a body names them.

        A failure that may pass is raised while `:retry` leaves attempts; after that it is a result. A
        cancel and a wrong config are always raised.
        """
        channels = _channels(config, context)
        if context.cancel.asked():
            raise StepError("step.cancelled", "the step was given up before it sent anything")
        outcomes: list[tuple[Value, Value]] = []
        errors: list[Value] = []
        for name, settings in channels.items():
            try:
                outcomes.append((keyword(name), _taken(_send(name, settings, config, context))))
            except StepError as error:
                if _to_be_raised(error, config, context):
                    raise
                outcomes.append((keyword(name), _told(error)))
                errors.append(_error(name, error))
        parts: list[tuple[Value, Value]] = [
            (keyword("sent?"), not errors),
            (keyword("channels"), map_of(outcomes)),
        ]
        return map_of([*parts, (keyword("errors"), Vec(tuple(errors)))] if errors else parts)


STEP = NotifyStep()


def _channels(config: Mapping[str, object], context: Context) -> dict[str, dict[str, object]]:
    given = config.get("channels")
    if given is not None and config.get("data") is not None:
        # Only with :data: what a flow has put together by itself may hold braces that mean nothing.
        given = rendered(given, config["data"], context)
    own = {} if given is None else plain_config(given)
    channels = template_part(config, context, "channels") | own
    if not channels:
        raise StepError("missing_config_key", ":notify needs at least one channel")
    for name in channels:
        if name in _REFUSED:
            raise StepError("config_choice", _REFUSED[name])
    return {name: plain_config(settings) for name, settings in channels.items()}


def _send(name: str, settings: dict[str, object], config: Mapping[str, object], context: Context) -> Delivery:
    match name:
        case "http":
            return _send_http(settings, config, context)
        case "log":
            message = _message(settings, config, context)
            for line in "\n".join((message.linked_text, *message.commands)).splitlines():
                context.log.line(line)
            return Delivery()
        case _:
            if context.notify is None:
                raise StepError("notify.unknown_channel", f"there is no channel :{name[:64]}")
            opened = {key: to_plain(value) for key, value in _opened(settings, config, context).items()}
            return context.notify.send(name, opened, _message(settings, config, context))


def _send_http(settings: dict[str, object], config: Mapping[str, object], context: Context) -> Delivery:
    defaults = {"method": "post", "timeout": config.get("timeout"), "connection": config.get("connection")}
    request = {name: value for name, value in defaults.items() if value is not None} | settings
    bare = name_of(request["method"]) == "post" and not _BODY & request.keys()
    if bare and config.get("message") is not None:
        request["json"] = _whole(_message(settings, config, context))
    checked = parse_config(CHANNEL, map_of([(keyword(key), value) for key, value in request.items()]))
    response = send(checked, context)
    if response.status >= 400:
        raise StepError(
            "http.status",
            f"the receiver answered {response.status}",
            definite=response.status != 408 and response.status < 500,
            retryable=response.status in (408, 425, 429) or response.status >= 500,
            data={"status": response.status},
        )
    return Delivery(response.status)


def _whole(message: Message) -> Map:
    """The message as the body of a request that has none of its own."""
    variables = map_of(message.variables.items())
    return map_of(
        [
            ("title", message.title),
            ("text", message.linked_text),
            ("variables", variables),
            ("key", message.key),
        ]
    )


def _opened(
    settings: dict[str, object], config: Mapping[str, object], context: Context
) -> Mapping[str, object]:
    """The channel's settings under those of its connection, whose address is not a flow's to say."""
    for key in _SECRET:
        if key in settings:
            raise StepError("config_choice", f"a channel takes no :{key}", hint="use a :connection")
    name = settings.get("connection") or config.get("connection")
    if name is None:
        return settings
    if context.connections is None:
        raise StepError("connection.unbound", "there are no connections here")
    service = context.connections.service(name_of(name))
    stated = {key: value for key, value in service.settings.items() if value is not None}
    if "base-url" in stated:
        stated["url"] = stated["base-url"]
        place = urlsplit(str(stated["url"]))
        if not service.allows(origin_of(f"{place.scheme}://{place.netloc}")):
            raise StepError("connection.refused", f"the secret of :{name_of(name)} may not go there")
    if service.secrets and not _ADDRESS & stated.keys():
        raise StepError(
            "connection.refused", f"the connection :{name_of(name)} has an address of its own to name"
        )
    if "host" in stated and not service.allows(mail_origin({**settings, **stated})):
        raise StepError("connection.refused", f"the secret of :{name_of(name)} may not go to its mail server")
    own = {key: value for key, value in settings.items() if key != "connection"}
    return {**own, **stated, **service.secrets}


def _message(settings: dict[str, object], config: Mapping[str, object], context: Context) -> Message:
    text = settings.get("text") or config.get("message") or config.get("title")
    if text is None:
        raise StepError("missing_config_key", ":notify needs :message, or :text in the channel")
    data = config.get("data")
    variables = (
        {name: scalar_text(value) for name, value in plain_config(data).items()}
        if isinstance(data, Map)
        else {}
    )
    title = settings.get("title") or config.get("title") or f"{context.slug} {context.run}"
    return Message(scalar_text(title), scalar_text(text), variables, context.key)


def _to_be_raised(error: StepError, config: Mapping[str, object], context: Context) -> bool:
    if error.code == "step.cancelled" or error.code.startswith(("config_", "missing_", "unknown_")):
        return True
    status = error.details.get("status")
    return retry_policy(config).another(context.attempt, error.code, status, retryable=error.retryable)


def _taken(delivery: Delivery) -> Map:
    sent: list[tuple[Value, Value]] = [(keyword("sent?"), True)]
    return map_of(sent if delivery.status is None else [*sent, (keyword("status"), delivery.status)])


def _told(error: StepError) -> Map:
    status = error.details.get("status")
    failed: list[tuple[Value, Value]] = [(keyword("sent?"), False)]
    return map_of(failed if status is None else [*failed, (keyword("status"), status)])


def _error(name: str, error: StepError) -> Map:
    return map_of(
        [
            (keyword("channel"), keyword(name)),
            (keyword("code"), error.code),
            (keyword("message"), error.message),
        ]
    )
