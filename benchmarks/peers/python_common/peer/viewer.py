"""Who asks: the bearer token checked with PyJWT, the roles read once and kept with it until it expires."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from sqlalchemy import select

from ascms.models import Organisation, OrganisationStatus, Role, RoleAssignment, User

from .database import Sessions
from .settings import Settings

ALGORITHMS = ["RS256", "ES256", "EdDSA"]


class NotSignedInError(Exception):
    """There is no acceptable token, or it says nobody who may act for the organisation."""


@dataclass(frozen=True)
class Viewer:
    """A signed-in person, the school acted for, and the roles held there."""

    user_id: int
    organisation_id: int
    roles: frozenset[Role]

    @property
    def parameters(self) -> dict[str, int]:
        """What the row predicates are given at execution."""
        return {"me": self.user_id, "here": self.organisation_id}


class Authenticator:
    """From a request's headers to a viewer; each token and organisation is looked at once."""

    def __init__(self, settings: Settings, sessions: Sessions) -> None:
        self._settings = settings
        self._sessions = sessions
        self._keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(json.loads(settings.jwks.read_bytes())).keys}
        self._known: dict[tuple[str, str | None], tuple[float, Viewer]] = {}

    async def viewer(self, headers: Mapping[str, str]) -> Viewer:
        """Raises NotSignedInError."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotSignedInError("send a bearer token")
        organisation = headers.get("x-ascms-organisation")
        known = self._known.get((token, organisation))
        if known is not None and known[0] > time.time():
            return known[1]
        claims = self._verified(token)
        viewer = await self._find(claims["sub"], organisation or claims.get("org_id"))
        self._known[token, organisation] = float(claims["exp"]), viewer
        return viewer

    def _verified(self, token: str) -> dict[str, Any]:
        try:
            key = self._keys[jwt.get_unverified_header(token).get("kid")]
            return jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (KeyError, jwt.PyJWTError) as error:
            raise NotSignedInError("the token is not acceptable") from error

    async def _find(self, subject: str, number: str | None) -> Viewer:
        held = (
            select(User.id, Organisation.id, RoleAssignment.role)
            .join(RoleAssignment, RoleAssignment.user_id == User.id)
            .join(Organisation, Organisation.id == RoleAssignment.organisation_id)
            .where(
                User.subject == subject,
                Organisation.number == number,
                Organisation.status == OrganisationStatus.OPEN,
                RoleAssignment.approved_at.is_not(None),
                RoleAssignment.ended_at.is_(None),
            )
        )
        async with self._sessions() as session:
            rows = (await session.execute(held)).all()
        if not rows:
            raise NotSignedInError("no role there")
        return Viewer(rows[0][0], rows[0][1], frozenset(role for _, _, role in rows))
