"""Code sets kept as data: reasons, outcomes and barriers; ethnic groups and iwi with their standards' codes."""

from sqlalchemy.orm import Mapped, mapped_column

from .base import Base


class Code(Base):
    """One entry of a named set: `barrier`, `outcome`, `pause_reason`, `decline_reason`."""

    __tablename__ = "code"

    code_set: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    current: Mapped[bool] = mapped_column(default=True)


class EthnicGroup(Base):
    """A Ministry ethnic group (three digits) with its Stats NZ level 1 group."""

    __tablename__ = "ethnic_group"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    level1: Mapped[str]


class Iwi(Base):
    """An iwi of the official list (four digits), macrons kept."""

    __tablename__ = "iwi"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
