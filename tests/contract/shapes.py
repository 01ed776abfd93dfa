"""What each field shows where it is visible: a value, a row, or rows of the database.

One table per type, in the matrix' order, so that a field the matrix has and this lacks is noticed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

from tests.contract.oracle import Eyes
from tests.contract.world import Row, global_id


@dataclass(frozen=True)
class Leaf:
    """A value."""

    of: Callable[[Eyes, Row], Any]


@dataclass(frozen=True)
class Since:
    """An instant that moves on while the tests run: this or later."""

    of: Callable[[Eyes, Row], Any]


@dataclass(frozen=True)
class Present:
    """Something worked out by rules of its own, which other tests are about: here it only has to be there, or not."""

    of: Callable[[Row], bool] = lambda row: True
    """Whether there is something for the row."""


@dataclass(frozen=True)
class Edge:
    """One row or none. `of` gives the type's name with it where there are several."""

    type_name: str
    of: Callable[[Eyes, Row], Row | None]


@dataclass(frozen=True)
class Many:
    """A whole list."""

    type_name: str
    of: Callable[[Eyes, Row], Iterable[Row]]


@dataclass(frozen=True)
class Paged:
    """A connection. `size` is its page where the document does not say `first`."""

    type_name: str
    of: Callable[[Eyes, Row], Iterable[Row]]


Shape = Leaf | Since | Present | Edge | Many | Paged


IN_ERROR = "Entered in error: "


def column(name: str) -> Leaf:
    return Leaf(lambda eyes, row: getattr(row, name))


def kept_text(name: str) -> Leaf:
    """A text that says so where its row was entered in error."""
    return Leaf(lambda eyes, row: getattr(row, name) if row.in_error_at is None else f"{IN_ERROR}{getattr(row, name)}")


def identifier(type_name: str) -> Leaf:
    return Leaf(lambda eyes, row: global_id(type_name, row.id))


def to(type_name: str, table: str, key: str) -> Edge:
    return Edge(type_name, lambda eyes, row: eyes.world.get(table, getattr(row, key)))


def user(key: str) -> Edge:
    return to("User", "user_account", key)


def organisation(key: str) -> Edge:
    return to("Organisation", "organisation", key)


def rows_of(type_name: str, table: str, key: str) -> Many:
    return Many(type_name, lambda eyes, row: eyes.world.of(table, key, row.id))


def pages_of(type_name: str, table: str, key: str) -> Paged:
    return Paged(type_name, lambda eyes, row: eyes.world.of(table, key, row.id))


def coded(code_set: str, key: str) -> Edge:
    """An entry of a code set: its code and what it is called."""

    def entry(eyes: Eyes, row: Row) -> Row | None:
        code = getattr(row, key)
        return None if code is None else SimpleNamespace(id=code, code=code, name=eyes.world.label(code_set, code))

    return Edge("CodedValue", entry)


def barriers(table: str, key: str) -> Many:
    def entries(eyes: Eyes, row: Row) -> list[Row]:
        codes = [barrier.code for barrier in eyes.world.of(table, key, row.id)]
        return [SimpleNamespace(id=code, code=code, name=eyes.world.label("barrier", code)) for code in codes]

    return Many("CodedValue", entries)


def _school(eyes: Eyes, student_id: int | None) -> Row | None:
    return eyes.world.get("organisation", eyes.world.school_of(student_id))


def _named(table: str) -> Callable[[Eyes, Row], list[Row]]:
    """Ethnic groups or iwi of a student, with the standard's names."""

    def entries(eyes: Eyes, student: Row) -> list[Row]:
        held, standard = ("student_ethnicity", "ethnic_group") if table == "ethnic_group" else ("student_iwi", "iwi")
        codes = [row.code for row in eyes.world.of(held, "student_id", student.id)]
        return [row for code in codes for row in eyes.world.of(standard, "code", code)]

    return entries


def _masked(eyes: Eyes, student: Row) -> str | None:
    """The last three digits, and no other."""
    return None if student.nsn is None else "•••••••" + str(student.nsn)[-3:]


def _attendance(eyes: Eyes, student: Row) -> Row | None:
    current = [row for row in eyes.world.of("attendance_summary", "student_id", student.id) if row.is_current]
    return current[0] if current else None


def _eligible(eyes: Eyes, organisation_id: int | None, roles: set[str], student_id: int | None) -> list[Row]:
    """Those who hold one of the roles there, without those whom a block keeps from the student."""
    holders = eyes.world.holders(organisation_id, roles)
    return [user for user in holders if (user.id, student_id) not in eyes.world.blocks]


CONTACTS: Final = {"ATTENDANCE_LEAD", "PRIMARY_CONTACT"}
MANAGERS: Final = {"WORKFLOW_LEAD", "CASE_MANAGER"}


