"""Processes of ascms that are forked from one that has loaded it, as long as the tests of a process run."""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]


class Forked:
    """A process of a zygote, with what `subprocess.Popen` has of it."""

    def __init__(self, zygote: "Zygote", pid: int) -> None:
        self._zygote = zygote
        self.pid = pid
        self.returncode: int | None = None
        self._descriptor = os.pidfd_open(pid)
        self._asking = threading.Lock()

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        with self._asking:
            if self.returncode is None:
                self.returncode = self._zygote.ask({"ended": self.pid})
                if self.returncode is not None:
                    os.close(self._descriptor)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, once it has. Raises TimeoutExpired after `timeout` seconds."""
        while (status := self.poll()) is None:
            if not select.select([self._descriptor], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("ascms", timeout or 0)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._descriptor, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


class Zygote:
    """Starts servers by forking, in this environment and another's. Use it as a context manager."""

    def __init__(self, **environment: str) -> None:
        self._environment = environment
        self._asking = threading.Lock()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "tests.support.zygote"], env=os.environ | self._environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def start(
        self, arguments: list[str], environment: dict[str, str], folder: Path, output: Path, errors: Path | None = None
    ) -> Forked:
        """Start ascms with these arguments. What it prints is added to `output`, errors too where they have no file."""
        asked = {
            "arguments": arguments, "environment": environment | self._environment, "folder": str(folder.absolute()),
            "output": str(output.absolute()), "errors": str((errors or output).absolute()),
        }  # fmt: skip
        return Forked(self, self.ask(asked))

    def ask(self, asked: dict[str, Any]) -> Any:
        """What it answers."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._asking:
            self._process.stdin.write(f"{json.dumps(asked)}\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


@cache
def shared_zygote() -> Zygote:
    """The one of this process, there until it ends."""
    zygote = Zygote().__enter__()
    atexit.register(zygote.__exit__, None, None, None)
    return zygote
