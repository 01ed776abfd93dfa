"""One document asked of one world: by several people, with other values and pages further on, of both executions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ascms.identity.viewer import Viewer
from ascms.models import Role
from ascms.settings import OfficeSupportReading
from tests.planning.documents import Document, Writer
from tests.planning.executions import Asked, Said, served
from tests.planning.focus import Focus
from tests.planning.invented.chance import Chance
from tests.planning.reduced import reduced
from tests.planning.sight import Sight
from tests.planning.ways import Ways
from tests.planning.worlds import World

SHOWN_TO: Final = {
    "imports": {Role.MINISTRY_ADMINISTRATOR},
    "approvals": {Role.MINISTRY_ADMINISTRATOR, Role.DELEGATED_AUTHORISER},
    "unprotectRequests": {Role.ATTENDANCE_LEAD, Role.WORKFLOW_LEAD, Role.PRIVACY_OFFICER},
}
"""Lists that are empty for all but these."""


class DifferenceError(AssertionError):
    """The executions do not say the same."""


def conversation(world: World, ways: Ways, chance: Chance, sight: Sight) -> "Conversation":
    """A random one: a document about something, and people who may see it, or not."""
    reading = chance.one((OfficeSupportReading.FIELDS, OfficeSupportReading.FIELDS, *OfficeSupportReading))
    way = ways.to(chance.one(ways.aims), chance)
    policy, registry = served(reading).policy, served(reading).registry
    focus = world.foci.drawn(chance, way, registry)
    audiences = [set(policy.visible_to(step.type_name, step.name)) for step in way]
    audiences += [SHOWN_TO[step.name] for step in way if step.name in SHOWN_TO]
    seeing = sorted(set[Role].intersection(*audiences))
    document = Writer(ways, world.foci.pool_about(focus), chance).document(way)
    return Conversation(world, document, focus, seeing, reading, chance, sight)


@dataclass
class Conversation:
    """Asks a document again and again, and compares whatever is said. Plans are kept in between, as a server does."""

    world: World
    document: Document
    focus: Focus
    seeing: Sequence[Role]
    reading: OfficeSupportReading
    chance: Chance
    sight: Sight

    def hold(self) -> None:
        """Ask, and ask again as people do. Raises DifferenceError."""
        self.world.forget()
        chance = self.chance
        first = Asked(self.document.text, self.document.operation, self.values(), self.viewer())
        said = self.compare(first, everywhere=True)
        others, at_page = 0, (first, said)
        while others < 3 and (further := self.page(*at_page)) is not None:
            at_page = (further, self.compare(further))
            others += 1
        if chance.one_in(4):
            # What one may see must not depend on who has asked before.
            self.compare(replace(first, viewer=self.viewer()))
            others += 1
        if first.variables and chance.one_in(3):
            self.compare(replace(first, variables=self.values()))
            others += 1
        if others:
            self.compare_with(said, first)

    def viewer(self) -> Viewer:
        return self.world.people.drawn(self.chance, self.focus, self.seeing)

    def values(self) -> Mapping[str, Any]:
        return self.document.variables.drawn(self.world.foci.pool_about(self.focus), self.chance)

    def page(self, asked: Asked, said: Said) -> Asked | None:
        """The same with cursors of the page that was answered, or with what is no cursor of it; none without any."""
        data = said.response.get("data")
        if not data or not self.document.variables.cursors:
            return None
        everywhere = found_cursors(data)
        given = dict(asked.variables)
        for variable, path in self.document.variables.cursors.items():
            own = found_cursors(at(data, path)) if self.chance.one_in(2) else cursors_of_page(at(data, path))
            if everywhere and self.chance.one_in(6):
                given[variable] = self.spoilt(self.chance.one(everywhere))
            elif own:
                given[variable] = self.chance.one(own)
        return replace(asked, variables=given) if given != asked.variables else None

    def spoilt(self, cursor: str) -> Any:
        """A cursor of another list, of nothing, or not quite the one that was given."""
        chance = self.chance
        place = chance.random.randrange(len(cursor))
        other = "A" if cursor[place] != "A" else "B"
        return chance.one((
            cursor, cursor[:place], cursor[:place] + other + cursor[place + 1 :], cursor + "=", cursor.lower(),
            "", "nonsense", 7, None,
        ))  # fmt: skip

    # Comparing -----------------------------------------------------------------------------------------------

    def compare(self, asked: Asked, *, everywhere: bool = False) -> Said:
        """What both executions say, on one database or on every. Raises DifferenceError where it is not the same."""
        kinds = list(self.world.engines)
        self.chance.random.shuffle(kinds)
        kinds = kinds if everywhere or self.chance.one_in(2) else kinds[:1]
        said = self.said(asked, kinds)
        if isinstance(said, Said):
            return said
        smaller = reduced(asked.text, lambda text: isinstance(self.said(replace(asked, text=text), kinds), str))
        told = self.said(replace(asked, text=smaller), kinds)
        raise DifferenceError(f"{smaller}\n{asked.variables}\n{asked.viewer}\n{self.reading}\n{told}")

    def compare_with(self, said: Said, asked: Asked) -> None:
        """Whether what was said first is said still. Raises DifferenceError."""
        kind = self.chance.one(list(self.world.engines))
        again = self.world.planned(asked, kind, self.reading)
        if again != said:
            raise DifferenceError(f"{asked}\n{kind}, first: {said}\nlater: {again}")

    def said(self, asked: Asked, kinds: Sequence[str]) -> Said | str:
        """What all say; or what they say where that is not the same, or leaves unexplained what was redacted."""
        self.sight.forget()
        plainly = self.world.plain(asked, kinds[0], self.reading)
        planned = {kind: self.world.planned(asked, kind, self.reading) for kind in kinds}
        if any(one != plainly for one in planned.values()):
            listed = "\n".join(f"planned on {kind}: {one}" for kind, one in planned.items())
            return f"plain on {kinds[0]}: {plainly}\n{listed}"
        unexplained = self.sight.unexplained(plainly)
        return f"{unexplained} in {plainly}" if unexplained else plainly


# Cursors -----------------------------------------------------------------------------------------------------


def at(data: Any, path: tuple[str, ...]) -> Any:
    """What stands at a response path: the first that there is, where lists lie on the way."""
    if isinstance(data, list):
        return next((found for item in data if (found := at(item, path)) is not None), None)
    if not path or data is None:
        return data
    return at(data.get(path[0]), path[1:]) if isinstance(data, dict) else None


def cursors_of_page(page: Any) -> list[str]:
    """The cursors of a page itself, as far as they were asked for under their own names."""
    if not isinstance(page, dict):
        return []
    edges = page.get("edges")
    listed = [page.get("pageInfo"), *(edges if isinstance(edges, list) else ())]
    names = ("startCursor", "endCursor", "cursor")
    return [one[name] for one in listed if isinstance(one, dict) for name in names if isinstance(one.get(name), str)]


def found_cursors(data: Any) -> list[str]:
    """Every cursor that stands anywhere below."""
    if isinstance(data, list):
        return [cursor for item in data for cursor in found_cursors(item)]
    if not isinstance(data, dict):
        return []
    below = [cursor for value in data.values() for cursor in found_cursors(value)]
    return [*cursors_of_page(data), *below]
