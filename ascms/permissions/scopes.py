"""Which rows each role reaches, always for the acting organisation: a sentence and the predicate it is.

A role that has no scope on a table reaches no row of it. Access blocks are not here: they win over every
role and are added by `policy`. `Me` holds the viewer's identifiers as bound parameters, so that a predicate
is the same statement for everyone.
"""

from collections.abc import Callable
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, and_, false, literal_column, or_, select, true
from sqlalchemy.orm import aliased

from ascms import models
from ascms.models import Role
from ascms.settings import OfficeSupportReading


class Acting(Protocol):
    """The viewer as scopes see them: bound parameters, and the policy's other answers about a role."""

    user_id: ColumnElement[int]
    organisation_id: ColumnElement[int]
    region: ColumnElement[str]
    reading: OfficeSupportReading

    def reaches(self, type_name: str, role: Role, row: Any) -> ColumnElement[bool]: ...

    def linked(self, entity: Any, column: Any, key: Any, condition: Any) -> ColumnElement[bool]: ...

    def leads_to(self, entity: Any, column: Any, key: Any, condition: Any) -> ColumnElement[bool]: ...

    def one_holds(self, row: Any, model: type[models.Base], *conditions: "Condition") -> ColumnElement[bool]: ...


Row = Any
"""A mapped class or an alias of one; which table it is, the decorator below says."""
Scope = Callable[[Row, Acting], ColumnElement[bool]]
Condition = Callable[[Row], ColumnElement[bool]]

SCOPES: dict[tuple[type[models.Base], Role], Scope] = {}


def scope(model: type[models.Base], *roles: Role) -> Callable[[Scope], Scope]:
    """Declare the scope of `roles` on `model`."""

    def declare(predicate: Scope) -> Scope:
        for role in roles:
            if (model, role) in SCOPES:
                raise ValueError(f"{role} has two scopes on {model.__name__}")
            SCOPES[model, role] = predicate
        return predicate

    return declare


def some(entity: Any, *conditions: Any) -> ColumnElement[bool]:
    """Whether there is a row of `entity` for which the conditions hold; every other table is the outer query's.

    Asked of each row by itself. PostgreSQL would else rather find all such rows first, of many more than are read.
    """
    found: Select[Any] = select(literal_column("1")).where(*conditions).suffix_with("OFFSET 0", dialect="postgresql")
    return found.correlate_except(entity).exists()


def one_of(column: Any, *values: Any) -> ColumnElement[bool]:
    """Whether the column has one of these values. (Spelt out: an expanding IN has no fixed text.)"""
    return or_(false(), *(column == value for value in values))


# Cases -------------------------------------------------------------------------------------------------------


def _active_here(case: Row, me: Acting) -> ColumnElement[bool]:
    return and_(case.active, case.school_id == me.organisation_id)


@scope(models.Case, Role.ATTENDANCE_LEAD)
def cases_of_the_school(case: Row, me: Acting) -> ColumnElement[bool]:
    """Active cases of students now enrolled at the acting school."""
    return _active_here(case, me)


@scope(models.Case, Role.PRIMARY_CONTACT)
def cases_where_primary_contact(case: Row, me: Acting) -> ColumnElement[bool]:
    """Active cases of students now enrolled at the acting school whose primary contact is the viewer."""
    return and_(_active_here(case, me), case.primary_contact_id == me.user_id)


@scope(models.Case, Role.OFFICE_SUPPORT)
def cases_of_office_support(case: Row, me: Acting) -> ColumnElement[bool]:
    """As the Attendance Lead; by setting only those of requests they created, or none."""
    if me.reading is OfficeSupportReading.REQUESTS:
        return false()
    if me.reading is OfficeSupportReading.OWN_REQUESTS:
        request = aliased(models.Request)
        created = some(request, request.case_id == case.id, request.created_by_id == me.user_id)
        return and_(_active_here(case, me), created)
    return _active_here(case, me)


@scope(models.Case, Role.WORKFLOW_LEAD)
def cases_of_the_provider(case: Row, me: Acting) -> ColumnElement[bool]:
    """Cases allocated to the acting provider, closed ones too."""
    return case.provider_id == me.organisation_id  # type: ignore[no-any-return]


@scope(models.Case, Role.CASE_MANAGER)
def cases_they_manage(case: Row, me: Acting) -> ColumnElement[bool]:
    """Cases of the acting provider assigned to the viewer, closed ones too."""
    return and_(case.case_manager_id == me.user_id, case.provider_id == me.organisation_id)


@scope(models.Case, Role.MINISTRY_ADVISER)
def cases_of_the_region(case: Row, me: Acting) -> ColumnElement[bool]:
    """Cases of the adviser's region, no protected student's."""
    student = aliased(models.Student)
    hidden = me.linked(student, student.id, case.student_id, student.protected)
    return and_(case.region == me.region, ~hidden)


@scope(models.Case, Role.PRIVACY_OFFICER)
@scope(models.Student, Role.PRIVACY_OFFICER)
def every_row(row: Row, me: Acting) -> ColumnElement[bool]:
    """All."""
    return true()


# Students ----------------------------------------------------------------------------------------------------


def _students_by(role: Role) -> None:
    @scope(models.Student, role)
    def students_of_reached_cases(student: Row, me: Acting) -> ColumnElement[bool]:
        """Students of the cases that the role reaches."""
        case = aliased(models.Case)
        return me.leads_to(case, case.student_id, student.id, me.reaches("Case", role, case))


