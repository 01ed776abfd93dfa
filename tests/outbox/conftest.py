"""The demo world with its outbox, a real mail server, and the task between them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.database import engine_for, writing
from ascms.models import AlertKind, Organisation, OutboxMessage, User
from ascms.outbox import Outbox
from ascms.settings import Settings
from tests.support.mail import MailServer

CASE = "00307473"
CONTACT = "contact@test-college.school.nz"
SCHOOL = "1234"
WRITTEN = datetime(2026, 5, 10, 21, 30, tzinfo=UTC)
PUBLIC_URL = "https://attendance.example.nz/portal"


def mailing(mail_url: str, **more: Any) -> Settings:
    """Settings with a mail server."""
    return Settings(smtp_url=mail_url, mail_from="Attendance <no-reply@example.nz>", public_url=PUBLIC_URL, **more)


async def until(holds: Callable[[], Any]) -> None:
    """Wait until it does."""
    while not holds():  # noqa: ASYNC110 (a thread makes it so)
        await asyncio.sleep(0.02)


class Box:
    """The outbox' table, written and read as changes and operators do."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.written = 0
        self.committed: Callable[[], None] = lambda: None
        """Called when something was written, as the server does after its own changes."""

    async def put(
        self,
        kind: str = AlertKind.COMMENT_SHARED,
        to: str = CONTACT,
        at: str = SCHOOL,
        topic: str = "email",
        **about: str | None,
    ) -> str:
        """Have a message wait, for somebody in an organisation; gives its key."""
        self.written += 1
        key = f"{kind.lower()}-alert-{self.written}"
        payload = {"case": CASE, "reference": None, "kind": str(kind), **about} if topic == "email" else {}
        async with writing(self.engine).begin() as connection:
            payload["user"] = await connection.scalar(select(User.id).where(User.username == to))
            payload["organisation"] = await connection.scalar(select(Organisation.id).where(Organisation.number == at))
            assert None not in (payload["user"], payload["organisation"])
            written_at = WRITTEN + self.written * timedelta(seconds=1)
            await connection.execute(
                insert(OutboxMessage).values(deduplication_key=key, topic=topic, payload=payload, created_at=written_at)
            )
        self.committed()
        return key

    async def get(self, key: str) -> Any:
        async with self.engine.connect() as connection:
            table = OutboxMessage.__table__
            return (await connection.execute(select(table).where(table.c.deduplication_key == key))).one()

    async def settled(self, key: str) -> Any:
        """The message once it is delivered or dropped."""
        while True:
            row = await self.get(key)
            if row.delivered_at is not None or row.dropped_at is not None:
                return row
            await asyncio.sleep(0.02)

    async def put_off(self, key: str) -> Any:
        """The message once it was tried in vain."""
        while True:
            row = await self.get(key)
            if row.last_error is not None:
                return row
            await asyncio.sleep(0.02)

    async def time_passes(self) -> None:
        """Whatever waits is due now."""
        async with writing(self.engine).begin() as connection:
            waiting = update(OutboxMessage).where(OutboxMessage.next_attempt_at.is_not(None))
            await connection.execute(waiting.values(next_attempt_at=datetime(2026, 1, 1, tzinfo=UTC)))
        self.committed()

    async def scalar(self, statement: str, **values: Any) -> Any:
        async with self.engine.connect() as connection:
            return await connection.scalar(text(statement), values)

    async def execute(self, statement: str, **values: Any) -> None:
        async with writing(self.engine).begin() as connection:
            await connection.execute(text(statement), values)


@pytest.fixture
async def box(world_url: str) -> AsyncIterator[Box]:
    engine = engine_for(world_url)
    yield Box(engine)
    await engine.dispose()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
async def outbox(box: Box, mail: MailServer) -> AsyncIterator[Outbox]:
    """The task of a server process, at work."""
    async with Outbox(box.engine, mailing(mail.url)) as outbox:
        box.committed = outbox.wake
        yield outbox
