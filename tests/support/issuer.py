"""An OpenID Connect issuer for tests: a small ASGI application with keys, a clock, and a count of who asked what."""

import asyncio
import base64
import json
import socket
import threading
import time
import warnings
from collections import Counter
from functools import cache
from typing import Any, Self

import httpx
import uvicorn
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
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
def short_key(kid: str) -> RSAKey:
    with warnings.catch_warnings(action="ignore"):
        return RSAKey.generate_key(1024, {"kid": kid, "use": "sig", "alg": "RS256"})


@cache
def ec_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})


@cache
def ed_key(kid: str) -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": kid, "use": "sig"})


class Issuer:
    """Issues tokens at `address`. `now` is the time for it and for the verifier; what it publishes can be spoilt."""

    def __init__(self, address: str = ADDRESS) -> None:
        self.address = address
        self.keys: list[Key] = [rsa_key("one")]
        self.now = float(NOW)
        self.up = True
        self.named = address
        self.instead: bytes | None = None
        """What it answers in place of its keys."""
        self.answers = True
        """False: it takes questions about its keys, and keeps them waiting."""
        self.asked: Counter[str] = Counter()
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/keys", self._keys),
                Route("/attacker/{what}", self._attackers),
            ]
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app))

    async def _discovery(self, request: Request) -> Response:
        self.asked["discovery"] += 1
        return JSONResponse({"issuer": self.named, "jwks_uri": f"{self.address}/keys"}, 200 if self.up else 503)

    async def _keys(self, request: Request) -> Response:
        self.asked["keys"] += 1
        while not self.answers:  # noqa: ASYNC110 (set from another thread)
            await asyncio.sleep(0.01)
        published = json.dumps({"keys": [key.as_dict(private=False) for key in self.keys]}).encode()
        return Response(published if self.instead is None else self.instead, 200 if self.up else 503)

    async def _attackers(self, request: Request) -> Response:
        self.asked["attacker"] += 1
        return JSONResponse({"keys": [rsa_key("attacker").as_dict(private=False)]})

    def moment(self) -> float:
        """The time of its tokens."""
        return self.now

    def settings(self, **more: Any) -> Settings:
        return Settings(issuer=HttpUrl(self.address), **more)

    def verifier(self, **more: Any) -> TokenVerifier:
        return TokenVerifier(self.settings(**more), self.http, clock=lambda: self.now, ticks=lambda: self.now)

    def claims(self, **changed: Any) -> dict[str, Any]:
        """A good access token's claims; `changed` replaces some, and None takes one out."""
        now = int(self.moment())
        claims = {
            "iss": self.address,
            "sub": "esl-1",
            "aud": "ascms",
            "client_id": "portal",
            "iat": now,
            "exp": now + 3600,
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
        """A signed token, as good as the arguments leave it. None in `header` takes a member out."""
        key = key or self.keys[0]
        whole = {"alg": algorithm, "kid": kid or key.kid, "typ": typ, **(header or {})}
        whole = {name: value for name, value in whole.items() if value is not None}
        return signed(json.dumps(whole).encode(), json.dumps(self.claims(**changed)).encode(), key, algorithm)


def part(value: bytes) -> str:
    """Bytes as a part of a token."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def encoded(value: object) -> str:
    """JSON as a part of a token."""
    return part(json.dumps(value).encode())


def signed(header: bytes, payload: bytes, key: Key, algorithm: str = "RS256") -> str:
    """A token of these very bytes, with a true signature of the key."""
    head = f"{part(header)}.{part(payload)}"
    return f"{head}.{part(JWSRegistry.algorithms[algorithm].sign(head.encode(), key))}"


class LiveIssuer(Issuer):
    """The same over HTTP, on a port of this machine, by the real time. A context manager."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        super().__init__(f"http://127.0.0.1:{self._listener.getsockname()[1]}")
        self._server = uvicorn.Server(uvicorn.Config(self.app, log_level="error", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.answers = True
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def moment(self) -> float:
        return time.time()
