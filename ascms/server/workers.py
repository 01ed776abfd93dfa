"""Several processes that serve one socket, under uvicorn's supervisor.

It starts another worker for one that dies or no longer answers, renews all of them in turn at SIGHUP, and at SIGTERM or
SIGINT has them end as `serving` tells; a second signal kills them. A worker ends by itself when its supervisor is gone.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

import click
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import multiprocess

from ascms.database import sqlite_path
from ascms.settings import Settings

from .app import create_app
from .serving import Server, address_of, allow_many_connections, listen

UNANSWERED = 60
"""Seconds after which a worker that answers nothing is replaced; as many as a start may take."""


class Worker(multiprocess.Process):
    """One of the processes that serve. It is made by the supervisor, and runs elsewhere."""

    @property
    def server(self) -> uvicorn.Server:
        """The server, made where it is first asked for."""
        if self._server is None:
            self._server = Server(create_app(Settings()), supervised=True)
        return self._server

    def start(self) -> None:
        """Start the process; of its end of the pipe, it alone has a copy then, so that its death is heard at once."""
        super().start()
        self.child_conn.close()

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """What the process does."""
        # With our own copy of the other end open, we would never hear that the supervisor's is closed.
        self.parent_conn.close()
        try:
            _ = self.server
        except (ValueError, LookupError, OSError) as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(STARTUP_FAILURE)
        super().target(sockets)

    def always_pong(self) -> None:
        """Tell the supervisor that we live, for as long as it does."""
        with suppress(EOFError, OSError):
            super().always_pong()
        os.kill(os.getpid(), signal.SIGTERM)


class Supervisor(multiprocess.Multiprocess):
    """Starts the workers, keeps them going, and ends them."""

    def __init__(self, workers: int, listener: socket.socket, ready: Callable[[], None]) -> None:
        """`ready` is called once all workers accept requests."""
        # uvicorn has no other way to say what a worker is.
        multiprocess.Process = Worker  # type: ignore[misc]
        config = uvicorn.Config(
            "ascms.server.app:create_app", workers=workers, timeout_worker_healthcheck=UNANSWERED, log_level="warning"
        )
        super().__init__(config, [listener])
        self._ready: Callable[[], None] | None = ready
        self._signals = 0
        self._failed = False

    def serve(self) -> bool:
        """Serve until told to stop; whether the workers could be started."""
        self.run()
        return not any(process.exitcode == STARTUP_FAILURE for process in self.processes)

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        if self._ready is not None and all(process.is_ready() for process in self.processes):
            self._ready()
            self._ready = None

    def handle_term(self) -> None:
        self._signals += 1
        super().handle_term()

    handle_int = handle_term

    def terminate_all(self) -> None:
        # Else connections would be taken that nobody answers.
        for listener in self.sockets:
            listener.close()
        super().terminate_all()

    def join_all(self) -> None:
        for process in self.processes:
            while process.exitcode is None:
                process.process.join(0.1)
                self.handle_signals()
                if self._signals > 1:
                    self._kill_all()

    def _kill_all(self) -> None:
        for process in self.processes:
            with suppress(OSError):
                process.process.kill()
        os._exit(128 + signal.SIGTERM)


def serve(settings: Settings, host: str, port: int, workers: int) -> bool:
    """Serve by so many processes until told to stop; whether they could be started.

    Raises ValueError where they could not work together, OSError where the address cannot be had.
    """
    if workers > 1 and sqlite_path(settings.database_url) is not None:
        raise ValueError("--workers needs PostgreSQL: on SQLite one process tells its subscribers of changes")
    allow_many_connections()
    with listen(host, port) as listener:

        def ready() -> None:
            click.echo(f"ready {address_of(listener)}")

        if workers > 1:
            return Supervisor(workers, listener, ready).serve()
        server = Server(create_app(settings), ready=ready)
        server.run(sockets=[listener])
        return server.started
