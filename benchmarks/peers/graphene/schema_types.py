"""Graphene's types over the mapped classes. Each guarded field's resolver is decorated with the roles that see it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import graphene
from graphene import ID, Argument, Boolean, Date, Field, Int, List, NonNull, ObjectType, String
from graphql import GraphQLResolveInfo as Info
from peer import leaves, rules
from peer.lists import CasePage, orders_of
from peer.rules import case_allowances

from ascms import models
from ascms.models import Role as RoleCode

# Leaves ------------------------------------------------------------------------------------------------------


class DateTime(graphene.Scalar):
    """An instant, RFC 3339 in UTC."""

    serialize = staticmethod(leaves.format_instant)
    parse_value = staticmethod(leaves.parse_instant)

    @staticmethod
    def parse_literal(node: Any, _variables: Any = None) -> Any:
        return leaves.parse_instant(node.value)


CaseStatus = graphene.Enum.from_enum(models.CaseStatus)
CaseType = graphene.Enum.from_enum(models.CaseType)
EventKind = graphene.Enum.from_enum(models.EventKind)
Gender = graphene.Enum.from_enum(models.Gender)
RequestStatus = graphene.Enum.from_enum(models.RequestStatus)
Role = graphene.Enum.from_enum(models.Role)
Visibility = graphene.Enum.from_enum(models.Visibility)

# Roles -------------------------------------------------------------------------------------------------------

Resolver = Callable[..., Any]


def visible_to(roles: frozenset[RoleCode]) -> Callable[[Resolver], Resolver]:
    """Resolve to null for a viewer who holds none of the roles."""

    def decorate(resolve: Resolver) -> Resolver:
        @wraps(resolve)
        def resolve_if_visible(obj: Any, info: Info, **arguments: Any) -> Any:
            return None if roles.isdisjoint(info.context.viewer.roles) else resolve(obj, info, **arguments)

        return resolve_if_visible

    return decorate


def column(type_: Any, roles: frozenset[RoleCode], name: str) -> Field:
    """A field that is an attribute of the mapped class, visible to the roles."""

    @visible_to(roles)
    def resolve(obj: Any, info: Info) -> Any:
        return getattr(obj, name)

    return Field(type_, resolver=resolve)


def case_column(type_: Any, name: str) -> Field:
    return column(type_, rules.CASE_ROLES, name)


def items(of_type: Any) -> List:
    return List(NonNull(of_type))


# Pages -------------------------------------------------------------------------------------------------------


class PageInfo(ObjectType):
    has_next_page = NonNull(Boolean)
    end_cursor = String()

    async def resolve_has_next_page(self: Any, info: Info) -> bool:
        return await self.has_next()

    async def resolve_end_cursor(self: Any, info: Info) -> str | None:
        return await self.end_cursor()


class _Page:
    """What every connection has besides its nodes."""

    total_count = NonNull(Int)
    page_info = NonNull(PageInfo)

    async def resolve_total_count(self: Any, info: Info) -> int:
        return await self.total()

    async def resolve_nodes(self: Any, info: Info) -> Any:
        return await self.rows()

    def resolve_page_info(self: Any, info: Info) -> Any:
        return self


# Organisations and people ------------------------------------------------------------------------------------


class Catchment(ObjectType):
    name = NonNull(String)


class Organisation(ObjectType):
    number = String()
    name = String()


class User(ObjectType):
    display_name = String()
    email = column(String, rules.REACHABLE, "email")
    phone = column(String, rules.REACHABLE, "phone")


class CaseOwner(graphene.Union):
    class Meta:
        types = (User, Organisation)

    @classmethod
    def resolve_type(cls, instance: Any, info: Info) -> Any:
        return User if isinstance(instance, models.User) else Organisation


class Allowance(ObjectType):
    action = NonNull(String)
    allowed = NonNull(Boolean)
    reason = String()


async def _user(info: Info, key: int | None) -> Any:
    return None if key is None else await info.context.loaders.users.load(key)


# Students ----------------------------------------------------------------------------------------------------


class Ethnicity(ObjectType):
    code = NonNull(String)
    name = NonNull(String)


class Iwi(ObjectType):
    code = NonNull(String)
    name = NonNull(String)


class Caregiver(ObjectType):
    name = NonNull(String)
    relationship = NonNull(String)
    phone = String()


class Student(ObjectType):
    full_name = case_column(String, "full_name")
    known_as = case_column(String, "known_as")
    year_level = case_column(Int, "year_level")
    date_of_birth = column(Date, rules.CASE_PARTNERS, "date_of_birth")
    gender = column(Gender, rules.CASE_PARTNERS, "gender")
    ethnicities = items(Ethnicity)
    iwi = items(Iwi)
    caregivers = items(Caregiver)

    @visible_to(rules.CASE_PARTNERS)
    async def resolve_ethnicities(self: models.Student, info: Info) -> Any:
        return await info.context.loaders.ethnicities.load(self.id)

    @visible_to(rules.CASE_PARTNERS)
    async def resolve_iwi(self: models.Student, info: Info) -> Any:
        return await info.context.loaders.iwi.load(self.id)

    @visible_to(rules.HOME_CONTACT)
    async def resolve_caregivers(self: models.Student, info: Info) -> Any:
        return await info.context.loaders.caregivers.load(self.id)


# Requests ----------------------------------------------------------------------------------------------------


class StudentChoice(ObjectType):
    full_name = String()


class Request(ObjectType):
    reference = case_column(String, "reference")
    number = case_column(String, "number")
    type = case_column(CaseType, "type")
    last_modified_at = case_column(DateTime, "last_modified_at")
    submitted_at = case_column(DateTime, "submitted_at")
    applied_for = Field(StudentChoice)
    school = Field(Organisation)
    created_by = Field(User)
    primary_contact = Field(User)
    viewer_can = items(Allowance)

    @visible_to(rules.CASE_ROLES)
    def resolve_applied_for(self: models.Request, info: Info) -> Any:
        return None if self.applied_for_full_name is None else {"full_name": self.applied_for_full_name}

    @visible_to(rules.CASE_ROLES)
    async def resolve_school(self: models.Request, info: Info) -> Any:
        return await info.context.loaders.organisations.load(self.school_id)

    @visible_to(rules.CASE_ROLES)
    async def resolve_created_by(self: models.Request, info: Info) -> Any:
        return await _user(info, self.created_by_id)

    @visible_to(rules.CASE_ROLES)
    async def resolve_primary_contact(self: models.Request, info: Info) -> Any:
        return await _user(info, self.primary_contact_id)

    @visible_to(rules.CASE_ROLES)
    async def resolve_viewer_can(self: models.Request, info: Info) -> Any:
        return await info.context.request_allowances(self)


class RequestConnection(_Page, ObjectType):
    nodes = NonNull(items(Request))


# Casework ----------------------------------------------------------------------------------------------------


class Comment(ObjectType):
    id = ID()
    created_at = case_column(DateTime, "created_at")
    visibility = case_column(Visibility, "visibility")
    author = Field(User)
    body = String()

    @visible_to(rules.CASE_ROLES)
    def resolve_id(self: models.Comment, info: Info) -> str:
        return leaves.global_id("Comment", self.id)

    @visible_to(rules.CASE_ROLES)
    async def resolve_author(self: models.Comment, info: Info) -> Any:
        return await _user(info, self.author_id)

    @visible_to(rules.COMMENT_TEXT)
    def resolve_body(self: models.Comment, info: Info) -> str:
        return leaves.kept_text(self, self.body)


class Event(ObjectType):
    id = ID()
    kind = case_column(EventKind, "kind")
    occurs_at = case_column(DateTime, "occurs_at")
    recorded_by = Field(User)
    subject = String()
    description = column(String, rules.TIMELINE_CONTENT, "description")

    @visible_to(rules.CASE_ROLES)
    def resolve_id(self: models.Event, info: Info) -> str:
        return leaves.global_id("Event", self.id)

    @visible_to(rules.CASE_ROLES)
    async def resolve_recorded_by(self: models.Event, info: Info) -> Any:
        return await _user(info, self.recorded_by_id)

    @visible_to(rules.TIMELINE_CONTENT)
    def resolve_subject(self: models.Event, info: Info) -> str:
        return leaves.kept_text(self, self.subject)


class File(ObjectType):
    id = ID()
    name = String()
    media_type = column(String, rules.CASE_FILES, "media_type")
    size_bytes = column(Int, rules.CASE_FILES, "size_bytes")
    uploaded_at = column(DateTime, rules.CASE_FILES, "uploaded_at")
    uploaded_by = Field(User)

    @visible_to(rules.CASE_FILES)
    def resolve_id(self: models.File, info: Info) -> str:
        return leaves.global_id("File", self.id)

    @visible_to(rules.CASE_FILES)
    def resolve_name(self: models.File, info: Info) -> str:
        return leaves.kept_text(self, self.name)

    @visible_to(rules.CASE_FILES)
    async def resolve_uploaded_by(self: models.File, info: Info) -> Any:
        return await _user(info, self.uploaded_by_id)


class CommentConnection(_Page, ObjectType):
    nodes = NonNull(items(Comment))


class EventConnection(_Page, ObjectType):
    nodes = NonNull(items(Event))


class FileConnection(_Page, ObjectType):
    nodes = NonNull(items(File))


# Cases -------------------------------------------------------------------------------------------------------


class OrderDirection(graphene.Enum):
    ASC = "ASC"
    DESC = "DESC"


class EventOrderField(graphene.Enum):
    OCCURS_AT = "OCCURS_AT"
    RECORDED_AT = "RECORDED_AT"


class EventOrder(graphene.InputObjectType):
    field = NonNull(EventOrderField)
    direction = OrderDirection(default_value=OrderDirection.ASC, required=True)


def first() -> Argument:
    return Argument(Int, default_value=20)


class Case(ObjectType):
    id = ID()
    number = case_column(String, "number")
    type = case_column(CaseType, "type")
    status = case_column(CaseStatus, "status")
    opened_at = case_column(DateTime, "opened_at")
    version = case_column(Int, "version")
    student = Field(Student)
    school = Field(Organisation)
    catchment = Field(Catchment)
    owner = Field(CaseOwner)
    primary_contact = Field(User)
    school_contact_notes = column(String, rules.CASE_CONTENT, "school_contact_notes")
    viewer_can = items(Allowance)
    requests = Field(RequestConnection, first=first())
    comments = Field(CommentConnection, first=first())
    events = Field(EventConnection, first=first(), order_by=items(EventOrder))
    files = Field(FileConnection, first=first())

    @visible_to(rules.CASE_ROLES)
    def resolve_id(self: models.Case, info: Info) -> str:
        return leaves.global_id("Case", self.id)

    @visible_to(rules.CASE_ROLES)
    async def resolve_student(self: models.Case, info: Info) -> Any:
        return await info.context.loaders.students.load(self.student_id)

    @visible_to(rules.WHERE_ENROLLED)
    async def resolve_school(self: models.Case, info: Info) -> Any:
        return None if self.school_id is None else await info.context.loaders.organisations.load(self.school_id)

    @visible_to(rules.CASE_ROLES)
    async def resolve_catchment(self: models.Case, info: Info) -> Any:
        return None if self.catchment_id is None else await info.context.loaders.catchments.load(self.catchment_id)

    @visible_to(rules.CASE_ROLES)
    async def resolve_owner(self: models.Case, info: Info) -> Any:
        if self.case_manager_id is not None:
            return await info.context.loaders.users.load(self.case_manager_id)
        return await info.context.loaders.organisations.load(self.provider_id)

    @visible_to(rules.CASE_ROLES)
    async def resolve_primary_contact(self: models.Case, info: Info) -> Any:
        return await _user(info, self.primary_contact_id)

    @visible_to(rules.CASE_ROLES)
    async def resolve_viewer_can(self: models.Case, info: Info) -> Any:
        context = info.context
        provider = await context.loaders.organisations.load(self.provider_id)
        return case_allowances(self, provider, context.viewer, context.settings)

    @visible_to(rules.CASE_ROLES)
    def resolve_requests(self: models.Case, info: Info, first: int) -> CasePage:
        loaders = info.context.loaders
        return CasePage(loaders.request_pages, loaders.request_counts, self.id, first)

    @visible_to(rules.CASE_ROLES)
    def resolve_comments(self: models.Case, info: Info, first: int) -> CasePage:
        loaders = info.context.loaders
        return CasePage(loaders.comment_pages, loaders.comment_counts, self.id, first)

    @visible_to(rules.CASE_ROLES)
    def resolve_events(self: models.Case, info: Info, first: int, order_by: Any = None) -> CasePage:
        loaders = info.context.loaders
        return CasePage(loaders.event_pages, loaders.event_counts, self.id, first, orders_of(order_by))

    @visible_to(rules.CASE_FILES)
    def resolve_files(self: models.Case, info: Info, first: int) -> CasePage:
        loaders = info.context.loaders
        return CasePage(loaders.file_pages, loaders.file_counts, self.id, first)


class CaseConnection(_Page, ObjectType):
    nodes = NonNull(items(Case))
