"""The roots: queries and the mutation."""

from typing import Any

import graphene
from graphene import Field, NonNull, ObjectType, String
from graphql import GraphQLResolveInfo as Info
from peer import changes, leaves, lists, rules
from schema_types import (
    Case,
    CaseConnection,
    CaseStatus,
    CaseType,
    Comment,
    DateTime,
    OrderDirection,
    Organisation,
    RequestConnection,
    RequestStatus,
    Role,
    User,
    first,
    items,
    visible_to,
)

# Queries -----------------------------------------------------------------------------------------------------


class CaseStatusFilter(graphene.InputObjectType):
    eq = CaseStatus()
    in_ = graphene.InputField(items(CaseStatus), name="in")


class CaseTypeFilter(graphene.InputObjectType):
    eq = CaseType()
    in_ = graphene.InputField(items(CaseType), name="in")


class RequestStatusFilter(graphene.InputObjectType):
    eq = RequestStatus()
    in_ = graphene.InputField(items(RequestStatus), name="in")


class DateTimeFilter(graphene.InputObjectType):
    eq = DateTime()
    in_ = graphene.InputField(items(DateTime), name="in")
    gt = DateTime()
    gte = DateTime()
    lt = DateTime()
    lte = DateTime()


class CaseFilter(graphene.InputObjectType):
    status = CaseStatusFilter()
    type = CaseTypeFilter()
    opened_at = DateTimeFilter()


class RequestFilter(graphene.InputObjectType):
    status = RequestStatusFilter()
    type = CaseTypeFilter()


class CaseOrderField(graphene.Enum):
    NUMBER = "NUMBER"
    OPENED_AT = "OPENED_AT"
    STATUS = "STATUS"
    TYPE = "TYPE"


class RequestOrderField(graphene.Enum):
    LAST_MODIFIED_AT = "LAST_MODIFIED_AT"
    SUBMITTED_AT = "SUBMITTED_AT"
    NUMBER = "NUMBER"


class CaseOrder(graphene.InputObjectType):
    field = NonNull(CaseOrderField)
    direction = OrderDirection(default_value=OrderDirection.ASC, required=True)


class RequestOrder(graphene.InputObjectType):
    field = NonNull(RequestOrderField)
    direction = OrderDirection(default_value=OrderDirection.ASC, required=True)


def _filter(given: Any) -> lists.Filter | None:
    """The filter by member and operator, as the lists take it."""
    if given is None:
        return None
    return {
        member: {operator.rstrip("_"): value for operator, value in operators.items()}
        for member, operators in given.items()
    }


class Viewer(ObjectType):
    user = NonNull(User)
    acting_for = Field(Organisation)
    roles = NonNull(items(Role))

    async def resolve_user(self: Any, info: Info) -> Any:
        return await info.context.loaders.users.load(self.user_id)

    async def resolve_acting_for(self: Any, info: Info) -> Any:
        return await info.context.loaders.organisations.load(self.organisation_id)

    def resolve_roles(self: Any, info: Info) -> Any:
        return leaves.in_order(self.roles)


class Service(ObjectType):
    name = NonNull(String)
    summary = NonNull(String)


class Query(ObjectType):
    viewer = NonNull(Viewer)
    services = items(Service)
    cases = Field(CaseConnection, first=first(), where=CaseFilter(), order_by=items(CaseOrder))
    case = Field(Case, number=NonNull(String))
    requests = Field(RequestConnection, first=first(), where=RequestFilter(), order_by=items(RequestOrder))

    def resolve_viewer(self: Any, info: Info) -> Any:
        return info.context.viewer

    @visible_to(rules.SCHOOL)
    def resolve_services(self: Any, info: Info) -> Any:
        return leaves.SERVICES_SHOWN

    @visible_to(rules.CASE_ROLES)
    def resolve_cases(self: Any, info: Info, first: int, where: Any = None, order_by: Any = None) -> Any:
        context = info.context
        return lists.cases(context.reads, context.viewer, first, _filter(where), lists.orders_of(order_by))

    @visible_to(rules.CASE_ROLES)
    async def resolve_case(self: Any, info: Info, number: str) -> Any:
        return await lists.case(info.context.reads, info.context.viewer, number)

    @visible_to(rules.CASE_ROLES)
    def resolve_requests(self: Any, info: Info, first: int, where: Any = None, order_by: Any = None) -> Any:
        context = info.context
        return lists.requests(context.reads, context.viewer, first, _filter(where), lists.orders_of(order_by))


# Mutations ---------------------------------------------------------------------------------------------------


class AddCommentInput(graphene.InputObjectType):
    number = NonNull(String)
    body = NonNull(String)


class Problem(ObjectType):
    code = NonNull(String)
    message = NonNull(String)


class AddComment(graphene.Mutation, name="AddCommentPayload"):
    class Arguments:
        input = NonNull(AddCommentInput)

    comment = Field(Comment)
    case = Field(Case)
    problems = NonNull(items(Problem))

    @staticmethod
    @visible_to(rules.SCHOOL)
    async def mutate(root: Any, info: Info, input: Any) -> Any:  # noqa: A002
        context = info.context
        return await changes.add_comment(context.writes, context.viewer, context.settings, input.number, input.body)


class Mutation(ObjectType):
    add_comment = AddComment.Field()


schema = graphene.Schema(Query, Mutation)
