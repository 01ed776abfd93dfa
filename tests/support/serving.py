"""A real `ascms serve` in processes of its own, with an issuer that vouches for the demo's people."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from ascms.database import engine_for, take_turns
from benchmarks.asking import PEOPLE, Issuer
from tests.support.serve import KEYS
from tests.support.server import DemoServer

AUDIT_KEY = KEYS["ASCMS_AUDIT_KEY"]
SUBJECTS = {address: who for who, (_, address) in PEOPLE.items()}


class ServeServer(DemoServer):
    """`ascms serve` over a database with the demo's world. Its state is in `folder`; `workers` serve."""

    def __init__(self, database: str, folder: Path, issuer: Issuer, *, workers: int = 1, **settings: str) -> None:
        self.issuer = issuer
        self.workers = workers
        self.state = folder / "state"
        given = {
            "database_url": database,
            "state_directory": str(self.state),
            "issuer": issuer.address,
            "secret_key": KEYS["ASCMS_SECRET_KEY"],
            "audit_key": AUDIT_KEY,
        }
        super().__init__(database, folder, **(given | settings))

    def command(self) -> list[str]:
        return ["serve", "--workers", str(self.workers)]

    def token(self, email: str, organisation: str | None = None) -> str:
        """A token for one of the benchmarks' people, who act for Test College."""
        return self.issuer.token(SUBJECTS[email])


@contextmanager
def serving(database: str, folder: Path, *, workers: int = 1, **settings: str) -> Iterator[ServeServer]:
    """A server with an issuer of its own."""
    with Issuer(folder / "issuer") as issuer, ServeServer(database, folder, issuer, workers=workers, **settings) as one:
        yield one


def metric(server: DemoServer, name: str) -> float:
    """The value of a metric without labels."""
    for line in server.client.get("/metrics").text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.rpartition(" ")[2])
    raise LookupError(name)


def counts(server: DemoServer, name: str, expected: float) -> None:
    """Wait until a metric is what is expected."""
    while metric(server, name) != expected:
        pass


@asynccontextmanager
async def changes_wait(database: str) -> AsyncIterator[None]:
    """Every change of the database waits until this is left. Sign in before: the first one of a token is a change."""
    engine = engine_for(database)
    try:
        async with engine.execution_options(writes=True).begin() as connection:
            await take_turns(connection, "change_log")
            yield
    finally:
        await engine.dispose()
