"""The former system's cases: each good line becomes a case in Transition, waiting like one in the queue.

A former reference that is held already is left as it is, so that a file may be given twice.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    JSON,
    ColumnElement,
    Select,
    String,
    Table,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import Insert

from ascms.casework.numbers import next_numbers
from ascms.casework.work import Entry, Work
from ascms.models import Base, CaseStatus, EventKind, OrganisationKind, UtcDateTime, Visibility
from ascms.models.base import Identifier
from ascms.signals import case_changed

from .case_file import LINE
from .kinds import Counts, Found, ImportKind, bad_lines, has_twin, repeated, together

cases: Final = Base.metadata.tables["case_record"]
students: Final = Base.metadata.tables["student"]
organisations: Final = Base.metadata.tables["organisation"]
events: Final = Base.metadata.tables["event"]

CARRIED_OVER: Final = "Carried over from the former system"
FORMER_NOTES: Final = "Notes of the former system"

Values = Mapping[str, ColumnElement[Any]]

_OWNER: Final = students.c.nsn == LINE.c.nsn


class Cases:
    """The import of one file of the former system's cases."""

    kind = ImportKind.CASES
    action = "importCases"
    tables: Sequence[Table] = (LINE,)

    def __init__(self) -> None:
        self._held = 0

    def begin(self, columns: Sequence[str]) -> None:
        """Nothing depends on which columns there are."""

    async def check(self, connection: AsyncConnection) -> Found:
        """Take out lines that contradict each other, whose student is not held, or has such a case."""
        same_reference = await _take_out_repeated(connection, ("former_reference",), "the same former_reference")
        self._held = await _take_out_held(connection)
        same_case = await _take_out_repeated(connection, ("nsn", "type"), "a case of the same type for the same nsn")
        return together(same_reference, same_case, await _take_out_impossible(connection))

    async def compare(self, connection: AsyncConnection) -> None:
        """Every line that is left is a new case."""

    async def apply(self, work: Work) -> tuple[Counts, Found]:
        """Add the cases."""
        session = work.session
        connection = await session.connection()
        held = self._held + await _take_out_held(connection)
        late = await _take_out_impossible(connection)
        count = await session.scalar(select(func.count()).select_from(LINE)) or 0
        counts = {"casesAdded": count, "casesHeld": held}
        if not count:
            return counts, late
        first = int((await next_numbers(session, "case", count))[0])
        await session.execute(_add_cases(first))
        for statement in _with_them(work):
            await session.execute(statement)
        await _tell(work)
        return counts, late


async def _take_out_repeated(connection: AsyncConnection, names: Sequence[str], what: str) -> Found:
    found = await repeated(connection, LINE, names, what)
    if found.bad:
        await connection.execute(delete(LINE).where(LINE.c.line.in_(select(LINE.c.line).where(has_twin(LINE, names)))))
    return found


async def _take_out_held(connection: AsyncConnection) -> int:
    """Lines whose cases were brought in by an earlier file; gives how many."""
    is_held = exists().where(cases.c.former_reference == LINE.c.former_reference)
    return (await connection.execute(delete(LINE).where(is_held))).rowcount


async def _take_out_impossible(connection: AsyncConnection) -> Found:
    found = []
    for wrong, reason in (
        (~exists().where(_OWNER), "nsn is that of no student held here; import the enrolments first"),
        (_has_active_case(), "the student has an active case of this type already"),
    ):
        found.append(await bad_lines(connection, LINE, wrong, reason))
        if found[-1].bad:
            await connection.execute(delete(LINE).where(wrong))
    return together(*found)


def _has_active_case() -> ColumnElement[bool]:
    return exists().where(_OWNER, cases.c.student_id == students.c.id, cases.c.type == LINE.c.type, cases.c.active)


