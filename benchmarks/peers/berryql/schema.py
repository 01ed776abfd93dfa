"""The roots: BerryQL's lists behind connections, a case by number, and the mutation."""

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from berryql import BerryDomain, domain, relation
from connections import (
    LISTS,
    CaseConnection,
    OrderDirection,
    RequestConnection,
    at_root,
)
from graphql import GraphQLField, GraphQLNonNull, GraphQLResolveInfo
from peer import changes, leaves, lists
from permissions import sees
from schema_types import SCALARS, berry
from sqlalchemy import or_, select
from sqlalchemy.orm import aliased
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info

from ascms import models

if TYPE_CHECKING:
    from schema_types import Case, Comment, Organisation, User

_RUNTIME = strawberry.lazy("berryql.registry")

# Lists, which the connections call ---------------------------------------------------------------------------


def _of_case(model: Any, info: Info, case: int) -> Any:
    return model.case_id == case


@berry.domain(name="caseRows")
class CaseRows(BerryDomain):
    nodes = relation("Case")


@berry.domain(name="requestRows")
class RequestRows(BerryDomain):
    nodes = relation("Request", arguments={"case": _of_case})


@berry.domain(name="commentRows")
class CommentRows(BerryDomain):
    nodes = relation("Comment", arguments={"case": _of_case})


@berry.domain(name="eventRows")
class EventRows(BerryDomain):
    nodes = relation("Event", arguments={"case": _of_case})


@berry.domain(name="fileRows")
class FileRows(BerryDomain):
    nodes = relation("File", arguments={"case": _of_case})


# Arguments ---------------------------------------------------------------------------------------------------

CaseStatus = strawberry.enum(models.CaseStatus)
CaseType = strawberry.enum(models.CaseType)
RequestStatus = strawberry.enum(models.RequestStatus)
Role = strawberry.enum(models.Role)


@strawberry.input
class CaseStatusFilter:
    eq: CaseStatus | None = None
    in_: list[CaseStatus] | None = strawberry.field(name="in", default=None)


@strawberry.input
class CaseTypeFilter:
    eq: CaseType | None = None
    in_: list[CaseType] | None = strawberry.field(name="in", default=None)


@strawberry.input
class RequestStatusFilter:
    eq: RequestStatus | None = None
    in_: list[RequestStatus] | None = strawberry.field(name="in", default=None)


@strawberry.input
class DateTimeFilter:
    eq: dt.datetime | None = None
    in_: list[dt.datetime] | None = strawberry.field(name="in", default=None)
    gt: dt.datetime | None = None
    gte: dt.datetime | None = None
    lt: dt.datetime | None = None
    lte: dt.datetime | None = None


@strawberry.input
class CaseFilter:
    status: CaseStatusFilter | None = None
    type: CaseTypeFilter | None = None
    opened_at: DateTimeFilter | None = None


@strawberry.input
class RequestFilter:
    status: RequestStatusFilter | None = None
    type: CaseTypeFilter | None = None


@strawberry.enum
class CaseOrderField(StrEnum):
    NUMBER = "NUMBER"
    OPENED_AT = "OPENED_AT"
    STATUS = "STATUS"
    TYPE = "TYPE"


@strawberry.enum
class RequestOrderField(StrEnum):
    LAST_MODIFIED_AT = "LAST_MODIFIED_AT"
    SUBMITTED_AT = "SUBMITTED_AT"
    NUMBER = "NUMBER"


@strawberry.input
class CaseOrder:
    field: CaseOrderField
    direction: OrderDirection = OrderDirection.ASC


@strawberry.input
class RequestOrder:
    field: RequestOrderField
    direction: OrderDirection = OrderDirection.ASC


# Queries -----------------------------------------------------------------------------------------------------


@strawberry.type
class Viewer:
    @strawberry.field
    async def user(self, info: Info) -> Annotated["User", _RUNTIME]:
        request = info.context["request"]
        return berry.from_model("User", await request.loaders.users.load(request.viewer.user_id))

    @strawberry.field
    async def acting_for(self, info: Info) -> Annotated["Organisation", _RUNTIME] | None:
        request = info.context["request"]
        return berry.from_model(
            "Organisation", await request.loaders.organisations.load(request.viewer.organisation_id)
        )

    @strawberry.field
    def roles(self, info: Info) -> list[Role]:
        return leaves.in_order(info.context["request"].viewer.roles)


