"""Organisations and the catchments that attendance service providers serve."""

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Folded, Pk, code_type
from .codes import OrganisationKind, OrganisationStatus


class Catchment(Base):
    """The area whose schools one attendance service provider serves."""

    __tablename__ = "catchment"

    id: Mapped[Pk]
    name: Mapped[str] = mapped_column(unique=True)


class Organisation(Base):
    """A school, an in-school provider, an attendance service provider, or a Ministry office.

    `number` is the sector's organisation number (EDUMIS), text. An in-school provider is an organisation of
    its own and names its school.
    """

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint("school_id IS NULL OR kind = 'IN_SCHOOL_PROVIDER'", name="only_isp_has_school"),
        Index("ix_organisation_name_folded_name_id", "name_folded", "name", "id"),
    )

    id: Mapped[Pk]
    number: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    name_folded: Mapped[Folded]
    kind: Mapped[OrganisationKind] = mapped_column(code_type(OrganisationKind))
    status: Mapped[OrganisationStatus] = mapped_column(code_type(OrganisationStatus), default=OrganisationStatus.OPEN)
    region: Mapped[str | None]
    catchment_id: Mapped[int | None] = mapped_column(ForeignKey("catchment.id"), index=True)
    school_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), unique=True)


class CatchmentProvider(Base):
    """Which provider is contracted for a catchment: one each; a provider may hold several."""

    __tablename__ = "catchment_provider"

    catchment_id: Mapped[int] = mapped_column(ForeignKey("catchment.id"), primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
