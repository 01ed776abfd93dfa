"""Mutations of what the Ministry keeps."""

from ascms.permissions.actions import Administrators
from ascms.planning.declare import entity
from ascms.resolvers import ministry
from ascms.schema.types.changes.ministry import (
    SaveCatchmentInput,
    SaveCatchmentPayload,
    SaveCodeInput,
    SaveCodePayload,
    SaveOrganisationInput,
    SaveOrganisationPayload,
)

from .common import mutation


@entity(description="Organisations, catchments and codes.")
class MinistryMutations:
    save_organisation: SaveOrganisationPayload | None = mutation(
        ministry.SAVE_ORGANISATION, Administrators, SaveOrganisationInput,
        "Bring in an organisation, or change one; open or close it.",
    )  # fmt: skip
    save_catchment: SaveCatchmentPayload | None = mutation(
        ministry.SAVE_CATCHMENT,
        Administrators,
        SaveCatchmentInput,
        "Name a catchment, and the provider that serves it.",
    )
    save_code: SaveCodePayload | None = mutation(
        ministry.SAVE_CODE, Administrators, SaveCodeInput, "Name a code of a set, and whether it may be chosen."
    )
