"""The HTTP server, as the command line and the demo run it: in one process.

At SIGTERM or SIGINT it says at `/readyz` that it ends, takes no more connections, ends subscriptions (sockets with
1001, streams without `complete`: their clients come again), answers what runs, and leaves with 0. What is not done
within `ASCMS_ENDING_GRACE` is answered with 503, and cancelled. A second signal ends it at once, as a failing power
supply would.
"""

import asyncio
import gc
import logging
import os
import resource
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from types import FrameType
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette

from ascms.telemetry.logs import configure

from .connections import Config
from .headers import security_headers
from .life import Life
from .observed import Observed

LONGEST_FAREWELL: Final = 2.0
"""Seconds that what was cancelled may take to give back what it holds."""


class Server(uvicorn.Server):
    """Ends subscriptions before it waits for what is under way: they would never end by themselves."""

    def __init__(
        self, app: Starlette, *, ready: Callable[[], None] | None = None, supervised: bool = False, **options: Any
    ) -> None:
        """`ready` is called once requests are accepted. `supervised`: another process sees to a second signal."""
        settings = app.state.settings
        self._life: Life = app.state.life
        self._notice: float = settings.ending_notice
        self._grace: float = settings.ending_grace
        self._ready = ready
        self._supervised = supervised
        configure(settings)
        config = Config(
            Observed(app),
            settings,
            log_config=None,
            # Its lines repeat queries, and addresses that open files.
            access_log=False,
            server_header=False,
            # Nothing here depends on the client's address.
            proxy_headers=False,
            headers=security_headers(settings),
            ws_max_size=settings.maximum_message,
            **options,
        )
        super().__init__(config)

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        super().run(sockets)
        if self.started and any(thread.name != "MainThread" for thread in threading.enumerate()):
            # A thread that waits for the database on behalf of what was cancelled would keep us here.
            _leave()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await super().serve(sockets)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left and (await asyncio.wait(left, timeout=LONGEST_FAREWELL))[1]:
            # So would what was cancelled, where it waits for such a thread to give its connection back.
            _leave()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        # What is there now stays: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        if self.started and self._ready is not None:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to end. It is not passed on at the end, as uvicorn would: who was told to end has not failed."""
        if self.should_exit and not self._supervised:
            os._exit(128 + sig)
        self._life.stops()
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.sleep(self._notice)
        deadline = monotonic() + self._grace
        # Before anybody is told to come again: they are not to come here.
        for server in self.servers:
            server.close()
        try:
            async with asyncio.timeout(self._grace):
                await self._life.end_streams()
        except TimeoutError:
            pass
        # Seconds may be parts of one, whatever uvicorn declares.
        self.config.timeout_graceful_shutdown = max(0.1, deadline - monotonic())  # type: ignore[assignment]
        await super().shutdown(sockets=sockets)

    async def _wait_tasks_to_complete(self) -> None:
        try:
            await super()._wait_tasks_to_complete()
        except asyncio.CancelledError:
            # Their time is over. uvicorn cancels what runs when this returns; to give back what it holds takes a while.
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_FAREWELL):
                    await self._life.break_off()
            raise


def _leave() -> None:
    """End the process: all is on disk, and nobody waits for what is left."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address; port 0 takes a free one. Raises OSError where it cannot be had."""
    try:
        # The protocol is named, since without it asyncio leaves Nagle's algorithm on, and every answer waits 40 ms for
        # an acknowledgement.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise OSError(f"{host} is no address of this machine ({error.strerror}); name another host") from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise OSError(f"port {port} of {host} cannot be had ({error.strerror}); choose another") from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Where a listening socket is reached."""
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if listener.family is socket.AF_INET6 else f"http://{host}:{port}"


def allow_many_connections() -> None:
    """Raise this process's limit of open files to what it may be: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
