"""What payloads and inputs share."""

from typing import Any

import strawberry

from ascms import models
from ascms.permissions.audiences import AsPath
from ascms.planning.declare import field
from ascms.planning.sources import Given, Performed


def case_done() -> Any:
    """The member `case` of a payload."""
    return field(Performed("case", models.Case), AsPath, "The case as it is now; null where it is not the viewer's.")


def request_done() -> Any:
    """The member `request` of a payload."""
    return field(
        Performed("request", models.Request), AsPath, "The request as it is now; null where it is not the viewer's."
    )


def problems() -> Any:
    """The member `problems` of a payload."""
    return field(Given("problems"), AsPath, "Why it was not done; empty where it was.")


def member(description: str) -> Any:
    """A member of an input that has to be given."""
    return strawberry.field(description=description)


def optional(description: str) -> Any:
    """A member of an input that may be left out."""
    return strawberry.field(default=strawberry.UNSET, description=description)


NUMBER = "The case's number."
REFERENCE = "The request's application reference."
EXPECTED = "The version that was read; another one by now is refused as a conflict."
