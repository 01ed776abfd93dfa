"""Whether a server is ready, as a load balancer and an operator see it."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from pydantic import HttpUrl, SecretStr
from starlette.applications import Starlette

from ascms.database import upgrade
from ascms.server.app import create_app
from ascms.settings import Settings
from tests.support.commands import KEYS
from tests.support.databases import Databases
from tests.support.installation import Installation
from tests.support.server import DemoServer
from tests.support.sql import apart, execute

READY = {name: {"ok": True} for name in ("database", "migrations", "issuer", "keys", "state")}


def test_a_server_that_is_ready_says_so(server: DemoServer) -> None:
    assert server.client.get("/healthz").json() == {"status": "ok"}
    answer = server.client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "checks": READY})
    assert answer.headers["cache-control"] == "no-store"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def alone(
    request: pytest.FixtureRequest, databases_of: Callable[[str], Databases], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Installation, str]]:
    """A server whose issuer is away, over a database of its own."""
    databases = databases_of(request.param)
    url = databases.copy("migrated", upgrade)
    with Installation(url, tmp_path_factory.mktemp("alone")) as server:
        yield server, url
    databases.drop(url)


def checks(server: Installation, until: Callable[[dict[str, dict[str, object]]], bool]) -> dict[str, dict[str, object]]:
    """What is said once it is so: what was seen a moment ago may be said again."""
    while True:
        answer = server.client.get("/readyz")
        assert answer.status_code == 503  # the issuer is away throughout
        found: dict[str, dict[str, object]] = answer.json()["checks"]
        if until(found):
            return found


def test_a_server_that_cannot_check_a_token_is_not_ready(alone: tuple[Installation, str]) -> None:
    server, _ = alone
    found = checks(server, lambda found: True)
    assert not found["issuer"]["ok"]
    assert "ASCMS_ISSUER" in str(found["issuer"]["todo"])
    assert {name for name, check in found.items() if not check["ok"]} == {"issuer"}
    assert server.client.get("/healthz").status_code == 200
    assert "127.0.0.1" not in server.client.get("/readyz").text


def test_migrations_that_are_missing_and_those_of_a_later_version_are_told_apart(
    alone: tuple[Installation, str],
) -> None:
    server, url = alone
    execute(url, "CREATE TABLE kept AS SELECT version_num FROM alembic_version", "DELETE FROM alembic_version")
    behind = checks(server, lambda found: not found["migrations"]["ok"])
    assert behind["migrations"] == {"ok": False, "todo": "run `ascms db upgrade`"}
    assert behind["database"] == {"ok": True}
    execute(url, "INSERT INTO alembic_version (version_num) VALUES ('of-later')")
    ahead = checks(server, lambda found: bool(found["migrations"]["ok"]))
    assert "later version" in str(ahead["migrations"]["todo"])
    execute(url, "DELETE FROM alembic_version", "INSERT INTO alembic_version SELECT version_num FROM kept")
    checks(server, lambda found: found["migrations"] == {"ok": True})


def test_a_state_directory_that_is_gone_is_told(alone: tuple[Installation, str]) -> None:
    server, _ = alone
    moved = server.state.rename(server.state.with_name("moved"))
    assert "ASCMS_STATE_DIRECTORY" in str(checks(server, lambda found: not found["state"]["ok"])["state"]["todo"])
    moved.rename(server.state)
    checks(server, lambda found: bool(found["state"]["ok"]))


def test_a_database_that_hangs_is_told_and_leaves_nobody_waiting(alone: tuple[Installation, str]) -> None:
    server, url = alone
    if url.startswith("sqlite"):
        pytest.skip("what another does never keeps SQLite's readers waiting")

    async def hang() -> None:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        async with connection.transaction():
            await connection.execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
            async with httpx.AsyncClient(base_url=server.url, timeout=None, trust_env=False) as client:
                # Each answers while the lock is held: nothing else would end the wait.
                while (answer := await client.get("/readyz")).json()["checks"]["database"]["ok"]:
                    pass
                many = await asyncio.gather(*(client.get("/readyz") for _ in range(30)))
                assert {one.status_code for one in (answer, *many)} == {503}
                assert (await client.get("/healthz")).status_code == 200
        await connection.close()

    apart(hang)
    checks(server, lambda found: bool(found["database"]["ok"]))


@pytest.fixture
def app(tmp_path: Path) -> Starlette:
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{tmp_path}/none.sqlite3",
        state_directory=tmp_path,
        issuer=HttpUrl("https://issuer.example"),
        secret_key=SecretStr(KEYS["secret_key"]),
        audit_key=SecretStr(KEYS["audit_key"]),
        job_seconds=0,
    )
    return create_app(settings)


async def test_a_server_that_starts_or_stops_is_not_ready(app: Starlette) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ascms") as client:
        starting = await client.get("/readyz")
        assert (starting.status_code, starting.json()) == (503, {"status": "starting"})
        async with app.router.lifespan_context(app):
            assert "checks" in (await client.get("/readyz")).json()
            app.state.life.stops()
            stopping = await client.get("/readyz")
            assert (stopping.status_code, stopping.json()) == (503, {"status": "stopping"})
            assert (await client.get("/healthz")).status_code == 200


async def test_a_server_that_is_told_to_stop_while_it_starts_never_says_that_it_is_ready(app: Starlette) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ascms") as client:
        app.state.life.stops()
        async with app.router.lifespan_context(app):
            assert (await client.get("/readyz")).json() == {"status": "stopping"}
