"""How a request proves who sends it where no fixed header does: by a fetched token, or by a signature.

What each kind of `HttpAuth` reads; the secrets go into a request, or to the token URL, and only to origins
that their allow-list names:

    oauth                   token-url, client-id, grant, scopes, audience, client-auth (basic or post);
                            secrets client-secret and, for the grant that trades it in, refresh-token
    aws-sigv4               region, service; secrets access-key-id, secret-access-key, session-token
    google-service-account  scopes, token-url, audience; secret service-account, the text of the JSON file
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import quote_plus, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gitflow_runner.errors import StepError
from gitflow_runner.net.sigv4 import AwsKey, signed
from gitflow_runner.steps.base import Context, HttpAuth, HttpRequest, HttpResponse
from gitflow_runner.steps.bodies import body_digest
from gitflow_runner.steps.tokens import Token

TOKEN_TIMEOUT_MS = 30_000
MAX_TOKEN_BYTES = 100_000
NOT_RENEWED = "secret.not_renewed"

_EARLY_MS = 60_000  # a token is renewed that long before its end, so that it does not die on the way
_USUAL_LIFE_S = 300  # where the answer does not say
_REFRESH = "refresh-token"
_GOOGLE_LIFE_S = 3_600
_GOOGLE_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Authorised:
    """A request that may go; `token` is what it carries if that was fetched earlier and may be stale."""

    request: HttpRequest
    key: str | None = None
    token: str | None = None


def authorise(request: HttpRequest, auth: HttpAuth, context: Context) -> Authorised:
    """The request with its token or signature; `StepError` (`connection.auth`, `auth.*`, `http.*`)."""
    if not request.origins:
        raise _missing(auth, "nothing says where its secrets may be sent")
    match auth.kind:
        case "aws-sigv4":
            return Authorised(_signed(request, auth, context))
        case "oauth":
            fetch = partial(_oauth_token, auth, request, context)
        case "google-service-account":
            ask = _google_request(auth, context.clock.now_ms() // 1_000)
            fetch = partial(_google_token, ask, request, context)
        case _:
            raise _missing(auth, "there is no such kind")
    key = _cache_key(auth, request.url)
    token, new = context.tokens.get(key, context.clock.monotonic_ms(), fetch)
    if new and context.connections is not None:
        context.connections.hide(token)
    sent = replace(request, headers=(*request.headers, ("Authorization", f"Bearer {token}")))
    return Authorised(sent) if new else Authorised(sent, key, token)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What is posted to a token URL."""

    url: str
    form: Mapping[str, str] = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def _oauth_token(auth: HttpAuth, request: HttpRequest, context: Context) -> Token:
    """A token by the grant of the connection.

    A refresh token may be good for one use only: the one that comes with the answer takes its place before
    the access token is used, and two that share it go one after the other.
    """
    name = auth.names.get(_REFRESH)
    if _grant(auth) != "refresh_token" or name is None or context.connections is None:
        token, new = _fetch(_oauth_request(auth), request.origins, context)
        if new is not None and new != auth.secrets.get(_REFRESH):
            context.log.line(f"{NOT_RENEWED}: there is a new refresh token, and no name to keep it under")
        return token
    with context.connections.renewing(name) as held:
        auth = _with_refresh(auth, held.value)
        token, new = _fetch(_oauth_request(auth), request.origins, context)
        if new is None or new == held.value:
            return token
        problem = held.keep(new)
        told = f"the service gave a new {name}"
        context.log.line(f"{told}; it is kept" if problem is None else f"{NOT_RENEWED}: {told}; {problem}")
    # Whoever opens the secret from now on gets the new one, and this token with it.
    context.tokens.put(_cache_key(_with_refresh(auth, new), request.url), token)
    return token


def _google_token(ask: TokenRequest, request: HttpRequest, context: Context) -> Token:
    return _fetch(ask, request.origins, context)[0]


def _with_refresh(auth: HttpAuth, value: str) -> HttpAuth:
    return replace(auth, secrets={**auth.secrets, _REFRESH: value})


def _grant(auth: HttpAuth) -> str:
    usual = "refresh-token" if auth.secrets.get(_REFRESH) else "client-credentials"
    return str(auth.settings.get("grant") or usual).replace("-", "_")


def _oauth_request(auth: HttpAuth) -> TokenRequest:
    form = {"grant_type": _grant(auth)}
    if form["grant_type"] == "refresh_token":
        form["refresh_token"] = _secret(auth, _REFRESH)
    for setting, name in (("scopes", "scope"), ("audience", "audience")):
        value = auth.settings.get(setting)
        if value is not None:
            form[name] = str(value)
    client, secret = _text(auth, "client-id"), auth.secrets.get("client-secret")
    if secret is None:
        if form["grant_type"] == "client_credentials":
            raise _missing(auth, "it needs the secret client-secret")
        return TokenRequest(_text(auth, "token-url"), form | {"client_id": client})
    if auth.settings.get("client-auth") == "post":
        return TokenRequest(_text(auth, "token-url"), form | {"client_id": client, "client_secret": secret})
    pair = base64.b64encode(f"{quote_plus(client)}:{quote_plus(secret)}".encode()).decode()
    return TokenRequest(_text(auth, "token-url"), form, (("Authorization", f"Basic {pair}"),))


