"""Students and what the system holds about them. ENROL is the source of identity and enrolment."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Folded, Pk, code_type
from .codes import Gender


class Student(Base):
    """A child or young person (ākonga). `school_id` is the present school, kept with the open enrolment.

    The national student number is never a key and never in an address.
    """

    __tablename__ = "student"
    __table_args__ = (
        Index("ix_student_full_name_folded_full_name_id", "full_name_folded", "full_name", "id", "known_as_folded"),
        Index("ix_student_school_id_full_name_folded", "school_id", "full_name_folded"),
        Index(
            "ix_student_protected",
            "id",
            sqlite_where=text("protected = 1"),
            postgresql_where=text("protected"),
        ),
        CheckConstraint("year_level IS NULL OR year_level BETWEEN 0 AND 15", name="year_level_range"),
    )

    id: Mapped[Pk]
    nsn: Mapped[str | None] = mapped_column(unique=True)
    full_name: Mapped[str]
    full_name_folded: Mapped[Folded]
    known_as: Mapped[str | None]
    known_as_folded: Mapped[str | None]
    date_of_birth: Mapped[date | None]
    gender: Mapped[Gender] = mapped_column(code_type(Gender), default=Gender.U)
    year_level: Mapped[int | None]
    address: Mapped[str | None]
    protected: Mapped[bool] = mapped_column(default=False)
    school_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))


class Enrolment(Base):
    """A stretch of time on one school's roll. At most one per student is open."""

    __tablename__ = "enrolment"
    __table_args__ = (
        Index(
            "uq_enrolment_open",
            "student_id",
            unique=True,
            sqlite_where=text("ended_on IS NULL"),
            postgresql_where=text("ended_on IS NULL"),
        ),
        CheckConstraint("ended_on IS NULL OR ended_on >= started_on", name="ends_after_start"),
        Index("ix_enrolment_student_id_started_on", "student_id", "started_on"),
    )

    id: Mapped[Pk]
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    year_level: Mapped[int | None]
    started_on: Mapped[date]
    ended_on: Mapped[date | None]


class Caregiver(Base):
    __tablename__ = "caregiver"
    __table_args__ = (Index("ix_caregiver_student_id_id", "student_id", "id"),)

    id: Mapped[Pk]
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"))
    name: Mapped[str]
    relationship: Mapped[str]
    phone: Mapped[str | None]
    email: Mapped[str | None]


class StudentEthnicity(Base):
    """One of up to three ethnic groups, in the order given."""

    __tablename__ = "student_ethnicity"
    __table_args__ = (
        UniqueConstraint("student_id", "position"),
        UniqueConstraint("student_id", "code"),
        CheckConstraint("position BETWEEN 1 AND 3", name="up_to_three"),
    )

    id: Mapped[Pk]
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"))
    position: Mapped[int]
    code: Mapped[str] = mapped_column(ForeignKey("ethnic_group.code"))


class StudentIwi(Base):
    __tablename__ = "student_iwi"
    __table_args__ = (UniqueConstraint("student_id", "code"),)

    id: Mapped[Pk]
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"))
    code: Mapped[str] = mapped_column(ForeignKey("iwi.code"))


class AttendanceSummary(Base):
    """A term's attendance as the school reported it; `percentage` is of half-days, 0 to 100."""

    __tablename__ = "attendance_summary"
    __table_args__ = (
        UniqueConstraint("student_id", "term"),
        Index(
            "uq_attendance_summary_current",
            "student_id",
            unique=True,
            sqlite_where=text("is_current"),
            postgresql_where=text("is_current"),
        ),
        CheckConstraint("percentage BETWEEN 0 AND 100", name="percentage_range"),
    )

    id: Mapped[Pk]
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"))
    term: Mapped[str]
    percentage: Mapped[float] = mapped_column(Float)
    days_absent: Mapped[int]
    last_attended_on: Mapped[date | None]
    as_of: Mapped[date]
    is_current: Mapped[bool] = mapped_column(default=True)


class AccessBlock(Base):
    """This person must not see this student (a relative, a conflict of interest, safety). Kept when lifted."""

    __tablename__ = "access_block"
    __table_args__ = (
        Index(
            "uq_access_block_live",
            "user_id",
            "student_id",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
        Index("ix_access_block_student_id", "student_id"),
    )

    id: Mapped[Pk]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"))
    reason: Mapped[str]
    set_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    set_at: Mapped[datetime]
    lifted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    lifted_at: Mapped[datetime | None]
    lift_reason: Mapped[str | None]


class UnprotectRequest(Base):
    """That somebody asks to lift a student's protection; a second person decides. `lifted` is null until then."""

    __tablename__ = "unprotect_request"
    __table_args__ = (
        Index(
            "uq_unprotect_request_waiting",
            "student_id",
            unique=True,
            sqlite_where=text("decided_at IS NULL"),
            postgresql_where=text("decided_at IS NULL"),
        ),
        CheckConstraint("decided_by_id IS NULL OR decided_by_id <> requested_by_id", name="decided_by_another"),
        CheckConstraint("(decided_at IS NULL) = (lifted IS NULL)", name="lifted_iff_decided"),
    )

    id: Mapped[Pk]
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"))
    reason: Mapped[str]
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    requested_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime | None]
    lifted: Mapped[bool | None]


class Correction(Base):
    """A correction asked for under IPP 7: the earlier value is kept, a refused one keeps its statement."""

    __tablename__ = "correction"

    id: Mapped[Pk]
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), index=True)
    field: Mapped[str]
    earlier: Mapped[str | None]
    later: Mapped[str | None]
    reason: Mapped[str]
    statement: Mapped[str | None]
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    recorded_at: Mapped[datetime]
