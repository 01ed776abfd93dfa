"""The change log: who changed what, written in the transaction of the change itself.

One chain for the database: the mac of an entry covers the one before, so that an entry that is changed or taken
away breaks it. The transaction that appends holds the chain until it commits.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ascms.database import take_turns
from ascms.models import ChangeEntry


@dataclass(frozen=True, slots=True)
class Change:
    """What an entry says. `action` is the mutation's name; no user: the system's own doing."""

    occurred_at: datetime
    action: str
    user_id: int | None
    organisation_id: int | None
    roles: tuple[str, ...]
    subject_type: str
    subject_id: int | None
    student_id: int | None


class ChangeLog:
    """Appends to the change log, with the installation's audit key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    async def append(self, session: AsyncSession, changes: Sequence[Change]) -> None:
        """Write entries in the session's transaction. Others who append wait until it ends."""
        if not changes:
            return
        await take_turns(await session.connection(), "change_log")
        last = select(ChangeEntry.sequence, ChangeEntry.mac).order_by(ChangeEntry.sequence.desc()).limit(1)
        previous = (await session.execute(last)).one_or_none()
        sequence, mac = (previous.sequence, previous.mac) if previous is not None else (0, b"")
        for change in changes:
            sequence += 1
            mac = change_mac(self._key, mac, sequence, change)
            session.add(
                ChangeEntry(
                    sequence=sequence,
                    occurred_at=change.occurred_at,
                    action=change.action,
                    user_id=change.user_id,
                    organisation_id=change.organisation_id,
                    roles=list(change.roles),
                    subject_type=change.subject_type,
                    subject_id=change.subject_id,
                    student_id=change.student_id,
                    mac=mac,
                )
            )
        await session.flush()


def change_mac(key: bytes, previous: bytes, sequence: int, change: Change) -> bytes:
    """The mac of an entry that follows the one with the mac `previous` (empty for the first)."""
    content = orjson.dumps(
        [
            sequence,
            change.occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
            change.action,
            change.user_id,
            change.organisation_id,
            sorted(change.roles),
            change.subject_type,
            change.subject_id,
            change.student_id,
        ]
    )
    return hmac.digest(key, b"ascms-change-log-1:" + previous + content, "sha256")
