"""This project, set up as an installation is: secrets, an issuer elsewhere whose keys are fetched, one state directory.

`ascms-nolog` serves it with BENCH_ACCESS_LOG=off, so that the price of the access log is seen. That is done here and
not by a setting, so that no installation can be without its log.
"""

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import uvicorn
from pydantic import HttpUrl, SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

import ascms.server.app
from ascms.audit import AccessRecord
from ascms.database import normalise_url
from ascms.server.kinds import Kinds
from ascms.server.serving import Server
from ascms.settings import Execution, Settings
from benchmarks.serving import serve

MANY = 10**12


class NoLog:
    """Stands in for the access log, and keeps nothing."""

    def __init__(self, *ignored: object) -> None: ...

    def coming(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def append(self, record: AccessRecord, coming: None = None) -> None: ...

    async def aclose(self) -> None: ...


made: list[NoLog] = []
"""The logs that keep nothing, so that none is measured that was not asked for."""


def without_log(settings: Settings, engine: AsyncEngine) -> Kinds:
    """Stands in for `kinds_of`."""

    def no_log(*given: object) -> NoLog:
        made.append(NoLog(*given))
        return made[-1]

    return Kinds(access_log=no_log)  # type: ignore[arg-type]


def make() -> uvicorn.Server:
    """A worker. Raises RuntimeError where the log is on that was to be off."""
    without = os.environ.get("BENCH_ACCESS_LOG") == "off"
    if without:
        ascms.server.app.kinds_of = without_log
    settings = Settings(
        database_url=normalise_url(os.environ["BENCH_DATABASE"]),
        state_directory=Path(os.environ["BENCH_STATE"]),
        issuer=HttpUrl(os.environ["BENCH_ISSUER"]),
        audience=os.environ["BENCH_AUDIENCE"],
        secret_key=SecretStr("benchmark secret of no importance"),
        audit_key=SecretStr("benchmark audit key, unimportant."),
        execution=Execution(os.environ.get("ASCMS_EXECUTION") or Execution.PLANNED),
        # One person asks more in a round than anybody may in a day, and more at a time.
        points_a_minute=MANY,
        maximum_at_once=MANY,
        log_requests=False,  # no contender writes a line for each request
    )
    app = ascms.server.app.create_app(settings)
    if without != bool(made):
        raise RuntimeError("the access log was to be off, and its stand-in was not taken")
    return Server(app)


if __name__ == "__main__":
    serve(make)
