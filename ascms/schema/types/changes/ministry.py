"""What the Ministry keeps: organisations, catchments, codes."""

import strawberry

from ascms import models
from ascms.models import OrganisationKind, OrganisationStatus
from ascms.permissions.audiences import AsPath
from ascms.planning.declare import entity, field
from ascms.planning.sources import Given, Performed
from ascms.schema.types.organisations import Catchment, Organisation
from ascms.schema.types.problems import Problem

from .common import member, optional, problems

_AS_IT_IS = "Left out: as it is."


@strawberry.input(description="An organisation of the sector, new or known.")
class SaveOrganisationInput:
    id: strawberry.ID | None = optional("Which one; left out or null for a new one.")
    number: str | None = optional(f"The sector's organisation number, 1 to 10 digits. {_AS_IT_IS} A new one needs it.")
    name: str | None = optional(f"The name, macrons kept. {_AS_IT_IS} A new one needs it.")
    kind: OrganisationKind | None = optional("What it is; needed for a new one, and never changed afterwards.")
    status: OrganisationStatus | None = optional(
        f"Whether it is in operation. {_AS_IT_IS} A new one is OPEN. With active cases, or a catchment, it stays so."
    )
    region: str | None = optional(
        "The education region, one of the Ministry's offices'; null for a national office only. "
        f"{_AS_IT_IS} A new one needs it. A school's cases follow."
    )
    catchment: strawberry.ID | None = optional(f"The catchment it lies in or serves; null for none. {_AS_IT_IS}")
    school: strawberry.ID | None = optional(f"For an in-school provider, its school. {_AS_IT_IS}")


@entity(description="What came of saving an organisation.")
class SaveOrganisationPayload:
    organisation: Organisation | None = field(
        Performed("organisation", models.Organisation), AsPath, "The organisation as it is now."
    )
    problems: list[Problem] = problems()


@strawberry.input(description="A catchment, new or known, and who serves it.")
class SaveCatchmentInput:
    id: strawberry.ID | None = optional("Which one; left out or null for a new one.")
    name: str | None = optional("What it is called; left out or null: as it is. A new one needs it.")
    provider: strawberry.ID | None = optional(
        "The attendance service provider contracted for it; left out or null: as it is. Cases stay where they are."
    )


@entity(description="What came of saving a catchment.")
class SaveCatchmentPayload:
    catchment: Catchment | None = field(Performed("catchment", models.Catchment), AsPath, "The catchment as it is now.")
    problems: list[Problem] = problems()


@strawberry.input(description="An entry of a code set that is kept as data, new or known.")
class SaveCodeInput:
    code_set: str = member("The set, as `barrier`, `outcome` or `pause_reason`.")
    code: str = member("The stable code: capitals, digits and underscores.")
    label: str = member("What it is called, macrons kept.")
    current: bool = strawberry.field(
        default=True, description="Whether it may be chosen; one that may not keeps its label where it was."
    )


@entity(description="An entry of a code set.")
class CodeEntry:
    code_set: str = field(Given("code_set"), AsPath, "The set.")
    code: str = field(Given("code"), AsPath, "The stable code.")
    label: str = field(Given("label"), AsPath, "What it is called.")
    current: bool = field(Given("current"), AsPath, "Whether it may be chosen.")


@entity(description="What came of saving a code.")
class SaveCodePayload:
    entry: CodeEntry | None = field(Given("entry"), AsPath, "The entry as it was saved.")
    problems: list[Problem] = problems()
