"""Files: what adding one takes and gives back."""

import strawberry

from ascms import models
from ascms.models import Visibility
from ascms.permissions.audiences import AsPath
from ascms.planning.declare import entity, field
from ascms.planning.sources import Performed
from ascms.schema.types.cases import Case
from ascms.schema.types.casework import File
from ascms.schema.types.common import Upload
from ascms.schema.types.problems import Problem
from ascms.schema.types.requests import Request

from .common import case_done, member, optional, problems, request_done


@strawberry.input(description="A file for a case or a request: exactly one of `number` and `reference`.")
class AddFileInput:
    number: str | None = optional("The case's number.")
    reference: str | None = optional("The request's application reference.")
    file: Upload = member(
        "The file, 25 MiB at most: PDF, Word, Excel, PowerPoint, OpenDocument, RTF, text, CSV, an image or a "
        "recording. Its kind is told from its content."
    )
    visibility: Visibility | None = optional(
        "A school's file is always shared; a provider's is internal unless it says SHARED."
    )


@entity(description="What came of adding a file.")
class AddFilePayload:
    file: File | None = field(Performed("file", models.File), AsPath, "The file.")
    case: Case | None = case_done()
    request: Request | None = request_done()
    problems: list[Problem] = problems()
