"""Bearer tokens: JWT access tokens (RFC 9068) checked against the issuer's keys.

What a token's header says is never followed to a key: only the issuer's published keys count, under an
allow-list of algorithms. A refusal says what is wrong, and never repeats what the token contains.
"""

import hashlib
import json
import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import orjson
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry, deserialize_compact, extract_compact
from joserfc.util import urlsafe_b64decode

from ascms.settings import Settings

from .errors import Unauthenticated, invalid_token
from .keys import IssuerKeys, canonical_issuer

Claims = Mapping[str, Any]

LEEWAY: Final = 30
"""Seconds by which clocks may differ."""
MAXIMUM_TOKEN: Final = 8192
REMEMBERED_TOKENS: Final = 4096

ACCESS_TOKEN_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
PLAIN_TYPES: Final = frozenset({"jwt", "application/jwt"})
"""What issuers older than RFC 9068 write of every token; then the claims must be those of an access token."""
ACCESS_TOKEN_CLAIMS: Final = frozenset({"scope", "scp", "client_id"})
"""An ID token has none of them."""
ID_TOKEN_CLAIMS: Final = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
ACCESS_TOKEN_USES: Final = frozenset({"bearer", "at+jwt", "access"})
"""What issuers say in claims (`typ`, `token_use`) of an access token."""
FORBIDDEN_HEADERS: Final = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"})
"""They would let the sender choose the key, or the rules."""
CLIENT: Final = "client:"
"""What the subjects of machine clients begin with here."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", re.ASCII)
_ENCRYPTED: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){4}", re.ASCII)


class _Registry(JWSRegistry):
    """joserfc's registry under our allow-list, and without its warning that EdDSA has a newer name."""

    def __init__(self, accepted: frozenset[str]) -> None:
        super().__init__(algorithms=sorted(accepted), strict_check_header=False)
        self._accepted = accepted

    def get_alg(self, name: str) -> Any:
        if name not in self._accepted:
            raise UnsupportedAlgorithmError(f"Algorithm of '{name}' is not allowed")
        return self.algorithms[name]


