"""What every change leaves behind: an entry of who changed what, the outcome of a retried request, and counters."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Identifier, Pk


class ChangeEntry(Base):
    """Who changed what, written in the change's own transaction. `mac` chains it to the entry before (HMAC-SHA-256).

    `action` is the mutation's name, or that of the system's own doing (then `user_id` is null).
    """

    __tablename__ = "change_entry"
    __table_args__ = (Index("ix_change_entry_student_id_id", "student_id", "id"),)

    id: Mapped[Pk]
    sequence: Mapped[int] = mapped_column(Identifier, unique=True)
    occurred_at: Mapped[datetime]
    action: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    roles: Mapped[list[str]] = mapped_column(JSON)
    subject_type: Mapped[str]
    subject_id: Mapped[int | None] = mapped_column(Identifier)
    student_id: Mapped[int | None] = mapped_column(ForeignKey("student.id"))
    mac: Mapped[bytes]


class IdempotencyKey(Base):
    """The outcome of a mutation that its client may send again: row keys and problems, never an answer.

    `acting_id` is the acting organisation's key, 0 without one; `position` counts the root fields of an operation.
    """

    __tablename__ = "idempotency_key"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    acting_id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    body_hash: Mapped[bytes]
    outcome: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(index=True)


class Counter(Base):
    """The last number given out of a series: `case`, `reference`."""

    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(Identifier)


class SchoolTerm(Base):
    """A school term: first and last day on which schools may be open. Set by the Ministry for each year."""

    __tablename__ = "school_term"

    year: Mapped[int] = mapped_column(primary_key=True)
    term: Mapped[int] = mapped_column(primary_key=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date]


class ImportRun(Base):
    """An import of a file: ENROL's nightly one, or the former system's cases. `counts` says what it changed."""

    __tablename__ = "import_run"

    id: Mapped[Pk]
    kind: Mapped[str]
    state: Mapped[str]
    sha256: Mapped[str | None]
    size_bytes: Mapped[int] = mapped_column(Identifier, default=0)
    started_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    lines_read: Mapped[int] = mapped_column(default=0)
    lines_bad: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    failure: Mapped[str | None]


class ImportProblem(Base):
    """A bad line of an imported file: its number (the header is line 1) and what is wrong with it."""

    __tablename__ = "import_problem"
    __table_args__ = (Index("ix_import_problem_run_id_line", "run_id", "line"),)

    id: Mapped[Pk]
    run_id: Mapped[int] = mapped_column(ForeignKey("import_run.id"))
    line: Mapped[int]
    reason: Mapped[str]
