"""The access log: one entry per operation that disclosed a student's data, chained per writer and month.

Millions of rows a year: chains, what an operation's plan discloses, and students who are disclosed together are
stored once and named by entries; hashes that only the log itself reads are kept as bytes.
"""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Identifier, Pk


class Disclosure(Base):
    """What an operation's plan discloses and redacts, as field coordinates; stored once, named by its SHA-256."""

    __tablename__ = "disclosure"

    fingerprint: Mapped[bytes] = mapped_column(primary_key=True)
    disclosed: Mapped[list[str]] = mapped_column(JSON)
    redacted: Mapped[list[str]] = mapped_column(JSON)


class AccessLogChain(Base):
    """The entries of one writer in one month. Its head is kept outside the database."""

    __tablename__ = "access_log_chain"

    id: Mapped[Pk]
    name: Mapped[str] = mapped_column(unique=True)


class AccessLogStudentSet(Base):
    """Students disclosed together; stored once, found by `fingerprint`: the SHA-256 of their ascending ids as JSON."""

    __tablename__ = "access_log_student_set"

    id: Mapped[Pk]
    fingerprint: Mapped[bytes] = mapped_column(unique=True)


class AccessLogStudent(Base):
    """A student of such a set."""

    __tablename__ = "access_log_student"
    __table_args__ = (
        Index("ix_access_log_student_student_id_set_id", "student_id", "set_id"),
        {"sqlite_with_rowid": False},
    )

    set_id: Mapped[int] = mapped_column(ForeignKey("access_log_student_set.id"), primary_key=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("student.id"), primary_key=True)


class AccessLogEntry(Base):
    """Who saw which students through which fields. `mac` chains it to the entry before (HMAC-SHA-256).

    Foreign keys are where entries would lose what they say. The others would have PostgreSQL lock a row of each for
    each entry, and keep nothing that would go: what verification finds, and accounts that are held by their roles.
    """

    __tablename__ = "access_log_entry"
    __table_args__ = (
        UniqueConstraint("chain_id", "sequence"),
        Index("ix_access_log_entry_student_set_id", "student_set_id"),
    )

    id: Mapped[Pk]
    chain_id: Mapped[int] = mapped_column(Identifier)
    sequence: Mapped[int] = mapped_column(Identifier)
    occurred_at: Mapped[datetime]
    user_id: Mapped[int] = mapped_column(Identifier)
    organisation_id: Mapped[int | None] = mapped_column(Identifier)
    roles: Mapped[list[str]] = mapped_column(JSON)
    operation_name: Mapped[str | None]
    operation_hash: Mapped[str]
    fingerprint: Mapped[bytes] = mapped_column(ForeignKey("disclosure.fingerprint"))
    student_set_id: Mapped[int] = mapped_column(ForeignKey("access_log_student_set.id"))
    mac: Mapped[bytes]
