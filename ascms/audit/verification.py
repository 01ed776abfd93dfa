"""Checking the access log and the change log: every entry against the one before, every chain against its head,
every head against the index; in memory that does not grow with the entries, and also while the log is being written.

Nothing in the database or the files is trusted to be readable. The order of reading keeps a live log from
raising an alarm: heads are read before entries, which may then only be ahead of them.
"""

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, func, inspect, select
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.database import engine_for, sqlite_path
from ascms.models import AccessLogChain, AccessLogEntry, Disclosure

from .changes import CHANGES, FIRST, is_of_changes, row_mac
from .heads import Event, Head, head_files, heads_directory, read_head, read_index
from .log import MAXIMUM_BATCH
from .pages import Entry, Unreadable, changes_of, entries_of, rows_of
from .records import Content, entry_mac, fingerprint, genesis, spelt, students_json
from .report import Kind, Problem, Report
from .walk import Walk


async def verify(engine: AsyncEngine, key: bytes, directory: Path) -> Report:
    """Check the whole log. `key` and `directory` are those of the `AccessLog`s that wrote it."""
    async with engine.connect() as connection:
        return await connection.run_sync(lambda synchronous: _Verification(synchronous, key, directory).run())


def verify_database(database_url: str, directory: Path, key: bytes) -> Report:
    """`verify` for the command line: starts an event loop. Raises LookupError where there is no log to check."""
    path = sqlite_path(database_url)
    if path is not None and not path.exists():
        raise LookupError(f"there is no database {path}; name the one whose access log is to be checked")

    async def run() -> Report:
        engine = engine_for(database_url)
        try:
            async with engine.connect() as connection:
                if not await connection.run_sync(lambda it: inspect(it).has_table(AccessLogChain.__tablename__)):
                    raise LookupError("the database has no access log; bring it up to date with `ascms db upgrade`")
            return await verify(engine, key, directory)
        finally:
            await engine.dispose()

    return asyncio.run(run())


@dataclass(slots=True)
class _Indexed:
    """What the index tells of a chain: that it was opened, and where it was closed."""

    closed: Head | None = None


