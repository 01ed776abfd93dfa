"""What of a world a text tells: the words of its people and papers, found in logs, metrics and letters."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final
from urllib.parse import unquote_plus

from tests.contract.world import World

PERSONAL: Final = {
    "student": ("full_name", "known_as", "nsn", "date_of_birth", "address"),
    "caregiver": ("name", "phone", "email"),
    "request_caregiver_contact": ("name", "phone", "email"),
    "request": ("applied_for_full_name", "notes", "barrier_notes", "advice_reason", "decline_note"),
    "case_record": ("number", "school_contact_notes", "closing_summary", "former_reference"),
    "comment": ("body",),
    "event": ("subject", "description"),
    "file": ("name", "sha256", "storage_key"),
    "task": ("title",),
    "safety_alert": ("text",),
    "access_block": ("reason",),
    "user_account": ("display_name", "email", "username", "phone", "surname", "date_of_birth"),
}
"""Every column that holds something of a person, by table."""
ORDINARY: Final = frozenset({"case", "contact", "manager", "name", "note", "school", "student", "test"})
"""Words of ours that the demo's placeholder people are called too."""
SHORTEST: Final = 4
"""Letters of a value that says something by itself."""


class Telling:
    """Finds in a text whatever the tables above hold, as a whole word or sentence, in an address too."""

    def __init__(self, world: World, allowed: frozenset[str] = frozenset()) -> None:
        """`allowed`: columns, as `table.column`, whose values may be told."""
        self._world = world
        self._allowed = allowed

    @cached_property
    def values(self) -> frozenset[str]:
        """All that is not to be told, folded."""
        return frozenset(
            value.casefold()
            for table, columns in PERSONAL.items()
            for row in self._world.all(table)
            for column in columns
            if f"{table}.{column}" not in self._allowed
            for value in _texts(getattr(row, column))
            if len(value) >= SHORTEST and value.casefold() not in ORDINARY
        )

    def found_in(self, text: str) -> set[str]:
        """The values that stand in the text."""
        folded = f"{text} {unquote_plus(text)}".casefold()
        return {value for value in self.values if value in folded and _stands_alone(value, folded)}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, datetime):
        return
    if isinstance(value, date):
        yield value.isoformat()
    elif isinstance(value, str):
        yield value


def _stands_alone(value: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) is not None
