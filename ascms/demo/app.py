"""The demo as one server: the API and its identity provider on one port of this machine."""

import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from pydantic import HttpUrl, SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from ascms.database import engine_for, normalise_url, state_directory
from ascms.server.app import create_app
from ascms.server.serving import Server, address_of, allow_many_connections, listen
from ascms.settings import LogFormat, Settings, kept_secret

from .directory import Directory
from .kept_identity import KeptIdentity, kept_identity
from .provider import provider_routes

HOST = "127.0.0.1"


def demo_settings(database: str, identity: KeptIdentity) -> Settings:
    """The settings of a demo over `database`; its secrets are kept beside it."""
    state = state_directory(database)
    settings = Settings(
        database_url=normalise_url(database),
        state_directory=state,
        issuer=HttpUrl(identity.issuer),
        former_issuers=identity.issuers,
        secret_key=SecretStr(kept_secret(state / "secret_key")),
        audit_key=SecretStr(kept_secret(state / "audit_key")),
        demo=True,
    )
    if "log_format" not in settings.model_fields_set:
        settings.log_format = LogFormat.TEXT
    return settings


def serve_demo(database: str, port: int) -> None:
    """Serve the demo over `database` on `port` (0 takes a free one) until told to stop.

    Prints `ready` and the address once requests are accepted. Raises OSError where the port is taken.
    """
    allow_many_connections()
    with listen(HOST, port) as listener:
        address = address_of(listener)
        identity = kept_identity(state_directory(database), address)
        engine = engine_for(database)
        directory = Directory(engine)

        async def people() -> Sequence[Any]:
            return [person.listed() for person in await directory.people()]

        routes = provider_routes(identity, directory)
        app = create_app(demo_settings(database, identity), extra_routes=routes, people=people)
        with suppress(KeyboardInterrupt):
            _DemoServer(app, address, engine).run(sockets=[listener])


class _DemoServer(Server):
    """Says when requests are accepted, for people and for scripts that wait; closes the provider's database."""

    def __init__(self, app: Starlette, address: str, engine: AsyncEngine) -> None:
        def ready() -> None:
            print(f"ready {address}", flush=True)  # noqa: T201 (what the command line promises)

        super().__init__(app, ready=ready)
        self._engine = engine

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets=sockets)
        await self._engine.dispose()
