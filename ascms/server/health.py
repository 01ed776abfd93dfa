"""Whether the server lives, and whether it can serve: for load balancers and operators.

`/healthz` says that the process answers; nothing is looked at. `/readyz` names what has to hold before requests are
sent here, with what to do where it does not, and nothing of the inside. It answers in time whatever hangs, and however
often it is asked there is one look at a time.
"""

import asyncio
import contextlib
import logging
import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ascms.database import Migrations, engine_for, migrations_of, sqlite_path
from ascms.faults import RECENT, Fault, fault_of
from ascms.identity import Authenticator
from ascms.settings import Settings

from .life import Life, Stage

WITHIN: Final = 2.0
"""Seconds in which `/readyz` answers."""
LONGEST: Final = 10.0
"""Seconds after which a look is given up."""
FRESH: Final = 1.0
"""Seconds for which what was seen is good enough."""

ROOM: Final = 65_536
"""Bytes that have to fit where files of ours are kept."""

LOGGER: Final = logging.getLogger("ascms.server")

NOT_IN_TIME: Final = "it has not answered in time; look whether it is overloaded or cannot be reached"
BEHIND: Final = "run `ascms db upgrade`"
AHEAD: Final = "the database is of a later version; install that version here too"
NO_KEYS: Final = "the issuer's keys could not be read yet; look whether ASCMS_ISSUER is right and can be reached"
NO_SECRETS: Final = "set ASCMS_SECRET_KEY_FILE and ASCMS_AUDIT_KEY_FILE"
NO_STATE: Final = "ASCMS_STATE_DIRECTORY is not there, or the server may not write in it"
NO_ROOM: Final = "there is no room left on its disk; make some"
NO_CHANGES: Final = "the database takes no changes; look whether it is a standby, or its file or disk read-only"
NO_DATABASE: Final = "the database does not answer; look whether it runs and ASCMS_DATABASE_URL is right"

Check = Mapping[str, Any]
"""`ok`, and `todo` where there is something to do."""


def _check(*, ok: bool, todo: str | None = None) -> Check:
    return {"ok": ok} if todo is None else {"ok": ok, "todo": todo}


@dataclass
class _Look:
    """What is looked at together, and under which names."""

    names: Sequence[str]
    look: Callable[[], Awaitable[Mapping[str, Check]]]
    task: asyncio.Task[Mapping[str, Check]] | None = None
    begun_at: float = 0.0

    async def seen(self) -> Mapping[str, Check]:
        """What is seen, at most `FRESH` old."""
        now = asyncio.get_running_loop().time()
        if self.task is None or (self.task.done() and now - self.begun_at > FRESH):
            self.task, self.begun_at = asyncio.create_task(self._bounded(), name="ascms readiness"), now
        await asyncio.wait({self.task}, timeout=WITHIN)
        if not self.task.done():
            return dict.fromkeys(self.names, _check(ok=False, todo=NOT_IN_TIME))
        return self.task.result()

    async def _bounded(self) -> Mapping[str, Check]:
        try:
            async with asyncio.timeout(LONGEST):
                return await self.look()
        except TimeoutError:
            return dict.fromkeys(self.names, _check(ok=False, todo=NOT_IN_TIME))


class Health:
    """The routes `/healthz` and `/readyz`. The lifespan closes it."""

    def __init__(self, settings: Settings, authenticator: Authenticator, life: Life) -> None:
        self._settings = settings
        self._authenticator = authenticator
        self._life = life
        # A connection of its own: whether the others are all at work is not the question.
        self._file = sqlite_path(settings.database_url)
        pool: dict[str, Any] = {"poolclass": NullPool} if self._file else {"pool_size": 1, "max_overflow": 0}
        self._engine = engine_for(settings.database_url, **pool)
        self._looks = (
            _Look(("database", "migrations"), self._database),
            _Look(("issuer",), self._issuer),
            _Look(("keys", "state"), self._kept),
        )
        self._missing: list[str] = []

    def routes(self) -> Sequence[Route]:
        """Both routes."""
        return (Route("/healthz", self.healthy), Route("/readyz", self.ready))

    async def aclose(self) -> None:
        """Look no more."""
        for look in self._looks:
            if look.task is not None:
                look.task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await look.task
        await self._engine.dispose()

    async def healthy(self, request: Request) -> Response:
        """Whether the process answers."""
        return JSONResponse({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """Whether requests may be sent here: 200, or 503 with what is missing."""
        if self._life.stage is not Stage.SERVING:
            return _answer(503, self._life.stage.value, {})
        seen = await asyncio.gather(*(look.seen() for look in self._looks))
        checks = {name: check for found in seen for name, check in found.items()}
        missing = [name for name, check in checks.items() if not check["ok"]]
        if missing != self._missing:
            self._missing = missing
            LOGGER.warning("not ready: %s", ", ".join(missing)) if missing else LOGGER.warning("ready again")
        return _answer(503, "unavailable", checks) if missing else _answer(200, "ok", checks)

    async def _database(self) -> Mapping[str, Check]:
        try:
            async with self._engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
                found = await connection.run_sync(migrations_of)
                todo = await self._keeps_from_changes(connection)
        except TimeoutError:
            raise
        except Exception:  # noqa: BLE001 (whatever it is, the database does not answer)
            return dict.fromkeys(("database", "migrations"), _check(ok=False, todo=NO_DATABASE))
        match found:
            case Migrations.BEHIND:
                migrations = _check(ok=False, todo=BEHIND)
            case Migrations.AHEAD:
                # No reason to serve nobody: while hosts are upgraded one by one, the old ones go on.
                migrations = _check(ok=True, todo=AHEAD)
            case _:
                migrations = _check(ok=True)
        return {"database": _check(ok=todo is None, todo=todo), "migrations": migrations}

    async def _keeps_from_changes(self, connection: AsyncConnection) -> str | None:
        """What is to be done before the database takes changes, which nearly every answer needs: it is logged."""
        if self._file is None:
            if await connection.scalar(text("SHOW transaction_read_only")) != "off":
                return NO_CHANGES
        # The file is never opened for that: to close it would take SQLite's own locks on it away from this process.
        elif not os.access(self._file, os.W_OK):
            return NO_CHANGES
        elif await asyncio.to_thread(_fault_of_folder, self._file.parent) is Fault.FULL:
            return NO_ROOM
        return NO_ROOM if RECENT.no_room else None

    async def _issuer(self) -> Mapping[str, Check]:
        known = await self._authenticator.knows_keys()
        return {"issuer": _check(ok=known, todo=None if known else NO_KEYS)}

    async def _kept(self) -> Mapping[str, Check]:
        settings = self._settings
        secrets = settings.secret_key is not None and settings.audit_key is not None
        fault = await asyncio.to_thread(_fault_of_folder, settings.state_directory)
        todo = None if fault is None else NO_ROOM if fault is Fault.FULL else NO_STATE
        return {
            "keys": _check(ok=secrets, todo=None if secrets else NO_SECRETS),
            "state": _check(ok=fault is None, todo=todo),
        }


def _fault_of_folder(folder: Path) -> Fault | None:
    """What keeps files from being written there, tried with one that has no name."""
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as probe:
            probe.write(bytes(ROOM))
    except OSError as error:
        return fault_of(error)
    return None


def _answer(status: int, word: str, checks: Mapping[str, Check]) -> Response:
    told = {"status": word, "checks": checks} if checks else {"status": word}
    return JSONResponse(told, status, {"Cache-Control": "no-store"})
