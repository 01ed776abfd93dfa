"""The rows of a world while it is made up, by table."""

from collections import defaultdict
from typing import Any, Final

from ascms.models import OrganisationKind
from tests.planning.invented.chance import Chance

Row = dict[str, Any]

CODES: Final = ("A", "B", "b", "Ā", "")
"""Codes of every set; the last ones have no label."""


class Rows:
    """Keys are given in order, so that the same seed has the same rows in every database."""

    def __init__(self, chance: Chance) -> None:
        self.chance = chance
        self.rows: dict[str, list[Row]] = defaultdict(list)

    def add(self, table: str, **row: Any) -> Row:
        """A row with the next key."""
        rows = self.rows[table]
        rows.append({"id": len(rows) + 1, **row})
        return rows[-1]

    def key(self, table: str) -> int:
        """The key of one row of the table, which has some."""
        found: int = self.chance.one(self.rows[table])["id"]
        return found

    def maybe_key(self, table: str) -> int | None:
        """The key of a row, or none."""
        return self.chance.maybe(lambda: self.key(table)) if self.rows[table] else None

    def other_key(self, table: str, than: int | None) -> int | None:
        """The key of another row, if there is one."""
        others = [row["id"] for row in self.rows[table] if row["id"] != than]
        return self.chance.one(others) if others else None

    def of_kind(self, *kinds: OrganisationKind) -> list[Row]:
        """The organisations of these kinds."""
        return [row for row in self.rows["organisation"] if row["kind"] in kinds]
