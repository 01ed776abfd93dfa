"""The change log: who changed what, written in the transaction of the change itself.

One chain for the database: the mac of an entry covers the one before, so that an entry that is changed or taken
away breaks it. The transaction that appends holds the chain until it commits. When it has, the writer notes the
newest entry in a head file of its own outside the database, so that cutting off the end is missed too; a process
that ends in between leaves entries after its head, which is no sign of anything.
"""

import asyncio
import hmac
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

import orjson
from sqlalchemy import Table, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from ascms.database import take_turns
from ascms.models import ChangeEntry

from .heads import Event, Head, HeadFile, append_to_index, prepare, writer_name
from .records import genesis

CHANGES: Final = "changes"
"""What the chain is called in reports; heads of it are called so, with the name of their writer."""
FIRST: Final = b""
"""What the first entry follows."""
LOGGER = logging.getLogger("ascms.audit")

_ENTRIES: Final = cast(Table, ChangeEntry.__table__)
_LAST: Final = select(_ENTRIES.c.sequence, _ENTRIES.c.mac).order_by(_ENTRIES.c.sequence.desc()).limit(1)
_APPEND: Final = insert(_ENTRIES)


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
    """Appends to the change log, with the installation's audit key. `directory` is the state directory.

    What the heads can and cannot show is told at `AccessLog`.
    """

    def __init__(self, key: bytes, directory: Path) -> None:
        self._key = key
        self._directory = directory
        self._heads: _Heads | None = None
        self._turn = asyncio.Lock()

    async def append(self, session: AsyncSession, changes: Sequence[Change]) -> Head | None:
        """Write entries in the session's transaction. Others who append wait until it ends.

        Gives the head for `committed`; None where there was nothing to write.
        """
        if not changes:
            return None
        await self._open()
        await take_turns(session, "change_log")
        previous = (await session.execute(_LAST)).one_or_none()
        sequence, mac = (previous.sequence, previous.mac) if previous is not None else (0, FIRST)
        rows = []
        for change in changes:
            sequence += 1
            mac = change_mac(self._key, mac, sequence, change)
            rows.append(
                {
                    "sequence": sequence,
                    "occurred_at": change.occurred_at,
                    "action": change.action,
                    "user_id": change.user_id,
                    "organisation_id": change.organisation_id,
                    "roles": list(change.roles),
                    "subject_type": change.subject_type,
                    "subject_id": change.subject_id,
                    "student_id": change.student_id,
                    "mac": mac,
                }
            )
        await session.execute(_APPEND, rows)
        return Head(sequence, mac)

    async def committed(self, head: Head | None) -> None:
        """Returns when a head that is not older is on disk; those who wait together share one flush.

        The change is made, whatever comes of this: a head that cannot be written is told in the server's log, and
        no further change is made until one can.
        """
        heads = self._heads
        if head is None or heads is None:
            return
        heads.newest = max(heads.newest, head, key=lambda one: one.sequence)
        async with self._turn:
            if heads.written >= head.sequence:
                return
            try:
                await asyncio.to_thread(heads.write)
            except OSError:
                # A flush that failed once may claim success when repeated: the next change begins a new file.
                LOGGER.exception("the head of the change log could not be written")
                heads.abandon()
                if self._heads is heads:
                    self._heads = None

    async def aclose(self) -> None:
        """Note in the index which entry was the last one written here."""
        heads, self._heads = self._heads, None
        if heads is not None:
            await asyncio.to_thread(heads.close)

    async def _open(self) -> None:
        if self._heads is None:
            async with self._turn:
                if self._heads is None:
                    self._heads = await asyncio.to_thread(_Heads, self._key, self._directory)


class _Heads:
    """The head file of one writer. `newest` is the newest entry of which it knows that it is committed."""

    def __init__(self, key: bytes, directory: Path) -> None:
        """Make the file and its line in the index."""
        self._key = key
        self._directory = directory
        self._name = f"{CHANGES}-{writer_name()}"
        self._file_turn = threading.Lock()
        self.newest = Head(0, genesis(key, self._name))
        self.written = 0
        prepare(directory)
        self._file = HeadFile(directory, key, self._name)
        append_to_index(directory, key, Event.OPENED, self._name, self.newest)

    def write(self) -> None:
        """Returns when `newest` is on disk. One at a time, also where nobody waits for an earlier one any more."""
        with self._file_turn:
            head = self.newest
            if head.sequence > self.written:
                self._file.write(head)
                self.written = head.sequence

    def abandon(self) -> None:
        """Leave the file as it is."""
        with self._file_turn:
            self._file.close()

    def close(self) -> None:
        """Write what is left, and note it in the index."""
        self.write()
        self.abandon()
        append_to_index(self._directory, self._key, Event.CLOSED, self._name, self.newest)


def is_of_changes(head_name: str) -> bool:
    """Whether a head is one of the change log, and not of a chain of the access log."""
    return head_name.startswith(f"{CHANGES}-")


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


def row_mac(key: bytes, previous: bytes, row: Any) -> bytes:
    """The mac that a row of the table should have."""
    change = Change(
        occurred_at=row.occurred_at,
        action=row.action,
        user_id=row.user_id,
        organisation_id=row.organisation_id,
        roles=tuple(row.roles),
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        student_id=row.student_id,
    )
    return change_mac(key, previous, row.sequence, change)
