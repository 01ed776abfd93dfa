"""Writing the access log: an entry is on disk, and its head too, before the answer may leave.

Concurrent appends share their price: one task writes all that wait in one transaction and one head. A writer
(one `AccessLog`) has a chain of its own for each month, so writers never wait for each other's chains. The head
is written after the commit and before `append` returns: an answered entry always has its head, and entries
beyond the head are those of a process that ended before it could answer.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from .heads import Event, Head, HeadFile, append_to_index, prepare, writer_name
from .records import AccessRecord, Content, entry_mac, fingerprint, genesis
from .store import HeadLostError, OutcomeUnknownError, Rows, nothing_was_written, store_for

MAXIMUM_BATCH = 500
"""How many entries may share a transaction, and so how far a crash can leave a chain beyond its head."""

KNOWN_DISCLOSURES = 10_000
"""How many disclosures are remembered as stored; then all are forgotten, and cost an insert each again."""


class NotLoggedError(Exception):
    """The entry may not have been written: what it was to record must not be disclosed."""


@dataclass(slots=True)
class _Waiting:
    record: AccessRecord
    done: asyncio.Future[None]

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            refusal = NotLoggedError(f"the access log could not be written: {type(error).__name__}")
            refusal.__cause__ = error
            self.done.set_exception(refusal)

    def succeed(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


@dataclass(slots=True)
class _Chain:
    name: str
    month: str
    file: HeadFile
    head: Head
    row_id: int | None = None
    """Known once the chain's first transaction is committed."""


class AccessLog:
    """A writer of the access log. `directory` is the state directory; heads lie in `heads` below it.

    `engine` is one of `ascms.database`. A connection is kept from the first entry to `aclose`. Whoever holds the
    key and both places can forge the log; whoever can write both places without the key can still restore an
    earlier copy of both. An operator who wants to rule that out copies `heads/` to where neither the server nor
    its database's keepers can write, daily or oftener, and verifies with the copy.
    """

    def __init__(self, engine: AsyncEngine, key: bytes, directory: Path) -> None:
        self._store = store_for(engine)
        self._key = key
        self._directory = directory
        self._writer = writer_name()
        self._chain: _Chain | None = None
        self._known: set[bytes] = set()
        self._waiting: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def append(self, record: AccessRecord) -> None:
        """Returns when the entry and its head are on disk. Raises NotLoggedError where that is not certain."""
        if self._closed:
            raise NotLoggedError("the access log is closed")
        waiting = _Waiting(record, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._task is None:
            self._task = asyncio.create_task(self._write_all())
        await waiting.done

    async def aclose(self) -> None:
        """Write what waits, note in the index where the chain ends, and give the connection back."""
        self._closed = True
        if self._task is not None:
            await self._task
        try:
            await asyncio.to_thread(self._close_chain)
        finally:
            await self._store.disconnect()

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                await self._settle(self._next_batch(), may_retry=True)
        finally:
            self._task = None
            while self._waiting:
                self._waiting.popleft().fail(asyncio.CancelledError())

    def _next_batch(self) -> list[_Waiting]:
        """The first that wait, as many as belong to one month."""
        month = self._month_of(self._waiting[0].record)
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < MAXIMUM_BATCH and self._month_of(self._waiting[0].record) == month:
            batch.append(self._waiting.popleft())
        return batch

    def _month_of(self, record: AccessRecord) -> str:
        """The month of the chain for `record`: its own, unless a later one has begun."""
        month = f"{record.occurred_at:%Y-%m}"
        return month if self._chain is None else max(month, self._chain.month)

    async def _settle(self, batch: list[_Waiting], *, may_retry: bool) -> None:
        """Write `batch` and tell those who wait. One bad record does not take the others with it."""
        try:
            await self._write([waiting.record for waiting in batch])
        except BaseException as error:
            await self._store.disconnect()
            if may_retry and nothing_was_written(error):
                # The disclosure that was thought known may be gone, or one record names who does not exist.
                self._known.clear()
                for waiting in batch:
                    await self._settle([waiting], may_retry=False)
                return
            for waiting in batch:
                waiting.fail(error)
            if not isinstance(error, Exception):
                raise
        else:
            for waiting in batch:
                waiting.succeed()

    async def _write(self, records: Sequence[AccessRecord]) -> None:
        chain, month = self._chain, self._month_of(records[0])
        if chain is None or chain.month != month:
            chain = await asyncio.to_thread(self._open_chain, month)
        rows, head = self._rows(chain, records)
        try:
            chain.row_id = await self._store.write(rows, lambda: chain.file.write(head))
        except (OutcomeUnknownError, HeadLostError, asyncio.CancelledError):
            # Nothing may follow what may be there or not; and a flush that failed may claim success when repeated.
            self._abandon_chain()
            raise
        chain.head = head
        self._known.update(rows.disclosures)

    def _open_chain(self, month: str) -> _Chain:
        self._close_chain()
        prepare(self._directory)
        name = f"{self._writer}-{month}"
        head = Head(0, genesis(self._key, name))
        file = HeadFile(self._directory, self._key, name)
        self._chain = _Chain(name, month, file, head)
        try:
            append_to_index(self._directory, self._key, Event.OPENED, name, head)
        except OSError:
            self._abandon_chain()
            raise
        return self._chain

    def _close_chain(self) -> None:
        if self._chain is not None:
            chain, self._chain = self._chain, None
            chain.file.close()
            append_to_index(self._directory, self._key, Event.CLOSED, chain.name, chain.head)

    def _abandon_chain(self) -> None:
        """Nothing may follow an entry of which it is unknown whether it was written: begin anew."""
        if self._chain is not None:
            self._chain.file.close()
            self._chain = None
            self._writer = writer_name()

    def _rows(self, chain: _Chain, records: Sequence[AccessRecord]) -> tuple[Rows, Head]:
        rows, head = Rows(chain.name, chain.row_id), chain.head
        if len(self._known) > KNOWN_DISCLOSURES:
            self._known.clear()
        for record in records:
            name = fingerprint(record.disclosed, record.redacted)
            if name not in self._known:
                coordinates = {"disclosed": sorted(set(record.disclosed)), "redacted": sorted(set(record.redacted))}
                rows.disclosures[name] = {"fingerprint": name, **coordinates}
            columns: dict[str, Any] = {
                "sequence": head.sequence + 1,
                "occurred_at": record.occurred_at,
                "user_id": record.user_id,
                "organisation_id": record.organisation_id,
                "roles": list(record.roles),
                "operation_name": record.operation_name,
                "operation_hash": record.operation_hash,
                "fingerprint": name,
            }
            content = Content(chain=chain.name, students=list(record.students), **columns)
            head = Head(head.sequence + 1, entry_mac(self._key, head.mac, content))
            rows.entries.append({**columns, "mac": head.mac})
            rows.students.append((head.sequence, record.students))
        return rows, head
