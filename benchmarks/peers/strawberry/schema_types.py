"""The types, over the mapped classes: a field without a resolver is the attribute of the same name."""

import datetime as dt
from enum import StrEnum
from typing import Annotated, Any, Generic, NewType, TypeVar

import strawberry
from peer import leaves
from peer.lists import CasePage, orders_of
from peer.rules import case_allowances
from permissions import (
    CaseContent,
    CaseFiles,
    CasePartner,
    CaseRole,
    CommentText,
    HomeContact,
    Reachable,
    TimelineContent,
    WhereEnrolled,
)
from strawberry import Parent
from strawberry.types import Info

from ascms import models

DateTime = NewType("DateTime", dt.datetime)
SCALARS: dict[object, Any] = {
    DateTime: strawberry.scalar(name="DateTime", serialize=leaves.format_instant, parse_value=leaves.parse_instant)
}
CaseStatus = strawberry.enum(models.CaseStatus)
CaseType = strawberry.enum(models.CaseType)
EventKind = strawberry.enum(models.EventKind)
Gender = strawberry.enum(models.Gender)
RequestStatus = strawberry.enum(models.RequestStatus)
Role = strawberry.enum(models.Role)
Visibility = strawberry.enum(models.Visibility)

# Pages -------------------------------------------------------------------------------------------------------

N = TypeVar("N")


@strawberry.type
class PageInfo:
    page: strawberry.Private[Any]

    @strawberry.field
    async def has_next_page(self) -> bool:
        return await self.page.has_next()

    @strawberry.field
    async def end_cursor(self) -> str | None:
        return await self.page.end_cursor()


@strawberry.type
class Connection(Generic[N]):
    page: strawberry.Private[Any]

    @strawberry.field
    async def total_count(self) -> int:
        return await self.page.total()

    @strawberry.field
    async def nodes(self) -> list[N]:
        return await self.page.rows()

    @strawberry.field
    def page_info(self) -> PageInfo:
        return PageInfo(page=self.page)


# Organisations and people ------------------------------------------------------------------------------------


@strawberry.type
class Catchment:
    name: str


@strawberry.type
class Organisation:
    number: str | None
    name: str | None

    @classmethod
    def is_type_of(cls, obj: Any, info: Info) -> bool:
        return isinstance(obj, models.Organisation)


@strawberry.type
class User:
    display_name: str | None
    email: str | None = strawberry.field(permission_classes=[Reachable])
    phone: str | None = strawberry.field(permission_classes=[Reachable])

    @classmethod
    def is_type_of(cls, obj: Any, info: Info) -> bool:
        return isinstance(obj, models.User)


CaseOwner = Annotated[User | Organisation, strawberry.union("CaseOwner")]


async def _user(info: Info, key: int | None) -> Any:
    return None if key is None else await info.context.loaders.users.load(key)


@strawberry.type
class Allowance:
    action: str
    allowed: bool
    reason: str | None

    @classmethod
    def listed(cls, allowances: list[dict[str, Any]]) -> list["Allowance"]:
        return [cls(**allowance) for allowance in allowances]


# Students ----------------------------------------------------------------------------------------------------


@strawberry.type
class Ethnicity:
    code: str
    name: str


@strawberry.type
class Iwi:
    code: str
    name: str


@strawberry.type
class Caregiver:
    name: str
    relationship: str
    phone: str | None


@strawberry.type
class Student:
    full_name: str | None = strawberry.field(permission_classes=[CaseRole])
    known_as: str | None = strawberry.field(permission_classes=[CaseRole])
    year_level: int | None = strawberry.field(permission_classes=[CaseRole])
    date_of_birth: dt.date | None = strawberry.field(permission_classes=[CasePartner])
    gender: Gender | None = strawberry.field(permission_classes=[CasePartner])

    @strawberry.field(permission_classes=[CasePartner])
    async def ethnicities(self, root: Parent[models.Student], info: Info) -> list[Ethnicity] | None:
        return await info.context.loaders.ethnicities.load(root.id)

    @strawberry.field(permission_classes=[CasePartner])
    async def iwi(self, root: Parent[models.Student], info: Info) -> list[Iwi] | None:
        return await info.context.loaders.iwi.load(root.id)

    @strawberry.field(permission_classes=[HomeContact])
    async def caregivers(self, root: Parent[models.Student], info: Info) -> list[Caregiver] | None:
        return await info.context.loaders.caregivers.load(root.id)


