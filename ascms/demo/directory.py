"""The people of the demo, as its sign-in page lists them: name, organisations, roles."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.models import (
    ROLE_TITLES,
    Organisation,
    OrganisationKind,
    OrganisationStatus,
    Role,
    RoleAssignment,
    User,
    fold,
)

LISTED = 40
"""How many people one page shows; the others are found by search."""


@dataclass(frozen=True, slots=True)
class Membership:
    """An organisation in which a person holds roles."""

    number: str
    name: str
    kind: OrganisationKind
    status: OrganisationStatus
    roles: tuple[Role, ...]

    @property
    def title(self) -> str:
        return f"({self.number}) {self.name} | {self.status.value.capitalize()}"

    @property
    def role_titles(self) -> str:
        return ", ".join(ROLE_TITLES[role] for role in self.roles)


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """A person who may sign in. `email` is the address they sign in with."""

    subject: str
    email: str
    display_name: str
    given_name: str | None
    middle_name: str | None
    preferred_name: str | None
    surname: str | None
    phone: str | None
    date_of_birth: date | None
    memberships: tuple[Membership, ...]

    def listed(self) -> dict[str, Any]:
        """The person as `/demo/people` and the pages list them."""
        return {
            "email": self.email,
            "displayName": self.display_name,
            "organisations": [
                {"number": one.number, "name": one.name, "roles": list(one.roles), "kind": one.kind}
                for one in self.memberships
            ],
        }

    def membership(self, number: str) -> Membership | None:
        """The organisation `number`, None where the person holds nothing there."""
        return next((one for one in self.memberships if one.number == number), None)


NOWHERE = "\0"
"""In no text of a database, and PostgreSQL takes none that has it."""


class Directory:
    """Looks people up in the demo's database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, email: str) -> DemoPerson | None:
        """The person who signs in with `email`, in any case."""
        if NOWHERE in email:
            return None
        people = await self._read(func.lower(User.username) == email.strip().lower())
        return people[0] if people else None

    async def people(self, search: str = "") -> list[DemoPerson]:
        """Those who hold a role somewhere, oldest account first, at most `LISTED`.

        `search` finds part of a name or address, or an organisation's number.
        """
        text = fold(search)
        if not text:
            return await self._read(None)
        if NOWHERE in text:
            return []
        somewhere = (
            select(RoleAssignment.id)
            .join(Organisation, Organisation.id == RoleAssignment.organisation_id)
            .where(RoleAssignment.user_id == User.id, Organisation.number == text)
            .exists()
        )
        return await self._read(
            or_(
                User.display_name_folded.contains(text, autoescape=True),
                func.lower(User.username).contains(text, autoescape=True),
                somewhere,
            )
        )

    async def _read(self, condition: ColumnElement[bool] | None) -> list[DemoPerson]:
        held = RoleAssignment.user_id == User.id, RoleAssignment.ended_at.is_(None)
        listed = select(User.id).where(select(RoleAssignment.id).where(*held).exists()).order_by(User.id).limit(LISTED)
        if condition is not None:
            listed = listed.where(condition)
        statement = (
            select(User.__table__, RoleAssignment.role, *_organisation_columns())
            .join(RoleAssignment, RoleAssignment.user_id == User.id)
            .join(Organisation, Organisation.id == RoleAssignment.organisation_id)
            .where(RoleAssignment.ended_at.is_(None), User.id.in_(select(listed.subquery().c.id)))
            .order_by(User.id, Organisation.number, RoleAssignment.role)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).all()
        return [_person(list(group)) for _, group in groupby(rows, key=lambda row: row.id)]


def _organisation_columns() -> tuple[Any, ...]:
    return (
        Organisation.number.label("organisation_number"),
        Organisation.name.label("organisation_name"),
        Organisation.kind.label("organisation_kind"),
        Organisation.status.label("organisation_status"),
    )


def _person(rows: Sequence[Any]) -> DemoPerson:
    user = rows[0]
    return DemoPerson(
        # Whoever has not signed in yet has no subject here; the real provider would have one for them all along.
        subject=user.subject or str(uuid5(NAMESPACE_URL, f"mailto:{user.username}")),
        email=user.username,
        display_name=user.display_name,
        given_name=user.given_name,
        middle_name=user.middle_name,
        preferred_name=user.preferred_name,
        surname=user.surname,
        phone=user.phone,
        date_of_birth=user.date_of_birth,
        memberships=tuple(
            _membership(list(group)) for _, group in groupby(rows, key=lambda row: row.organisation_number)
        ),
    )


def _membership(rows: Sequence[Any]) -> Membership:
    first = rows[0]
    return Membership(
        number=first.organisation_number,
        name=first.organisation_name,
        kind=first.organisation_kind,
        status=first.organisation_status,
        roles=tuple(row.role for row in rows),
    )
