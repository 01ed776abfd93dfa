"""A process that has loaded ascms and starts it by forking, so that a server is there again soon after it was killed.

Reads a line of JSON for each server: its arguments, its ASCMS_… variables, its folder, and the file for what it prints.
Answers with its process id.
"""

import json
import os
import signal
import sys
from typing import Any

import alembic.command  # noqa: F401 (loaded here, and never again)
import uvicorn  # noqa: F401

import ascms.demo.app
import ascms.server.app  # noqa: F401
from ascms import cli


def start(asked: dict[str, Any]) -> int:
    """Fork, and be the server in the child."""
    process = os.fork()
    if process:
        return process
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    printed = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    os.chdir(asked["folder"])
    for name in [name for name in os.environ if name.startswith("ASCMS_")]:
        del os.environ[name]
    os.environ |= asked["environment"]
    sys.argv = ["ascms", *asked["arguments"]]
    cli.main()
    raise AssertionError("unreachable: click ends the process")


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the servers
    for line in sys.stdin:
        print(start(json.loads(line)), flush=True)  # noqa: T201 (what the test reads)