@strawberry.type
class Service:
    name: str
    summary: str


def _by_number(model: Any, info: Info, number: str) -> Any:
    """By number; that which goes on, where it was closed as a duplicate."""
    duplicate = aliased(models.Case)
    leads_to = select(duplicate.merged_into_id).where(duplicate.number == number).scalar_subquery()
    return or_(model.number == number, model.id == leads_to)


@berry.query()
class Query:
    case = relation("Case", single=True, arguments={"number": _by_number})
    case_rows = domain(CaseRows)
    request_rows = domain(RequestRows)
    comment_rows = domain(CommentRows)
    event_rows = domain(EventRows)
    file_rows = domain(FileRows)

    @strawberry.field
    def viewer(self) -> Viewer:
        return Viewer()

    @strawberry.field
    def services(self) -> list[Service] | None:
        return [Service(name=service.name, summary=service.summary) for service in leaves.SERVICES_SHOWN]

    @strawberry.field
    def cases(
        self,
        info: Info,
        first: int = 20,
        where: CaseFilter | None = None,
        order_by: list[CaseOrder] | None = None,
    ) -> CaseConnection | None:
        return at_root(CaseConnection, models.Case, info, first, lists.filter_of(where), order_by)

    @strawberry.field
    def requests(
        self,
        info: Info,
        first: int = 20,
        where: RequestFilter | None = None,
        order_by: list[RequestOrder] | None = None,
    ) -> RequestConnection | None:
        return at_root(RequestConnection, models.Request, info, first, lists.filter_of(where), order_by)


# Mutations ---------------------------------------------------------------------------------------------------


@strawberry.input
class AddCommentInput:
    number: str
    body: str


@strawberry.type
class Problem:
    code: str
    message: str


@strawberry.type
class AddCommentPayload:
    comment: Annotated["Comment", _RUNTIME] | None
    case: Annotated["Case", _RUNTIME] | None
    problems: list[Problem]


def _comment(row: models.Comment) -> Any:
    """A row as BerryQL's object; a field that it has in the query's SQL has to be given here."""
    comment = berry.from_model("Comment", row)
    comment.body = leaves.kept_text(row, row.body)
    return comment


@berry.mutation()
class Mutation:
    @strawberry.mutation
    async def add_comment(self, info: Info, input: AddCommentInput) -> AddCommentPayload | None:  # noqa: A002
        request = info.context["request"]
        added = await changes.add_comment(request.writes, request.viewer, request.settings, input.number, input.body)
        return AddCommentPayload(
            comment=None if added.comment is None else _comment(added.comment),
            case=None if added.case is None else berry.from_model("Case", added.case),
            problems=[Problem(code=problem.code, message=problem.message) for problem in added.problems],
        )


# The schema --------------------------------------------------------------------------------------------------


def _null_where_hidden(type_name: str, field: GraphQLField, name: str) -> None:
    """BerryQL gives [] for a list that is hidden; here it is null."""
    resolve, of_type = field.resolve, field.type
    assert resolve is not None

    def resolve_if_visible(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        roles = info.context["request"].viewer.roles
        return resolve(source, info, **arguments) if sees(type_name, name, roles) else None

    field.resolve = resolve_if_visible
    field.type = of_type.of_type if isinstance(of_type, GraphQLNonNull) else of_type


def _build() -> strawberry.Schema:
    schema = berry.to_strawberry(strawberry_config=StrawberryConfig(auto_camel_case=True, scalar_map=SCALARS))
    for name, model in (
        ("CaseRowsType", models.Case),
        ("RequestRowsType", models.Request),
        ("CommentRowsType", models.Comment),
        ("EventRowsType", models.Event),
        ("FileRowsType", models.File),
    ):
        LISTS[model] = schema.get_type_by_name(name).get_field("nodes").base_resolver.wrapped_func
    student = schema._schema.type_map["Student"]  # noqa: SLF001 (graphql-core's schema has no public name)
    for name in ("ethnicities", "iwi", "caregivers"):
        _null_where_hidden("Student", student.fields[name], name)
    caches = (lambda: ParserCache(maxsize=100), lambda: ValidationCache(maxsize=100))
    schema.extensions = (*schema.extensions, *caches)  # BerryQL makes the schema, and takes no extensions for it
    return schema


schema = _build()
