"""A real token server and an API behind it on 127.0.0.1: what it grants, it checks."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, quote_plus

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.loopback import Answer, Loopback, Seen

CLIENT, SECRET, REFRESH = "client a", "s3cret/of+a", "r3fresh"


@dataclass
class Grants:
    """Tokens given out; `revoke` makes those known so far worthless."""

    life_s: int = 3_600
    status: int = 200
    good: set[str] = field(default_factory=set)
    refresh: str = REFRESH
    rotate: str | None = None  # begins every new refresh token, each of which is good once
    asked: list[dict[str, str]] = field(default_factory=list)

    def revoke(self) -> None:
        """No token that was granted is good any more."""
        self.good.clear()


class OAuthServer(Loopback):
    """`/token` grants, `/api` answers whoever has a good token and 401 to others."""

    def __init__(self) -> None:
        super().__init__()
        self.grants = Grants()
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def answer(self, request: Seen) -> Answer:
        """Grant or check; other paths are scripted as usual."""
        match request.path.partition("?")[0]:
            case "/token":
                self.seen.append(request)
                return self._granted(request)
            case "/api":
                self.seen.append(request)
                token = request.headers.get("authorization", "").removeprefix("Bearer ")
                return _json(200, {"ok": True}) if token in self.grants.good else _json(401, {})
            case "/revoke":
                self.grants.revoke()
                return Answer(204)
            case _:
                return super().answer(request)

    def account(self) -> str:
        """The JSON file of a service account whose key this server knows."""
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        fields = {
            "type": "service_account",
            "client_email": "robot@example.test",
            "private_key_id": "k1",
            "private_key": pem.decode(),
            "token_uri": f"{self.origin}/token",
        }
        return json.dumps(fields)

    def _granted(self, request: Seen) -> Answer:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self.grants.asked.append(form)
        if self.grants.status != 200:
            return _json(self.grants.status, {"error": "temporarily_unavailable"})
        if not self._knows(form, request):
            return _json(401, {"error": "invalid_client", "error_description": f"{SECRET} is wrong"})
        token = f"token-{len(self.grants.asked)}"
        self.grants.good.add(token)
        granted = {"access_token": token, "token_type": "Bearer", "expires_in": self.grants.life_s}
        if self.grants.rotate is not None:
            self.grants.refresh = f"{self.grants.rotate}-{len(self.grants.asked)}"
            granted["refresh_token"] = self.grants.refresh
        return _json(200, granted)

    def _knows(self, form: dict[str, str], request: Seen) -> bool:
        match form.get("grant_type"):
            case "client_credentials":
                return self._is_client(form, request)
            case "refresh_token":
                return self._is_client(form, request) and form["refresh_token"] == self.grants.refresh
            case "urn:ietf:params:oauth:grant-type:jwt-bearer":
                return self._is_signed(form["assertion"])
            case _:
                return False

    def _is_client(self, form: dict[str, str], request: Seen) -> bool:
        if "client_id" in form:
            return (form["client_id"], form["client_secret"]) == (CLIENT, SECRET)
        given = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        return given == f"{quote_plus(CLIENT)}:{quote_plus(SECRET)}"

    def _is_signed(self, assertion: str) -> bool:
        text, _, signature = assertion.rpartition(".")
        # Raises, and so fails the test, where the signature is not the key's.
        self.key.public_key().verify(_decoded(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
        claims = json.loads(_decoded(text.partition(".")[2]))
        right = {"iss": "robot@example.test", "aud": f"{self.origin}/token", "scope": "read write"}
        return claims.items() >= right.items() and claims["exp"] - claims["iat"] == 3_600


def _json(status: int, value: object) -> Answer:
    return replace(Answer(status, json.dumps(value).encode()), headers={"Content-Type": "application/json"})


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