def _fetch(ask: TokenRequest, origins: tuple[str, ...], context: Context) -> tuple[Token, str | None]:
    """The access token, and the refresh token that came with it."""
    began = context.clock.monotonic_ms()
    request = HttpRequest(
        "POST",
        ask.url,
        (*ask.headers, ("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")),
        urlencode(ask.form).encode(),
        max(1, min(TOKEN_TIMEOUT_MS, context.deadline_ms - began)),
        MAX_TOKEN_BYTES,
        follow_redirects=False,  # a secret is posted to the URL that was configured and to no other
        origins=origins,
    )
    try:
        answer = context.http.send(request, context.cancel)
    except StepError as error:
        error.definite = True  # whatever became of the token, the step's own request was not sent
        raise
    host = urlsplit(ask.url).hostname
    token, life_s, refresh = _token_in(answer, host)
    context.log.line(f"a new access token from {host}, good for {life_s} s")
    life_ms = life_s * 1_000
    return Token(token, began + max(life_ms - _EARLY_MS, life_ms // 2)), refresh


def _token_in(answer: HttpResponse, host: str | None) -> tuple[str, int, str | None]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    fields = found if isinstance(found, dict) else {}
    token, life = fields.get("access_token"), fields.get("expires_in")
    if answer.status == 200 and isinstance(token, str) and token:
        stated = life if isinstance(life, int | float) and 0 < life < 1e9 else _USUAL_LIFE_S
        refresh = fields.get("refresh_token")
        return token, int(stated), refresh if isinstance(refresh, str) and refresh else None
    # The body may repeat what was sent: only the code that the standard defines is told on.
    reason = str(fields.get("error") or "no access token in the answer")[:60]
    raise StepError(
        "auth.refused" if 400 <= answer.status < 500 else "auth.unavailable",
        f"the token URL at {host} answered {answer.status}: {reason}",
        retryable=answer.status in (408, 429) or answer.status >= 500,
        data={"status": answer.status},
        hint="check the token URL, the client and the secret of the connection in connections.yaml",
    )


def _google_request(auth: HttpAuth, now_s: int) -> TokenRequest:
    account = _account(auth)
    url = str(auth.settings.get("token-url") or account["token_uri"])
    claims = {
        "iss": account["client_email"],
        "scope": _text(auth, "scopes"),
        "aud": str(auth.settings.get("audience") or account["token_uri"]),
        "iat": now_s,
        "exp": now_s + _GOOGLE_LIFE_S,
    }
    head = {"alg": "RS256", "typ": "JWT", "kid": account.get("private_key_id", "")}
    text = f"{_base64url(json.dumps(head).encode())}.{_base64url(json.dumps(claims).encode())}"
    try:
        key = serialization.load_pem_private_key(account["private_key"].encode(), None)
    except ValueError:
        raise _missing(auth, "the private key in service-account cannot be read") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _missing(auth, "the private key in service-account is no RSA key")
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return TokenRequest(url, {"grant_type": _GOOGLE_GRANT, "assertion": f"{text}.{_base64url(signature)}"})


def _account(auth: HttpAuth) -> Mapping[str, str]:
    try:
        found = json.loads(_secret(auth, "service-account"))
    except (ValueError, RecursionError):
        found = None
    wanted = ("client_email", "private_key", "token_uri")
    if not isinstance(found, dict) or not all(isinstance(found.get(name), str) for name in wanted):
        raise _missing(auth, "the secret service-account is no JSON file of a service account")
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _signed(request: HttpRequest, auth: HttpAuth, context: Context) -> HttpRequest:
    key = AwsKey(
        _text(auth, "access-key-id"), _secret(auth, "secret-access-key"), auth.secrets.get("session-token")
    )
    return signed(
        request,
        key,
        region=_text(auth, "region"),
        service=_text(auth, "service"),
        now_ms=context.clock.now_ms(),
        digest=body_digest(request.body),
    )


def _cache_key(auth: HttpAuth, url: str) -> str:
    # By everything that a token depends on: a rotated secret or another scope never meets an old token.
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    what = [origin, auth.kind, sorted(auth.settings.items()), sorted(auth.secrets.items())]
    return hashlib.sha256(json.dumps(what, default=str).encode()).hexdigest()


def _secret(auth: HttpAuth, role: str) -> str:
    found = auth.secrets.get(role)
    if not found:
        raise _missing(auth, f"it needs the secret {role}")
    return found


def _text(auth: HttpAuth, name: str) -> str:
    """A setting; the ids of clients and keys may as well be kept with the secrets."""
    found = auth.settings.get(name) or auth.secrets.get(name)
    if not found:
        raise _missing(auth, f"it needs the setting {name}")
    return str(found)


def _missing(auth: HttpAuth, why: str) -> StepError:
    return StepError(
        "connection.auth",
        f"auth of kind {auth.kind[:40]}: {why}",
        hint="see the connection in connections.yaml",
    )


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
