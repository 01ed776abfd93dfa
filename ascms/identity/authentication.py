"""From a request's headers to a `Viewer`: the token is verified, the person and their roles are read anew.

Nothing of a role comes from the token: it says who asks and may name the organisation acted for; a scope of
`role:…` values can only take roles away.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.models import Role
from ascms.settings import Settings

from .contexts import choose, contexts_of, narrow
from .errors import OrganisationRefused, Unauthenticated, invalid_token
from .people import Person, find, find_by_key, record_sign_in, welcome
from .tokens import Claims, TokenVerifier, scopes_of, subject_of
from .viewer import Context, Standing, Viewer

ORGANISATION_HEADER = "X-ASCMS-Organisation"
ROLE_SCOPE = "role:"

NOT_SIGNED_IN = "Sign in and send the access token in the header Authorization: Bearer <token>."


REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class Identified:
    """Who asks, and what that was read from."""

    viewer: Viewer
    standing: Standing
    claims: Claims
    generation: int


class Authenticator:
    """Says who is asking. One statement a request, but for the first of each token, which notes the sign-in."""

    def __init__(self, settings: Settings, engine: AsyncEngine, verifier: TokenVerifier) -> None:
        self.settings = settings
        self._engine = engine
        self._verifier = verifier
        self._remembered: OrderedDict[bytes, Identified] = OrderedDict()
        self.recognised = self.identified = 0
        """How many requests were known by their headers, and how often a person's rights were read."""

    @property
    def remembered(self) -> int:
        """How many pairs of headers are known."""
        return len(self._remembered)

    async def knows_keys(self) -> bool:
        """Whether the issuer's keys were read at least once; they are asked for where they were not."""
        return await self._verifier.knows_keys()

    def recognise(self, authorization: bytes, organisation: bytes) -> Identified | None:
        """Who sent these two headers (as they came) before, if their token holds still.

        Their rights are those of then: what is read by them has to ask whether `standing` holds in its own snapshot.
        """
        key = _remembered_as(authorization, organisation)
        known = self._remembered.get(key)
        if known is not None and self._verifier.accepts_still(known.claims, known.generation):
            self._remembered.move_to_end(key)
            self.recognised += 1
            return known
        return None

    async def authenticate(self, headers: Mapping[str, str]) -> Viewer:
        """The viewer of a request with these headers (in any case).

        Raises Unauthenticated, OrganisationRefused, or IdentityUnavailable where the issuer cannot be asked.
        """
        return (await self.identify(headers)).viewer

    async def identify(self, headers: Mapping[str, str]) -> Identified:
        """As `authenticate`; and what it was read from, remembered for `recognise`."""
        self.identified += 1
        generation = self._verifier.generation
        claims = await self._verifier.verify(_bearer(headers))
        allowed, subject = _allowed_roles(claims), subject_of(claims)
        claim, header = _claimed_organisation(claims), _asked_organisation(headers)
        person = await find(self._engine, subject) or await welcome(self._engine, claims)
        contexts = _contexts(person, allowed)
        acting, missing = choose(contexts, claim=claim, header=header)
        at = _signed_in_at(claims)
        if at is not None and (person.last_signed_in_at is None or person.last_signed_in_at < at):
            await record_sign_in(self._engine, person, at, acting.organisation_id if acting is not None else None)
            person = await find(self._engine, subject) or person
        viewer = Viewer(user_id=person.id, acting=acting, contexts=contexts, missing=missing)
        identified = Identified(viewer, person.standing, claims, generation)
        self._remember(headers, identified)
        return identified

    def _remember(self, headers: Mapping[str, str], identified: Identified) -> None:
        authorization, organisation = (_values(headers, name) for name in ("Authorization", ORGANISATION_HEADER))
        sent = (authorization[0], organisation[0] if organisation else "")
        if not all(value.isascii() for value in sent):
            return
        self._remembered[_remembered_as(*(value.encode() for value in sent))] = identified
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)

    async def seconds_left(self, headers: Mapping[str, str]) -> float:
        """For how long the token in these headers will still be accepted. Raises as `authenticate` does."""
        return self._verifier.seconds_left(await self._verifier.verify(_bearer(headers)))

    async def aclose(self) -> None:
        """Ask the issuer for nothing more."""
        await self._verifier.aclose()

    async def viewer_of(self, user_id: int, organisation_id: int | None, roles: frozenset[Role]) -> Viewer | None:
        """The person as they stand now, acting for the organisation; in no roles but those given, where still held.

        For what was promised to a viewer and is asked for without their token. None where there is no such person.
        """
        person = await find_by_key(self._engine, user_id)
        if person is None:
            return None
        contexts = _contexts(person, frozenset(roles))
        acting = next((context for context in contexts if context.organisation_id == organisation_id), None)
        return Viewer(user_id=user_id, acting=acting, contexts=contexts)


def _remembered_as(authorization: bytes, organisation: bytes) -> bytes:
    """A digest: no token is kept."""
    return sha256(b"%b\n%b" % (organisation, authorization)).digest()


def _contexts(person: Person, allowed: frozenset[str] | None) -> tuple[Context, ...]:
    return tuple(narrow(one, allowed) for one in contexts_of(person.holdings, trained=person.trained))


def _values(headers: Mapping[str, str], name: str) -> list[str]:
    wanted = name.lower()
    # Spaces and tabs may surround a header's value, and nothing else that passes for white space.
    return [value.strip(" \t") for key, value in headers.items() if key.lower() == wanted]


def _bearer(headers: Mapping[str, str]) -> str:
    values = _values(headers, "Authorization")
    if len(values) > 1:
        raise invalid_token("Send the header Authorization once only.")
    scheme, _, token = values[0].partition(" ") if values else ("", "", "")
    token = token.strip(" \t")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(NOT_SIGNED_IN)
    return token


def _claimed_organisation(claims: Claims) -> str | None:
    claim = claims.get("org_id")
    if claim is None:
        return None
    if isinstance(claim, bool) or not isinstance(claim, (str, int)) or not str(claim).strip():
        raise invalid_token("The token's organisation (org_id) must be a number or text.")
    return str(claim).strip()


def _asked_organisation(headers: Mapping[str, str]) -> str | None:
    values = _values(headers, ORGANISATION_HEADER)
    if len(values) > 1:
        raise OrganisationRefused(f"Send the header {ORGANISATION_HEADER} once only.")
    return values[0] or None if values else None


def _allowed_roles(claims: Claims) -> frozenset[str] | None:
    """The roles that the scope limits the token to; None where it names none."""
    scopes = (scope for scope in scopes_of(claims) if scope.startswith(ROLE_SCOPE))
    named = frozenset(scope.removeprefix(ROLE_SCOPE) for scope in scopes)
    return named or None


def _signed_in_at(claims: Claims) -> datetime | None:
    """When the person signed in: `auth_time`, which renewed tokens keep, but never later than the checked `iat`."""
    issued, authenticated = claims.get("iat"), claims.get("auth_time")
    if issued is None or issued < 0:
        return None
    if isinstance(authenticated, int) and 0 < authenticated < issued:
        issued = authenticated
    return datetime.fromtimestamp(int(issued), UTC)
