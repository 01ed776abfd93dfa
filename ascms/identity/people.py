"""People as the database knows them: found by subject in one statement, bound or made at their first sign-in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ascms.database import writing
from ascms.models import (
    AccountEvent,
    Organisation,
    OrganisationKind,
    OrganisationStatus,
    Role,
    RoleAssignment,
    User,
    fold,
)
from ascms.snapshots import Fetch, read_once
from ascms.statements import Prepared, Rows

from .contexts import Holding
from .tokens import is_of_client, subject_of

ATTEMPTS = 3
"""How often a first sign-in is tried while another one of the same person is under way."""

_WITH_HOLDINGS = (
    select(
        User.id,
        User.training_completed_at,
        User.last_signed_in_at,
        RoleAssignment.role,
        RoleAssignment.approved_at,
        Organisation.id.label("organisation_id"),
        Organisation.number,
        Organisation.name,
        Organisation.kind,
        Organisation.region,
        Organisation.status,
    )
    .outerjoin(RoleAssignment, and_(RoleAssignment.user_id == User.id, RoleAssignment.ended_at.is_(None)))
    .outerjoin(Organisation, Organisation.id == RoleAssignment.organisation_id)
)
_BY_SUBJECT = _WITH_HOLDINGS.where(User.subject == bindparam("subject"))
_BY_KEY = _WITH_HOLDINGS.where(User.id == bindparam("key"))


@dataclass(frozen=True, slots=True)
class Person:
    """A user row with the roles held, as read for one request."""

    id: int
    trained: bool
    last_signed_in_at: datetime | None
    holdings: tuple[Holding, ...]
    standing: "Standing" = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database said of a person and the roles held, as the driver gave it."""

    statement: Prepared
    given: Mapping[str, Any]
    rows: Rows

    async def holds(self, fetch: Fetch) -> bool:
        """Whether it says the same still: asked in the snapshot that is read by these rights."""
        return await fetch(self.statement, self.given) == self.rows


async def find(engine: AsyncEngine, subject: str) -> Person | None:
    """The person whom the issuer calls `subject`, with the roles held. One statement."""
    return await _find(engine, _BY_SUBJECT, {"subject": subject})


async def find_by_key(engine: AsyncEngine, key: int) -> Person | None:
    """The person whose row has the key, with the roles held. One statement."""
    return await _find(engine, _BY_KEY, {"key": key})


async def _find(engine: AsyncEngine, statement: Select[*tuple[Any, ...]], given: Mapping[str, Any]) -> Person | None:
    raw_of, prepared = _prepared(engine, statement)
    raw = [tuple(row) for row in await read_once(engine, raw_of, given)]
    if not raw:
        return None
    rows = prepared.rows(raw)
    key, trained_at, signed_in_at, *_ = rows[0]
    return Person(
        id=key,
        trained=trained_at is not None,
        last_signed_in_at=signed_in_at,
        holdings=tuple(_holding(*row[3:]) for row in rows if row[3] is not None),
        standing=Standing(raw_of, given, raw),
    )


_READY: dict[tuple[str, int], tuple[Prepared, Prepared]] = {}


def _prepared(engine: AsyncEngine, statement: Select[*tuple[Any, ...]]) -> tuple[Prepared, Prepared]:
    """The statement whose rows stay as the driver gives them, and the one that makes Python values of them."""
    key = (engine.dialect.name, id(statement))
    if key not in _READY:
        columns = list(statement.selected_columns)
        _READY[key] = (Prepared(statement, (), engine.dialect), Prepared(statement, columns, engine.dialect))
    return _READY[key]


def _holding(
    role: Role, approved_at: datetime | None, organisation_id: int, number: str, name: str, kind: OrganisationKind,
    region: str | None, status: OrganisationStatus,
) -> Holding:  # fmt: skip
    return Holding(
        role=role,
        approved=approved_at is not None,
        organisation_id=organisation_id,
        number=number,
        name=name,
        kind=kind,
        region=region,
        open=status is OrganisationStatus.OPEN,
    )


async def welcome(engine: AsyncEngine, claims: Mapping[str, Any]) -> Person:
    """The person of `claims` at the first sign-in: an invited one bound to the subject, else a new one without roles.

    Safe against another request of the same person at the same time.
    """
    subject = subject_of(claims)
    for attempt in range(ATTEMPTS):
        try:
            async with writing(engine).begin() as connection:
                if not await _bind_invited(connection, subject, claims):
                    await connection.execute(insert(User).values(_new_user(subject, claims, plain=attempt > 0)))
        except IntegrityError:
            # The subject arrived meanwhile, or somebody has the username already: look, then do without it.
            pass
        person = await find(engine, subject)
        if person is not None:
            return person
    raise RuntimeError("a first sign-in could not be recorded; is user_account written by something else?")


async def _bind_invited(connection: AsyncConnection, subject: str, claims: Mapping[str, Any]) -> bool:
    address = verified_address(claims)
    if address is None:
        return False
    invited = select(User.id).where(func.lower(User.username) == address, User.subject.is_(None)).limit(2)
    candidates = (await connection.scalars(invited)).all()
    if len(candidates) != 1:
        return False
    bound = await connection.execute(
        update(User).where(User.id == candidates[0], User.subject.is_(None)).values(subject=subject)
    )
    return bound.rowcount == 1


def verified_address(claims: Mapping[str, Any]) -> str | None:
    """The e-mail address that the issuer vouches for, in lower case; None without one, and for a machine client.

    Only ASCII: letters that fold into others (the Kelvin sign into k) would make one address pass for another.
    """
    address = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(address, str) or is_of_client(claims):
        return None
    address = address.strip()
    return address.lower() if address.isascii() and address.isprintable() and "@" in address else None


def _new_user(subject: str, claims: Mapping[str, Any], *, plain: bool) -> dict[str, Any]:
    # An address that nobody vouches for must not take the username of a person yet to be invited.
    address = verified_address(claims)
    names = {ours: _text(claims, theirs) for ours, theirs in _NAME_CLAIMS.items()}
    shown = _text(claims, "name") or " ".join(
        name for name in (names["given_name"], names["surname"]) if name is not None
    )
    shown = shown or address or subject
    return {
        "subject": subject,
        "username": f"subject:{subject}" if plain or address is None else address,
        "email": address or "",
        "display_name": shown,
        "display_name_folded": fold(shown),
        **names,
    }


_NAME_CLAIMS = {
    "given_name": "given_name",
    "middle_name": "middle_name",
    "preferred_name": "nickname",
    "surname": "family_name",
    "phone": "phone_number",
}


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if not isinstance(value, str):
        return None
    # What cannot be shown (and NUL, which PostgreSQL does not keep) is in nobody's name.
    return "".join(letter for letter in value if letter.isprintable()).strip()[:255] or None


async def record_sign_in(engine: AsyncEngine, person: Person, at: datetime, organisation_id: int | None) -> None:
    """Note that the person signed in at `at`, once however many requests bring the same token."""
    later = or_(User.last_signed_in_at.is_(None), User.last_signed_in_at < at)
    async with writing(engine).begin() as connection:
        noted = await connection.execute(update(User).where(User.id == person.id, later).values(last_signed_in_at=at))
        if noted.rowcount == 1:
            await connection.execute(
                insert(AccountEvent).values(
                    user_id=person.id, organisation_id=organisation_id, occurred_at=at, description="Signed in"
                )
            )
