"""Bearer tokens: JWT access tokens (RFC 9068) checked against the issuer's keys.

What a token's header says is never followed to a key: only the issuer's published keys count, under an
allow-list of algorithms. A refusal says what is wrong, and never repeats what the token contains.
"""

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import orjson
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry, deserialize_compact, extract_compact

from ascms.settings import Settings

from .errors import invalid_token
from .keys import IssuerKeys, canonical_issuer

Claims = Mapping[str, Any]

ALGORITHMS = frozenset({"RS256", "ES256", "EdDSA", "Ed25519"})
"""Signatures by public key only; `none` and shared secrets have no place here."""
LEEWAY = 30
"""Seconds by which clocks may differ."""
MAXIMUM_TOKEN = 8192
REMEMBERED_TOKENS = 4096

ACCESS_TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt"})
PLAIN_TYPES = frozenset({"jwt", "application/jwt"})
"""What issuers older than RFC 9068 write; then the claims must not be those of an ID token."""
ID_TOKEN_CLAIMS = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
FORBIDDEN_HEADERS = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64"})
"""They would let the sender choose the key, or the rules."""


class _Registry(JWSRegistry):
    """joserfc's registry under our allow-list, and without its warning that EdDSA has a newer name."""

    def __init__(self) -> None:
        super().__init__(algorithms=sorted(ALGORITHMS), strict_check_header=False)

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(f"Algorithm of '{name}' is not allowed")
        return self.algorithms[name]


class TokenVerifier:
    """Checks bearer tokens of `settings.issuer`. `clock` gives seconds since 1970.

    Verified tokens are remembered until they expire or the issuer's keys change.
    """

    def __init__(self, settings: Settings, http: httpx.AsyncClient, *, clock: Callable[[], float] = time.time) -> None:
        if settings.issuer is None:
            raise ValueError("ASCMS_ISSUER is not set; give the address of the OpenID Connect issuer")
        issuer = str(settings.issuer)
        self._issuers = frozenset(map(canonical_issuer, (issuer, *settings.former_issuers)))
        self._audience = settings.audience
        self._clock = clock
        self._keys = IssuerKeys(issuer, http, clock)
        self._registry = _Registry()
        self._remembered: OrderedDict[bytes, tuple[int, Claims]] = OrderedDict()

    async def verify(self, token: str) -> Claims:
        """The claims of `token`.

        Raises Unauthenticated where it is not acceptable, and IdentityUnavailable where that cannot be known.
        """
        if len(token) > MAXIMUM_TOKEN:
            raise invalid_token(f"The token is longer than {MAXIMUM_TOKEN} bytes.")
        await self._keys.renew()
        digest = hashlib.sha256(token.encode()).digest()
        generation, claims = self._remembered.get(digest, (None, None))
        if claims is None or generation != self._keys.generation:
            claims = await self._check_signature(token)
            self._check_fixed(claims)
            self._check_times(claims)
            self._remember(digest, claims)
        else:
            self._check_times(claims)
            self._remembered.move_to_end(digest)
        return claims

    def seconds_left(self, claims: Claims) -> float:
        """For how long a token with these verified claims will still be accepted."""
        return max(0.0, float(claims["exp"]) + LEEWAY - self._clock())

    def _remember(self, digest: bytes, claims: Claims) -> None:
        self._remembered[digest] = (self._keys.generation, claims)
        self._remembered.move_to_end(digest)
        if len(self._remembered) > REMEMBERED_TOKENS:
            self._remembered.popitem(last=False)

    async def _check_signature(self, token: str) -> Claims:
        try:
            header = extract_compact(token.encode(), registry=self._registry).headers()
        except (JoseError, ValueError, TypeError, AttributeError) as error:
            raise invalid_token("The bearer token is no JWT; send the access token as the issuer gave it.") from error
        algorithm, kid = self._check_header(header)
        key = await self._keys.find(kid, algorithm)
        if key is None:
            raise invalid_token("The token is not signed with a key of the issuer; sign in again.")
        try:
            payload = deserialize_compact(token, key, registry=self._registry).payload
            claims = orjson.loads(payload)
        except (JoseError, ValueError, TypeError) as error:
            raise invalid_token("The token's signature does not hold; sign in again.") from error
        if not isinstance(claims, dict):
            raise invalid_token("The token's claims are no JSON object.")
        if str(header["typ"]).lower() in PLAIN_TYPES and ID_TOKEN_CLAIMS & claims.keys():
            raise invalid_token("This is an ID token, which is for the client only; send the access token.")
        return claims

    def _check_header(self, header: Mapping[str, Any]) -> tuple[str, str | None]:
        if FORBIDDEN_HEADERS & header.keys():
            raise invalid_token("The token's header names its own key or rules, which is not accepted.")
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise invalid_token(f"The token's algorithm is not accepted; it must be one of {_listed(ALGORITHMS)}.")
        kind = header.get("typ")
        if not isinstance(kind, str) or kind.lower() not in ACCESS_TOKEN_TYPES | PLAIN_TYPES:
            raise invalid_token("The token is no access token; its type must be at+jwt or JWT.")
        kid = header.get("kid")
        if kid is not None and not isinstance(kid, str):
            raise invalid_token("The token's key name (kid) must be text.")
        return algorithm, kid

    def _check_fixed(self, claims: Claims) -> None:
        issuer = claims.get("iss")
        if not isinstance(issuer, str) or canonical_issuer(issuer) not in self._issuers:
            raise invalid_token("The token is from another issuer than the one this service trusts.")
        audience = claims.get("aud")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise invalid_token(f"The token is not for this service; its audience (aud) must be {self._audience}.")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise invalid_token("The token does not say who it is for; its subject (sub) must be text.")

    def _check_times(self, claims: Claims) -> None:
        now = self._clock()
        expires, starts, issued = (_moment(claims, name) for name in ("exp", "nbf", "iat"))
        if expires is None:
            raise invalid_token("The token never expires; it must say when (exp).")
        if expires <= now - LEEWAY:
            raise invalid_token("The token has expired; sign in again.")
        if starts is not None and starts > now + LEEWAY:
            raise invalid_token("The token is not valid yet (nbf).")
        if issued is not None and issued > now + LEEWAY:
            raise invalid_token("The token was issued in the future (iat); check the clocks.")


def _moment(claims: Claims, name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise invalid_token(f"The token's {name} must be a number of seconds.")
    return value


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
