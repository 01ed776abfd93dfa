"""An OpenID Connect issuer for tests: a small ASGI application with keys, a clock, and a count of who asked what."""

import base64
import json
from collections import Counter
from functools import cache
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from pydantic import HttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ascms.identity import TokenVerifier
from ascms.settings import Settings

ADDRESS = "https://issuer.example"
NOW = 1_800_000_000


@cache
def rsa_key(kid: str, use: str = "sig") -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": use, "alg": "RS256"})


@cache
def ec_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})


@cache
def ed_key(kid: str) -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": kid, "use": "sig"})


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class Issuer:
    """Issues tokens at `ADDRESS`. `now` is the time for it and for the verifier."""

    def __init__(self) -> None:
        self.keys: list[Key] = [rsa_key("one")]
        self.now = float(NOW)
        self.up = True
        self.named = ADDRESS
        self.asked: Counter[str] = Counter()
        routes = [Route("/.well-known/openid-configuration", self._discovery), Route("/keys", self._keys)]
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(Starlette(routes=routes)))

    async def _discovery(self, request: Request) -> Response:
        self.asked["discovery"] += 1
        return JSONResponse({"issuer": self.named, "jwks_uri": f"{ADDRESS}/keys"}, 200 if self.up else 503)

    async def _keys(self, request: Request) -> Response:
        self.asked["keys"] += 1
        return JSONResponse({"keys": [key.as_dict(private=False) for key in self.keys]}, 200 if self.up else 503)

    def settings(self, **more: Any) -> Settings:
        return Settings(issuer=HttpUrl(ADDRESS), **more)

    def verifier(self, **more: Any) -> TokenVerifier:
        return TokenVerifier(self.settings(**more), self.http, clock=lambda: self.now)

    def claims(self, **changed: Any) -> dict[str, Any]:
        """A good access token's claims; `changed` replaces some, and None takes one out."""
        claims = {
            "iss": ADDRESS,
            "sub": "esl-1",
            "aud": "ascms",
            "client_id": "portal",
            "iat": int(self.now),
            "exp": int(self.now) + 3600,
            "jti": "1",
        }
        return {name: value for name, value in (claims | changed).items() if value is not None}

    def token(
        self,
        *,
        key: Key | None = None,
        algorithm: str = "RS256",
        header: dict[str, Any] | None = None,
        kid: str | None = None,
        typ: str | None = "at+jwt",
        **changed: Any,
    ) -> str:
        """A signed token, as good as the arguments leave it."""
        key = key or self.keys[0]
        whole = {"alg": algorithm, "kid": kid or key.kid, "typ": typ, **(header or {})}
        whole = {name: value for name, value in whole.items() if value is not None}
        if typ is None:
            return jwt.encode(whole, self.claims(**changed), key, [algorithm], default_type=None)
        return jwt.encode(whole, self.claims(**changed), key, [algorithm])
