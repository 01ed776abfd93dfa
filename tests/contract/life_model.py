"""The life of a request and of a case as the domain tells it, in a page of Python without a look at the project's.

A `Model` holds what is so for one student; `expect` says how an action must end, and `apply` what is so afterwards.
"""

from dataclasses import dataclass, field
from typing import Any, Final

SCHOOL, SECOND_SCHOOL, ISP, ASP, SECOND_ASP = "1234", "1235", "78912", "5001", "5002"

FORBIDDEN, NOT_FOUND, CONFLICT = "FORBIDDEN", "NOT_FOUND", "CONFLICT"
NOT_NOW, INVALID, DONE = "NOT_POSSIBLE_NOW", "INVALID", "DONE"

AL, PC, OS, WL, CM = "ATTENDANCE_LEAD", "PRIMARY_CONTACT", "OFFICE_SUPPORT", "WORKFLOW_LEAD", "CASE_MANAGER"
AD = "MINISTRY_ADMINISTRATOR"


@dataclass(frozen=True)
class Actor:
    """Somebody of the demo, acting for one organisation."""

    email: str
    organisation: str
    roles: frozenset[str]

    def __str__(self) -> str:
        return f"{self.email}@{self.organisation}"


def _actor(email: str, organisation: str, *roles: str) -> Actor:
    return Actor(email, organisation, frozenset(roles))


LEAD: Final = _actor("lead@test-college.school.nz", SCHOOL, AL)
CONTACT: Final = _actor("contact@test-college.school.nz", SCHOOL, PC)
OFFICE: Final = _actor("office@test-college.school.nz", SCHOOL, OS)
BOTH: Final = _actor("both@test-college.school.nz", SCHOOL, PC, OS)
TEST_AT_SCHOOL: Final = _actor("testperson@test-college.school.nz", SCHOOL, AL)
TEST_AT_ISP: Final = _actor("testperson@test-college.school.nz", ISP, WL)
ISP_LEAD: Final = _actor("workflow@test-college-isp.school.nz", ISP, WL)
ISP_MANAGER: Final = _actor("manager@test-college-isp.school.nz", ISP, CM)
ASP_LEAD: Final = _actor("workflow@waikato-attendance.nz", ASP, WL)
ASP_MANAGER: Final = _actor("manager@waikato-attendance.nz", ASP, CM)
SECOND_LEAD: Final = _actor("lead@second-school.school.nz", SECOND_SCHOOL, AL)
ADVISER: Final = _actor("adviser@ministry.nz", "9001", "MINISTRY_ADVISER")
ANALYST: Final = _actor("analyst@ministry.nz", "9000", "MINISTRY_ANALYST")
PRIVACY: Final = _actor("privacy@ministry.nz", "9000", "PRIVACY_OFFICER")
ADMINISTRATOR: Final = _actor("admin@ministry.nz", "9000", AD)
AUTHORISER: Final = _actor("authoriser@test-college.school.nz", SCHOOL, "DELEGATED_AUTHORISER")

ACTORS: Final = (
    LEAD, CONTACT, OFFICE, BOTH, TEST_AT_SCHOOL, TEST_AT_ISP, ISP_LEAD, ISP_MANAGER, ASP_LEAD, ASP_MANAGER,
    SECOND_LEAD, ADVISER, ANALYST, PRIVACY, ADMINISTRATOR, AUTHORISER,
)  # fmt: skip
CONTACTS: Final = {actor.email for actor in (LEAD, CONTACT, BOTH, TEST_AT_SCHOOL)}
MANAGERS: Final = {
    ISP: {actor.email for actor in (ISP_LEAD, ISP_MANAGER, TEST_AT_ISP)},
    ASP: {actor.email for actor in (ASP_LEAD, ASP_MANAGER)},
}

