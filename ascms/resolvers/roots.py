"""How each root field finds its rows. What may be seen of them is the types' own."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import aliased

from ascms import models
from ascms.casework.catalogue import services
from ascms.casework.statements import PRIVACY_STATEMENT
from ascms.permissions.matrix import rules_for
from ascms.permissions.scopes import not_blocked
from ascms.planning.facts import Facts
from ascms.planning.sources import By, Choices, Connection, Link, Lookup, Value
from ascms.schema.types.filters import CASE_ORDERS, REQUEST_ORDERS, STUDENT_ORDERS

# Cases -------------------------------------------------------------------------------------------------------


def _case_search(case: Any, term: Any, me: Any) -> ColumnElement[bool]:
    def numbered(case: Any) -> ColumnElement[bool]:
        return case.number.like(term, escape="\\")  # type: ignore[no-any-return]

    def of_somebody(case: Any) -> ColumnElement[bool]:
        student = aliased(models.Student)
        return me.linked(student, student.id, case.student_id, _student_search(student, term, me))  # type: ignore[no-any-return]

    return me.one_holds(case, models.Case, numbered, of_somebody)  # type: ignore[no-any-return]


CASES = Connection(
    Link(models.Case),
    orders=CASE_ORDERS,
    default_order=((By("openedAt", ("opened_at",)), True),),
    search=_case_search,
    searches=("number", "student.fullName", "student.knownAs"),
)


def by_number(row: Any, arguments: Mapping[str, Any]) -> ColumnElement[bool]:
    """The case with the number; or that which goes on, where it was closed as a duplicate."""
    duplicate = aliased(models.Case)
    number = arguments["number"].as_text()
    leads_to = select(duplicate.merged_into_id).where(duplicate.number == number).scalar_subquery()
    return or_(row.number == number, row.id == leads_to)


def going_on_first(row: Any) -> ColumnElement[bool]:
    """Least for the case that goes on."""
    return row.merged_into_id.is_not(None)  # type: ignore[no-any-return]


CASE = Lookup(models.Case, by_number, first=going_on_first)


# Requests ----------------------------------------------------------------------------------------------------


def _request_search(request: Any, term: Any, me: Any) -> ColumnElement[bool]:
    return or_(
        request.number.like(term, escape="\\"),
        request.reference.like(term, escape="\\"),
        request.applied_for_full_name_folded.like(term, escape="\\"),
    )


REQUESTS = Connection(
    Link(models.Request),
    orders=REQUEST_ORDERS,
    default_order=((By("lastModifiedAt", ("last_modified_at",)), True),),
    search=_request_search,
    searches=("number", "reference", "appliedFor.fullName"),
)


def _one_of_two(arguments: Mapping[str, Any]) -> None:
    given = [name for name in ("number", "reference") if arguments.get(name) is not None]
    if len(given) != 1:
        raise ValueError(
            f"request takes exactly one of number and reference, got {'both' if given else 'neither'}; "
            "give the request number, or the application reference"
        )


def _by_number_or_reference(row: Any, arguments: Mapping[str, Any]) -> ColumnElement[bool]:
    if arguments.get("number") is not None:
        return row.number == arguments["number"].as_text()  # type: ignore[no-any-return]
    return row.reference == arguments["reference"].as_text()  # type: ignore[no-any-return]


REQUEST = Lookup(models.Request, _by_number_or_reference, _one_of_two)


# Students ----------------------------------------------------------------------------------------------------


def _student_search(student: Any, term: Any, me: Any) -> ColumnElement[bool]:
    return or_(student.full_name_folded.like(term, escape="\\"), student.known_as_folded.like(term, escape="\\"))


STUDENTS = Connection(
    Link(models.Student),
    orders=STUDENT_ORDERS,
    default_order=((By("fullName", ("full_name_folded", "full_name")), False),),
    search=_student_search,
    searches=("fullName", "knownAs"),
)


def _student_by_id(row: Any, arguments: Mapping[str, Any]) -> ColumnElement[bool]:
    return row.id == arguments["id"].as_key("Student")  # type: ignore[no-any-return]


STUDENT = Lookup(models.Student, _student_by_id)


def choosable(student: Any, me: Any) -> ColumnElement[bool]:
    """Enrolled at the acting school, and nobody keeps the viewer and the student apart."""
    return and_(student.school_id == me.organisation_id, not_blocked(student.id, me))


def _choosable(student: Any, me: Any, arguments: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(choosable(student, me), _student_search(student, arguments["search"].as_pattern(), me))


STUDENT_CHOICES = Choices(
    models.Student, _choosable, ("full_name_folded", "full_name", "id"), limit=lambda arguments: arguments.get("first")
)


# Organisations -----------------------------------------------------------------------------------------------


def _organisation_search(organisation: Any, term: Any, me: Any) -> ColumnElement[bool]:
    return or_(organisation.name_folded.like(term, escape="\\"), organisation.number.like(term, escape="\\"))


def _of_kind(organisation: Any, me: Any, arguments: Mapping[str, Any]) -> Sequence[ColumnElement[bool]]:
    kind = arguments.get("kind")
    return [] if kind is None else [organisation.kind == kind]


ORGANISATIONS = Connection(
    Link(models.Organisation),
    default_order=((By("name", ("name_folded", "name")), False),),
    search=_organisation_search,
    searches=("name", "number"),
    narrow=_of_kind,
)


# What needs no rows ------------------------------------------------------------------------------------------


def _services(arguments: Mapping[str, Any], facts: Facts) -> list[Any]:
    return list(services(arguments.get("search")))


def _support(arguments: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    settings = facts.settings
    return {
        "phone": settings.support_phone,
        "email": settings.support_email,
        "training": settings.support_training,
        "guidance": settings.support_guidance,
        "known_issues": settings.support_known_issues,
    }


def _access_matrix(arguments: Mapping[str, Any], facts: Facts) -> list[Any]:
    return rules_for(facts.policy, facts.viewer.roles)


SERVICES_SHOWN = Value(_services)
PRIVACY_STATEMENT_SHOWN = Value(lambda arguments, facts: PRIVACY_STATEMENT)
SUPPORT_SHOWN = Value(_support)
ACCESS_MATRIX = Value(_access_matrix)
