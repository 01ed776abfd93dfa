"""Cases: who works on a student's attendance, in which status, and how it got there."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Pk, code_type
from .codes import CaseStatus, CaseType


class Case(Base):
    """A request that has been given to a provider to work on.

    Where a list is long, its index ends with the student: whether the viewer may not see one of them is asked of
    every row of its total, which then is counted without the rows.

    `active` is stored so that the database itself keeps *one active case of a type per student*.
    `school_id` is the student's present school and `region` that school's, else the provider's: both are
    kept on the case as enrolments change, so that every role's list stays on an index.
    """

    __tablename__ = "case_record"
    __table_args__ = (
        Index(
            "uq_case_record_active",
            "student_id",
            "type",
            unique=True,
            sqlite_where=text("active"),
            postgresql_where=text("active"),
        ),
        CheckConstraint("(status = 'CLOSED') = (NOT active)", name="active_unless_closed"),
        CheckConstraint("(closed_at IS NULL) = (status <> 'CLOSED')", name="closed_at_iff_closed"),
        CheckConstraint("status <> 'OPEN' OR case_manager_id IS NOT NULL", name="open_has_manager"),
        Index("ix_case_record_school_id_active_opened_at_id", "school_id", "active", "opened_at", "id", "student_id"),
        Index("ix_case_record_case_manager_id_opened_at_id", "case_manager_id", "opened_at", "id"),
        Index("ix_case_record_primary_contact_id_opened_at_id", "primary_contact_id", "opened_at", "id"),
        *(
            Index(f"ix_case_record_{'_'.join((*of, 'opened_at_id'))}", *of, "opened_at", "id", "student_id")
            for of in (("provider_id",), ("provider_id", "status"), ("region",), ("region", "status"), (), ("status",))
        ),
        Index("ix_case_record_student_id", "student_id"),
    )

    id: Mapped[Pk]
    number: Mapped[str] = mapped_column(unique=True)
    type: Mapped[CaseType] = mapped_column(code_type(CaseType))
    status: Mapped[CaseStatus] = mapped_column(code_type(CaseStatus))
    active: Mapped[bool] = mapped_column(default=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"))
    school_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    provider_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    catchment_id: Mapped[int | None] = mapped_column(ForeignKey("catchment.id"))
    region: Mapped[str | None]
    case_manager_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    primary_contact_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    school_contact_notes: Mapped[str | None]
    opened_at: Mapped[datetime]
    assigned_at: Mapped[datetime | None]
    first_contact_at: Mapped[datetime | None]
    planned_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    outcome_code: Mapped[str | None]
    closing_summary: Mapped[str | None]
    status_reason_code: Mapped[str | None]
    review_on: Mapped[date | None]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("case_record.id"))
    former_reference: Mapped[str | None] = mapped_column(unique=True)
    target_version: Mapped[str | None]
    """The version of the service-level targets it is judged by: that of its opening."""
    version: Mapped[int] = mapped_column(default=1)


class CaseBarrier(Base):
    __tablename__ = "case_barrier"

    case_id: Mapped[int] = mapped_column(ForeignKey("case_record.id"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)


class CaseStatusChange(Base):
    """The history of a case's status: who moved it, when, for which reason."""

    __tablename__ = "case_status_change"

    id: Mapped[Pk]
    case_id: Mapped[int] = mapped_column(ForeignKey("case_record.id"), index=True)
    from_status: Mapped[CaseStatus | None] = mapped_column(code_type(CaseStatus, "from_status"))
    to_status: Mapped[CaseStatus] = mapped_column(code_type(CaseStatus, "to_status"))
    reason_code: Mapped[str | None]
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    changed_at: Mapped[datetime]


class CaseAllocation(Base):
    """Which provider held a case when, and the summary with which it was handed over."""

    __tablename__ = "case_allocation"

    id: Mapped[Pk]
    case_id: Mapped[int] = mapped_column(ForeignKey("case_record.id"), index=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    hand_over_summary: Mapped[str | None]


class ServiceLevelTarget(Base):
    """A service-level target in working days; versions are kept, a case is judged by that of its opening."""

    __tablename__ = "service_level_target"

    version: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    working_days: Mapped[int]
    valid_from: Mapped[date]
