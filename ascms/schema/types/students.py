"""Students and what is held about them."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import false, func, or_, select
from sqlalchemy.orm import aliased

from ascms import models
from ascms.models import Gender, Role
from ascms.permissions.actions import ProtectionLifters
from ascms.permissions.audiences import (
    AnyCaseRole,
    AsPath,
    AttendanceReaders,
    BlockKeepers,
    CasePartners,
    HomeContact,
    NationalNumber,
    PrivacyOnly,
    WhereEnrolled,
)
from ascms.permissions.scopes import some
from ascms.planning.declare import entity, field
from ascms.planning.sources import By, Column, Connection, GlobalId, Link, Many, One

from .common import Connected, Date, DateTime, Node
from .organisations import Organisation
from .people import User

if TYPE_CHECKING:
    from .cases import Case
    from .requests import Request


def _masked(student: Any, me: Any) -> Any:
    """The last three digits; the rest does not leave the database."""
    return "•••••••" + func.substr(student.nsn, func.length(student.nsn) - 2, 3)


def _group_name(row: Any, me: Any) -> Any:
    group = models.EthnicGroup
    return select(group.name).where(group.code == row.code).scalar_subquery()


def _group_level1(row: Any, me: Any) -> Any:
    group = models.EthnicGroup
    return select(group.level1).where(group.code == row.code).scalar_subquery()


def _iwi_name(row: Any, me: Any) -> Any:
    return select(models.Iwi.name).where(models.Iwi.code == row.code).scalar_subquery()


@entity(models.StudentEthnicity, description="An ethnic group of the Ministry's code set.")
class Ethnicity:
    code: str = field(models.StudentEthnicity.code, AsPath, "The Ministry's three-digit code.")
    name: str = field(Column(_group_name), AsPath, "The group's name.")
    level1: str = field(Column(_group_level1), AsPath, "The Stats NZ level 1 group it belongs to.")


@entity(models.StudentIwi, description="An iwi of the official list.")
class Iwi:
    code: str = field(models.StudentIwi.code, AsPath, "The four-digit code.")
    name: str = field(Column(_iwi_name), AsPath, "The iwi's name, macrons kept.")


@entity(models.Caregiver, description="A parent or caregiver.")
class Caregiver:
    name: str = field(models.Caregiver.name, AsPath, "The caregiver's name.")
    relationship: str = field(models.Caregiver.relationship, AsPath, "What they are to the student.")
    phone: str | None = field(models.Caregiver.phone, AsPath, "Their phone number, null if none is known.")
    email: str | None = field(models.Caregiver.email, AsPath, "Their e-mail address, null if none is known.")


@entity(models.AttendanceSummary, description="A term's attendance, as the school reported it.")
class AttendanceSummary:
    term: str = field(models.AttendanceSummary.term, AsPath, "The school term, like `2026-T2`.")
    percentage: float = field(
        models.AttendanceSummary.percentage, AsPath, "Half-days present, in per cent of those open."
    )
    days_absent: int = field(models.AttendanceSummary.days_absent, AsPath, "Days absent in the term.")
    last_attended_on: Date | None = field(models.AttendanceSummary.last_attended_on, AsPath, "The last day present.")
    as_of: Date = field(models.AttendanceSummary.as_of, AsPath, "The day of the report.")


@entity(models.Enrolment, description="A stretch of time on one school's roll.")
class Enrolment:
    school: Organisation | None = field(One(models.Enrolment.school_id, models.Organisation), AsPath, "The school.")
    year_level: int | None = field(models.Enrolment.year_level, AsPath, "The year level then.")
    started_on: Date = field(models.Enrolment.started_on, AsPath, "The first day on the roll.")
    ended_on: Date | None = field(models.Enrolment.ended_on, AsPath, "The last day on the roll, null if still on it.")


@entity(models.AccessBlock, scoped=True, description="A person and a student kept apart.")
class AccessBlock:
    id: strawberry.ID = field(GlobalId("AccessBlock"), AsPath, "The block's identifier, to lift it by.")
    user: User | None = field(One(models.AccessBlock.user_id, models.User), AsPath, "Who must not see the student.")
    reason: str = field(models.AccessBlock.reason, AsPath, "Why.")
    set_by: User | None = field(One(models.AccessBlock.set_by_id, models.User), AsPath, "Who set it.")
    set_at: DateTime = field(models.AccessBlock.set_at, AsPath, "When it was set.")
    lifted_by: User | None = field(
        One(models.AccessBlock.lifted_by_id, models.User), AsPath, "Who lifted it, if anyone."
    )
    lifted_at: DateTime | None = field(models.AccessBlock.lifted_at, AsPath, "When it was lifted, null while it holds.")
    lift_reason: str | None = field(models.AccessBlock.lift_reason, AsPath, "Why it was lifted, where that was said.")


@entity(models.Correction, description="A correction of what is held; the earlier value is kept.")
class Correction:
    corrected: str = field(models.Correction.field, AsPath, "What was corrected.", name="field")
    earlier: str | None = field(models.Correction.earlier, AsPath, "The earlier value.")
    later: str | None = field(
        models.Correction.later, AsPath, "The value since, null where the correction was refused."
    )
    reason: str = field(models.Correction.reason, AsPath, "Why.")
    statement: str | None = field(
        models.Correction.statement, AsPath, "The person's own statement, shown beside the item."
    )
    recorded_by: User | None = field(One(models.Correction.recorded_by_id, models.User), AsPath, "Who recorded it.")
    recorded_at: DateTime = field(models.Correction.recorded_at, AsPath, "When.")


def _disclosed(entry: Any, me: Any) -> Any:
    plan = models.Disclosure
    return select(plan.disclosed).where(plan.fingerprint == entry.fingerprint).scalar_subquery()


def _redacted(entry: Any, me: Any) -> Any:
    plan = models.Disclosure
    return select(plan.redacted).where(plan.fingerprint == entry.fingerprint).scalar_subquery()


@entity(models.AccessLogEntry, description="An operation that disclosed something about the student.")
class AccessLogEntry:
    occurred_at: DateTime = field(models.AccessLogEntry.occurred_at, AsPath, "When.")
    user: User | None = field(One(models.AccessLogEntry.user_id, models.User), AsPath, "Who saw it.")
    organisation: Organisation | None = field(
        One(models.AccessLogEntry.organisation_id, models.Organisation), AsPath, "Acting for whom."
    )
    roles: list[Role] = field(models.AccessLogEntry.roles, AsPath, "In which roles.")
    operation_name: str | None = field(models.AccessLogEntry.operation_name, AsPath, "The operation's name.")
    operation_hash: str = field(models.AccessLogEntry.operation_hash, AsPath, "The SHA-256 of its document.")
    disclosed: list[str] = field(Column(_disclosed), AsPath, "The field coordinates it could show.")
    redacted: list[str] = field(Column(_redacted), AsPath, "The field coordinates it asked for and was not shown.")


def _names_student(student: Any, entry: Any, me: Any) -> Any:
    named = aliased(models.AccessLogStudent)
    sets = select(named.set_id).where(named.student_id == student.id).correlate_except(named)
    return entry.student_set_id.in_(sets)


def _current(summary: Any, me: Any) -> Any:
    return summary.is_current


@entity(models.Student, scoped=True, description="A child or young person whose attendance is the concern (ākonga).")
class Student(Node):
    id: strawberry.ID = field(GlobalId("Student"), AnyCaseRole, "The global identifier; never the NSN.")
    full_name: str | None = field(models.Student.full_name, AnyCaseRole, "As on the school roll, macrons kept.")
    known_as: str | None = field(models.Student.known_as, AnyCaseRole, "What they are called.")
    year_level: int | None = field(models.Student.year_level, AnyCaseRole, "The current year level.")
    school: Organisation | None = field(
        One(models.Student.school_id, models.Organisation), WhereEnrolled, "The present school, null if on no roll."
    )
    date_of_birth: Date | None = field(models.Student.date_of_birth, CasePartners, "The date of birth.")
    nsn: str | None = field(
        Column(_masked), NationalNumber, "The national student number, all but three digits masked."
    )
    gender: Gender | None = field(models.Student.gender, CasePartners, "As ENROL has it.")
    ethnicities: list[Ethnicity] | None = field(
        Many(Link(models.StudentEthnicity, models.StudentEthnicity.student_id), ("position", "id")),
        CasePartners,
        "Ministry ethnic groups, up to three.",
    )
    iwi: list[Iwi] | None = field(
        Many(Link(models.StudentIwi, models.StudentIwi.student_id), ("code",)), CasePartners, "Iwi affiliations."
    )
    caregivers: list[Caregiver] | None = field(
        Many(Link(models.Caregiver, models.Caregiver.student_id)), HomeContact, "Parents and caregivers."
    )
    address: str | None = field(models.Student.address, HomeContact, "The home address.")
    attendance: AttendanceSummary | None = field(
        One("id", models.AttendanceSummary, "student_id", where=_current),
        AttendanceReaders,
        "The current term's attendance.",
    )
    protected: bool | None = field(
        models.Student.protected, CasePartners, "Whether ENROL says to keep their information private."
    )
    enrolments: list[Enrolment] | None = field(
        Many(Link(models.Enrolment, models.Enrolment.student_id), ("started_on", "id")),
        NationalNumber,
        "Schools, past and present.",
    )
    cases: Connected[Annotated["Case", strawberry.lazy("ascms.schema.types.cases")]] | None = field(
        Connection(Link(models.Case, models.Case.student_id), default_order=((By("openedAt", ("opened_at",)), True),)),
        AnyCaseRole,
        "The student's cases that the viewer reaches, the newest first.",
    )
    requests: Connected[Annotated["Request", strawberry.lazy("ascms.schema.types.requests")]] | None = field(
        Connection(
            Link(models.Request, models.Request.student_id),
            default_order=((By("lastModifiedAt", ("last_modified_at",)), True),),
        ),
        AnyCaseRole,
        "The student's requests that the viewer reaches, the latest changed first.",
    )
    access_blocks: list[AccessBlock] | None = field(
        Many(Link(models.AccessBlock, models.AccessBlock.student_id), ("set_at", "id")),
        BlockKeepers,
        "Who must not see the student: of one's own organisation's people, and never oneself.",
    )
    access_log: Connected[AccessLogEntry] | None = field(
        Connection(
            Link(models.AccessLogEntry, on=_names_student), default_order=((By("occurredAt", ("occurred_at",)), True),)
        ),
        PrivacyOnly,
        "Who saw what of the student, the latest first.",
    )
    corrections: list[Correction] | None = field(
        Many(Link(models.Correction, models.Correction.student_id), ("recorded_at", "id")),
        PrivacyOnly,
        "Corrections asked for, the earliest first.",
    )


@entity(description="A student as one is chosen for a request, or as a request recorded them.")
class StudentChoice:
    id: strawberry.ID = field(GlobalId("Student"), AsPath, "The student's global identifier.")
    full_name: str | None = field(models.Student.full_name, AsPath, "The full name.")
    known_as: str | None = field(models.Student.known_as, AsPath, "What they are called.")
    year_level: int | None = field(models.Student.year_level, AsPath, "The year level.")


def unprotecting_shown(request: Any, me: Any) -> Any:
    """Of students whom one reaches in a role that may lift a protection."""
    student = aliased(models.Student)
    lifters = [role for role in me.roles if role in ProtectionLifters.visible]
    reached = or_(false(), *(me.reaches("Student", role, student) for role in lifters))
    return some(student, student.id == request.student_id, reached)


@entity(models.UnprotectRequest, description="That somebody asks to lift a student's protection.")
class UnprotectRequest:
    id: strawberry.ID = field(GlobalId("UnprotectRequest"), AsPath, "The request's identifier, to decide it by.")
    student: Student | None = field(One(models.UnprotectRequest.student_id, models.Student), AsPath, "Whose.")
    requested_by: User | None = field(One(models.UnprotectRequest.requested_by_id, models.User), AsPath, "Who asks.")
    requested_at: DateTime = field(models.UnprotectRequest.requested_at, AsPath, "Since when.")
    reason: str = field(models.UnprotectRequest.reason, AsPath, "Why.")
