"""The policy as its text states it, row by row in Python: an opinion of its own on what each role may see.

Written from the required matrix and the sentences of the policy, without a look at the project's predicates.
Where this and the server disagree, one of the two misreads the policy.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.contract.world import Row, World

ROLES = (
    "ATTENDANCE_LEAD", "PRIMARY_CONTACT", "OFFICE_SUPPORT", "WORKFLOW_LEAD", "CASE_MANAGER", "MINISTRY_ADVISER",
    "MINISTRY_ANALYST", "PRIVACY_OFFICER", "MINISTRY_ADMINISTRATOR", "DELEGATED_AUTHORISER",
)  # fmt: skip
AL, PC, OS, WL, CM, MA, AN, PO, AD, DA = ROLES
WITHOUT_A_ROLE = {"viewer", "privacyStatement", "support"}
NOT_OF_A_PROTECTED_STUDENT = {
    (PC, "Student", "address"), (PC, "Student", "caregivers"), (PC, "Request", "caregiverContacts"),
    (OS, "Request", "caregiverContacts"),
}  # fmt: skip
NO_CASES = {"Student", "Case", "Comment", "Event"}
NO_CASE_EDGES = {"Query.case", "Query.cases", "Query.student", "Query.students", "Request.case", "Request.student"}
"""What the reading `requests` of Office Support takes away: cases, and what is reached through them alone."""


@cache
def required_matrix() -> dict[tuple[str, str], dict[str, str]]:
    """The required matrix: (type, field) to each role's cell."""
    with (Path(__file__).parent / "required_matrix.csv").open(newline="") as file:
        return {(line["type"], line["field"]): {role: line[role] for role in ROLES} for line in csv.DictReader(file)}


@cache
def fields_of(type_name: str) -> tuple[str, ...]:
    """The fields of a type that the matrix has."""
    return tuple(field for name, field in required_matrix() if name == type_name)


@dataclass(frozen=True)
class Person:
    """Who asks: a sign-in name, the number of the organisation acted for, None where it needs not be said."""

    email: str
    organisation: str | None = None

    def __str__(self) -> str:
        return self.email + (f"@{self.organisation}" if self.organisation else "")