class TokenVerifier:
    """Checks bearer tokens of `settings.issuer`. Verified ones are remembered until the issuer's keys change."""

    def __init__(
        self,
        settings: Settings,
        http: httpx.AsyncClient,
        *,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` gives seconds since 1970, and may be set; `ticks` counts seconds evenly, whatever the clock does.

        Raises ValueError where the settings name no issuer.
        """
        self._keys = IssuerKeys(settings, http, ticks)
        self._issuers = frozenset(map(canonical_issuer, (str(settings.issuer), *settings.former_issuers)))
        self._audience = settings.audience
        self._lifetime = settings.token_lifetime
        self._algorithms = frozenset(one.value for one in settings.token_algorithms)
        self._clock = clock
        self._registry = _Registry(self._algorithms)
        self._remembered: OrderedDict[bytes, tuple[int, Claims]] = OrderedDict()

    async def verify(self, token: str) -> Claims:
        """The claims of `token`.

        Raises Unauthenticated where it is not acceptable, and IdentityUnavailable where that cannot be known.
        """
        if len(token) > MAXIMUM_TOKEN:
            raise invalid_token(f"The token is longer than {MAXIMUM_TOKEN:,} bytes.")
        if _TOKEN.fullmatch(token) is None:
            raise invalid_token(ENCRYPTED if _ENCRYPTED.fullmatch(token) else NO_JWT)
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

    async def knows_keys(self) -> bool:
        """Whether the issuer's keys were read at least once; they are asked for where they were not."""
        return await self._keys.known()

    @property
    def generation(self) -> int:
        """Which of the issuer's keys count now."""
        return self._keys.generation

    def accepts_still(self, claims: Claims, generation: int) -> bool:
        """Whether claims verified under the keys of `generation` are acceptable now, with no key asked for."""
        if generation != self._keys.generation or self._keys.are_old:
            return False
        try:
            self._check_times(claims)
        except Unauthenticated:
            return False
        return True

    def seconds_left(self, claims: Claims) -> float:
        """For how long a token with these verified claims will still be accepted."""
        return max(0.0, float(claims["exp"]) + LEEWAY - self._clock())

    async def aclose(self) -> None:
        """Ask the issuer for nothing more."""
        await self._keys.aclose()

    def _remember(self, digest: bytes, claims: Claims) -> None:
        self._remembered[digest] = (self._keys.generation, claims)
        self._remembered.move_to_end(digest)
        if len(self._remembered) > REMEMBERED_TOKENS:
            self._remembered.popitem(last=False)

    async def _check_signature(self, token: str) -> Claims:
        try:
            header = extract_compact(token.encode(), registry=self._registry).headers()
            json.loads(urlsafe_b64decode(token.partition(".")[0].encode()), object_pairs_hook=_once)
        except (JoseError, ValueError, TypeError, AttributeError) as error:
            raise invalid_token(NO_JWT) from error
        algorithm, kid = self._check_header(header)
        key = await self._keys.find(kid, algorithm)
        if key is None:
            raise invalid_token("The token is not signed with a key of the issuer; sign in again.")
        try:
            signed = deserialize_compact(token, key, registry=self._registry)
        except (JoseError, ValueError, TypeError) as error:
            raise invalid_token("The token's signature does not hold; sign in again.") from error
        claims = _claims(signed.payload)
        _check_kind(header, claims)
        return claims

    def _check_header(self, header: Mapping[str, Any]) -> tuple[str, str | None]:
        if FORBIDDEN_HEADERS & header.keys():
            raise invalid_token("The token's header names its own key or rules, which is not accepted.")
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in self._algorithms:
            accepted = ", ".join(sorted(self._algorithms))
            raise invalid_token(f"The token's algorithm is not accepted; it must be one of {accepted}.")
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
        if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
            raise invalid_token("The token does not say who it is for; its subject (sub) must be text.")
        if subject.startswith(CLIENT):
            raise invalid_token(f"The token's subject (sub) begins with {CLIENT}, which is kept for machine clients.")

    def _check_times(self, claims: Claims) -> None:
        now = self._clock()
        expires, starts, issued = (_moment(claims, name) for name in ("exp", "nbf", "iat"))
        if expires is None:
            raise invalid_token("The token never expires; it must say when (exp).")
        if expires <= now - LEEWAY:
            raise invalid_token("The token has expired; sign in again.")
        if expires > now + self._lifetime + LEEWAY:
            raise invalid_token(f"The token expires too late (exp); it may live {self._lifetime:,.0f} seconds at most.")
        if starts is not None and starts > now + LEEWAY:
            raise invalid_token("The token is not valid yet (nbf).")
        if issued is not None and issued > now + LEEWAY:
            raise invalid_token("The token was issued in the future (iat); check the clocks.")


NO_JWT: Final = "The bearer token is no JWT; send the access token as the issuer gave it."
ENCRYPTED: Final = "The token is encrypted; have the issuer sign it only (JWS, not JWE)."


def _claims(payload: bytes) -> Claims:
    try:
        claims = orjson.loads(payload)
        # Again, since only this parser can tell that a claim is there twice. orjson has seen to its depth and text.
        json.loads(payload, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise invalid_token("The token's claims are no JSON object that names each claim once.") from error
    if not isinstance(claims, dict):
        raise invalid_token("The token's claims are no JSON object that names each claim once.")
    return claims


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is there twice")
    return members


def _check_kind(header: Mapping[str, Any], claims: Claims) -> None:
    """That the token is an access token, by its claims too: issuers sign others with the same keys."""
    if "events" in claims:
        raise invalid_token("This is a message about an event (a logout token), and no access token.")
    uses = [claims[name] for name in ("typ", "token_use") if name in claims]
    if any(not isinstance(use, str) or use.lower() not in ACCESS_TOKEN_USES for use in uses):
        raise invalid_token("The token says that it is no access token; send the access token.")
    if str(header["typ"]).lower() not in PLAIN_TYPES:
        return
    if ID_TOKEN_CLAIMS & claims.keys() or not ACCESS_TOKEN_CLAIMS & claims.keys():
        raise invalid_token("This may be an ID token, which is for the client only; send the access token.")


def subject_of(claims: Claims) -> str:
    """What the person is known by here.

    A client's own token (RFC 9068: its subject is the client) gets a name that no person's can be, so that nobody
    becomes somebody else by registering a client under their subject.
    """
    subject = str(claims["sub"])
    return f"{CLIENT}{subject}" if is_of_client(claims) else subject


def is_of_client(claims: Claims) -> bool:
    """Whether a machine client asks on its own behalf."""
    return claims["sub"] in {claims.get(name) for name in ("client_id", "azp") if isinstance(claims.get(name), str)}


def scopes_of(claims: Claims) -> list[str]:
    """The scopes of the token, in either of the forms that issuers write. Raises Unauthenticated for what is none."""
    found: list[str] = []
    for name in ("scope", "scp"):
        given = claims.get(name)
        listed = given.split() if isinstance(given, str) else given
        if listed is not None and not (isinstance(listed, list) and all(isinstance(one, str) for one in listed)):
            raise invalid_token(f"The token's {name} must be text.")
        found += listed or ()
    return found


def _moment(claims: Claims, name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise invalid_token(f"The token's {name} must be a number of seconds.")
    return value
