"""Ariadne's bindables: resolvers for what is no attribute of the mapped class, and the leaves."""

import datetime as dt
from typing import Any

from ariadne import EnumType, MutationType, ObjectType, QueryType, ScalarType, UnionType
from graphql import GraphQLResolveInfo as Info
from peer import changes, leaves, lists
from peer.lists import CasePage
from peer.rules import case_allowances

from ascms import models

# Roots -------------------------------------------------------------------------------------------------------

query = QueryType()
mutation = MutationType()


def _orders(given: list[dict[str, str]] | None) -> tuple[tuple[str, str], ...]:
    return tuple((order["field"], order["direction"]) for order in given or ())


@query.field("viewer")
def resolve_viewer(_: Any, info: Info) -> Any:
    return info.context.viewer


@query.field("services")
def resolve_services(_: Any, info: Info) -> Any:
    return leaves.SERVICES_SHOWN


@query.field("cases")
def resolve_cases(_: Any, info: Info, first: int, where: Any = None, order_by: Any = None) -> Any:
    return lists.cases(info.context.reads, info.context.viewer, first, where, _orders(order_by))


@query.field("case")
async def resolve_case(_: Any, info: Info, number: str) -> Any:
    return await lists.case(info.context.reads, info.context.viewer, number)


@query.field("requests")
def resolve_requests(_: Any, info: Info, first: int, where: Any = None, order_by: Any = None) -> Any:
    return lists.requests(info.context.reads, info.context.viewer, first, where, _orders(order_by))


@mutation.field("addComment")
async def resolve_add_comment(_: Any, info: Info, input: dict[str, str]) -> Any:  # noqa: A002
    context = info.context
    return await changes.add_comment(context.writes, context.viewer, context.settings, input["number"], input["body"])


viewer = ObjectType("Viewer")


@viewer.field("user")
async def resolve_viewer_user(obj: Any, info: Info) -> Any:
    return await info.context.loaders.users.load(obj.user_id)


@viewer.field("actingFor")
async def resolve_viewer_acting_for(obj: Any, info: Info) -> Any:
    return await info.context.loaders.organisations.load(obj.organisation_id)


@viewer.field("roles")
def resolve_viewer_roles(obj: Any, info: Info) -> Any:
    return leaves.in_order(obj.roles)


# Pages -------------------------------------------------------------------------------------------------------

page_info = ObjectType("PageInfo")


@page_info.field("hasNextPage")
async def resolve_has_next_page(obj: Any, info: Info) -> bool:
    return await obj.has_next()


@page_info.field("endCursor")
async def resolve_end_cursor(obj: Any, info: Info) -> str | None:
    return await obj.end_cursor()


async def resolve_total_count(obj: Any, info: Info) -> int:
    return await obj.total()


async def resolve_nodes(obj: Any, info: Info) -> Any:
    return await obj.rows()


def resolve_page_info(obj: Any, info: Info) -> Any:
    return obj


connections = [ObjectType(f"{name}Connection") for name in ("Case", "Request", "Comment", "Event", "File")]
for connection in connections:
    connection.set_field("totalCount", resolve_total_count)
    connection.set_field("nodes", resolve_nodes)
    connection.set_field("pageInfo", resolve_page_info)

# Students ----------------------------------------------------------------------------------------------------

student = ObjectType("Student")


@student.field("ethnicities")
async def resolve_ethnicities(obj: models.Student, info: Info) -> Any:
    return await info.context.loaders.ethnicities.load(obj.id)


@student.field("iwi")
async def resolve_iwi(obj: models.Student, info: Info) -> Any:
    return await info.context.loaders.iwi.load(obj.id)


@student.field("caregivers")
async def resolve_caregivers(obj: models.Student, info: Info) -> Any:
    return await info.context.loaders.caregivers.load(obj.id)


# Cases -------------------------------------------------------------------------------------------------------

case = ObjectType("Case")


async def _user(info: Info, key: int | None) -> Any:
    return None if key is None else await info.context.loaders.users.load(key)


@case.field("id")
def resolve_case_id(obj: models.Case, info: Info) -> str:
    return leaves.global_id("Case", obj.id)


@case.field("student")
async def resolve_case_student(obj: models.Case, info: Info) -> Any:
    return await info.context.loaders.students.load(obj.student_id)


@case.field("school")
async def resolve_case_school(obj: models.Case, info: Info) -> Any:
    return None if obj.school_id is None else await info.context.loaders.organisations.load(obj.school_id)


@case.field("catchment")
async def resolve_case_catchment(obj: models.Case, info: Info) -> Any:
    return None if obj.catchment_id is None else await info.context.loaders.catchments.load(obj.catchment_id)


