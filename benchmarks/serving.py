"""How our contenders are served by uvicorn: BENCH_WORKERS processes on one socket, `ready` said when all are."""

import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from multiprocessing.synchronize import Semaphore
from typing import Any

import uvicorn

Make = Callable[[], uvicorn.Server]


def options() -> dict[str, Any]:
    """What each server is given: no HTTP log, as none of the contenders keeps one."""
    return {"access_log": False, "server_header": False, "log_level": "warning"}


def serve(make: Make) -> None:
    """Serve until told to stop. `make` is a module's function: each worker calls it for itself."""
    # The protocol is named so that asyncio turns Nagle's algorithm off.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(os.environ["BENCH_PORT"])))
    workers = int(os.environ.get("BENCH_WORKERS") or "1")
    if workers == 1:
        _work(make, listener)
        return
    context = multiprocessing.get_context("spawn")
    ready = context.Semaphore(0)
    processes = [context.Process(target=_work, args=(make, listener, ready)) for _ in range(workers)]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    signal.signal(signal.SIGTERM, lambda *_: [process.terminate() for process in processes])
    _say_ready()
    for process in processes:
        process.join()


def _say_ready() -> None:
    print("ready", flush=True)


def _work(make: Make, listener: socket.socket, ready: Semaphore | None = None) -> None:
    server = make()
    startup = server.startup

    async def started(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets=sockets)
        if server.started and ready is not None:
            ready.release()
        elif server.started:
            _say_ready()

    server.startup = started  # type: ignore[method-assign]
    server.run(sockets=[listener])
