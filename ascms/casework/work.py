"""A change under way: one transaction, who makes it and when, and what it will tell others once it is committed.

Whoever opens the transaction (`ascms.resolvers.workshop`) writes what is noted here: the entries of the change
log in the transaction itself, the signals with its commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Self, TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from ascms.models import Alert, Base, Case, OrganisationKind, Request, Role, Student
from ascms.settings import Settings
from ascms.signals import Signal, alert_raised, case_changed, rights_changed

from .calendar import local_day

M = TypeVar("M", bound=Base)
Condition = ColumnElement[bool] | InstrumentedAttribute[bool]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change, acting for which organisation in which roles. No user: the system itself."""

    user_id: int | None = None
    organisation_id: int | None = None
    kind: OrganisationKind | None = None
    roles: frozenset[Role] = frozenset()

    @property
    def is_school(self) -> bool:
        """Whether they act for a school."""
        return self.kind is OrganisationKind.SCHOOL

    @property
    def user(self) -> int:
        """The user's key. Raises ValueError for the system."""
        if self.user_id is None:
            raise ValueError("the system makes this change, and it needs a person")
        return self.user_id

    @property
    def organisation(self) -> int:
        """The acting organisation's key. Raises ValueError where there is none."""
        if self.organisation_id is None:
            raise ValueError("this change needs an organisation to act for")
        return self.organisation_id


SYSTEM = Actor()


@dataclass(frozen=True, slots=True)
class Entry:
    """What the change log keeps of a row that was changed."""

    subject_type: str
    subject_id: int | None
    student_id: int | None


@dataclass
class Work:
    """The transaction of one change. `action` is the mutation's name."""

    session: AsyncSession
    actor: Actor
    now: datetime
    action: str
    settings: Settings
    entries: list[Entry] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    told_as: str | None = None
    """What watchers of a case hear instead of `action`; its events are then signed by nobody."""

    @property
    def today(self) -> date:
        """The day in Pacific/Auckland."""
        return local_day(self.now)

    def forget(self) -> None:
        """Nothing of what was noted holds: the change was refused."""
        self.entries.clear()
        self.signals.clear()

    def by_itself(self, told_as: str) -> Self:
        """The same change as those see it who may not know why a case is changed by it, nor by whom.

        That a person lost a role and that they are kept from the student look alike. The change log says which it was.
        """
        return replace(self, told_as=told_as)

    # Reading -------------------------------------------------------------------------------------------------

    async def find(self, model: type[M], *conditions: Condition, lock: bool = False) -> M | None:
        """The one row for which the conditions hold, held against others until the end with `lock`."""
        statement = select(model).where(*conditions)
        if lock:
            statement = statement.with_for_update(of=model).execution_options(populate_existing=True)
        return (await self.session.scalars(statement)).one_or_none()

    async def all(self, model: type[M], *conditions: Condition, order: Any = None, lock: bool = False) -> Sequence[M]:
        """The rows for which the conditions hold, by key unless `order` says otherwise; held with `lock`."""
        ordered = order if order is not None else model.__mapper__.primary_key[0]
        statement = select(model).where(*conditions).order_by(ordered)
        if lock:
            statement = statement.with_for_update(of=model).execution_options(populate_existing=True)
        return (await self.session.scalars(statement)).all()

    async def get(self, model: type[M], key: int | None, *, lock: bool = False) -> M:
        """The row with this key. Raises LookupError where there is none: a fault of ours."""
        row = await self.find(model, model.__mapper__.primary_key[0] == key, lock=lock)
        if row is None:
            raise LookupError(f"{model.__name__} has no row with the key of a row that names it")
        return row

    # Writing -------------------------------------------------------------------------------------------------

    async def add(self, row: M) -> M:
        """Insert the row now, so that it has its key."""
        self.session.add(row)
        await self.session.flush()
        return row

    def log(self, subject: Base, student_id: int | None) -> None:
        """Have the change log name a row that this change makes or changes."""
        self.entries.append(Entry(type(subject).__name__, _key(subject), student_id))

    def changed_case(self, case: Case, *, before_provider_id: int | None = None) -> None:
        """A case was changed: its version goes up, the log names it, and who watches is told."""
        case.version = (case.version or 0) + 1
        self.touched_case(case, before_provider_id=before_provider_id)

    def touched_case(self, case: Case, *, before_provider_id: int | None = None, item: Base | None = None) -> None:
        """Something on a case was added or changed, not the case's own row. Who may not see `item` hears nothing."""
        self.log(case, case.student_id)
        about = None if item is None else (type(item).__name__, _key(item))
        held_by = (case.provider_id, before_provider_id)
        self.signals.append(case_changed(case.id, self.told_as or self.action, self.now, held_by, about))

    def changed_request(self, request: Request) -> None:
        """A request was changed: its version goes up and the log names it."""
        request.version = (request.version or 0) + 1
        request.last_modified_at = self.now
        self.log(request, request.student_id)

    def changed_student(self, student: Student) -> None:
        """What is held of a student was changed."""
        self.log(student, student.id)

    def raised(self, alert: Alert) -> None:
        """An alert was raised."""
        self.signals.append(alert_raised(alert.id, alert.user_id, alert.organisation_id, self.now))

    def changed_rights(self, user_id: int) -> None:
        """What somebody may do was changed: their open subscriptions look again."""
        self.signals.append(rights_changed(self.action, self.now, user_id=user_id))


def _key(row: Base) -> Any:
    return getattr(row, row.__mapper__.primary_key[0].key or "id")
