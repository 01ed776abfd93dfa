"""What a document and its asker meet at: a row, and the case, request or student that it is about.

Two draws of their own would nearly always miss each other, since most people reach few rows of a world.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ascms.planning.identifiers import encode
from ascms.planning.registry import Registry
from tests.planning.invented.chance import Chance
from tests.planning.invented.rows import Row
from tests.planning.values import Pool
from tests.planning.ways import Step

IDENTIFIED: Final = {
    "Student": "student", "Case": "case_record", "Request": "request", "Comment": "comment", "Event": "event",
    "File": "file", "User": "user_account", "Organisation": "organisation",
}  # fmt: skip
"""The types that `node` finds, with their tables."""
LINKS: Final = {"case_id", "request_id", "student_id"}
NOTHING: Final[Row] = {}


@dataclass(frozen=True)
class Focus:
    """Rows that belong together; each empty where there is none. `row` is the one that was drawn."""

    row: Row
    case: Row
    request: Row

    def first(self, *columns: str) -> Any:
        """The first of these columns that has a value, on the request, else the case, else the row."""
        rows = (self.request, self.case, self.row)
        return next((row[column] for column in columns for row in rows if row.get(column) is not None), None)


class Foci:
    """Draws them. The rows are those of a world."""

    def __init__(self, rows: Mapping[str, Sequence[Row]], pool: Pool) -> None:
        self.rows = rows
        self.pool = pool

    def drawn(self, chance: Chance, way: Sequence[Step], registry: Registry) -> Focus:
        """Something that the way leads to, where the world has it: best a row that is about a case or a student."""
        models = [registry.entity(step.type_name).model for step in reversed(way) if step.type_name != "Viewer"]
        tables = [model.__tablename__ for model in models if model is not None]
        for table in [*filter(self.is_about, tables), *tables]:
            if self.rows.get(table):
                return self.about(table, chance.one(self.rows[table]), chance)
        cases = self.rows["case_record"]
        return self.about("case_record", chance.one(cases), chance) if cases else Focus(NOTHING, NOTHING, NOTHING)

    def is_about(self, table: str) -> bool:
        """Whether the table's rows are about a case, a request or a student."""
        rows = self.rows.get(table, ())
        return table in ("case_record", "request", "student") or bool(rows and LINKS & rows[0].keys())

    def about(self, table: str, row: Row, chance: Chance) -> Focus:
        """The row, with a case and a request that it is about."""
        request = row if table == "request" else self.one("request", id=row.get("request_id"))
        case = (
            row if table == "case_record" else self.one("case_record", id=row.get("case_id") or request.get("case_id"))
        )
        if not case and not request:
            student = row["id"] if table == "student" else row.get("student_id")
            cases = [one for one in self.rows["case_record"] if one["student_id"] == student]
            case = chance.one(cases) if cases else NOTHING
        return Focus(row, case, request)

    def one(self, table: str, **wanted: Any) -> Row:
        return next((row for row in self.rows[table] if wanted.items() <= row.items()), NOTHING)

    def pool_about(self, focus: Focus) -> Pool:
        """The world's values, those about the focus first."""
        case_id = focus.case.get("id")
        student_id = focus.row["id"] if focus.row in self.rows["student"] else focus.first("student_id")
        about = {
            "Case": [case_id],
            "Student": [student_id],
            "Request": [focus.request.get("id")] if focus.request else self.keys("request", "case_id", case_id),
            **{name: self.keys(IDENTIFIED[name], "case_id", case_id) for name in ("Comment", "Event", "File")},
            "User": [
                row.get(name)
                for row in (focus.case, focus.request)
                for name in ("case_manager_id", "primary_contact_id")
            ],
            "Organisation": [focus.first("school_id"), focus.first("provider_id")],
        }
        near = {
            name: [encode(name, key) for key in keys if key is not None]
            for name, keys in about.items()
            if any(key is not None for key in keys)
        }
        numbers = [
            row[name] for row in (focus.case, focus.request) for name in ("number", "reference") if row.get(name)
        ]
        return replace(self.pool, near=near, near_numbers=numbers)

    def keys(self, table: str, column: str, value: Any) -> list[int]:
        return [row["id"] for row in self.rows.get(table, ()) if value is not None and row[column] == value]