# Who may do what: V on every row reached, O on one's own.
MAY: Final[dict[str, dict[str, str]]] = {
    "startRequest": {AL: "V", PC: "V", OS: "V"},
    "saveRequest": {AL: "V", PC: "O", OS: "O"},
    "submitRequest": {AL: "V", PC: "O", OS: "O"},
    "withdrawRequest": {AL: "V", PC: "O", OS: "O"},
    "declineRequest": {WL: "V"},
    "assignCaseManager": {WL: "V"},
    "openCase": {WL: "V", CM: "V"},
    "pauseCase": {WL: "V", CM: "V"},
    "resumeCase": {WL: "V", CM: "V"},
    "transferCase": {WL: "V", CM: "V", AD: "V"},
    "closeCase": {WL: "V", CM: "V"},
    "reopenCase": {WL: "V"},
    "changePrimaryContact": {AL: "V", PC: "V"},
    "updateSchoolContactNotes": {AL: "V", PC: "V"},
    "addComment": {AL: "V", PC: "V", OS: "V", WL: "V", CM: "V"},
    "addEvent": {WL: "V", CM: "V"},
    "addTask": {WL: "V", CM: "V"},
    "completeTask": {WL: "V", CM: "V"},
}
ON_REQUEST: Final = {"saveRequest", "submitRequest", "withdrawRequest", "declineRequest"}
# In which statuses of its case, or of the request, an action is possible.
ACTIVE: Final = {"PROVIDER_QUEUE", "OPEN", "PAUSED", "TRANSITION"}
CASE_STATUSES: Final[dict[str, set[str]]] = {
    "assignCaseManager": ACTIVE,
    "openCase": {"PROVIDER_QUEUE", "TRANSITION"},
    "pauseCase": {"OPEN"},
    "resumeCase": {"PAUSED"},
    "transferCase": ACTIVE,
    "closeCase": {"OPEN", "PAUSED"},
    "reopenCase": {"CLOSED"},
    "changePrimaryContact": ACTIVE,
    "updateSchoolContactNotes": ACTIVE,
    "addComment": ACTIVE,
    "addEvent": ACTIVE,
    "addTask": ACTIVE,
    "completeTask": {*ACTIVE, "CLOSED"},  # what was left when a request was withdrawn may still be ticked off
}
REQUEST_STATUSES: Final[dict[str, set[str]]] = {
    "saveRequest": {"DRAFT"},
    "submitRequest": {"DRAFT"},
    "withdrawRequest": {"DRAFT", "SUBMITTED", "ACCEPTED"},
    "declineRequest": {"SUBMITTED", "ACCEPTED"},
}


@dataclass
class Case:
    """What is so of a case."""

    number: str
    provider: str
    contact: str | None
    status: str = "PROVIDER_QUEUE"
    manager: str | None = None
    outcome: str | None = None
    open_tasks: list[str] = field(default_factory=list)
    version: int = 1

    @property
    def active(self) -> bool:
        return self.status != "CLOSED"


@dataclass
class Request:
    """What is so of a request."""

    reference: str
    creator: str
    status: str = "DRAFT"
    complete: bool = False
    contact: str | None = None
    provider: str | None = None
    case: Case | None = None
    confirmed: set[str] = field(default_factory=set)
    version: int = 1