def _managers(eyes: Eyes, case: Row) -> list[Row]:
    """The provider's trained people, each with the active cases they carry for it."""
    return [
        SimpleNamespace(
            id=user.id,
            user=user,
            active=sum(
                other.case_manager_id == user.id and other.provider_id == case.provider_id
                for other in eyes.world.all("case_record")
                if other.status != "CLOSED" and not eyes.is_blocked(other.student_id)
            ),
        )
        for user in _eligible(eyes, case.provider_id, MANAGERS, case.student_id)
        if user.training_completed_at is not None
    ]


def _providers(eyes: Eyes, request: Row) -> list[Row]:
    """The school's own provider, and the one of its catchment."""
    school = eyes.world.get("organisation", request.school_id)
    assert school is not None
    held = {row.provider_id for row in eyes.world.of("catchment_provider", "catchment_id", school.catchment_id)}
    return [row for row in eyes.world.all("organisation") if row.school_id == school.id or row.id in held]


def _owner(eyes: Eyes, case: Row) -> Row | None:
    manager = eyes.world.get("user_account", case.case_manager_id)
    return manager or eyes.world.get("organisation", case.provider_id)


def _applied_for(eyes: Eyes, request: Row) -> Row | None:
    return None if request.student_id is None else request


def _part(*names: str) -> Callable[[Eyes, Row], Row | None]:
    """The row itself, as a part of it is shown, where the first of these columns has a value."""
    return lambda eyes, row: None if names and getattr(row, names[0]) is None else row


def _assignments(eyes: Eyes, user: Row) -> list[Row]:
    """The acting organisation's; every organisation's to Administrator and Privacy Officer."""
    everywhere = {"MINISTRY_ADMINISTRATOR", "PRIVACY_OFFICER"} & set(eyes.roles)
    return [
        row
        for row in eyes.world.of("role_assignment", "user_id", user.id)
        if row.ended_at is None and (everywhere or row.organisation_id == eyes.organisation.id)
    ]


def _members(eyes: Eyes, organisation: Row) -> list[Row]:
    return eyes.world.members(organisation.id)


def _contexts(eyes: Eyes, user: Row) -> list[Row]:
    return [
        SimpleNamespace(id=context.organisation.id, organisation=context.organisation, roles=sorted(context.roles))
        for context in eyes.contexts
    ]


def _alerts(eyes: Eyes, user: Row) -> list[Row]:
    """Those of the acting organisation; none about a student whom a block keeps from the viewer."""
    world = eyes.world

    def is_blocked(alert: Row) -> bool:
        about = (world.get("case_record", alert.case_id), world.get("request", alert.request_id))
        return any(row is not None and eyes.is_blocked(row.student_id) for row in about)

    return [
        row
        for row in world.of("alert", "user_id", user.id)
        if row.organisation_id == eyes.organisation.id and not is_blocked(row)
    ]


