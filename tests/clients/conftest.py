"""Servers for other people's clients. What a client makes of an answer is the same on every database."""

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import build_world
from tests.support.databases import Databases
from tests.support.server import DemoServer


@pytest.fixture(scope="session")
def demo(launch: Callable[..., DemoServer]) -> DemoServer:
    """A server whose data nobody changes."""
    return launch("sqlite")


@pytest.fixture(scope="module")
def changing(
    databases_of: Callable[[str], Databases], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoServer]:
    """A server over a demo world that the tests of a module share and change."""
    databases = databases_of("sqlite")
    url = databases.copy("world", build_world)
    with DemoServer(url, tmp_path_factory.mktemp("changing")) as server:
        yield server
    databases.drop(url)
