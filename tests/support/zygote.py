"""A process that has loaded ascms and starts it by forking: a server is there in a tenth of the time.

Reads a line of JSON for each request and answers with one. `arguments` of ascms, `environment`, `folder`, and the files
`output` and `errors` for what it prints: starts it, gives its process id. `ended`, a process id: how it ended, as
`subprocess` has it, null while it runs.
"""

import gc
import json
import os
import sys
from typing import Any

import alembic.command  # noqa: F401 (loaded here, and never again)
import uvicorn  # noqa: F401

import ascms.demo.app
import ascms.schema
import ascms.server.app
from ascms import cli
from ascms.settings import OfficeSupportReading


def start(asked: dict[str, Any]) -> int:
    """Fork, and be the server in the child."""
    process = os.fork()
    if process:
        return process
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for name, its in (("output", 1), ("errors", 2)):
        os.dup2(os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND), its)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["ascms", *asked["arguments"]]
    cli.main()
    raise AssertionError("unreachable: click ends the process")


def ended(process: int) -> int | None:
    """The exit status, or the number of the signal with a minus; None while it runs. Asked after once it has ended."""
    found, status = os.waitpid(process, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


if __name__ == "__main__":
    for reading in OfficeSupportReading:
        ascms.schema.build_schema(reading)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(ended(asked["ended"]) if "ended" in asked else start(asked)), flush=True)  # noqa: T201 (read there)