class Eyes:
    """What a person sees, for the acting organisation. `reading` is that of Office Support."""

    def __init__(self, world: World, person: Person, reading: str = "fields") -> None:
        self.world = world
        self.reading = reading
        self.person = person
        self.user = world.user(person.email)
        self.contexts = world.contexts(self.user)
        acting = [context for context in self.contexts if person.organisation in {None, context.organisation.number}]
        assert len(acting) == 1, f"{person} has {len(acting)} contexts"
        self.organisation = acting[0].organisation
        self.roles = tuple(role for role in ROLES if role in acting[0].roles)
        self._reached: dict[tuple[str, str, int], bool] = {}

    # The matrix ------------------------------------------------------------------------------------------------

    def cell(self, type_name: str, field: str, role: str) -> str:
        """The required cell. What the matrix lacks is hidden from everyone."""
        cells = required_matrix().get((type_name, field))
        if cells is None:
            return "H"
        if role == OS and self.reading == "own-requests":
            return cells[PC]
        hidden = type_name in NO_CASES or f"{type_name}.{field}" in NO_CASE_EDGES
        return "H" if role == OS and self.reading == "requests" and hidden else cells[role]

    def visible_to(self, type_name: str, field: str) -> set[str]:
        """The roles that see the field on some row at least."""
        return {role for role in ROLES if self.cell(type_name, field, role) != "H"}

    def has_rule(self, type_name: str) -> bool:
        """Whether the type has rows in the matrix; others are as visible as the path that reached them."""
        return bool(fields_of(type_name))

    def reaches_type(self, type_name: str) -> bool:
        """Whether any role reaches rows of the type: where its `id` is hidden, none does."""
        return "id" not in fields_of(type_name) or any(self.cell(type_name, "id", role) != "H" for role in self.roles)

    def redaction(self, type_name: str, field: str) -> str | None:
        """The reason of the field's entry in the answer: ROLE, ROW, or None where it is visible on every row."""
        if not self.has_rule(type_name) or (type_name == "Query" and not self.roles and field in WITHOUT_A_ROLE):
            return None
        roles = [role for role in self.roles if self.cell(type_name, "id", role) != "H" or type_name == "Query"]
        cells = {role: self.cell(type_name, field, role) for role in roles}
        if all(cell == "H" for cell in cells.values()):
            return "ROLE"
        if any(cell == "V" and self._meets_all(role, type_name) for role, cell in cells.items()):
            return None
        always = all(
            cell in {"V", self.cell(type_name, "id", role)} and not self._by_protection(role, type_name, field)
            for role, cell in cells.items()
        )
        return None if always else "ROW"

    def _meets_all(self, role: str, type_name: str) -> bool:
        """Whether the role reaches every row that a path leads to: of organisations, and of users by most roles.

        An authoriser by that role alone meets the organisation's people; others on paths that other roles open.
        """
        return type_name == "Organisation" or (type_name == "User" and role != DA)

    def _by_protection(self, role: str, type_name: str, field: str) -> bool:
        acts_as = PC if role == OS and self.reading == "own-requests" else role
        return (acts_as, type_name, field) in NOT_OF_A_PROTECTED_STUDENT

    # Fields of a row -------------------------------------------------------------------------------------------

    def sees(self, type_name: str, field: str, row: Row) -> bool:
        """Whether one and the same role reaches the row and sees the field on it."""
        if not self.has_rule(type_name):
            return True
        return any(
            self.role_reaches(role, type_name, row) and self._role_sees(role, type_name, field, row)
            for role in self.roles
        )

    def _role_sees(self, role: str, type_name: str, field: str, row: Row) -> bool:
        student_id = row.id if type_name == "Student" else getattr(row, "student_id", None)
        if self._by_protection(role, type_name, field) and self.world.is_protected(student_id):
            return False
        return self._holds(self.cell(type_name, field, role), role, type_name, row)

    def _holds(self, cell: str, role: str, type_name: str, row: Row) -> bool:
        match cell:
            case "V":
                return True
            case "A":
                student_id = row.id if type_name == "Student" else row.student_id
                cases = self.world.of("case_record", "student_id", student_id)
                return any(case.status != "CLOSED" and self.role_reaches(role, "Case", case) for case in cases)
            case "S":
                return self.organisation.id in {row.shared_with_school_id, row.organisation_id}
            case "O":
                return self._own(type_name, row)
        return False

    def _own(self, type_name: str, row: Row) -> bool:
        match type_name:
            case "Request":
                return self.user.id in {row.created_by_id, row.primary_contact_id}
            case "Comment":
                return bool(row.author_id == self.user.id)
            case "File":
                return bool(row.uploaded_by_id == self.user.id)
            case "Organisation":
                return bool(row.id == self.organisation.id)
        raise AssertionError(f"the policy does not say what is one's own {type_name}")

    # Rows ------------------------------------------------------------------------------------------------------

    def reaches(self, type_name: str, row: Row) -> bool:
        """Whether any role held reaches the row by a path."""
        if type_name == "AccessBlock":
            return self._sees_block(row)
        if not self.has_rule(type_name):
            return True
        return any(self.role_reaches(role, type_name, row) for role in self.roles)

    def finds_node(self, type_name: str, row: Row) -> bool:
        """Whether `node` answers the row: of users only oneself and the acting organisation's."""
        if type_name == "User":
            return bool(row.id == self.user.id) or self.world.is_member(row.id, self.organisation.id)
        return self.reaches(type_name, row)

    def rows(self, type_name: str, table: str) -> list[Row]:
        """Every row of the type that the viewer reaches."""
        return [row for row in self.world.all(table) if self.reaches(type_name, row)]

    def role_reaches(self, role: str, type_name: str, row: Row) -> bool:
        """Whether the role reaches the row."""
        key = (role, type_name, row.id)
        if key not in self._reached:
            self._reached[key] = self._role_reaches(role, type_name, row)
        return self._reached[key]

    def _role_reaches(self, role: str, type_name: str, row: Row) -> bool:
        if self.cell(type_name, "id", role) == "H":
            return False
        scopes: dict[str, Callable[[str, Row], bool]] = {
            "Case": self._case,
            "Request": self._request,
            "Student": self._student,
            "Comment": self._hangs,
            "Event": self._hangs,
            "File": self._hangs,
        }
        if type_name == "User" and role == DA:
            return bool(row.id == self.user.id) or self.world.is_member(row.id, self.organisation.id)
        if type_name not in scopes:
            return True
        return scopes[type_name](role, row) and self._holds(self.cell(type_name, "id", role), role, type_name, row)

    def is_blocked(self, student_id: int | None) -> bool:
        """Whether an access block keeps the viewer from the student."""
        return (self.user.id, student_id) in self.world.blocks

    def _case(self, role: str, case: Row) -> bool:
        if self.is_blocked(case.student_id):
            return False
        here = bool(case.status != "CLOSED" and self.world.school_of(case.student_id) == self.organisation.id)
        match role:
            case "ATTENDANCE_LEAD":
                return here
            case "PRIMARY_CONTACT":
                return here and bool(case.primary_contact_id == self.user.id)
            case "OFFICE_SUPPORT":
                return here and (self.reading != "own-requests" or self._created_a_request_of(case))
            case "WORKFLOW_LEAD":
                return bool(case.provider_id == self.organisation.id)
            case "CASE_MANAGER":
                return bool(case.provider_id == self.organisation.id and case.case_manager_id == self.user.id)
            case "MINISTRY_ADVISER":
                in_region = self.world.region_of(case) == self.organisation.region
                return in_region and not self.world.is_protected(case.student_id)
            case "PRIVACY_OFFICER":
                return True
        return False

    def _created_a_request_of(self, case: Row) -> bool:
        return any(row.created_by_id == self.user.id for row in self.world.of("request", "case_id", case.id))

    def _request(self, role: str, request: Row) -> bool:
        if self.is_blocked(request.student_id):
            return False
        if role in {AL, PC, OS}:
            enrolled = request.student_id is None or self.world.school_of(request.student_id) == self.organisation.id
            if request.school_id != self.organisation.id or not enrolled:
                return False
            all_of_the_school = role == AL or (role == OS and self.reading != "own-requests")
            return all_of_the_school or self._own("Request", request)
        if request.submitted_at is None:
            return False
        case = self.world.get("case_record", request.case_id)
        return role == PO or (case is not None and self.role_reaches(role, "Case", case))

    def _student(self, role: str, student: Row) -> bool:
        if role == PO:
            return not self.is_blocked(student.id)
        return any(
            self.role_reaches(role, "Case", case) for case in self.world.of("case_record", "student_id", student.id)
        )

    def _hangs(self, role: str, item: Row) -> bool:
        case = self.world.get("case_record", item.case_id)
        request = self.world.get("request", getattr(item, "request_id", None))
        return (case is not None and self.role_reaches(role, "Case", case)) or (
            request is not None and self.role_reaches(role, "Request", request)
        )

    def _sees_block(self, block: Row) -> bool:
        """A lead those on their own organisation's people, the Privacy Officer all; nobody those on themselves."""
        if block.user_id == self.user.id:
            return False
        own_people = {AL, WL} & set(self.roles) and self.world.is_member(block.user_id, self.organisation.id)
        return bool(PO in self.roles or own_people)
