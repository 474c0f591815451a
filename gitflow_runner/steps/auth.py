"""How a request proves who sends it: by fixed headers, by a token that is fetched, or by a signature.

A service's setting `auth` names the kind. Its secrets go into a request, or to its token URL, and only to
origins that their allow-list names.

    none
    api-key                 header (X-API-Key) and prefix, or param of the query; secret api-key
    bearer                  secret token
    basic                   username; secret password
    oauth                   token-url, client-id, scopes, audience, client-auth (basic or post);
                            secret client-secret, and refresh-token where that is the grant
    aws-sigv4               region, service; secrets access-key-id, secret-access-key, session-token
    google-service-account  scopes; secret service-account, the text of the JSON file
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import quote_plus, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gitflow_runner.errors import StepError
from gitflow_runner.steps.base import Context, HttpConnection, HttpRequest, HttpResponse, Service
from gitflow_runner.steps.bodies import body_digest
from gitflow_runner.steps.sigv4 import AwsKey, signed
from gitflow_runner.steps.tokens import Token

KINDS = ("none", "api-key", "bearer", "basic", "oauth", "aws-sigv4", "google-service-account")
TOKEN_TIMEOUT_MS = 30_000
MAX_TOKEN_BYTES = 100_000

_EARLY_MS = 60_000  # a token is renewed that long before its end, so that it does not die on the way
_USUAL_LIFE_S = 300  # where the answer does not say
_GOOGLE_LIFE_S = 3_600
_GOOGLE_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Authorised:
    """A request that may go; `token` is what it carries if that was fetched earlier and may be stale."""

    request: HttpRequest
    key: str | None = None
    token: str | None = None


def connection_of(service: Service) -> HttpConnection:
    """A service as `:http` uses it; `StepError` (`connection.auth`) where something is missing."""
    base = service.settings.get("base-url")
    headers, query = _fixed(service)
    fetched = kind_of(service) in ("oauth", "aws-sigv4", "google-service-account")
    return HttpConnection(
        base if isinstance(base, str) else None,
        headers,
        query,
        service.origins if service.secrets else (),
        service if fetched else None,
    )


def kind_of(service: Service) -> str:
    """The kind of auth; `StepError` (`connection.auth`) for one that is not known."""
    kind = str(service.settings.get("auth") or "none")
    if kind not in KINDS:
        raise _missing(service, f"auth {kind[:40]!r} is none of {', '.join(KINDS)}")
    return kind


def authorise(request: HttpRequest, service: Service, context: Context) -> Authorised:
    """The request with its token or signature; `StepError` (`connection.auth`, `auth.*`, `http.*`)."""
    match kind_of(service):
        case "aws-sigv4":
            return Authorised(_signed(request, service, context))
        case "oauth":
            form = _oauth_form(service)
            fetch = partial(_fetch, service, _text(service, "token-url"), form, _client(service), context)
        case "google-service-account":
            account = _account(service)
            fetch = partial(_fetch_google, service, account, context)
        case _:
            return Authorised(request)
    key = _cache_key(service, request.url)
    token, new = context.tokens.get(key, context.clock.monotonic_ms(), fetch)
    sent = replace(request, headers=(*request.headers, ("Authorization", f"Bearer {token}")))
    return Authorised(sent) if new else Authorised(sent, key, token)


def _fixed(service: Service) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    match kind_of(service):
        case "api-key":
            key = _secret(service, "api-key")
            param = service.settings.get("param")
            if param is not None:
                return (), ((str(param), key),)
            name = str(service.settings.get("header") or "X-API-Key")
            prefix = str(service.settings.get("prefix") or "")
            return ((name, f"{prefix} {key}" if prefix else key),), ()
        case "bearer":
            return (("Authorization", f"Bearer {_secret(service, 'token')}"),), ()
        case "basic":
            pair = f"{_text(service, 'username')}:{_secret(service, 'password')}"
            return (("Authorization", f"Basic {_base64(pair)}"),), ()
        case _:
            return (), ()


def _oauth_form(service: Service) -> dict[str, str]:
    refresh = service.secrets.get("refresh-token")
    form = {"grant_type": "client_credentials"}
    if refresh is not None:
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
    for setting, name in (("scopes", "scope"), ("audience", "audience")):
        value = service.settings.get(setting)
        if value is not None:
            form[name] = str(value)
    if service.settings.get("client-auth") == "post":
        form |= {"client_id": _text(service, "client-id"), "client_secret": _secret(service, "client-secret")}
    return form


def _client(service: Service) -> tuple[tuple[str, str], ...]:
    if service.settings.get("client-auth") == "post":
        return ()
    pair = f"{quote_plus(_text(service, 'client-id'))}:{quote_plus(_secret(service, 'client-secret'))}"
    return (("Authorization", f"Basic {_base64(pair)}"),)


def _fetch(
    service: Service,
    url: str,
    form: Mapping[str, str],
    headers: tuple[tuple[str, str], ...],
    context: Context,
) -> Token:
    began = context.clock.monotonic_ms()
    request = HttpRequest(
        "POST",
        url,
        (*headers, ("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")),
        urlencode(form).encode(),
        max(1, min(TOKEN_TIMEOUT_MS, context.deadline_ms - began)),
        MAX_TOKEN_BYTES,
        follow_redirects=False,  # a secret is posted to the URL that was configured and to no other
        origins=service.origins,
    )
    try:
        answer = context.http.send(request, context.cancel)
    except StepError as error:
        error.definite = True  # whatever became of the token, the step's own request was not sent
        raise
    token, life_s = _token_in(service, answer)
    context.log.line(f"{service.name}: a new access token, good for {life_s} s")
    life_ms = life_s * 1_000
    return Token(token, began + max(life_ms - _EARLY_MS, life_ms // 2))


def _token_in(service: Service, answer: HttpResponse) -> tuple[str, int]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    fields = found if isinstance(found, dict) else {}
    token, life = fields.get("access_token"), fields.get("expires_in")
    if answer.status == 200 and isinstance(token, str) and token:
        stated = life if isinstance(life, int | float) and 0 < life < 1e9 else _USUAL_LIFE_S
        return token, int(stated)
    # The body may repeat what was sent: only the code that the standard defines is told on.
    reason = str(fields.get("error") or "no access token in the answer")[:60]
    raise StepError(
        "auth.refused" if 400 <= answer.status < 500 else "auth.unavailable",
        f"the token URL of {service.name} answered {answer.status}: {reason}",
        retryable=answer.status in (408, 429) or answer.status >= 500,
        data={"status": answer.status},
        hint=f"check the token URL, the client and the secret of {service.name} in connections.yaml",
    )


def _fetch_google(service: Service, account: Mapping[str, str], context: Context) -> Token:
    now = context.clock.now_ms() // 1_000
    claims = {
        "iss": account["client_email"],
        "scope": _text(service, "scopes"),
        "aud": account["token_uri"],
        "iat": now,
        "exp": now + _GOOGLE_LIFE_S,
    }
    head = {"alg": "RS256", "typ": "JWT", "kid": account.get("private_key_id", "")}
    text = f"{_base64url(json.dumps(head).encode())}.{_base64url(json.dumps(claims).encode())}"
    try:
        key = serialization.load_pem_private_key(account["private_key"].encode(), None)
    except ValueError:
        raise _missing(service, "the private key in service-account cannot be read") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _missing(service, "the private key in service-account is no RSA key")
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    form = {"grant_type": _GOOGLE_GRANT, "assertion": f"{text}.{_base64url(signature)}"}
    return _fetch(service, account["token_uri"], form, (), context)


def _account(service: Service) -> Mapping[str, str]:
    try:
        found = json.loads(_secret(service, "service-account"))
    except (ValueError, RecursionError):
        found = None
    wanted = ("client_email", "private_key", "token_uri")
    if not isinstance(found, dict) or not all(isinstance(found.get(name), str) for name in wanted):
        raise _missing(service, "the secret service-account is no JSON file of a service account")
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _signed(request: HttpRequest, service: Service, context: Context) -> HttpRequest:
    key = AwsKey(
        _secret(service, "access-key-id"),
        _secret(service, "secret-access-key"),
        service.secrets.get("session-token"),
    )
    return signed(
        request,
        key,
        region=_text(service, "region"),
        service=_text(service, "service"),
        now_ms=context.clock.now_ms(),
        digest=body_digest(request.body),
    )


def _cache_key(service: Service, url: str) -> str:
    # By everything that a token depends on: a rotated secret or another scope never meets an old token.
    parts = urlsplit(url)
    what = [
        f"{parts.scheme}://{parts.netloc}",
        sorted(service.settings.items()),
        sorted(service.secrets.items()),
    ]
    return hashlib.sha256(json.dumps(what, default=str).encode()).hexdigest()


def _secret(service: Service, role: str) -> str:
    found = service.secrets.get(role)
    if not found:
        raise _missing(service, f"auth {kind_of(service)} needs the secret {role}")
    return found


def _text(service: Service, setting: str) -> str:
    found = service.settings.get(setting)
    if found is None or found == "":
        raise _missing(service, f"auth {kind_of(service)} needs the setting {setting}")
    return str(found)


def _missing(service: Service, why: str) -> StepError:
    return StepError(
        "connection.auth",
        f"connection {service.name}: {why}",
        hint=f"see {service.name} in connections.yaml",
    )


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
