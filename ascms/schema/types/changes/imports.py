"""Imports: what beginning one takes and gives back."""

from typing import Any

import strawberry

from ascms import models
from ascms.permissions.audiences import AsPath
from ascms.planning.declare import entity, field
from ascms.planning.sources import Performed
from ascms.schema.types.common import Upload
from ascms.schema.types.imports import Import
from ascms.schema.types.problems import Problem

from .common import member, problems


def _begun() -> Any:
    return field(
        Performed("import", models.ImportRun),
        AsPath,
        "The import as it is after 20 seconds at most; `viewer.imports` shows how it goes on. Null where another "
        "one is under way.",
        name="import",
    )


@strawberry.input(description="ENROL's nightly file.")
class ImportEnrolmentsInput:
    file: Upload = member("A CSV file in UTF-8 with a header, one line for each student: their present state.")


@entity(description="What came of giving ENROL's nightly file.")
class ImportEnrolmentsPayload:
    import_: Import | None = _begun()
    problems: list[Problem] = problems()


@strawberry.input(description="A file of the former system's cases.")
class ImportCasesInput:
    file: Upload = member("A CSV file in UTF-8 with a header, one line for each case.")


@entity(description="What came of giving a file of the former system's cases.")
class ImportCasesPayload:
    import_: Import | None = _begun()
    problems: list[Problem] = problems()
