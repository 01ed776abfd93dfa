"""One demo server of each kind of database, and what is in its database, read before anyone asks."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.checker import Checker, Document, Tally
from tests.contract.oracle import Eyes, Person
from tests.contract.world import World, read_world
from tests.support.server import Answer, DemoServer


class Panel:
    """A server with the ground truth beside it: asks as somebody, and judges what is answered."""

    def __init__(self, server: DemoServer, world: World) -> None:
        self.server = server
        self.world = world
        self.reading = server.settings.get("office_support", "fields")
        self._eyes: dict[Person, Eyes] = {}

    def eyes(self, person: Person) -> Eyes:
        """What the policy lets the person see."""
        if person not in self._eyes:
            self._eyes[person] = Eyes(self.world, person, self.reading)
        return self._eyes[person]

    def ask(self, person: Person, text: str, variables: dict[str, Any] | None = None) -> Answer:
        return self.server.ask(person.email, text, variables, person.organisation)

    def checker(self, person: Person) -> Checker:
        """Judges answers to the person."""
        return Checker(self.eyes(person))

    def judge(self, person: Person, document: Document) -> Tally:
        """The cells that the server's answer shows, and what is wrong with it."""
        answer = self.ask(person, document.text, document.variables)
        return self.checker(person).judge(document, answer)


@pytest.fixture(scope="session")
def panel_of() -> Callable[[DemoServer], Panel]:
    panels: dict[str, Panel] = {}

    def of(server: DemoServer) -> Panel:
        if server.url not in panels:
            panels[server.url] = Panel(server, read_world(server.database))
        return panels[server.url]

    return of


@pytest.fixture
def panel(server: DemoServer, panel_of: Callable[[DemoServer], Panel]) -> Panel:
    """The demo on each kind of database, with its ground truth."""
    return panel_of(server)