# Requests ----------------------------------------------------------------------------------------------------


@strawberry.type
class StudentChoice:
    full_name: str | None


@strawberry.type
class Request:
    reference: str | None = strawberry.field(permission_classes=[CaseRole])
    number: str | None = strawberry.field(permission_classes=[CaseRole])
    type: CaseType | None = strawberry.field(permission_classes=[CaseRole])
    last_modified_at: DateTime | None = strawberry.field(permission_classes=[CaseRole])
    submitted_at: DateTime | None = strawberry.field(permission_classes=[CaseRole])

    @strawberry.field(permission_classes=[CaseRole])
    def applied_for(self, root: Parent[models.Request]) -> StudentChoice | None:
        name = root.applied_for_full_name
        return None if name is None else StudentChoice(full_name=name)

    @strawberry.field(permission_classes=[CaseRole])
    async def school(self, root: Parent[models.Request], info: Info) -> Organisation | None:
        return await info.context.loaders.organisations.load(root.school_id)

    @strawberry.field(permission_classes=[CaseRole])
    async def created_by(self, root: Parent[models.Request], info: Info) -> User | None:
        return await _user(info, root.created_by_id)

    @strawberry.field(permission_classes=[CaseRole])
    async def primary_contact(self, root: Parent[models.Request], info: Info) -> User | None:
        return await _user(info, root.primary_contact_id)

    @strawberry.field(permission_classes=[CaseRole])
    async def viewer_can(self, root: Parent[models.Request], info: Info) -> list[Allowance] | None:
        return Allowance.listed(await info.context.request_allowances(root))


# Casework ----------------------------------------------------------------------------------------------------


@strawberry.type
class Comment:
    created_at: DateTime | None = strawberry.field(permission_classes=[CaseRole])
    visibility: Visibility | None = strawberry.field(permission_classes=[CaseRole])

    @strawberry.field(permission_classes=[CaseRole])
    def id(self, root: Parent[models.Comment]) -> strawberry.ID:
        return strawberry.ID(leaves.global_id("Comment", root.id))

    @strawberry.field(permission_classes=[CommentText])
    def body(self, root: Parent[models.Comment]) -> str | None:
        return leaves.kept_text(root, root.body)

    @strawberry.field(permission_classes=[CaseRole])
    async def author(self, root: Parent[models.Comment], info: Info) -> User | None:
        return await _user(info, root.author_id)


@strawberry.type
class Event:
    kind: EventKind | None = strawberry.field(permission_classes=[CaseRole])
    occurs_at: DateTime | None = strawberry.field(permission_classes=[CaseRole])
    description: str | None = strawberry.field(permission_classes=[TimelineContent])

    @strawberry.field(permission_classes=[CaseRole])
    def id(self, root: Parent[models.Event]) -> strawberry.ID:
        return strawberry.ID(leaves.global_id("Event", root.id))

    @strawberry.field(permission_classes=[TimelineContent])
    def subject(self, root: Parent[models.Event]) -> str | None:
        return leaves.kept_text(root, root.subject)

    @strawberry.field(permission_classes=[CaseRole])
    async def recorded_by(self, root: Parent[models.Event], info: Info) -> User | None:
        return await _user(info, root.recorded_by_id)


@strawberry.type
class File:
    media_type: str | None = strawberry.field(permission_classes=[CaseFiles])
    size_bytes: int | None = strawberry.field(permission_classes=[CaseFiles])
    uploaded_at: DateTime | None = strawberry.field(permission_classes=[CaseFiles])

    @strawberry.field(permission_classes=[CaseFiles])
    def id(self, root: Parent[models.File]) -> strawberry.ID:
        return strawberry.ID(leaves.global_id("File", root.id))

    @strawberry.field(permission_classes=[CaseFiles])
    def name(self, root: Parent[models.File]) -> str | None:
        return leaves.kept_text(root, root.name)

    @strawberry.field(permission_classes=[CaseFiles])
    async def uploaded_by(self, root: Parent[models.File], info: Info) -> User | None:
        return await _user(info, root.uploaded_by_id)


