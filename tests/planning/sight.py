"""What the plain execution's permission classes said, so that redactions and the access log are held against it.

Both executions take their entries from the plan, which must not be its own witness.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from ascms.planning.plain import PlainReader, raw_info
from tests.planning.executions import Said


@dataclass(frozen=True)
class Place:
    """A field asked for: its coordinate, and its response path without indices."""

    coordinate: str
    path: str

    @property
    def is_root(self) -> bool:
        return self.coordinate.startswith("Query.")


@dataclass
class Sight:
    """The places of one operation, by whether the viewer was let see them on some row."""

    granted: set[Place] = field(default_factory=set)
    denied: set[Place] = field(default_factory=set)
    ever_granted: set[str] = field(default_factory=set)
    """The coordinates that were seen in any operation."""

    def forget(self) -> None:
        """Begin with another operation."""
        self.granted.clear()
        self.denied.clear()

    def noted(self, place: Place, *, seen: bool) -> None:
        """Whether the permission class at a place let the viewer see it, of one row."""
        (self.granted if seen else self.denied).add(place)
        if seen:
            self.ever_granted.add(place.coordinate)

    def unexplained(self, said: Said) -> list[str]:
        """Where the answer and the log do not say what was seen, and what was not. A refusal explains itself."""
        if not said.logged:
            return []
        response, log = said.response, orjson.loads(said.logged)
        redacted = {
            Place(entry["field"], path): entry["reason"]
            for entry in response["extensions"]["access"]["redacted"]
            for path in entry["paths"]
        }
        forbidden = {".".join(error["path"]) for error in response.get("errors", ())}
        found = [
            f"{place} was denied without a word"
            for place in self.denied
            if not (place.path in forbidden if place.is_root else place in redacted)
        ]
        for place in self.granted:
            if place.path in forbidden if place.is_root else redacted.get(place) == "ROLE":
                found.append(f"{place} was seen, and is said to be denied")
            if not place.is_root and place.coordinate not in log["disclosed"]:
                found.append(f"{place} was seen, and is not logged")
        return sorted(found)


@contextmanager
def watching() -> Iterator[Sight]:
    """Notes what each permission class says while it is asked in the plain execution; changes nothing of it."""
    sight, asked = Sight(), PlainReader.may_see

    async def may_see(self: PlainReader, source: Any, info: Any) -> bool:
        seen = await asked(self, source, info)
        raw = raw_info(info)
        path = ".".join(part for part in raw.path.as_list() if isinstance(part, str))
        sight.noted(Place(f"{raw.parent_type.name}.{raw.field_name}", path), seen=seen)
        return seen

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlainReader, "may_see", may_see)
        yield sight