SHAPES: Final[Mapping[str, Mapping[str, Shape]]] = {
    "Student": {
        "id": identifier("Student"),
        "fullName": column("full_name"),
        "knownAs": column("known_as"),
        "yearLevel": column("year_level"),
        "school": Edge("Organisation", lambda eyes, row: _school(eyes, row.id)),
        "dateOfBirth": column("date_of_birth"),
        "nsn": Leaf(_masked),
        "gender": column("gender"),
        "ethnicities": Many("Ethnicity", _named("ethnic_group")),
        "iwi": Many("Iwi", _named("iwi")),
        "caregivers": rows_of("Caregiver", "caregiver", "student_id"),
        "address": column("address"),
        "attendance": Edge("AttendanceSummary", _attendance),
        "protected": column("protected"),
        "enrolments": rows_of("Enrolment", "enrolment", "student_id"),
        "cases": pages_of("Case", "case_record", "student_id"),
        "requests": pages_of("Request", "request", "student_id"),
        "accessBlocks": rows_of("AccessBlock", "access_block", "student_id"),
        "accessLog": Present(),
        "corrections": rows_of("Correction", "correction", "student_id"),
    },
    "Case": {
        "id": identifier("Case"),
        "number": column("number"),
        "type": column("type"),
        "status": column("status"),
        "openedAt": column("opened_at"),
        "student": to("Student", "student", "student_id"),
        "school": Edge("Organisation", lambda eyes, row: _school(eyes, row.student_id)),
        "provider": organisation("provider_id"),
        "catchment": to("Catchment", "catchment", "catchment_id"),
        "caseManager": user("case_manager_id"),
        "owner": Edge("User|Organisation", _owner),
        "primaryContact": user("primary_contact_id"),
        "version": column("version"),
        "viewerCan": Present(),
        "eligibleContacts": Many(
            "User", lambda eyes, row: _eligible(eyes, eyes.world.school_of(row.student_id), CONTACTS, row.student_id)
        ),
        "eligibleManagers": Many("Caseload", _managers),
        "closedAt": column("closed_at"),
        "outcome": coded("outcome", "outcome_code"),
        "statusReason": coded("pause_reason", "status_reason_code"),
        "reviewOn": column("review_on"),
        "barriers": barriers("case_barrier", "case_id"),
        "schoolContactNotes": column("school_contact_notes"),
        "closingSummary": column("closing_summary"),
        "tasks": pages_of("Task", "task", "case_id"),
        "safetyAlerts": rows_of("SafetyAlert", "safety_alert", "case_id"),
        "needsFund": rows_of("NeedsFundEntry", "needs_fund_entry", "case_id"),
        "serviceLevels": Present(),
        "requests": pages_of("Request", "request", "case_id"),
        "comments": pages_of("Comment", "comment", "case_id"),
        "events": pages_of("Event", "event", "case_id"),
        "files": pages_of("File", "file", "case_id"),
    },
    "Request": {
        "id": identifier("Request"),
        "reference": column("reference"),
        "number": column("number"),
        "type": column("type"),
        "status": column("status"),
        "student": to("Student", "student", "student_id"),
        "appliedFor": Edge("StudentChoice of a request", _applied_for),
        "school": organisation("school_id"),
        "createdBy": user("created_by_id"),
        "primaryContact": user("primary_contact_id"),
        "lastModifiedAt": column("last_modified_at"),
        "submittedAt": column("submitted_at"),
        "version": column("version"),
        "viewerCan": Present(),
        "steps": Present(),
        "eligibleContacts": Many("User", lambda eyes, row: _eligible(eyes, row.school_id, CONTACTS, row.student_id)),
        "eligibleProviders": Many("Organisation", _providers),
        "decidedAt": column("decided_at"),
        "declineReason": coded("decline_reason", "decline_reason_code"),
        "provider": organisation("provider_id"),
        "case": to("Case", "case_record", "case_id"),
        "attendance": Edge("RequestAttendance", _part()),
        "schoolActions": Edge("SchoolActions", _part()),
        "criteria": rows_of("Criterion", "request_criterion", "request_id"),
        "caregiverContacts": rows_of("CaregiverContact", "request_caregiver_contact", "request_id"),
        "barriers": barriers("request_barrier", "request_id"),
        "barrierNotes": column("barrier_notes"),
        "otherServices": column("other_services"),
        "notes": column("notes"),
        "advice": Edge("Advice", _part("advice_level")),
        "noticeGiven": Edge("NoticeGiven", lambda eyes, row: eyes.world.one("notice_given", "request_id", row.id)),
        "adviceReason": column("advice_reason"),
        "confirmations": rows_of("Confirmation", "request_confirmation", "request_id"),
        "files": pages_of("File", "file", "request_id"),
    },
    "Comment": {
        "id": identifier("Comment"),
        "author": user("author_id"),
        "createdAt": column("created_at"),
        "visibility": column("visibility"),
        "viewerCan": Present(),
        "body": kept_text("body"),
        "editedAt": column("edited_at"),
    },
    "Event": {
        "id": identifier("Event"),
        "kind": column("kind"),
        "occursAt": column("occurs_at"),
        "endsAt": column("ends_at"),
        "recordedAt": column("recorded_at"),
        "recordedBy": user("recorded_by_id"),
        "subject": kept_text("subject"),
        "description": column("description"),
        "outcome": column("outcome"),
        "participants": column("participants"),
        "visibility": column("visibility"),
    },
    "File": {
        "id": identifier("File"),
        "name": kept_text("name"),
        "mediaType": column("media_type"),
        "sizeBytes": column("size_bytes"),
        "uploadedBy": user("uploaded_by_id"),
        "uploadedAt": column("uploaded_at"),
        "sha256": column("sha256"),
        "visibility": column("visibility"),
        "downloadUrl": Present(lambda row: row.in_error_at is None),
    },
    "User": {
        "id": identifier("User"),
        "displayName": column("display_name"),
        "email": column("email"),
        "phone": column("phone"),
        "username": column("username"),
        "lastSignedInAt": Since(lambda eyes, row: row.last_signed_in_at),
        "trainingCompletedAt": column("training_completed_at"),
        "assignments": Many("Assignment", _assignments),
    },
    "Organisation": {
        "id": identifier("Organisation"),
        "number": column("number"),
        "name": column("name"),
        "kind": column("kind"),
        "status": column("status"),
        "region": column("region"),
        "catchment": to("Catchment", "catchment", "catchment_id"),
        "members": Paged("User", _members),
    },
    # What is as visible as the path that reached it.
    "AccessBlock": {
        "id": identifier("AccessBlock"),
        "user": user("user_id"),
        "reason": column("reason"),
        "setBy": user("set_by_id"),
        "setAt": column("set_at"),
        "liftedBy": user("lifted_by_id"),
        "liftedAt": column("lifted_at"),
        "liftReason": column("lift_reason"),
    },
    "Advice": {
        "level": column("advice_level"),
        "reasons": column("advice_reasons"),
        "version": column("advice_version"),
    },
    "Alert": {
        "kind": column("kind"),
        "createdAt": column("created_at"),
        "case": to("Case", "case_record", "case_id"),
        "request": to("Request", "request", "request_id"),
    },
    "Assignment": {
        "role": column("role"),
        "organisation": organisation("organisation_id"),
        "grantedAt": column("granted_at"),
        "approved": Leaf(lambda eyes, row: row.approved_at is not None),
    },
    "AttendanceSummary": {
        "term": column("term"),
        "percentage": column("percentage"),
        "daysAbsent": column("days_absent"),
        "lastAttendedOn": column("last_attended_on"),
        "asOf": column("as_of"),
    },
    "Caregiver": {name: column(name) for name in ("name", "relationship", "phone", "email")},
    "CaregiverContact": {name: column(name) for name in ("name", "relationship", "phone", "email")},
    "Caseload": {"user": Edge("User", lambda eyes, row: row.user), "activeCases": column("active")},
    "Catchment": {"name": column("name")},
    "CodedValue": {"code": column("code"), "name": column("name")},
    "Confirmation": {
        "kind": column("kind"),
        "statementVersion": column("statement_version"),
        "confirmedBy": user("confirmed_by_id"),
        "confirmedAt": column("confirmed_at"),
    },
    "Context": {
        "organisation": Edge("Organisation", lambda eyes, row: row.organisation),
        "roles": Leaf(lambda eyes, row: {*row.roles}),
    },
    "Correction": {
        **{name: column(name) for name in ("field", "earlier", "later", "reason", "statement")},
        "recordedBy": user("recorded_by_id"),
        "recordedAt": column("recorded_at"),
    },
    "Criterion": {name: column(name) for name in ("criterion", "met", "note")},
    "Enrolment": {
        "school": organisation("school_id"),
        "yearLevel": column("year_level"),
        "startedOn": column("started_on"),
        "endedOn": column("ended_on"),
    },
    "Ethnicity": {name: column(name) for name in ("code", "name", "level1")},
    "Iwi": {name: column(name) for name in ("code", "name")},
    "NeedsFundEntry": {
        "purpose": column("purpose"),
        "amountCents": column("amount_cents"),
        "spentOn": column("spent_on"),
        "recordedBy": user("recorded_by_id"),
    },
    "NoticeGiven": {
        "givenOn": column("given_on"),
        "givenTo": column("given_to"),
        "method": column("method"),
        "recordedBy": user("recorded_by_id"),
        "recordedAt": column("recorded_at"),
    },
    "RequestAttendance": {
        "currentTermPercentage": column("current_term_percentage"),
        "previousTermPercentage": column("previous_term_percentage"),
        "daysAbsent": column("days_absent"),
        "firstDayAbsent": column("first_day_absent"),
        "lastDayAbsent": column("last_day_absent"),
    },
    "SafetyAlert": {
        "text": column("text"),
        "raisedBy": user("raised_by_id"),
        "raisedAt": column("raised_at"),
        "endedAt": column("ended_at"),
    },
    "SchoolActions": {
        "planInPlace": column("plan_in_place"),
        "planReviewedOn": column("plan_reviewed_on"),
        "planOutcome": column("plan_outcome"),
        "starActions": column("star_actions"),
        "whanauContacted": column("whanau_contacted"),
    },
    "StudentChoice": {
        "id": identifier("Student"),
        "fullName": column("full_name"),
        "knownAs": column("known_as"),
        "yearLevel": column("year_level"),
    },
    "StudentChoice of a request": {
        "id": Leaf(lambda eyes, row: global_id("Student", row.student_id)),
        "fullName": column("applied_for_full_name"),
        "knownAs": column("applied_for_known_as"),
        "yearLevel": column("applied_for_year_level"),
    },
    "Task": {
        "title": column("title"),
        "dueOn": column("due_on"),
        "assignee": user("assignee_id"),
        "doneAt": column("done_at"),
        "createdBy": user("created_by_id"),
        "createdAt": column("created_at"),
    },
    "Viewer": {
        "user": Edge("User", lambda eyes, row: row),
        "roles": Leaf(lambda eyes, row: {*eyes.roles}),
        "actingFor": Edge("Organisation", lambda eyes, row: eyes.organisation),
        "contexts": Many("Context", _contexts),
        "missing": Present(),
        "alerts": Paged("Alert", _alerts),
    },
}
