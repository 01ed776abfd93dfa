"""Faults from outside: what ascms needs is away, full or busy, and comes back without a change of ascms.

Errors of both drivers, of SQLAlchemy and of the system are told apart from mistakes of our own, so that whoever asks
is told to come back (503), and not that something went wrong (500).
"""

import errno
import sqlite3
from collections.abc import Iterator
from enum import StrEnum
from time import monotonic
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError, TimeoutError as NoConnectionFree


class Fault(StrEnum):
    """What is the matter, in an operator's words. Nothing of it is told to who asks."""

    AWAY = "the database, the storage or the network does not answer"
    BUSY = "the database is busy: locked by another, or out of connections"
    FULL = "there is no room left where the database, its log or files are kept"
    READ_ONLY = "the database takes no changes: it is read-only, or a standby"
    FILES = "a file or folder of ours cannot be read or written"


RETRY_AFTER: Final = 5
"""Seconds after which it makes sense to ask again."""

_BY_STATE: Final = {
    "25006": Fault.READ_ONLY,
    "40001": Fault.BUSY,
    "40P01": Fault.BUSY,
    "53100": Fault.FULL,
    "53200": Fault.BUSY,
    "53300": Fault.BUSY,
    "53400": Fault.BUSY,
    "55P03": Fault.BUSY,
    "57P01": Fault.AWAY,
    "57P02": Fault.AWAY,
    "57P03": Fault.AWAY,
    "57P05": Fault.AWAY,
    "58030": Fault.AWAY,
    "3D000": Fault.AWAY,
}
_BY_CLASS: Final = {"08": Fault.AWAY, "28": Fault.AWAY}
"""Of SQLSTATE: no connection; and nobody whom the database knows, as when its password was changed."""

_BY_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: Fault.BUSY,
    sqlite3.SQLITE_LOCKED: Fault.BUSY,
    sqlite3.SQLITE_NOMEM: Fault.BUSY,
    sqlite3.SQLITE_PROTOCOL: Fault.BUSY,
    sqlite3.SQLITE_READONLY: Fault.READ_ONLY,
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_IOERR: Fault.AWAY,
    sqlite3.SQLITE_CANTOPEN: Fault.AWAY,
}
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Recent:
    """That there was no room, for as long as nothing else tells whether it has passed."""

    KEPT: Final = 15.0
    """Seconds."""

    def __init__(self) -> None:
        self._until = 0.0

    def note(self, fault: Fault) -> None:
        """It was met just now. Other faults than no room show themselves to who looks."""
        if fault is Fault.FULL:
            self._until = monotonic() + self.KEPT

    def forget(self) -> None:
        """Something was written."""
        self._until = 0.0

    @property
    def no_room(self) -> bool:
        """Whether it was met lately."""
        return monotonic() < self._until


RECENT: Final = Recent()
"""What this process has met. Nothing but `/readyz` goes by it."""


def fault_of(error: BaseException) -> Fault | None:
    """The fault behind an error, by the error itself or what caused it; None for what is nobody's but ours."""
    return next((fault for one in _behind(error) if (fault := _fault(one)) is not None), None)


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.orig if isinstance(error, DBAPIError) else error.__cause__


def _fault(error: BaseException) -> Fault | None:
    match error:
        case sqlite3.Error():
            return _BY_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        case NoConnectionFree():
            return Fault.BUSY
        case asyncpg.InterfaceError():
            return Fault.AWAY if "clos" in str(error) else None
        case asyncpg.InternalClientError():
            return Fault.AWAY  # PostgreSQL ended the connection while something was asked of it
        case asyncpg.exceptions.InvalidCachedStatementError():
            return Fault.BUSY  # a migration ran meanwhile; the next attempt plans anew
        case OSError():
            return _of_system(error)
    state = getattr(error, "sqlstate", None)
    if not isinstance(state, str):
        return None
    return _BY_STATE.get(state) or _BY_CLASS.get(state[:2])


def _of_system(error: OSError) -> Fault:
    if error.errno in _NO_ROOM:
        return Fault.FULL
    if isinstance(error, (ConnectionError, TimeoutError)) or error.filename is None:
        return Fault.AWAY
    return Fault.FILES
