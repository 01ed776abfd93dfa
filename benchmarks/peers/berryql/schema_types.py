"""The Berry types: columns and relations over the mapped classes, and Strawberry fields for what is neither."""

import datetime as dt
from functools import cache
from typing import Annotated, Any

import models as read_models
import strawberry
from berryql import BerrySchema, BerryType, custom, field, relation, scope
from connections import CommentConnection, EventConnection, EventOrder, FileConnection, RequestConnection, of_case
from peer import leaves
from peer.rules import ROWS, case_allowances, role_of
from peer.viewer import Viewer
from permissions import field_permissions
from sqlalchemy import case, literal
from strawberry.types import Info

from ascms import models


def _format_date(value: dt.date | str) -> str:
    """A day; below a relation BerryQL has it as the database's JSON has it, a text."""
    return value if isinstance(value, str) else value.isoformat()


SCALARS: dict[object, Any] = {
    dt.datetime: strawberry.scalar(name="DateTime", serialize=leaves.format_instant, parse_value=leaves.parse_instant),
    dt.date: strawberry.scalar(name="Date", serialize=_format_date, parse_value=dt.date.fromisoformat),
}
berry = BerrySchema(field_permissions=field_permissions)


@cache
def _rows(model: Any, viewer: Viewer) -> Any:
    return ROWS[role_of(viewer)][model].params(**viewer.parameters)


def reached(model: Any, info: Info) -> Any:
    """The rows of a table that the viewer reaches: the scope of its type, wherever it is read."""
    return _rows(model, info.context["request"].viewer)


def kept_text(name: str) -> Any:
    """A text that says so where its row was entered in error, as an expression in the query."""

    def expression(model: Any) -> Any:
        text = getattr(model, name)
        return case((model.in_error_at.is_not(None), literal(leaves.IN_ERROR).concat(text)), else_=text)

    return custom(expression, returns=str)


def global_id(type_name: str) -> Any:
    def resolve(self: Any) -> strawberry.ID:
        return strawberry.ID(leaves.global_id(type_name, self._model.id))

    return strawberry.field(resolver=resolve)


@strawberry.type
class Allowance:
    action: str
    allowed: bool
    reason: str | None


def _listed(allowances: list[dict[str, Any]]) -> list[Allowance]:
    return [Allowance(**allowance) for allowance in allowances]


# Organisations, people, students -----------------------------------------------------------------------------


@berry.type(model=models.Catchment)
class Catchment(BerryType):
    name = field()


@berry.type(model=read_models.Organisation)
class Organisation(BerryType):
    number = field()
    name = field()


@berry.type(model=models.User)
class User(BerryType):
    display_name = field()
    email = field()
    phone = field()


@berry.type(model=read_models.Ethnicity)
class Ethnicity(BerryType):
    code = field()

    @strawberry.field
    async def name(self, info: Info) -> str:
        return await info.context["request"].loaders.ethnic_group_names.load(self.code)


@berry.type(model=read_models.Iwi)
class Iwi(BerryType):
    code = field()

    @strawberry.field
    async def name(self, info: Info) -> str:
        return await info.context["request"].loaders.iwi_names.load(self.code)


@berry.type(model=models.Caregiver)
class Caregiver(BerryType):
    name = field()
    relationship = field()
    phone = field()


@berry.type(model=models.Student)
class Student(BerryType):
    full_name = field()
    known_as = field()
    year_level = field()
    date_of_birth = field()
    gender = field()
    ethnicities = relation("Ethnicity", fk_column_name="student_id")
    iwi = relation("Iwi", fk_column_name="student_id")
    caregivers = relation("Caregiver", fk_column_name="student_id")


# Requests and casework ---------------------------------------------------------------------------------------


@strawberry.type
class StudentChoice:
    full_name: str | None


@berry.type(model=models.Request)
class Request(BerryType):
    rows = scope(reached)
    id = global_id("Request")
    reference = field()
    number = field()
    type = field()
    status = field()
    last_modified_at = field()
    submitted_at = field()
    school = relation("Organisation", single=True, fk_column_name="school_id")
    created_by = relation("User", single=True, fk_column_name="created_by_id")
    primary_contact = relation("User", single=True, fk_column_name="primary_contact_id")

    @strawberry.field
    def applied_for(self) -> StudentChoice | None:
        name = self._model.applied_for_full_name
        return None if name is None else StudentChoice(full_name=name)

    @strawberry.field
    async def viewer_can(self, info: Info) -> list[Allowance] | None:
        return _listed(await info.context["request"].request_allowances(self._model))


@berry.type(model=models.Comment)
class Comment(BerryType):
    rows = scope(reached)
    id = global_id("Comment")
    created_at = field()
    visibility = field()
    body = kept_text("body")
    author = relation("User", single=True, fk_column_name="author_id")


@berry.type(model=models.Event)
class Event(BerryType):
    rows = scope(reached)
    id = global_id("Event")
    kind = field()
    occurs_at = field()
    recorded_at = field()
    subject = kept_text("subject")
    description = field()
    recorded_by = relation("User", single=True, fk_column_name="recorded_by_id")


@berry.type(model=models.File)
class File(BerryType):
    rows = scope(reached)
    id = global_id("File")
    name = kept_text("name")
    media_type = field()
    uploaded_at = field()
    uploaded_by = relation("User", single=True, fk_column_name="uploaded_by_id")

    @strawberry.field
    def size_bytes(self) -> int | None:
        return self._model.size_bytes  # BerryQL's own field of a big integer is a Float


# Cases -------------------------------------------------------------------------------------------------------

_RUNTIME = strawberry.lazy("berryql.registry")  # where BerryQL puts the Strawberry types that it makes of ours
CaseOwner = Annotated[
    Annotated["User", _RUNTIME] | Annotated["Organisation", _RUNTIME],
    strawberry.union("CaseOwner"),
]


@berry.type(model=models.Case)
class Case(BerryType):
    rows = scope(reached)
    id = global_id("Case")
    number = field()
    type = field()
    status = field()
    opened_at = field()
    version = field()
    school_contact_notes = field()
    student = relation("Student", single=True, fk_column_name="student_id")
    school = relation("Organisation", single=True, fk_column_name="school_id")
    catchment = relation("Catchment", single=True, fk_column_name="catchment_id")
    primary_contact = relation("User", single=True, fk_column_name="primary_contact_id")

    @strawberry.field
    async def owner(self, info: Info) -> CaseOwner | None:
        row, loaders = self._model, info.context["request"].loaders
        if row.case_manager_id is not None:
            return berry.from_model("User", await loaders.users.load(row.case_manager_id))
        return berry.from_model("Organisation", await loaders.organisations.load(row.provider_id))

    @strawberry.field
    async def viewer_can(self, info: Info) -> list[Allowance] | None:
        request = info.context["request"]
        provider = await request.loaders.organisations.load(self._model.provider_id)
        return _listed(case_allowances(self._model, provider, request.viewer, request.settings))

    @strawberry.field
    def requests(self, info: Info, first: int = 20) -> RequestConnection | None:
        return of_case(RequestConnection, models.Request, self._model.id, first)

    @strawberry.field
    def comments(self, info: Info, first: int = 20) -> CommentConnection | None:
        return of_case(CommentConnection, models.Comment, self._model.id, first)

    @strawberry.field
    def events(self, info: Info, first: int = 20, order_by: list[EventOrder] | None = None) -> EventConnection | None:
        return of_case(EventConnection, models.Event, self._model.id, first, order_by)

    @strawberry.field
    def files(self, info: Info, first: int = 20) -> FileConnection | None:
        return of_case(FileConnection, models.File, self._model.id, first)
