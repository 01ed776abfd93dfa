"""Worlds for the random tests of this folder."""

import asyncio
import os
from collections.abc import Callable, Iterator

import pytest

from tests.planning.worlds import Worlds
from tests.support.databases import Databases
from tests.support.postgres import REQUIRED, PostgresMissingError, binaries


@pytest.fixture(scope="module")
def worlds(databases_of: Callable[[str], Databases]) -> Iterator[Worlds]:
    """Worlds in SQLite, and in PostgreSQL too where its programs are."""
    kinds = ["sqlite"]
    try:
        binaries()
        kinds.append("postgresql")
    except PostgresMissingError:
        if os.environ.get(REQUIRED):
            raise
    with asyncio.Runner() as runner:
        worlds = Worlds({kind: databases_of(kind) for kind in kinds}, runner)
        yield worlds
        worlds.close()
