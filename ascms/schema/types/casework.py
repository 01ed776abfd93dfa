"""What is done on a case: comments, events, files, tasks, the needs fund, safety alerts."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import strawberry
from sqlalchemy import ColumnElement, case as sql_case, literal
from sqlalchemy.orm import aliased

from ascms import models
from ascms.models import EventKind, Visibility
from ascms.permissions.audiences import (
    AsPath,
    CommentReaders,
    CommentText,
    FileContent,
    FileReaders,
    TimelineContent,
    TimelineReaders,
)
from ascms.permissions.scopes import some
from ascms.planning.declare import entity, field
from ascms.planning.facts import Facts
from ascms.planning.sources import Column, Computed, GlobalId, One

from .allowances import COMMENT_ALLOWANCES, Allowance, decided
from .common import Date, DateTime, Node
from .people import User

IN_ERROR: Final = "Entered in error: "
_SAYS_SO: Final = f"One that was entered in error says so first: `{IN_ERROR}…`."


def _kept_text(name: str) -> Column:
    """A text that says so where its row was entered in error."""

    def told(row: Any, me: Any) -> ColumnElement[str]:
        text = getattr(row, name)
        return sql_case((row.in_error_at.is_not(None), literal(IN_ERROR).concat(text)), else_=text)

    return Column(told)


def on_case(shown_by: str) -> Any:
    """When a row that hangs on a case, and is as visible as the path to it, may be seen without one: as that field."""

    def shown(row: Any, me: Any) -> ColumnElement[bool]:
        case = aliased(models.Case)
        sees = decided(me.sees("Case", shown_by, case))
        return some(case, case.id == row.case_id, me.row_scope("Case", case), sees)

    return shown


@entity(
    models.Comment, scoped=True, description="A comment on a case: internal to the provider, or shared with the school."
)
class Comment(Node):
    id: strawberry.ID = field(GlobalId("Comment"), CommentReaders, "The global identifier.")
    author: User | None = field(One(models.Comment.author_id, models.User), CommentReaders, "Who wrote it.")
    created_at: DateTime | None = field(models.Comment.created_at, CommentReaders, "When it was written.")
    visibility: Visibility | None = field(models.Comment.visibility, CommentReaders, "Who beside the provider sees it.")
    viewer_can: list[Allowance] | None = field(COMMENT_ALLOWANCES, CommentReaders, "What the viewer may do to it now.")
    body: str | None = field(_kept_text("body"), CommentText, f"The text. {_SAYS_SO}")
    edited_at: DateTime | None = field(models.Comment.edited_at, CommentText, "When it was last edited, null if never.")


@entity(models.Event, scoped=True, description="An entry of a case's timeline, past or upcoming.")
class Event(Node):
    id: strawberry.ID = field(GlobalId("Event"), TimelineReaders, "The global identifier.")
    kind: EventKind | None = field(models.Event.kind, TimelineReaders, "What kind of event it is.")
    occurs_at: DateTime | None = field(models.Event.occurs_at, TimelineReaders, "When it happened, or will.")
    ends_at: DateTime | None = field(models.Event.ends_at, TimelineReaders, "When it ended, or will; null if unsaid.")
    recorded_at: DateTime | None = field(models.Event.recorded_at, TimelineReaders, "When it was recorded.")
    recorded_by: User | None = field(
        One(models.Event.recorded_by_id, models.User), TimelineReaders, "Who recorded it; null for the system."
    )
    subject: str | None = field(_kept_text("subject"), TimelineContent, f"What it is about, in a line. {_SAYS_SO}")
    description: str | None = field(models.Event.description, TimelineContent, "What happened.")
    outcome: str | None = field(models.Event.outcome, TimelineContent, "What came of it.")
    participants: list[str] | None = field(models.Event.participants, TimelineContent, "Who took part.")
    visibility: Visibility | None = field(models.Event.visibility, TimelineContent, "Who beside the provider sees it.")


def _addresses(rows: Sequence[Mapping[str, Any]], facts: Facts) -> list[str | None]:
    sign = facts.offers["sign_file"]
    return [None if row["in_error"] else sign(row["id"], facts) for row in rows]


def _address_columns(file: Any, me: Any) -> dict[str, Any]:
    return {"id": file.id, "in_error": file.in_error_at.is_not(None)}


@entity(models.File, scoped=True, description="A file of a case or request: internal to the provider, or shared.")
class File(Node):
    id: strawberry.ID = field(GlobalId("File"), FileReaders, "The global identifier.")
    name: str | None = field(_kept_text("name"), FileReaders, f"The file's name. {_SAYS_SO}")
    media_type: str | None = field(models.File.media_type, FileReaders, "The media type, told from the content.")
    size_bytes: int | None = field(models.File.size_bytes, FileReaders, "The size in bytes, 26,214,400 at most.")
    uploaded_by: User | None = field(One(models.File.uploaded_by_id, models.User), FileReaders, "Who uploaded it.")
    uploaded_at: DateTime | None = field(models.File.uploaded_at, FileReaders, "When.")
    sha256: str | None = field(models.File.sha256, FileContent, "The SHA-256 of its content, in hexadecimal.")
    visibility: Visibility | None = field(models.File.visibility, FileContent, "Who beside the provider sees it.")
    download_url: str | None = field(
        Computed(_addresses, _address_columns, reads=("File.id",)),
        FileContent,
        "Where the viewer may fetch it for the next minutes; asked again by whom, and refused to others. "
        "Null for a file that was entered in error: it is kept, and no longer handed out.",
    )


@entity(models.Task, description="Something to do on a case; the provider's own.")
class Task:
    id: strawberry.ID = field(GlobalId("Task"), AsPath, "The task's identifier.")
    title: str = field(models.Task.title, AsPath, "What is to be done.")
    due_on: Date | None = field(models.Task.due_on, AsPath, "By when, null if unsaid.")
    assignee: User | None = field(One(models.Task.assignee_id, models.User), AsPath, "Who does it.")
    done_at: DateTime | None = field(models.Task.done_at, AsPath, "When it was done, null while it is open.")
    created_by: User | None = field(One(models.Task.created_by_id, models.User), AsPath, "Who set it.")
    created_at: DateTime = field(models.Task.created_at, AsPath, "When it was set.")


@entity(models.NeedsFundEntry, description="Spending on a student's unmet basic needs.")
class NeedsFundEntry:
    purpose: str = field(models.NeedsFundEntry.purpose, AsPath, "What was bought, and for what need.")
    amount_cents: int = field(models.NeedsFundEntry.amount_cents, AsPath, "The amount in New Zealand cents.")
    spent_on: Date = field(models.NeedsFundEntry.spent_on, AsPath, "The day it was spent.")
    recorded_by: User | None = field(One(models.NeedsFundEntry.recorded_by_id, models.User), AsPath, "Who recorded it.")
    recorded_at: DateTime = field(models.NeedsFundEntry.recorded_at, AsPath, "When it was recorded.")


@entity(models.SafetyAlert, description="What a visitor to the home must know; the provider's alone.")
class SafetyAlert:
    text: str = field(models.SafetyAlert.text, AsPath, "What to know.")
    raised_by: User | None = field(One(models.SafetyAlert.raised_by_id, models.User), AsPath, "Who raised it.")
    raised_at: DateTime = field(models.SafetyAlert.raised_at, AsPath, "When.")
    ended_at: DateTime | None = field(
        models.SafetyAlert.ended_at, AsPath, "When it ceased to hold, null while it does."
    )
