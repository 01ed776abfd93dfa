"""The messages in the database: claimed by one process at a time, settled, counted, and forgotten at last.

A claim is a lease: it says when the message is due again, should the process that sends it die. It is longer than
sending may take, so that of two processes that are well only one sends a message.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.casework.invitations import TOPIC as INVITATION
from ascms.database import writing
from ascms.models import OutboxMessage

EMAIL: Final = "email"
TOPICS: Final = frozenset({EMAIL, INVITATION})
"""What is delivered: news of a case or request, and that somebody was given a role."""
LEASE: Final = timedelta(minutes=5)
FURTHEST: Final = timedelta(hours=2)
"""Longer than any message is put off."""
KEPT: Final = timedelta(days=90)

_WAITING: Final = and_(
    OutboxMessage.topic.in_(sorted(TOPICS)), OutboxMessage.delivered_at.is_(None), OutboxMessage.dropped_at.is_(None)
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this process is to send now. `attempts` counts this one."""

    id: int
    key: str
    topic: str
    payload: Mapping[str, Any]
    created_at: datetime
    attempts: int


async def claim(engine: AsyncEngine, now: datetime) -> Claimed | None:
    """The message that has waited longest of those due, claimed; None where none is due."""
    next_attempt = OutboxMessage.next_attempt_at
    # Nothing is put off for so long: the clock was ahead when it was.
    due = and_(_WAITING, or_(next_attempt.is_(None), next_attempt <= now, next_attempt > now + FURTHEST))
    async with engine.connect() as connection:
        if await connection.scalar(select(OutboxMessage.id).where(due).limit(1)) is None:
            return None  # without having kept others from writing
    first = (
        select(
            OutboxMessage.id,
            OutboxMessage.deduplication_key,
            OutboxMessage.topic,
            OutboxMessage.payload,
            OutboxMessage.created_at,
            OutboxMessage.attempts,
        )
        .where(due)
        .order_by(OutboxMessage.created_at, OutboxMessage.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    async with writing(engine).begin() as connection:
        row = (await connection.execute(first)).one_or_none()
        if row is None:
            return None
        claimed = Claimed(row.id, row.deduplication_key, row.topic, row.payload, row.created_at, row.attempts + 1)
        await connection.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == claimed.id)
            .values(attempts=claimed.attempts, next_attempt_at=now + LEASE)
        )
    return claimed


async def delivered(engine: AsyncEngine, claimed: Claimed, now: datetime) -> None:
    """The mail server has taken it over."""
    await _settle(engine, claimed, delivered_at=now, next_attempt_at=None, last_error=None)


async def dropped(engine: AsyncEngine, claimed: Claimed, now: datetime, reason: str) -> None:
    """It is not to be sent any more."""
    await _settle(engine, claimed, dropped_at=now, next_attempt_at=None, last_error=reason)


async def put_off(engine: AsyncEngine, claimed: Claimed, until: datetime, reason: str) -> None:
    """It is to be tried again."""
    await _settle(engine, claimed, next_attempt_at=until, last_error=reason)


async def _settle(engine: AsyncEngine, claimed: Claimed, **values: Any) -> None:
    async with writing(engine).begin() as connection:
        await connection.execute(
            update(OutboxMessage).where(OutboxMessage.id == claimed.id, OutboxMessage.delivered_at.is_(None)),
            values,
        )


async def waiting(engine: AsyncEngine) -> tuple[int, datetime | None]:
    """How many messages wait, and since when the oldest."""
    counted = select(func.count(), func.min(OutboxMessage.created_at)).where(_WAITING)
    async with engine.connect() as connection:
        number, oldest = (await connection.execute(counted)).one()
    return number, oldest


async def forget_old(engine: AsyncEngine, now: datetime) -> None:
    """Delete what was delivered or dropped 90 days ago or earlier."""
    long_ago = now - KEPT
    async with writing(engine).begin() as connection:
        await connection.execute(delete(OutboxMessage).where(OutboxMessage.delivered_at <= long_ago))
        await connection.execute(delete(OutboxMessage).where(OutboxMessage.dropped_at <= long_ago))