@case.field("owner")
async def resolve_case_owner(obj: models.Case, info: Info) -> Any:
    if obj.case_manager_id is not None:
        return await info.context.loaders.users.load(obj.case_manager_id)
    return await info.context.loaders.organisations.load(obj.provider_id)


@case.field("primaryContact")
async def resolve_case_primary_contact(obj: models.Case, info: Info) -> Any:
    return await _user(info, obj.primary_contact_id)


@case.field("viewerCan")
async def resolve_case_viewer_can(obj: models.Case, info: Info) -> Any:
    context = info.context
    provider = await context.loaders.organisations.load(obj.provider_id)
    return case_allowances(obj, provider, context.viewer, context.settings)


@case.field("requests")
def resolve_case_requests(obj: models.Case, info: Info, first: int) -> CasePage:
    loaders = info.context.loaders
    return CasePage(loaders.request_pages, loaders.request_counts, obj.id, first)


@case.field("comments")
def resolve_case_comments(obj: models.Case, info: Info, first: int) -> CasePage:
    loaders = info.context.loaders
    return CasePage(loaders.comment_pages, loaders.comment_counts, obj.id, first)


@case.field("events")
def resolve_case_events(obj: models.Case, info: Info, first: int, order_by: Any = None) -> CasePage:
    loaders = info.context.loaders
    return CasePage(loaders.event_pages, loaders.event_counts, obj.id, first, _orders(order_by))


@case.field("files")
def resolve_case_files(obj: models.Case, info: Info, first: int) -> CasePage:
    loaders = info.context.loaders
    return CasePage(loaders.file_pages, loaders.file_counts, obj.id, first)


case_owner = UnionType("CaseOwner")


@case_owner.type_resolver
def resolve_case_owner_type(obj: Any, *_: Any) -> str:
    return "User" if isinstance(obj, models.User) else "Organisation"


# Requests and casework ---------------------------------------------------------------------------------------

request = ObjectType("Request")
comment = ObjectType("Comment")
event = ObjectType("Event")
file = ObjectType("File")


@request.field("appliedFor")
def resolve_applied_for(obj: models.Request, info: Info) -> Any:
    return None if obj.applied_for_full_name is None else {"full_name": obj.applied_for_full_name}


@request.field("school")
async def resolve_request_school(obj: models.Request, info: Info) -> Any:
    return await info.context.loaders.organisations.load(obj.school_id)


@request.field("createdBy")
async def resolve_created_by(obj: models.Request, info: Info) -> Any:
    return await _user(info, obj.created_by_id)


@request.field("primaryContact")
async def resolve_request_primary_contact(obj: models.Request, info: Info) -> Any:
    return await _user(info, obj.primary_contact_id)


@request.field("viewerCan")
async def resolve_request_viewer_can(obj: models.Request, info: Info) -> Any:
    return await info.context.request_allowances(obj)


@comment.field("id")
def resolve_comment_id(obj: models.Comment, info: Info) -> str:
    return leaves.global_id("Comment", obj.id)


@comment.field("author")
async def resolve_author(obj: models.Comment, info: Info) -> Any:
    return await _user(info, obj.author_id)


@comment.field("body")
def resolve_body(obj: models.Comment, info: Info) -> str:
    return leaves.kept_text(obj, obj.body)


@event.field("id")
def resolve_event_id(obj: models.Event, info: Info) -> str:
    return leaves.global_id("Event", obj.id)


@event.field("recordedBy")
async def resolve_recorded_by(obj: models.Event, info: Info) -> Any:
    return await _user(info, obj.recorded_by_id)


@event.field("subject")
def resolve_subject(obj: models.Event, info: Info) -> str:
    return leaves.kept_text(obj, obj.subject)


@file.field("id")
def resolve_file_id(obj: models.File, info: Info) -> str:
    return leaves.global_id("File", obj.id)


@file.field("name")
def resolve_file_name(obj: models.File, info: Info) -> str:
    return leaves.kept_text(obj, obj.name)


@file.field("uploadedBy")
async def resolve_uploaded_by(obj: models.File, info: Info) -> Any:
    return await _user(info, obj.uploaded_by_id)


# Leaves ------------------------------------------------------------------------------------------------------

date = ScalarType("Date", serializer=dt.date.isoformat, value_parser=dt.date.fromisoformat)
date_time = ScalarType("DateTime", serializer=leaves.format_instant, value_parser=leaves.parse_instant)
enums = [
    EnumType(enum.__name__, enum)
    for enum in (
        models.CaseStatus,
        models.CaseType,
        models.EventKind,
        models.Gender,
        models.RequestStatus,
        models.Role,
        models.Visibility,
    )
]
BINDABLES = [
    query, mutation, viewer, page_info, *connections, student, case, case_owner,
    request, comment, event, file, date, date_time, *enums,
]  # fmt: skip
