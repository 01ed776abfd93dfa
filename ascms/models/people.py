"""Users, their roles in organisations, and what happened to their accounts."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Folded, Pk, code_type
from .codes import Gender, Role


class User(Base):
    """A person with an ESL account. Title, names, birth date and gender are ESL's, shown to their owner only.

    `username` is the address they sign in with, `email` the one shown to others. `subject` is the issuer's
    identifier, unknown until an invited person first signs in.
    """

    __tablename__ = "user_account"
    __table_args__ = (
        Index("ix_user_account_display_name_folded_display_name_id", "display_name_folded", "display_name", "id"),
        CheckConstraint(
            "training_certified_by_id IS NULL OR training_certified_by_id <> id",
            name="training_not_certified_by_oneself",
        ),
    )

    id: Mapped[Pk]
    subject: Mapped[str | None] = mapped_column(unique=True)
    username: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    phone: Mapped[str | None]
    display_name: Mapped[str]
    display_name_folded: Mapped[Folded]
    title: Mapped[str | None]
    given_name: Mapped[str | None]
    middle_name: Mapped[str | None]
    preferred_name: Mapped[str | None]
    surname: Mapped[str | None]
    date_of_birth: Mapped[date | None]
    gender: Mapped[Gender | None] = mapped_column(code_type(Gender))
    training_completed_at: Mapped[datetime | None]
    training_certified_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    last_signed_in_at: Mapped[datetime | None]


class RoleAssignment(Base):
    """A role that a user holds in an organisation.

    It has effect while it is approved and not ended; a provider's role also needs the user's training.
    """

    __tablename__ = "role_assignment"
    __table_args__ = (
        Index(
            "uq_role_assignment_live",
            "user_id",
            "organisation_id",
            "role",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_role_assignment_organisation_id_role", "organisation_id", "role"),
        CheckConstraint("approved_by_id IS NULL OR approved_by_id <> user_id", name="not_approved_by_oneself"),
    )

    id: Mapped[Pk]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    role: Mapped[Role] = mapped_column(code_type(Role))
    granted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    granted_at: Mapped[datetime]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    approved_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))


class AccountEvent(Base):
    """What happened to an account: signed in, role granted, role given up; shown to its owner."""

    __tablename__ = "account_event"
    __table_args__ = (Index("ix_account_event_user_id_occurred_at_id", "user_id", "occurred_at", "id"),)

    id: Mapped[Pk]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    occurred_at: Mapped[datetime]
    description: Mapped[str]
