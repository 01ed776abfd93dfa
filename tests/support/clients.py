"""Other people's clients and suites, in Node. `make clients` installs them; `docs/clients.md` says what each is for."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import DemoServer

CLIENTS = Path(__file__).parents[1] / "clients"
NODE = shutil.which("node")
REQUIRED = "ASCMS_REQUIRE_CLIENTS"

needs_clients = pytest.mark.skipif(
    not os.environ.get(REQUIRED) and (NODE is None or not (CLIENTS / "node_modules").is_dir()),
    reason="NOT TESTED: `make clients` has not run",
)


def command(script: str, *arguments: str) -> list[str]:
    """How to run a script of `tests/clients`."""
    assert NODE is not None, f"{REQUIRED} is set, but there is no Node"
    assert (CLIENTS / "node_modules").is_dir(), f"{REQUIRED} is set, but `make clients` has not installed any"
    return [NODE, str(CLIENTS / script), *arguments]


def run(script: str, *arguments: str, given: Any = None) -> Any:
    """The JSON that a script of `tests/clients` prints; it reads `given` as JSON from its standard input."""
    ended = subprocess.run(
        command(script, *arguments), input=json.dumps(given), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr + ended.stdout
    return json.loads(ended.stdout)


def asked_as(server: DemoServer, email: str | None, **more: Any) -> dict[str, Any]:
    """What a script needs to ask `server` as a person of the demo, or as nobody."""
    headers = {} if email is None else {"Authorization": f"Bearer {server.token(email)}"}
    return {"url": f"{server.url}/graphql", "headers": headers, **more}


def generate(schema: Path, documents: Sequence[Path], algorithm: str, folder: Path) -> dict[str, str]:
    """Have graphql-codegen's client preset write `folder`/gql. Returns its persisted-documents.json."""
    written: dict[str, str] = run("codegen.mjs", str(schema), algorithm, str(folder), *map(str, documents))
    return written


def apollo(
    url: str, token: str, operations: Sequence[dict[str, Any]], link: dict[str, Any] | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What Apollo Client is answered to each operation in turn, and what went over the wire for that."""
    headers = {"Authorization": f"Bearer {token}"}
    asked = {"url": f"{url}/graphql", "headers": headers, "link": link or {}, "operations": list(operations)}
    came = run("apollo.mjs", given=asked)
    return came["answers"], came["wire"]