class _Verification:
    """One run over everything."""

    def __init__(self, connection: Connection, key: bytes, directory: Path) -> None:
        self._connection = connection
        self._key = key
        self._directory = directory
        self._report = Report()

    def run(self) -> Report:
        heads = {chain: self._head(chain) for chain in head_files(self._directory)}
        indexed = self._index(self._report)
        heads |= {chain: self._head(chain) for chain in indexed if chain not in heads}
        stored = self._connection.execute(select(AccessLogChain.id, AccessLogChain.name).order_by(AccessLogChain.id))
        chains = {row.name: row.id for row in stored.all()}
        self._connection.rollback()
        # A chain that began since the index was read is in it by now.
        now_indexed = self._index(None)
        for chain, row_id in chains.items():
            self._check_chain(chain, row_id, now_indexed.get(chain))
        for chain, head in heads.items():
            if chain not in chains and not is_of_changes(chain):
                self._check_absent(chain, head, indexed.get(chain))
        self._check_strays()
        self._check_disclosures()
        self._check_changes({chain: head for chain, head in heads.items() if is_of_changes(chain)}, indexed)
        return self._report

    def _check_changes(self, heads: dict[str, Head | ValueError | None], indexed: dict[str, _Indexed]) -> None:
        """The change log against the heads of all who wrote it, which were read before."""
        known: dict[int, set[bytes]] = {}
        for writer, head in heads.items():
            of_index = indexed.get(writer)
            if of_index is None and isinstance(head, ValueError):
                self._report.notes.append(f"{head}; the index does not know it")
                continue
            reference = self._reference(writer, head, of_index.closed if of_index is not None else None)
            if reference is not None and reference.sequence > 0:
                known.setdefault(reference.sequence, set()).add(reference.mac)
        walk = Walk(CHANGES, FIRST, partial(row_mac, self._key), "its columns", self._report)
        for entry in changes_of(self._connection):
            belongs = walk.take(entry)
            named = known.get(entry.sequence, set()) if belongs else set()
            if named and not isinstance(entry, Unreadable) and named != {entry.mac}:
                self._report.add(Problem(Kind.CHANGED, "not the entry that a head names", CHANGES, entry.sequence))
        self._report.changes = walk.taken
        newest = max(known, default=0)
        if walk.last < newest:
            self._report.add(Problem(Kind.CUT_OFF, "cut off", CHANGES, walk.last + 1, newest))
        elif walk.last and not heads:
            about = f"there is no head of it in {heads_directory(self._directory)}, although it has entries"
            self._add(Kind.HEAD_MISSING, about, CHANGES)
        elif walk.last > newest:
            self._report.notes.append(
                f"{CHANGES}: {walk.last - newest} at its end that no head names: the process ended before it wrote "
                "the head, or is about to"
            )

    def _head(self, chain: str) -> Head | ValueError | None:
        try:
            return read_head(self._directory, self._key, chain)
        except ValueError as error:
            return error

    def _index(self, report: Report | None) -> dict[str, _Indexed]:
        """The chains that the index names; what is wrong with it goes into `report`."""
        chains: dict[str, _Indexed] = {}
        for line in read_index(self._directory, self._key):
            if line.event is not None:
                chain = chains.setdefault(line.chain, _Indexed())
                if line.event is Event.CLOSED and line.intact:
                    chain.closed = line.head
            if report is not None and not line.intact:
                where = heads_directory(self._directory) / "index"
                about = f"{where}, line {line.number}: not what was written, or lines before it were removed"
                report.add(Problem(Kind.INDEX_CHANGED, about, line.chain or None))
        return chains

    def _check_chain(self, chain: str, row_id: int, indexed: _Indexed | None) -> None:
        self._report.chains += 1
        head = self._head(chain)
        closed = indexed.closed if indexed else None
        if indexed is None:
            self._add(Kind.INDEX_CHANGED, "the index does not name this chain", chain)
        known = self._reference(chain, head, closed)
        covered = "its columns, its students"
        walk = Walk(chain, genesis(self._key, chain), partial(self._entry_mac, chain), covered, self._report)
        mac_at_head = None
        for entry in entries_of(self._connection, row_id):
            if walk.take(entry) and isinstance(entry, Entry) and not entry.disclosure_exists:
                about = f"the disclosure {_shown(entry.fingerprint)} is missing"
                self._report.add(Problem(Kind.DISCLOSURE_CHANGED, about, chain, entry.sequence))
            if known is not None and entry.sequence == known.sequence and isinstance(entry, Entry):
                mac_at_head = entry.mac
        self._report.entries += walk.taken
        if known is None:
            return
        if walk.last < known.sequence:
            kind, message = (Kind.CUT_OFF, "cut off") if walk.last else (Kind.CHAIN_MISSING, "all entries are missing")
            self._report.add(Problem(kind, message, chain, walk.last + 1, known.sequence))
        elif mac_at_head is not None and mac_at_head != known.mac:
            self._report.add(Problem(Kind.CHANGED, "not the entry that the head names", chain, known.sequence))
        if walk.last > known.sequence:
            self._check_surplus(chain, walk.last, known if closed else None)

    def _entry_mac(self, chain: str, previous: bytes, entry: Entry) -> bytes:
        content = Content(
            chain=chain,
            sequence=entry.sequence,
            occurred_at=spelt(entry.occurred_at),
            user_id=entry.user_id,
            organisation_id=entry.organisation_id,
            roles=entry.roles,
            operation_name=entry.operation_name,
            operation_hash=entry.operation_hash,
            fingerprint=entry.fingerprint,
            students=students_json(entry.students),
        )
        return entry_mac(self._key, previous, content)

    def _reference(self, chain: str, head: Head | ValueError | None, closed: Head | None) -> Head | None:
        """Where the chain ends by its head, or by the index where that knows better."""
        if head is None:
            self._add(Kind.HEAD_MISSING, f"its head file in {heads_directory(self._directory)} is missing", chain)
        elif isinstance(head, ValueError):
            self._add(Kind.HEAD_CHANGED, str(head), chain)
        elif closed is not None and head != closed:
            about = f"its head names entry {head.sequence}, but it was closed with entry {closed.sequence}"
            self._add(Kind.HEAD_CHANGED, about, chain)
        if isinstance(head, Head) and head.torn:
            self._report.notes.append(
                f"{chain}: one of the two slots of its head cannot be read: the power failed while it was written, "
                "or it was changed to hide the last entries"
            )
        if closed is not None:
            return closed
        return head if isinstance(head, Head) else None

    def _check_surplus(self, chain: str, last: int, closed: Head | None) -> None:
        """Entries after the head: so many as a power failure explains."""
        head = closed or self._head(chain)
        if not isinstance(head, Head) or last <= head.sequence:
            return
        surplus = last - head.sequence
        if surplus > MAXIMUM_BATCH:
            about = f"its head names entry {head.sequence}, {surplus} before the last: it is an earlier copy"
            self._add(Kind.HEAD_CHANGED, about, chain)
        else:
            self._report.notes.append(
                f"{chain}: {surplus} {'entry' if surplus == 1 else 'entries'} after its head, and intact: the process "
                "or the power failed in that moment, or the answer is about to leave; were there more, nothing tells"
            )

    def _check_absent(self, chain: str, head: Head | ValueError | None, indexed: _Indexed | None) -> None:
        """A chain that the files know, and the database does not: sound only if it never had an entry."""
        if indexed is None and isinstance(head, ValueError):
            self._report.notes.append(f"{head}; neither the index nor the database knows the chain")
            return
        known = self._reference(chain, head, indexed.closed if indexed else None)
        if known is not None and known.sequence > 0:
            if indexed is None:
                self._add(Kind.INDEX_CHANGED, "the index does not name this chain", chain)
            self._report.add(Problem(Kind.CHAIN_MISSING, "all entries are missing", chain, 1, known.sequence))

    def _check_strays(self) -> None:
        chains = select(AccessLogChain.id).where(AccessLogChain.id == AccessLogEntry.chain_id)
        strays = select(func.count()).select_from(AccessLogEntry).where(~chains.exists())
        number = self._connection.execute(strays).scalar_one()
        self._connection.rollback()
        if number:
            self._report.add(Problem(Kind.CHAIN_MISSING, f"{number} entries belong to a chain that is not there"))

    def _check_disclosures(self) -> None:
        columns = select(Disclosure.fingerprint, Disclosure.disclosed, Disclosure.redacted)
        for row in rows_of(self._connection, columns, Disclosure.fingerprint):
            self._report.disclosures += 1
            try:
                fits = not isinstance(row, Unreadable) and row.fingerprint == fingerprint(
                    tuple(row.disclosed), tuple(row.redacted)
                )
            except TypeError:
                fits = False
            if not fits:
                name = row.sequence if isinstance(row, Unreadable) else row.fingerprint
                about = f"the disclosure {_shown(name)} is not what was written; every entry that names it is concerned"
                self._report.add(Problem(Kind.DISCLOSURE_CHANGED, about))

    def _add(self, kind: Kind, message: str, chain: str) -> None:
        self._report.add(Problem(kind, message, chain))


def _shown(fingerprint: object) -> str:
    return fingerprint.hex() if isinstance(fingerprint, bytes) else repr(fingerprint)