def _add_cases(first: int) -> Insert:
    """The cases in the file's order, numbered from `first`."""
    number = cast(literal(first) + func.row_number().over(order_by=LINE.c.line) - 1, String)
    school, provider = organisations.alias("school"), organisations.alias("provider")
    values = {
        "number": _eight_digits(number),
        "type": LINE.c.type,
        "status": literal(CaseStatus.TRANSITION.value),
        "active": literal(True),
        "student_id": students.c.id,
        "school_id": students.c.school_id,
        "provider_id": LINE.c.provider_id,
        "catchment_id": case(
            (
                provider.c.kind == OrganisationKind.ATTENDANCE_SERVICE_PROVIDER,
                func.coalesce(school.c.catchment_id, provider.c.catchment_id),
            ),
            else_=null(),
        ),
        "region": func.coalesce(school.c.region, provider.c.region),
        "opened_at": LINE.c.opened_at,
        "former_reference": LINE.c.former_reference,
        "target_version": _targets_in_force(),
        "version": literal(1),
    }
    rows = (
        select(*(value.label(name) for name, value in values.items()))
        .select_from(LINE)
        .join(students, _OWNER)
        .join(provider, provider.c.id == LINE.c.provider_id)
        .outerjoin(school, school.c.id == students.c.school_id)
        .order_by(LINE.c.line)
    )
    return insert(cases).from_select(list(values), rows)


def _targets_in_force() -> ColumnElement[str]:
    """The version of the service-level targets that the case is judged by: that of its opening."""
    targets = Base.metadata.tables["service_level_target"]
    return (
        select(targets.c.version)
        .where(targets.c.valid_from <= LINE.c.opened_on)
        .order_by(targets.c.valid_from.desc(), targets.c.version.desc())
        .limit(1)
        .correlate(LINE)
        .scalar_subquery()
    )


def _eight_digits(number: ColumnElement[str]) -> ColumnElement[str]:
    """With zeros in front; a longer number as it is."""
    padded = func.substr(literal("00000000").concat(number), func.length(number) + 1)
    return case((func.length(number) < 8, padded), else_=number)


def _with_them(work: Work) -> list[Insert]:
    """What every case has from the beginning: its status, its provider, its event, and its notes."""
    who = literal(work.actor.user_id, Identifier)
    now = literal(work.now, UtcDateTime())
    status: Values = {"to_status": literal(CaseStatus.TRANSITION.value), "changed_by_id": who, "changed_at": now}
    allocation: Values = {"provider_id": cases.c.provider_id, "started_at": cases.c.opened_at}
    recorded: Values = {
        "recorded_at": now,
        "recorded_by_id": who,
        "organisation_id": literal(work.actor.organisation_id, Identifier),
        "participants": literal([], JSON),
    }
    shared = case((cases.c.school_id.is_(None), Visibility.INTERNAL.value), else_=Visibility.SHARED.value)
    carried: Values = {
        "kind": literal(EventKind.CASE_CHANGED.value),
        "occurs_at": now,
        "subject": literal(CARRIED_OVER),
        "visibility": shared,
        "shared_with_school_id": cases.c.school_id,
        **recorded,
    }
    notes: Values = {
        "kind": literal(EventKind.NOTE.value),
        "occurs_at": now,
        "subject": literal(FORMER_NOTES),
        "description": LINE.c.notes,
        "visibility": literal(Visibility.INTERNAL.value),
        **recorded,
    }
    return [
        _for_each("case_status_change", status),
        _for_each("case_allocation", allocation),
        _for_each("event", carried),
        _for_each("event", notes, LINE.c.notes.is_not(None)),
    ]


def _for_each(table: str, values: Values, *conditions: ColumnElement[bool]) -> Insert:
    """A row of `table` for each case that was added."""
    rows = _added(cases.c.id, *(value.label(name) for name, value in values.items())).where(*conditions)
    return insert(Base.metadata.tables[table]).from_select(["case_id", *values], rows)


def _added(*columns: ColumnElement[Any]) -> Select[Any]:
    added = and_(cases.c.former_reference == LINE.c.former_reference)
    return select(*columns).select_from(LINE).join(cases, added).order_by(LINE.c.line)


async def _tell(work: Work) -> None:
    """The change log names every case; each provider's queue is told once."""
    latest: dict[int, int] = {}
    for case_id, student_id, provider_id in await work.session.execute(
        _added(cases.c.id, cases.c.student_id, cases.c.provider_id)
    ):
        work.entries.append(Entry("Case", case_id, student_id))
        latest[provider_id] = case_id
    work.signals += [
        case_changed(case_id, work.action, work.now, (provider_id,)) for provider_id, case_id in latest.items()
    ]