for _role in (
    Role.ATTENDANCE_LEAD,
    Role.PRIMARY_CONTACT,
    Role.OFFICE_SUPPORT,
    Role.WORKFLOW_LEAD,
    Role.CASE_MANAGER,
    Role.MINISTRY_ADVISER,
):
    _students_by(_role)


# Requests ----------------------------------------------------------------------------------------------------


def _of_this_school(request: Row, me: Acting) -> ColumnElement[bool]:
    student = aliased(models.Student)
    enrolled = some(student, student.id == request.student_id, student.school_id == me.organisation_id)
    return and_(request.school_id == me.organisation_id, or_(request.student_id.is_(None), enrolled))


def own_request(request: Row, me: Acting) -> ColumnElement[bool]:
    """Created by the viewer, or naming them as primary contact."""
    return or_(request.created_by_id == me.user_id, request.primary_contact_id == me.user_id)


@scope(models.Request, Role.ATTENDANCE_LEAD)
def requests_of_the_school(request: Row, me: Acting) -> ColumnElement[bool]:
    """The school's, drafts too, while the student is enrolled there."""
    return _of_this_school(request, me)


@scope(models.Request, Role.PRIMARY_CONTACT)
def requests_of_the_contact(request: Row, me: Acting) -> ColumnElement[bool]:
    """Of the school's, those which the viewer created or which name them."""
    return and_(_of_this_school(request, me), own_request(request, me))


@scope(models.Request, Role.OFFICE_SUPPORT)
def requests_of_office_support(request: Row, me: Acting) -> ColumnElement[bool]:
    """As the Attendance Lead; by setting only their own."""
    if me.reading is OfficeSupportReading.OWN_REQUESTS:
        return requests_of_the_contact(request, me)
    return _of_this_school(request, me)


def _requests_by(role: Role) -> None:
    @scope(models.Request, role)
    def requests_of_reached_cases(request: Row, me: Acting) -> ColumnElement[bool]:
        """Requests of the cases that the role reaches, no drafts."""
        case = aliased(models.Case)
        reached = me.leads_to(case, case.id, request.case_id, me.reaches("Case", role, case))
        return and_(request.submitted_at.is_not(None), reached)


for _role in (Role.WORKFLOW_LEAD, Role.CASE_MANAGER, Role.MINISTRY_ADVISER):
    _requests_by(_role)


@scope(models.Request, Role.PRIVACY_OFFICER)
def submitted_requests(request: Row, me: Acting) -> ColumnElement[bool]:
    """All but drafts, also those withdrawn as drafts: a draft never leaves the school."""
    return request.submitted_at.is_not(None)  # type: ignore[no-any-return]


# What hangs on a case or request -----------------------------------------------------------------------------


def _hanging(model: type[models.Base], *parents: tuple[str, type[models.Base], str]) -> None:
    """Rows of `model` are reached by a role through one of their parents: (GraphQL type, table, key column)."""
    for role in Role:

        @scope(model, role)
        def through_parent(item: Row, me: Acting, role: Role = role) -> ColumnElement[bool]:
            """What hangs on a case or request that the same role reaches."""
            reached = []
            for type_name, table, key in parents:
                parent = aliased(table)
                reached.append(some(parent, parent.id == getattr(item, key), me.reaches(type_name, role, parent)))  # type: ignore[attr-defined]
            return or_(*reached)


_hanging(models.Comment, ("Case", models.Case, "case_id"))
_hanging(models.Event, ("Case", models.Case, "case_id"))
_hanging(models.File, ("Case", models.Case, "case_id"), ("Request", models.Request, "request_id"))


# People ------------------------------------------------------------------------------------------------------


def _belongs_here(user_id: Any, me: Acting) -> ColumnElement[bool]:
    """The user holds a role in the acting organisation."""
    assignment = aliased(models.RoleAssignment)
    return some(
        assignment,
        assignment.user_id == user_id,
        assignment.organisation_id == me.organisation_id,
        assignment.ended_at.is_(None),
    )


def member_of_acting(user: Row, me: Acting) -> ColumnElement[bool]:
    """Oneself, or someone who holds a role in the acting organisation."""
    return or_(user.id == me.user_id, _belongs_here(user.id, me))


@scope(models.User, Role.DELEGATED_AUTHORISER)
def members(user: Row, me: Acting) -> ColumnElement[bool]:
    """The organisation's people. (Others are met on paths that other roles open, and are theirs.)"""
    return member_of_acting(user, me)


@scope(models.AccessBlock, Role.ATTENDANCE_LEAD, Role.WORKFLOW_LEAD)
def blocks_on_own_people(block: Row, me: Acting) -> ColumnElement[bool]:
    """Blocks on the acting organisation's people, never those on oneself."""
    return and_(block.user_id != me.user_id, _belongs_here(block.user_id, me))


@scope(models.AccessBlock, Role.PRIVACY_OFFICER)
def blocks_on_others(block: Row, me: Acting) -> ColumnElement[bool]:
    """All, except those on oneself."""
    return block.user_id != me.user_id  # type: ignore[no-any-return]


# Blocks ------------------------------------------------------------------------------------------------------


def not_blocked(student_id: Any, me: Acting) -> ColumnElement[bool]:
    """No one has kept the viewer and this student apart."""
    block = aliased(models.AccessBlock)
    live = and_(block.user_id == me.user_id, block.lifted_at.is_(None))
    return ~me.linked(block, block.student_id, student_id, live)
