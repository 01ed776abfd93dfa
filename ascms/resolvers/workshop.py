"""Where changes are made: opens the transaction, and writes with it what the change leaves behind."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from ascms.audit import Change, ChangeLog
from ascms.casework.work import Actor, Entry, Work
from ascms.database import writing
from ascms.identity.viewer import Viewer
from ascms.models import Role
from ascms.settings import Settings
from ascms.signals import Bus


def actor_of(viewer: Viewer) -> Actor:
    """The viewer as casework sees them."""
    acting = viewer.acting
    if acting is None:
        return Actor(viewer.user_id)
    return Actor(viewer.user_id, acting.organisation_id, acting.kind, viewer.roles)


@dataclass
class Workshop:
    """Opens transactions for changes. `after` is called when one is committed (the outbox wakes up)."""

    engine: AsyncEngine
    settings: Settings
    changes: ChangeLog
    bus: Bus
    after: list[Callable[[], None]] = field(default_factory=list)

    @asynccontextmanager
    async def open(
        self, actor: Actor, action: str, now: datetime, committing: Callable[[], None] = lambda: None
    ) -> AsyncIterator[Work]:
        """A transaction; committed at the end with its entries in the change log, rolled back on an exception.

        `committing` is called when all else is done: from there on it must not be broken off.
        """
        async with AsyncSession(writing(self.engine), expire_on_commit=False, autoflush=True) as session:
            work = Work(session, actor, now, action, self.settings)
            async with session.begin():
                yield work
                await session.flush()
                changes = [_change(work, entry) for entry in dict.fromkeys(work.entries)]
                head = await self.changes.append(session, changes)
                await self.bus.publish_in(session, work.signals)
                committing()
        await self.changes.committed(head)
        self.bus.after_commit(work.signals)
        for call in self.after:
            call()


def _change(work: Work, entry: Entry) -> Change:
    actor = work.actor
    return Change(
        occurred_at=work.now,
        action=work.action,
        user_id=actor.user_id,
        organisation_id=actor.organisation_id,
        roles=tuple(role.value for role in Role if role in actor.roles),
        subject_type=entry.subject_type,
        subject_id=entry.subject_id,
        student_id=entry.student_id,
    )
