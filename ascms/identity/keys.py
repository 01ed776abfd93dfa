"""The issuer's public keys: found through its discovery document, kept, and asked for again only when needed.

A token that names an unknown key leads to one more look, shared by all who wait and never oftener than
`REFETCH_INTERVAL`, so that invented key names cannot make this server hammer the issuer. While the issuer is
away, the keys that are known go on.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from .errors import IdentityUnavailable

REFETCH_INTERVAL = 30.0
"""Seconds between two looks at the issuer's keys, whatever tokens say."""
RETRY_INTERVAL = 5.0
"""Seconds after a look that failed."""
MAXIMUM_AGE = 3600.0
"""Seconds after which the keys are read anew, so that a withdrawn key stops counting."""
TIMEOUT = 5.0
MINIMUM_RSA_BITS = 2048

_log = logging.getLogger(__name__)


def canonical_issuer(issuer: str) -> str:
    """`issuer` without a closing slash: settings add one where the address has no path, issuers often do not."""
    return issuer.removesuffix("/")


class IssuerKeys:
    """The signing keys of one issuer. `generation` changes whenever the keys do."""

    def __init__(self, issuer: str, http: httpx.AsyncClient, clock: Callable[[], float]) -> None:
        self._issuer = canonical_issuer(issuer)
        self._http = http
        self._clock = clock
        self._lock = asyncio.Lock()
        self._keys: list[Key] | None = None
        self._published: object = None
        self._keys_address: str | None = None
        self._tried_at: float | None = None
        self._read_at = 0.0
        self._failing = False
        self.generation = 0

    async def find(self, kid: str | None, algorithm: str) -> Key | None:
        """The key `kid` for `algorithm`, None where the issuer has no such key.

        Raises IdentityUnavailable where that cannot be known now.
        """
        await self.renew()
        key = self._match(kid, algorithm)
        if key is None:
            await self._look()
            key = self._match(kid, algorithm)
        if key is None and (self._keys is None or self._failing):
            raise IdentityUnavailable("The identity provider cannot be reached to check the token; try again soon.")
        return key

    async def renew(self) -> None:
        """Read the keys anew where they are old. Whoever comes while that happens goes on with the old ones."""
        old = self._keys is not None and self._clock() - self._read_at >= MAXIMUM_AGE
        if old and not self._lock.locked():
            await self._look()

    def _match(self, kid: str | None, algorithm: str) -> Key | None:
        fitting = [
            key
            for key in self._keys or ()
            if kid in {None, key.kid} and key.get("alg") in {None, algorithm} and key.get("use") in {None, "sig"}
        ]
        # Without a name only an issuer with a single key leaves no doubt.
        return fitting[0] if fitting and (kid is not None or len(fitting) == 1) else None

    async def _look(self) -> None:
        async with self._lock:
            wait = RETRY_INTERVAL if self._failing else REFETCH_INTERVAL
            if self._tried_at is not None and self._clock() - self._tried_at < wait:
                return
            self._tried_at = self._clock()
            try:
                published = await self._fetch()
                keys = _usable(published)
            except (httpx.HTTPError, ValueError) as error:
                _log.warning("The keys of %s could not be read: %s", self._issuer, error)
                self._failing = True
                self._keys_address = None
                return
            self._failing = False
            self._read_at = self._clock()
            if published != self._published:
                self._published, self._keys = published, keys
                self.generation += 1

    async def _fetch(self) -> list[Any]:
        if self._keys_address is None:
            self._keys_address = await self._discover()
        document = await self._get(self._keys_address)
        keys = document.get("keys")
        if not isinstance(keys, list):
            raise ValueError(f"{self._keys_address} is no JWK set")
        return keys

    async def _discover(self) -> str:
        address = f"{self._issuer}/.well-known/openid-configuration"
        document = await self._get(address)
        named = document.get("issuer")
        if not isinstance(named, str) or canonical_issuer(named) != self._issuer:
            raise ValueError(f"{address} names another issuer, {named!r}")
        keys_address = document.get("jwks_uri")
        schemes = ("https://",) if self._issuer.startswith("https://") else ("https://", "http://")
        if not isinstance(keys_address, str) or not keys_address.startswith(schemes):
            raise ValueError(f"{address} names no usable jwks_uri, {keys_address!r}")
        return keys_address

    async def _get(self, address: str) -> dict[str, Any]:
        response = await self._http.get(
            address, headers={"Accept": "application/json"}, follow_redirects=False, timeout=TIMEOUT
        )
        if response.status_code != httpx.codes.OK:
            raise ValueError(f"{address} answered {response.status_code}")
        document = response.json()
        if not isinstance(document, dict):
            raise ValueError(f"{address} is no JSON object")
        return document


def _usable(published: list[Any]) -> list[Key]:
    """The keys that can check a signature; one that cannot be read does not spoil the others."""
    keys: list[Key] = []
    for data in published:
        if not isinstance(data, dict) or data.get("kty") not in {"RSA", "EC", "OKP"} or _is_short(data):
            continue
        try:
            key = import_key(data)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if isinstance(key, (RSAKey, ECKey, OKPKey)):
            key.ensure_kid()
            keys.append(key)
    return keys


def _is_short(data: dict[str, Any]) -> bool:
    # Six bits a character of base64url, with up to five bits of padding.
    return data["kty"] == "RSA" and len(str(data.get("n", ""))) * 6 < MINIMUM_RSA_BITS
