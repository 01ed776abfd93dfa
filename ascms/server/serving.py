"""The HTTP server, as the command line and the demo run it."""

import socket
from typing import Any

import uvicorn
from starlette.applications import Starlette

GRACE = 20
"""Seconds that requests under way are given at the end."""


class Server(uvicorn.Server):
    """Ends subscriptions before it waits for what is under way: they would never end by themselves."""

    def __init__(self, app: Starlette, **options: Any) -> None:
        self._app = app
        config = uvicorn.Config(
            app,
            server_header=False,
            ws="websockets-sansio",
            ws_max_size=app.state.settings.maximum_message,
            timeout_graceful_shutdown=GRACE,
            **options,
        )
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._app.state.end_streams()
        await super().shutdown(sockets=sockets)