@dataclass
class Model:
    """All that is so for one student, enrolled at Test College throughout."""

    requests: list[Request] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)

    # Who reaches what --------------------------------------------------------------------------------------------

    def reaches_case(self, actor: Actor, role: str, case: Case) -> bool:
        at_school = actor.organisation == SCHOOL and case.active
        match role:
            case "ATTENDANCE_LEAD" | "OFFICE_SUPPORT":
                return at_school
            case "PRIMARY_CONTACT":
                return at_school and case.contact == actor.email
            case "WORKFLOW_LEAD":
                return case.provider == actor.organisation
            case "CASE_MANAGER":
                return case.provider == actor.organisation and case.manager == actor.email
            case "MINISTRY_ADVISER" | "PRIVACY_OFFICER":
                return True
        return False

    def reaches_request(self, actor: Actor, role: str, request: Request) -> bool:
        match role:
            case "ATTENDANCE_LEAD" | "OFFICE_SUPPORT":
                return actor.organisation == SCHOOL
            case "PRIMARY_CONTACT":
                return actor.organisation == SCHOOL and self.is_own(actor, request)
        submitted = request.case is not None
        return submitted and request.case is not None and self.reaches_case(actor, role, request.case)

    @staticmethod
    def is_own(actor: Actor, request: Request) -> bool:
        return actor.email in {request.creator, request.contact}

    # How an action ends ------------------------------------------------------------------------------------------

    def expect(self, action: str, actor: Actor, row: Any, given: dict[str, Any]) -> str:
        """The code of the refusal, or DONE."""
        cells = {role: MAY[action][role] for role in actor.roles if role in MAY[action]}
        if not cells:
            return FORBIDDEN
        if action == "startRequest":
            return DONE if given["confirmed"] and actor.organisation == SCHOOL else INVALID
        reach = self.reaches_request if isinstance(row, Request) else self.reaches_case
        unseen = AD in actor.roles
        if not unseen:
            if not any(reach(actor, role, row) for role in actor.roles):
                return NOT_FOUND
            own = isinstance(row, Request) and self.is_own(actor, row)
            if not any(reach(actor, role, row) and (cell == "V" or own) for role, cell in cells.items()):
                return NOT_NOW
        if given.get("stale"):
            return CONFLICT
        ends = self._request_action if isinstance(row, Request) else self._case_action
        return ends(action, actor, row, given)

    def _request_action(self, action: str, actor: Actor, request: Request, given: dict[str, Any]) -> str:
        if request.status not in REQUEST_STATUSES[action]:
            return NOT_NOW
        queued = request.case is not None and request.case.status in {"PROVIDER_QUEUE", "TRANSITION"}
        if action in {"withdrawRequest", "declineRequest"} and request.status != "DRAFT" and not queued:
            return NOT_NOW
        if action == "saveRequest" and given["contact"] not in CONTACTS:
            return INVALID
        if action == "submitRequest":
            confirmed = given["confirmed"] or actor.email in request.confirmed
            return DONE if request.complete and confirmed else INVALID
        if action == "declineRequest" and not given["coded"]:
            return INVALID
        return DONE

    def _case_action(self, action: str, actor: Actor, case: Case, given: dict[str, Any]) -> str:
        if case.status not in CASE_STATUSES[action]:
            return NOT_NOW
        if action == "openCase" and case.manager is None:
            return NOT_NOW
        if action == "closeCase" and case.open_tasks:
            return NOT_NOW
        if action == "reopenCase" and any(other.active for other in self.cases):
            return NOT_NOW
        if action == "reopenCase":
            manager = given["again"] or case.manager
            return DONE if given["coded"] and manager in MANAGERS.get(case.provider, set()) else INVALID
        if action == "assignCaseManager" and given["manager"] not in MANAGERS.get(case.provider, set()):
            return INVALID
        if action == "changePrimaryContact" and given["contact"] not in CONTACTS:
            return INVALID
        if action == "transferCase":
            return self._transfer(actor, case, given)
        coded = {"pauseCase", "closeCase"}
        return INVALID if action in coded and not given["coded"] else DONE

    @staticmethod
    def _transfer(actor: Actor, case: Case, given: dict[str, Any]) -> str:
        """An ISP hands on to its catchment's ASP, an ASP's lead to that of the student's school, which is the same."""
        if AD in actor.roles:
            return DONE if given["provider"] not in {None, case.provider} else "REFUSED"
        if case.provider == ASP:
            return "REFUSED"
        return DONE

    # What is so afterwards ---------------------------------------------------------------------------------------

    def apply(  # noqa: C901, PLR0912 (a table: what is so after each)
        self, action: str, actor: Actor, row: Any, given: dict[str, Any], made: dict[str, Any]
    ) -> None:
        """Make it so. `made` has what the server gave: numbers and identifiers."""
        match action:
            case "startRequest":
                self.requests.append(Request(made["reference"], actor.email, confirmed={actor.email}))
            case "saveRequest":
                row.contact, row.provider = given["contact"], given["provider"]
                row.complete = True
            case "submitRequest":
                self._submit(row, made)
            case "withdrawRequest":
                self._end(row, "WITHDRAWN", "REQUEST_WITHDRAWN")
            case "declineRequest":
                self._end(row, "DECLINED", "REQUEST_DECLINED")
            case "assignCaseManager":
                row.manager = given["manager"]
                if row.status in {"PROVIDER_QUEUE", "TRANSITION"} and given["open"]:
                    row.status = "OPEN"
                self._accept(row)
            case "openCase" | "resumeCase":
                row.status = "OPEN"
            case "pauseCase":
                row.status = "PAUSED"
            case "transferCase":
                row.provider = given["provider"] if AD in actor.roles else ASP
                row.status, row.manager = "PROVIDER_QUEUE", None
                row.open_tasks.clear()
            case "closeCase":
                row.status, row.outcome = "CLOSED", given["outcome"]
            case "reopenCase":
                row.status, row.outcome = "OPEN", None
                row.manager = given["again"] or row.manager
            case "changePrimaryContact":
                row.contact = given["contact"]
            case "addTask":
                row.open_tasks.append(made["task"])
            case "completeTask":
                row.open_tasks.remove(given["task"])

    def _submit(self, request: Request, made: dict[str, Any]) -> None:
        joined = next((case for case in self.cases if case.active), None)
        request.status = "SUBMITTED"
        if joined is None:
            joined = Case(made["number"], request.provider or "", request.contact)
            self.cases.append(joined)
        elif joined.manager is not None:
            request.status = "ACCEPTED"
        joined.contact = joined.contact or request.contact
        request.case = joined

    def _accept(self, case: Case) -> None:
        for request in self.requests:
            if request.case is case and request.status == "SUBMITTED":
                request.status = "ACCEPTED"

    def _end(self, request: Request, status: str, outcome: str) -> None:
        request.status = status
        case = request.case
        if case is None:
            return
        if not any(other.case is case and other.status in {"SUBMITTED", "ACCEPTED"} for other in self.requests):
            case.status, case.outcome = "CLOSED", outcome
