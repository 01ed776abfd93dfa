"""Writing the access log: an entry is on disk before the answer may leave.

Concurrent appends share their price: one task writes all that wait in one transaction, and waits a moment for as many
as came lately. A writer (one `AccessLog`) has a chain of its own for each month, so writers never wait for
each other's chains. The head is put after the commit and before `append` returns, and is on disk `FLUSH_AFTER` later:
the end of the process parts no answered entry from its head, and a power failure only the newest.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.telemetry.spread import Spread

from .gathering import Gathering
from .heads import Event, Head, HeadFile, append_to_index, prepare, writer_name
from .records import AccessRecord, Content, entry_mac, fingerprint, genesis, spelt, students_json
from .store import Batch, HeadLostError, OutcomeUnknownError, is_refused, store_for

MAXIMUM_BATCH = 500
"""How many entries may share a transaction, and how far a crash can leave a chain beyond its head on disk."""

FLUSH_AFTER: Final = 0.1
"""How long a head waits for those that come after it before it is flushed to disk, in seconds."""

LOGGER = logging.getLogger("ascms.audit")


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


class AccessLog:
    """A writer of the access log. `directory` is the state directory; heads lie in `heads` below it.

    `engine` is one of `ascms.database`. A connection is kept from the first entry to `aclose`. Whoever holds the
    key and both places can forge the log; whoever can write both places without the key can still restore an
    earlier copy of both. An operator who wants to rule that out copies `heads/` to where neither the server nor
    its database's keepers can write, daily or oftener, and verifies with the copy. After a power failure, the
    entries of its last moment may stand after their head: that no later one was cut off is then not known.
    """

    def __init__(self, engine: AsyncEngine, key: bytes, directory: Path) -> None:
        self._store = store_for(engine)
        self._key = key
        self._directory = directory
        self._writer = writer_name()
        self._chain: _Chain | None = None
        self._waiting: deque[_Waiting] = deque()
        self._gathering = Gathering(self._waiting)
        self._task: asyncio.Task[None] | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False
        self.batches = Spread((1, 2, 5, 10, 20, 50, 100, 200, MAXIMUM_BATCH))
        self.seconds = Spread((0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5))
        """How many entries shared a transaction, and for how long it was written."""
        self.failures = 0
        """How often a batch was not written."""

    @property
    def waiting(self) -> int:
        """How many entries wait to be written."""
        return len(self._waiting)

    async def append(self, record: AccessRecord) -> None:
        """Returns when the entry is on disk. Raises NotLoggedError where that is not certain."""
        if self._closed:
            raise NotLoggedError("the access log is closed")
        waiting = _Waiting(record, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._gathering.arrived()
        if self._task is None:
            self._task = asyncio.create_task(self._write_all())
        await waiting.done

    async def aclose(self) -> None:
        """Write what waits, note in the index where the chain ends, and give the connection back."""
        self._closed = True
        self._gathering.hurry()
        if self._task is not None:
            await self._task
        if self._flushing is not None:
            self._flushing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._flushing
        try:
            await asyncio.to_thread(self._close_chain)
        finally:
            await self._store.disconnect()

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                if not self._closed:
                    await self._gathering.gather()
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
        began = perf_counter()
        try:
            await self._write([waiting.record for waiting in batch])
        except BaseException as error:
            self.failures += 1
            await self._store.disconnect()
            if may_retry and is_refused(error):
                # What was thought stored may be gone, or one record names who does not exist.
                for waiting in batch:
                    await self._settle([waiting], may_retry=False)
                return
            for waiting in batch:
                waiting.fail(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._gathering.wrote(len(batch))
            self.batches.add(len(batch))
            self.seconds.add(perf_counter() - began)
            for waiting in batch:
                waiting.succeed()

    async def _write(self, records: Sequence[AccessRecord]) -> None:
        chain, month = self._chain, self._month_of(records[0])
        if chain is None or chain.month != month:
            chain = await asyncio.to_thread(self._open_chain, month)
        batch, head = self._chained(chain, records)
        if head.sequence - chain.file.on_disk > MAXIMUM_BATCH:
            await self._flush(chain)
        try:
            await self._store.write(batch, lambda: chain.file.put(head))
        except (OutcomeUnknownError, HeadLostError, asyncio.CancelledError):
            # Nothing may follow what may be there or not.
            with contextlib.suppress(OSError):
                chain.file.flush()
            self._abandon_chain()
            raise
        chain.head = head
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush_later())

    async def _flush_later(self) -> None:
        """Flush heads for as long as there are any to flush."""
        try:
            while (chain := self._chain) is not None and chain.file.is_behind:
                await asyncio.sleep(FLUSH_AFTER)
                await self._flush(chain)
        except OSError:
            LOGGER.exception("a head of the access log could not be flushed to disk")
        finally:
            self._flushing = None

    async def _flush(self, chain: _Chain) -> None:
        try:
            await asyncio.to_thread(chain.file.flush)
        except OSError:
            # A flush that failed once may claim success when repeated.
            if self._chain is chain:
                self._abandon_chain()
            raise

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
            try:
                chain.file.flush()
            finally:
                chain.file.close()
            append_to_index(self._directory, self._key, Event.CLOSED, chain.name, chain.head)

    def _abandon_chain(self) -> None:
        """Leave the chain as it is, and begin anew."""
        if self._chain is not None:
            self._chain.file.close()
            self._chain = None
            self._writer = writer_name()

    def _chained(self, chain: _Chain, records: Sequence[AccessRecord]) -> tuple[Batch, Head]:
        batch, sequence, mac = Batch(chain.name), chain.head.sequence, chain.head.mac
        for record in records:
            sequence += 1
            name = fingerprint(record.disclosed, record.redacted)
            content = Content(
                chain.name,
                sequence,
                spelt(record.occurred_at),
                record.user_id,
                record.organisation_id,
                record.roles,
                record.operation_name,
                record.operation_hash,
                name,
                students_json(record.students),
            )
            mac = entry_mac(self._key, mac, content)
            batch.entries.append((content, mac))
            batch.disclosures[name] = record.disclosed, record.redacted
        return batch, Head(sequence, mac)
