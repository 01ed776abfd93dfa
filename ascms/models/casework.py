"""What is done on a case: comments, events, tasks, files, the needs fund, safety alerts; alerts and the outbox.

An item stores *which* school it is shared with (`shared_with_school_id`), so that the next school does not
inherit it, and for which organisation it was written (`organisation_id`).
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Pk, code_type
from .codes import AlertKind, EventKind, Visibility

_SHARED_NAMES_SCHOOL = "visibility <> 'INTERNAL' OR shared_with_school_id IS NULL"


class Comment(Base):
    __tablename__ = "comment"
    __table_args__ = (
        CheckConstraint(_SHARED_NAMES_SCHOOL, name="internal_is_not_shared"),
        Index("ix_comment_case_id_created_at_id", "case_id", "created_at", "id"),
    )

    id: Mapped[Pk]
    case_id: Mapped[int] = mapped_column(ForeignKey("case_record.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    body: Mapped[str]
    visibility: Mapped[Visibility] = mapped_column(code_type(Visibility))
    shared_with_school_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    created_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    in_error_at: Mapped[datetime | None]


class CommentRevision(Base):
    """A comment's earlier text, kept when it is edited."""

    __tablename__ = "comment_revision"

    id: Mapped[Pk]
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"), index=True)
    body: Mapped[str]
    replaced_at: Mapped[datetime]


class Event(Base):
    """An entry of a case's timeline, past or upcoming: a contact, a visit, or a change of the case itself."""

    __tablename__ = "event"
    __table_args__ = (
        CheckConstraint(_SHARED_NAMES_SCHOOL, name="internal_is_not_shared"),
        CheckConstraint("ends_at IS NULL OR ends_at >= occurs_at", name="ends_after_start"),
        Index("ix_event_case_id_occurs_at_id", "case_id", "occurs_at", "id"),
    )

    id: Mapped[Pk]
    case_id: Mapped[int] = mapped_column(ForeignKey("case_record.id"))
    kind: Mapped[EventKind] = mapped_column(code_type(EventKind))
    occurs_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    subject: Mapped[str]
    description: Mapped[str | None]
    outcome: Mapped[str | None]
    participants: Mapped[list[str]] = mapped_column(JSON, default=list)
    visibility: Mapped[Visibility] = mapped_column(code_type(Visibility))
    shared_with_school_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    in_error_at: Mapped[datetime | None]


class Task(Base):
    __tablename__ = "task"
    __table_args__ = (Index("ix_task_case_id_due_on_id", "case_id", "due_on", "id"),)

    id: Mapped[Pk]
    case_id: Mapped[int] = mapped_column(ForeignKey("case_record.id"))
    title: Mapped[str]
    due_on: Mapped[date | None]
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    handed_over: Mapped[bool] = mapped_column(default=False)
    """Whether it was closed because the case went to another provider."""


class File(Base):
    """A file's metadata; its bytes are outside the database under `storage_key`. `sha256` in hexadecimal."""

    __tablename__ = "file"
    __table_args__ = (
        CheckConstraint(_SHARED_NAMES_SCHOOL, name="internal_is_not_shared"),
        CheckConstraint("case_id IS NOT NULL OR request_id IS NOT NULL", name="has_parent"),
        CheckConstraint("size_bytes BETWEEN 0 AND 26214400", name="at_most_25_mib"),
        Index("ix_file_case_id_uploaded_at_id", "case_id", "uploaded_at", "id"),
        Index("ix_file_request_id_uploaded_at_id", "request_id", "uploaded_at", "id"),
    )

    id: Mapped[Pk]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case_record.id"))
    request_id: Mapped[int | None] = mapped_column(ForeignKey("request.id"))
    name: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    storage_key: Mapped[str] = mapped_column(unique=True)
    visibility: Mapped[Visibility] = mapped_column(code_type(Visibility))
    shared_with_school_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    uploaded_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    uploaded_at: Mapped[datetime]
    in_error_at: Mapped[datetime | None]


class NeedsFundEntry(Base):
    """Spending on a student's unmet basic needs; `amount_cents` in New Zealand cents."""

    __tablename__ = "needs_fund_entry"
    __table_args__ = (CheckConstraint("amount_cents > 0", name="positive_amount"),)

    id: Mapped[Pk]
    case_id: Mapped[int] = mapped_column(ForeignKey("case_record.id"), index=True)
    purpose: Mapped[str]
    amount_cents: Mapped[int]
    spent_on: Mapped[date]
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    recorded_at: Mapped[datetime]
    in_error_at: Mapped[datetime | None]


class SafetyAlert(Base):
    """What a visitor to the home must know; the provider's alone."""

    __tablename__ = "safety_alert"

    id: Mapped[Pk]
    case_id: Mapped[int] = mapped_column(ForeignKey("case_record.id"), index=True)
    text: Mapped[str]
    raised_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    raised_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Alert(Base):
    """Something a person should know, in the organisation for which they should know it."""

    __tablename__ = "alert"
    __table_args__ = (
        Index("ix_alert_user_id_organisation_id_created_at_id", "user_id", "organisation_id", "created_at", "id"),
    )

    id: Mapped[Pk]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[AlertKind] = mapped_column(code_type(AlertKind))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case_record.id"))
    request_id: Mapped[int | None] = mapped_column(ForeignKey("request.id"))
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class OutboxMessage(Base):
    """What is to be sent, written with the change that causes it; at least once, told apart by its key.

    It waits until it is delivered, or dropped: the recipient may no longer be told, or their server refuses it for
    good; `last_error` says which.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index(
            "ix_outbox_message_waiting",
            "created_at",
            "id",
            sqlite_where=text("delivered_at IS NULL AND dropped_at IS NULL"),
            postgresql_where=text("delivered_at IS NULL AND dropped_at IS NULL"),
        ),
    )

    id: Mapped[Pk]
    deduplication_key: Mapped[str] = mapped_column(unique=True)
    topic: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    delivered_at: Mapped[datetime | None] = mapped_column(index=True)
    dropped_at: Mapped[datetime | None] = mapped_column(index=True)
