"""Bringing somebody in: an account for their address, bound to who they are when they first sign in, and a role.

An address that has an account already is given the role the same way, so that the answer does not tell which it was.
"""

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select

from ascms.models import Organisation, OutboxMessage, Role, RoleAssignment, User, fold

from .people import belongs_to, note
from .problems import Problems
from .roles_held import check_fits, give
from .texts import LINE, wanted
from .work import Work

TOPIC: Final = "invitation"
"""Of the outbox: an e-mail to `user`, who was given a role in `organisation` (both by key)."""

_ADDRESS: Final = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9-]+(\.[a-z0-9-]+)+")
_LONGEST_ADDRESS: Final = 254


@dataclass(frozen=True, slots=True)
class Guest:
    """Who is invited, as the one who invites knows them. ESL says later what they are called."""

    email: str
    given_name: str | None = None
    surname: str | None = None
    display_name: str | None = None
    phone: str | None = None


async def invite(work: Work, guest: Guest, role: Role, organisation: Organisation) -> RoleAssignment:
    """Give a role to whoever signs in with the address. Raises Refused with what is wrong, or for a role held."""
    check_fits(role, organisation)
    account = _account(guest)
    user = await _known(work, account.username) or await _made(work, account, organisation)
    belonged = await work.session.scalar(select(belongs_to(user.id, organisation.id)))
    assignment = await give(work, user, role, organisation)
    if not belonged:
        await _mail(work, assignment)
    return assignment


def _account(guest: Guest) -> User:
    """The account that a guest without one gets. Raises Refused with all that is wrong with what is given."""
    problems = Problems()
    address = guest.email.strip().lower()
    if len(address) > _LONGEST_ADDRESS or not (guest.email.isascii() and _ADDRESS.fullmatch(address)):
        problems.add("It is no e-mail address that one signs in with; give one like name@school.nz.", "email")
    given = wanted(problems, guest.given_name, LINE, "given_name")
    surname = wanted(problems, guest.surname, LINE, "surname")
    shown = wanted(problems, guest.display_name, LINE, "display_name") or " ".join(filter(None, (given, surname)))
    phone = wanted(problems, guest.phone, LINE, "phone")
    if not shown:
        problems.add("Say how they are called: displayName, or givenName and surname.", "display_name")
    problems.refuse_any()
    return User(
        username=address,
        email=address,
        phone=phone,
        display_name=shown,
        display_name_folded=fold(shown),
        given_name=given,
        surname=surname,
    )


async def _known(work: Work, address: str) -> User | None:
    exact_first = (User.username == address).desc(), User.id
    found = select(User).where(func.lower(User.username) == address).order_by(*exact_first).limit(1)
    return (await work.session.scalars(found)).one_or_none()


async def _made(work: Work, account: User, organisation: Organisation) -> User:
    user = await work.add(account)
    work.log(user, None)
    await note(work, user.id, organisation.id, f"Account created by {organisation.name} ({organisation.number})")
    return user


async def _mail(work: Work, assignment: RoleAssignment) -> None:
    await work.add(
        OutboxMessage(
            deduplication_key=f"{TOPIC}-{assignment.id}",
            topic=TOPIC,
            payload={"user": assignment.user_id, "organisation": assignment.organisation_id},
            created_at=work.now,
        )
    )
