"""Tokens without a browser: what `ascms token` prints, made as the provider makes them."""

import asyncio
import time
from collections.abc import Sequence

from ascms.database import engine_for, state_directory

from .authorisation import DemoAuthorizationServer, SignIn
from .directory import DemoPerson, Directory, Membership
from .kept_identity import kept_identity


def issue(database: str, email: str, organisation: str | None = None) -> str:
    """An access token for the demo's person `email`, acting for `organisation` (needed where they have several).

    `database` is an SQLite path or a URL. Raises ValueError saying who there is, or which organisations are theirs.
    """
    person = asyncio.run(_find(database, email))
    # The first issuer is the one that every server of this database accepts, on whichever port it runs.
    kept = kept_identity(state_directory(database))
    server = DemoAuthorizationServer(kept.issuers[0], kept.key)
    return server.access_token(SignIn(person, _membership(person, organisation), int(time.time())))


async def _find(database: str, email: str) -> DemoPerson:
    engine = engine_for(database)
    try:
        directory = Directory(engine)
        person = await directory.find(email)
        if person is None:
            listed = "\n".join(f"  {one.email}" for one in await directory.people())
            raise ValueError(f"{email} is nobody in this demo. There are, among others:\n{listed}")
        return person
    finally:
        await engine.dispose()


def _membership(person: DemoPerson, organisation: str | None) -> Membership:
    if organisation is not None:
        membership = person.membership(organisation.strip())
        if membership is None:
            raise ValueError(f"{person.email} has no role in {organisation}, only in {_named(person.memberships)}")
        return membership
    if len(person.memberships) > 1:
        raise ValueError(f"{person.email} acts for several; add --organisation: {_named(person.memberships)}")
    return person.memberships[0]


def _named(memberships: Sequence[Membership]) -> str:
    return ", ".join(f"{one.number} ({one.name})" for one in memberships)
