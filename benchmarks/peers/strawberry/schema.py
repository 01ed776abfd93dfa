"""The roots: queries, the mutation, and the schema with its caches."""

from enum import StrEnum

import strawberry
from peer import changes, leaves, lists
from permissions import CaseRole, SchoolStaff
from schema_types import (
    SCALARS,
    Case,
    CaseStatus,
    CaseType,
    Comment,
    Connection,
    DateTime,
    OrderDirection,
    Organisation,
    Request,
    RequestStatus,
    Role,
    User,
)
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info

# Arguments ---------------------------------------------------------------------------------------------------


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
    eq: DateTime | None = None
    in_: list[DateTime] | None = strawberry.field(name="in", default=None)
    gt: DateTime | None = None
    gte: DateTime | None = None
    lt: DateTime | None = None
    lte: DateTime | None = None


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
    async def user(self, info: Info) -> User:
        return await info.context.loaders.users.load(info.context.viewer.user_id)

    @strawberry.field
    async def acting_for(self, info: Info) -> Organisation | None:
        return await info.context.loaders.organisations.load(info.context.viewer.organisation_id)

    @strawberry.field
    def roles(self, info: Info) -> list[Role]:
        return leaves.in_order(info.context.viewer.roles)


@strawberry.type
class Service:
    name: str
    summary: str


@strawberry.type
class Query:
    @strawberry.field
    def viewer(self) -> Viewer:
        return Viewer()

    @strawberry.field(permission_classes=[SchoolStaff])
    def services(self) -> list[Service] | None:
        return [Service(name=service.name, summary=service.summary) for service in leaves.SERVICES_SHOWN]

    @strawberry.field(permission_classes=[CaseRole])
    def cases(
        self,
        info: Info,
        first: int = 20,
        where: CaseFilter | None = None,
        order_by: list[CaseOrder] | None = None,
    ) -> Connection[Case] | None:
        context = info.context
        return Connection(
            page=lists.cases(context.reads, context.viewer, first, lists.filter_of(where), lists.orders_of(order_by))
        )

    @strawberry.field(permission_classes=[CaseRole])
    async def case(self, info: Info, number: str) -> Case | None:
        return await lists.case(info.context.reads, info.context.viewer, number)

    @strawberry.field(permission_classes=[CaseRole])
    def requests(
        self,
        info: Info,
        first: int = 20,
        where: RequestFilter | None = None,
        order_by: list[RequestOrder] | None = None,
    ) -> Connection[Request] | None:
        context = info.context
        return Connection(
            page=lists.requests(context.reads, context.viewer, first, lists.filter_of(where), lists.orders_of(order_by))
        )


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
    comment: Comment | None
    case: Case | None
    problems: list[Problem]


@strawberry.type
class Mutation:
    @strawberry.mutation(permission_classes=[SchoolStaff])
    async def add_comment(self, info: Info, input: AddCommentInput) -> AddCommentPayload | None:  # noqa: A002
        context = info.context
        return await changes.add_comment(context.writes, context.viewer, context.settings, input.number, input.body)


schema = strawberry.Schema(
    Query,
    Mutation,
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[lambda: ParserCache(maxsize=100), lambda: ValidationCache(maxsize=100)],
)
