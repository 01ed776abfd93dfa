"""Requests for support: a school's draft, and what was submitted."""

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, Float, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Pk, code_type
from .codes import AdviceLevel, CaseType, ConfirmationKind, NoticeMethod, RequestStatus


class Request(Base):
    """A request for support. Until it is submitted it is a draft of its school alone.

    `reference` is stable from the first draft on; `number` is given at submission. The `applied_for_*`
    columns keep whom it is for as recorded in it.
    """

    __tablename__ = "request"
    __table_args__ = (
        CheckConstraint("(number IS NULL) = (submitted_at IS NULL)", name="number_iff_submitted"),
        CheckConstraint("status <> 'DRAFT' OR submitted_at IS NULL", name="draft_not_submitted"),
        CheckConstraint("submitted_at IS NULL OR student_id IS NOT NULL", name="submitted_has_student"),
        CheckConstraint(
            "status NOT IN ('SUBMITTED', 'ACCEPTED', 'DECLINED') OR case_id IS NOT NULL", name="submitted_has_case"
        ),
        Index("ix_request_school_id_status_last_modified_at_id", "school_id", "status", "last_modified_at", "id"),
        Index("ix_request_school_id_last_modified_at_id", "school_id", "last_modified_at", "id"),
        Index(
            "ix_request_status_last_modified_at_id", "status", "last_modified_at", "id", "submitted_at", "student_id"
        ),
        Index("ix_request_last_modified_at_id", "last_modified_at", "id"),
        Index("ix_request_submitted_at_id", "submitted_at", "id", "student_id"),
        Index("ix_request_case_id_submitted_at_id", "case_id", "submitted_at", "id", "student_id"),
        Index("ix_request_student_id", "student_id"),
        Index("ix_request_created_by_id", "created_by_id"),
        Index("ix_request_primary_contact_id", "primary_contact_id"),
    )

    id: Mapped[Pk]
    reference: Mapped[str] = mapped_column(unique=True)
    number: Mapped[str | None] = mapped_column(unique=True)
    type: Mapped[CaseType] = mapped_column(code_type(CaseType), default=CaseType.CHRONIC_ABSENCE)
    status: Mapped[RequestStatus] = mapped_column(code_type(RequestStatus), default=RequestStatus.DRAFT)
    school_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    student_id: Mapped[int | None] = mapped_column(ForeignKey("student.id"))
    applied_for_full_name: Mapped[str | None]
    applied_for_full_name_folded: Mapped[str | None]
    applied_for_known_as: Mapped[str | None]
    applied_for_year_level: Mapped[int | None]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    primary_contact_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    provider_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case_record.id"))
    last_modified_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decline_reason_code: Mapped[str | None]
    decline_note: Mapped[str | None]
    withdrawal_reason: Mapped[str | None]
    current_term_percentage: Mapped[float | None] = mapped_column(Float)
    previous_term_percentage: Mapped[float | None] = mapped_column(Float)
    days_absent: Mapped[int | None]
    first_day_absent: Mapped[date | None]
    last_day_absent: Mapped[date | None]
    plan_in_place: Mapped[bool | None]
    plan_reviewed_on: Mapped[date | None]
    plan_outcome: Mapped[str | None]
    star_actions: Mapped[str | None]
    whanau_contacted: Mapped[str | None]
    barrier_notes: Mapped[str | None]
    main_barrier_code: Mapped[str | None]
    other_services: Mapped[str | None]
    notes: Mapped[str | None]
    advice_level: Mapped[AdviceLevel | None] = mapped_column(code_type(AdviceLevel))
    advice_reasons: Mapped[list[str] | None] = mapped_column(JSON)
    advice_version: Mapped[str | None]
    advice_reason: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)


class RequestBarrier(Base):
    __tablename__ = "request_barrier"

    request_id: Mapped[int] = mapped_column(ForeignKey("request.id"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)


class RequestFactor(Base):
    """A circumstance that the referral advice weighs, of the code set `referral_factor`."""

    __tablename__ = "request_factor"

    request_id: Mapped[int] = mapped_column(ForeignKey("request.id"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)


class RequestCriterion(Base):
    """One of the Ministry's three criteria, answered yes or no with a note. A *no* advises, none refuses."""

    __tablename__ = "request_criterion"
    __table_args__ = (UniqueConstraint("request_id", "criterion"),)

    id: Mapped[Pk]
    request_id: Mapped[int] = mapped_column(ForeignKey("request.id"))
    criterion: Mapped[str]
    met: Mapped[bool]
    note: Mapped[str | None]


class RequestCaregiverContact(Base):
    """A caregiver's contact details as given in a request.

    `prefilled`: taken from what is held about the student as it stands there, and so no more visible than that.
    """

    __tablename__ = "request_caregiver_contact"

    id: Mapped[Pk]
    request_id: Mapped[int] = mapped_column(ForeignKey("request.id"), index=True)
    name: Mapped[str]
    relationship: Mapped[str]
    phone: Mapped[str | None]
    email: Mapped[str | None]
    prefilled: Mapped[bool] = mapped_column(default=False)


class RequestConfirmation(Base):
    """Who confirmed the ESL details or the privacy statement, when, and which version of the statement.

    A confirmation of a later version does not replace the earlier one.
    """

    __tablename__ = "request_confirmation"
    __table_args__ = (UniqueConstraint("request_id", "kind", "confirmed_by_id", "statement_version"),)

    id: Mapped[Pk]
    request_id: Mapped[int] = mapped_column(ForeignKey("request.id"))
    kind: Mapped[ConfirmationKind] = mapped_column(code_type(ConfirmationKind))
    statement_version: Mapped[str]
    confirmed_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    confirmed_at: Mapped[datetime]


class NoticeGiven(Base):
    """That the privacy statement reached the student or caregivers (IPP 3A): on the request, or on the case."""

    __tablename__ = "notice_given"
    __table_args__ = (CheckConstraint("(request_id IS NULL) <> (case_id IS NULL)", name="request_or_case"),)

    id: Mapped[Pk]
    request_id: Mapped[int | None] = mapped_column(ForeignKey("request.id"), unique=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case_record.id"), unique=True)
    given_on: Mapped[date]
    given_to: Mapped[str]
    method: Mapped[NoticeMethod] = mapped_column(code_type(NoticeMethod))
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    recorded_at: Mapped[datetime]
