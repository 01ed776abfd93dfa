"""The server: uvicorn with uvloop and httptools on the given port, one process or several on one socket."""

import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn

from .settings import Settings

App = Callable[..., Any]


class _Server(uvicorn.Server):
    def __init__(self, app: App, started: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                http="httptools",
                ws="none",
                log_level="warning",
                access_log=False,
                server_header=False,
            )
        )
        self._say_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._say_started()


def serve(make_app: Callable[[], App]) -> None:
    """Serve on the port and with the workers of the settings; prints `ready` once every process accepts requests."""
    settings = Settings.from_environment()
    workers = settings.workers
    # The protocol is named, since asyncio leaves Nagle's algorithm on without it.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", settings.port))
    if workers == 1:
        _Server(make_app(), _say_ready).run(sockets=[listener])
        return
    reader, writer = os.pipe()
    children = [_fork(make_app, listener, writer) for _ in range(workers)]
    signal.signal(signal.SIGTERM, lambda *_: _end(children))
    signal.signal(signal.SIGINT, lambda *_: _end(children))
    os.close(writer)
    for _ in children:
        if not os.read(reader, 1):
            _end(children)
            sys.exit("a worker did not start")
    _say_ready()
    for child in children:
        os.waitpid(child, 0)


def _say_ready() -> None:
    print("ready", flush=True)


def _fork(make_app: Callable[[], App], listener: socket.socket, writer: int) -> int:
    child = os.fork()
    if child == 0:
        _Server(make_app(), lambda: _note(writer)).run(sockets=[listener])
        os._exit(0)
    return child


def _note(writer: int) -> None:
    os.write(writer, b".")


def _end(children: list[int]) -> None:
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
