"""The issuer's public keys: found through its discovery document, kept, and asked for again only when needed.

A token that names an unknown key leads to one more look, shared by all who wait and never oftener than
`issuer_keys_pause`, so that invented key names cannot make this server hammer the issuer. While the issuer is
away, slow or answers rubbish, the keys that are known go on: nobody who brings one of them waits for it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import orjson
from joserfc.jwk import Key, RSAKey, import_key

from ascms.settings import Settings

from .errors import IdentityUnavailable

RETRY_INTERVAL: Final = 5.0
"""Seconds after a look that failed."""
TIMEOUT: Final = 5.0
"""Seconds that a look may take, both documents together, however slowly they drip."""
PATIENCE: Final = 1.0
"""Seconds for which the request that finds the keys old waits for them; then it goes on with those that are known."""
MAXIMUM_DOCUMENT: Final = 262_144
"""Bytes of what the issuer publishes."""
MINIMUM_RSA_BITS: Final = 2048

_RSA_ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_EDWARDS: Final = frozenset({"EdDSA", "Ed25519"})
"""Two names of the same."""
_CURVES: Final = {
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): _EDWARDS,
}
_PUBLIC: Final = ("kty", "n", "e", "crv", "x", "y")

_log = logging.getLogger(__name__)


def canonical_issuer(issuer: str) -> str:
    """`issuer` without a closing slash: settings add one where the address has no path, issuers often do not."""
    return issuer.removesuffix("/")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A published key, and the algorithms that it may check signatures of."""

    kid: str
    algorithms: frozenset[str]
    key: Key


class IssuerKeys:
    """The signing keys of one issuer. `generation` changes whenever the keys do; `ticks` counts seconds, evenly."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient, ticks: Callable[[], float]) -> None:
        """Raises ValueError where the settings name no issuer."""
        if settings.issuer is None:
            raise ValueError("ASCMS_ISSUER is not set; give the address of the OpenID Connect issuer")
        self._issuer = canonical_issuer(str(settings.issuer))
        self._http = http
        self._ticks = ticks
        self._age, self._pause = settings.issuer_keys_age, settings.issuer_keys_pause
        self._longest = max(settings.token_lifetime, self._age)
        self._keys: list[SigningKey] | None = None
        self._published: object = None
        self._keys_address: str | None = None
        self._looking: asyncio.Task[None] | None = None
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
        if key is None and (look := self._look()) is not None:
            await asyncio.wait({look})
            key = self._match(kid, algorithm)
        if key is None and (self._keys is None or self._failing):
            raise IdentityUnavailable("The identity provider cannot be reached to check the token; try again soon.")
        return key

    async def known(self) -> bool:
        """Whether the issuer's keys were read, now or before."""
        if self._keys is None and (look := self._look()) is not None:
            await asyncio.wait({look})
        return self._keys is not None

    async def renew(self) -> None:
        """Read the keys anew where they are old. Whoever comes while that happens goes on with the old ones.

        Raises IdentityUnavailable where they were last read longer ago than a token may live.
        """
        if not self.are_old:
            return
        if not self._is_looking and (look := self._look()) is not None:
            await asyncio.wait({look}, timeout=PATIENCE)
        if self._ticks() - self._read_at >= self._longest:
            raise IdentityUnavailable("The identity provider has been away for too long to trust its keys still.")

    @property
    def are_old(self) -> bool:
        """Whether the keys should be read anew."""
        return self._keys is not None and self._ticks() - self._read_at >= self._age

    async def aclose(self) -> None:
        """Give up a look that is under way."""
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking

    def _match(self, kid: str | None, algorithm: str) -> Key | None:
        fitting = [one.key for one in self._keys or () if algorithm in one.algorithms and kid in {None, one.kid}]
        # Without a name only an issuer with a single key leaves no doubt.
        return fitting[0] if fitting and (kid is not None or len(fitting) == 1) else None

    @property
    def _is_looking(self) -> bool:
        return self._looking is not None and not self._looking.done()

    def _look(self) -> asyncio.Task[None] | None:
        """The look that is under way, begun where one may be; None where the last one was only just now.

        A task of its own: it goes on when the request that led to it is broken off.
        """
        if not self._is_looking:
            wait = min(RETRY_INTERVAL, self._pause) if self._failing else self._pause
            if self._tried_at is not None and self._ticks() - self._tried_at < wait:
                return None
            self._tried_at = self._ticks()
            self._looking = asyncio.create_task(self._read())
        return self._looking

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT):
                published = await self._fetch()
            keys = _usable(published)
            if not keys:
                raise ValueError("there is no key for signatures among them")
        except Exception as error:  # noqa: BLE001 (whatever the issuer's answer is, it gave no keys)
            _log.warning("The keys of %s could not be read: %s", self._issuer, str(error) or type(error).__name__)
            self._failing = True
            self._keys_address = None
            return
        self._failing = False
        self._read_at = self._ticks()
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
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        body = bytearray()
        async with self._http.stream("GET", address, headers=headers, follow_redirects=False) as response:
            if response.status_code != httpx.codes.OK:
                raise ValueError(f"{address} answered {response.status_code}")
            # As it comes: what is packed nevertheless could be of any size, and is no JSON.
            async for part in response.aiter_raw():
                body += part
                if len(body) > MAXIMUM_DOCUMENT:
                    raise ValueError(f"{address} is longer than {MAXIMUM_DOCUMENT:,} bytes")
        document = orjson.loads(body)
        if not isinstance(document, dict):
            raise ValueError(f"{address} is no JSON object")
        return document


def _usable(published: list[Any]) -> list[SigningKey]:
    """The keys that can check a signature; one that cannot be read does not spoil the others."""
    found = (_signing_key(data) for data in published if isinstance(data, dict))
    return [key for key in found if key is not None]


def _signing_key(data: Mapping[str, Any]) -> SigningKey | None:
    operations = data.get("key_ops", ["verify"])
    if data.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        # Only what makes the public key: the library need not agree with us about the rest.
        key = import_key({name: data[name] for name in _PUBLIC if name in data})
        algorithms = _algorithms(key, data)
        kid = data.get("kid", key.thumbprint())
    except Exception:  # noqa: BLE001 (a key may be rubbish in any way)
        return None
    return SigningKey(kid, algorithms, key) if algorithms and isinstance(kid, str) else None


def _algorithms(key: Key, data: Mapping[str, Any]) -> frozenset[str]:
    """What the key may check: by what it is, and no more than the issuer says of it."""
    if isinstance(key, RSAKey):
        fitting = _RSA_ALGORITHMS if key.public_key.key_size >= MINIMUM_RSA_BITS else frozenset()
    else:
        fitting = _CURVES.get((data["kty"], data["crv"]), frozenset())
    named = data.get("alg")
    if named is None:
        return fitting
    return fitting & (_EDWARDS if named in _EDWARDS else {named})