# Cases -------------------------------------------------------------------------------------------------------


@strawberry.enum
class OrderDirection(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


@strawberry.enum
class EventOrderField(StrEnum):
    OCCURS_AT = "OCCURS_AT"
    RECORDED_AT = "RECORDED_AT"


@strawberry.input
class EventOrder:
    field: EventOrderField
    direction: OrderDirection = OrderDirection.ASC


@strawberry.type
class Case:
    number: str | None = strawberry.field(permission_classes=[CaseRole])
    type: CaseType | None = strawberry.field(permission_classes=[CaseRole])
    status: CaseStatus | None = strawberry.field(permission_classes=[CaseRole])
    opened_at: DateTime | None = strawberry.field(permission_classes=[CaseRole])
    version: int | None = strawberry.field(permission_classes=[CaseRole])
    school_contact_notes: str | None = strawberry.field(permission_classes=[CaseContent])

    @strawberry.field(permission_classes=[CaseRole])
    def id(self, root: Parent[models.Case]) -> strawberry.ID:
        return strawberry.ID(leaves.global_id("Case", root.id))

    @strawberry.field(permission_classes=[CaseRole])
    async def student(self, root: Parent[models.Case], info: Info) -> Student | None:
        return await info.context.loaders.students.load(root.student_id)

    @strawberry.field(permission_classes=[WhereEnrolled])
    async def school(self, root: Parent[models.Case], info: Info) -> Organisation | None:
        return None if root.school_id is None else await info.context.loaders.organisations.load(root.school_id)

    @strawberry.field(permission_classes=[CaseRole])
    async def catchment(self, root: Parent[models.Case], info: Info) -> Catchment | None:
        return None if root.catchment_id is None else await info.context.loaders.catchments.load(root.catchment_id)

    @strawberry.field(permission_classes=[CaseRole])
    async def owner(self, root: Parent[models.Case], info: Info) -> CaseOwner | None:
        if root.case_manager_id is not None:
            return await info.context.loaders.users.load(root.case_manager_id)
        return await info.context.loaders.organisations.load(root.provider_id)

    @strawberry.field(permission_classes=[CaseRole])
    async def primary_contact(self, root: Parent[models.Case], info: Info) -> User | None:
        return await _user(info, root.primary_contact_id)

    @strawberry.field(permission_classes=[CaseRole])
    async def viewer_can(self, root: Parent[models.Case], info: Info) -> list[Allowance] | None:
        context = info.context
        provider = await context.loaders.organisations.load(root.provider_id)
        return Allowance.listed(case_allowances(root, provider, context.viewer, context.settings))

    @strawberry.field(permission_classes=[CaseRole])
    def requests(self, root: Parent[models.Case], info: Info, first: int = 20) -> Connection[Request] | None:
        loaders = info.context.loaders
        return Connection(page=CasePage(loaders.request_pages, loaders.request_counts, root.id, first))

    @strawberry.field(permission_classes=[CaseRole])
    def comments(self, root: Parent[models.Case], info: Info, first: int = 20) -> Connection[Comment] | None:
        loaders = info.context.loaders
        return Connection(page=CasePage(loaders.comment_pages, loaders.comment_counts, root.id, first))

    @strawberry.field(permission_classes=[CaseRole])
    def events(
        self, root: Parent[models.Case], info: Info, first: int = 20, order_by: list[EventOrder] | None = None
    ) -> Connection[Event] | None:
        loaders = info.context.loaders
        orders = orders_of(order_by)
        return Connection(page=CasePage(loaders.event_pages, loaders.event_counts, root.id, first, orders))

    @strawberry.field(permission_classes=[CaseFiles])
    def files(self, root: Parent[models.Case], info: Info, first: int = 20) -> Connection[File] | None:
        loaders = info.context.loaders
        return Connection(page=CasePage(loaders.file_pages, loaders.file_counts, root.id, first))
