"""Imports, as their administrators follow them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry
from sqlalchemy import false, true

from ascms import models
from ascms.imports import ImportKind, ImportState
from ascms.models import Role
from ascms.permissions.audiences import AsPath
from ascms.planning.declare import entity, field
from ascms.planning.facts import Facts
from ascms.planning.sources import By, Computed, Connection, Given, GlobalId, Link

from .common import Connected, DateTime


@dataclass(frozen=True, slots=True)
class _Count:
    name: str
    count: int


def _counts(rows: Sequence[Mapping[str, Any]], facts: Facts) -> list[list[_Count]]:
    return [[_Count(name, count) for name, count in row["counts"].items()] for row in rows]


@entity(description="How many there were of something.")
class ImportCount:
    name: str = field(Given("name"), AsPath, "Of what: `studentsAdded`, `casesMoved` …")
    count: int = field(Given("count"), AsPath, "How many.")


@entity(models.ImportProblem, description="A line of the file that was not imported.")
class ImportLine:
    line: int = field(models.ImportProblem.line, AsPath, "Its number; the header is line 1.")
    reason: str = field(
        models.ImportProblem.reason, AsPath, "What is wrong with it, by the column's name; never what stands there."
    )


@entity(models.ImportRun, description="An import of a file: ENROL's nightly one, or the former system's cases.")
class Import:
    id: strawberry.ID = field(GlobalId("Import"), AsPath, "The import's identifier.")
    kind: ImportKind = field(models.ImportRun.kind, AsPath, "What is imported.")
    state: ImportState = field(models.ImportRun.state, AsPath, "Where it is.")
    started_at: DateTime = field(models.ImportRun.started_at, AsPath, "When it was begun.")
    finished_at: DateTime | None = field(models.ImportRun.finished_at, AsPath, "When it was done, or failed.")
    lines_read: int = field(models.ImportRun.lines_read, AsPath, "Lines read so far, the header not counted.")
    lines_bad: int = field(models.ImportRun.lines_bad, AsPath, "How many of them are bad, and were left out.")
    counts: list[ImportCount] = field(
        Computed(_counts, lambda row, me: {"counts": row.counts}), AsPath, "What it changed, once it is done."
    )
    failure: str | None = field(models.ImportRun.failure, AsPath, "Why it failed. It changed nothing then.")
    problems: Connected[ImportLine] = field(
        Connection(
            Link(models.ImportProblem, models.ImportProblem.run_id),
            default_order=((By("line", ("line",)), False),),
        ),
        AsPath,
        "The bad lines, in the file's order; the first 10,000 are kept.",
    )


def _shown(user: Any, run: Any, me: Any) -> Any:
    """All, to who keeps what comes from outside; none to others."""
    return true() if Role.MINISTRY_ADMINISTRATOR in me.roles else false()


IMPORTS = Connection(Link(models.ImportRun, on=_shown), default_order=((By("startedAt", ("started_at",)), True),))
