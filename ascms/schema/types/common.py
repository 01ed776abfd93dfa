"""What the types share: nodes, connections, scalars, and coded values."""

from datetime import UTC, date, datetime
from typing import Any, Final, Generic, NewType, TypeVar

import strawberry
from sqlalchemy import select

from ascms import models
from ascms.permissions.audiences import AsPath
from ascms.planning.declare import entity, field
from ascms.planning.leaves import format_instant
from ascms.planning.sources import Column, Page
from ascms.storage import Upload as ReceivedFile

LONGEST_TOLD: Final = 40
"""Characters of a mistaken value that its message repeats."""

# Scalars -----------------------------------------------------------------------------------------------------


def _told(value: Any) -> str:
    """What was given, as a message repeats it: the beginning of a text, and nothing of an object of ours (a file)."""
    if isinstance(value, str):
        return repr(value[:LONGEST_TOLD])
    return repr(value) if isinstance(value, (int, float)) else "what was given"


def parse_instant(value: str) -> datetime:
    """An instant from RFC 3339. Raises ValueError saying what was given and what was expected."""
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        instant = None
    if instant is None or instant.tzinfo is None:
        raise ValueError(f"{_told(value)} is no instant: give RFC 3339 with an offset, like 2026-05-06T09:47:00+12:00")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{_told(value)} is too early or too late to be told in UTC") from None


def parse_date(value: str) -> date:
    """A day from YYYY-MM-DD. Raises ValueError saying what was given and what was expected."""
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{_told(value)} is no date: give YYYY-MM-DD, like 2026-05-06") from None


def parse_upload(value: Any) -> ReceivedFile:
    """A file that came with the request. Raises ValueError saying how one is sent."""
    if not isinstance(value, ReceivedFile):
        raise ValueError(
            "a file is sent as a part of a multipart/form-data request, with null in its place in the variables; see "
            "https://github.com/jaydenseric/graphql-multipart-request-spec"
        )
    return value


def never_serialised(value: Any) -> Any:
    """Files are fetched from `File.downloadUrl`; no answer holds one."""
    raise ValueError("a file is no part of an answer")


DateTime = NewType("DateTime", datetime)
Date = NewType("Date", date)
Upload = NewType("Upload", ReceivedFile)

SCALARS: dict[object, Any] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description="An instant, RFC 3339 in UTC: `2026-05-05T21:47:00Z`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=format_instant,
        parse_value=parse_instant,
    ),
    Date: strawberry.scalar(
        name="Date",
        description="A calendar day, RFC 3339 full-date: `2026-05-06`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=date.isoformat,
        parse_value=parse_date,
    ),
    Upload: strawberry.scalar(
        name="Upload",
        description="A file sent with the request (multipart/form-data), null in its place in the variables.",
        specified_by_url="https://github.com/jaydenseric/graphql-multipart-request-spec",
        serialize=never_serialised,
        parse_value=parse_upload,
    ),
}


# Nodes and connections ---------------------------------------------------------------------------------------


@strawberry.interface(description="An object with a global identifier (Relay).")
class Node:
    id: strawberry.ID = strawberry.field(description="The global identifier, opaque to clients.")


@entity(description="Where a page stands in its list (Relay).")
class PageInfo:
    has_next_page: bool = field(Page("hasNextPage"), AsPath, "Whether there is more after this page.")
    has_previous_page: bool = field(Page("hasPreviousPage"), AsPath, "Whether there is more before this page.")
    start_cursor: str | None = field(Page("startCursor"), AsPath, "The cursor of the first edge, null if none.")
    end_cursor: str | None = field(Page("endCursor"), AsPath, "The cursor of the last edge, null if none.")


N = TypeVar("N")


@entity(description="A node in its list, with its cursor (Relay).")
class Edge(Generic[N]):
    cursor: str = field(Page("cursor"), AsPath, "Where this edge stands in the list; opaque, the viewer's alone.")
    node: N = field(Page("node"), AsPath, "The item itself.")


@entity(name="Connection", description="A page of a list, with the list's size (Relay).")
class Connected(Generic[N]):
    edges: list[Edge[N]] = field(Page("edges"), AsPath, "The page's items with their cursors.")
    nodes: list[N] = field(Page("nodes"), AsPath, "The page's items.")
    page_info: PageInfo = field(Page("pageInfo"), AsPath, "Where the page stands.")
    total_count: int = field(Page("totalCount"), AsPath, "How many items there are for the viewer, on all pages.")


# Coded values ------------------------------------------------------------------------------------------------


def label_of(row: Any, me: Any) -> Any:
    """What the code of a row is called, in the code set that the row has as a constant."""
    code = models.Code
    return select(code.label).where(code.code_set == row.code_set, code.code == row.code).scalar_subquery()


@entity(description="An entry of a code set that is kept as data: a reason, an outcome, a barrier.")
class CodedValue:
    code: str = field(Column("code"), AsPath, "The stable code.")
    name: str | None = field(Column(label_of), AsPath, "What it is called.")
