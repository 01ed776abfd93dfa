"""Mutations of what the Ministry keeps: organisations, catchments, codes."""

import strawberry

from ascms.casework import ministry
from ascms.permissions.actions import Administrators
from ascms.planning.sources import Outcome
from ascms.planning.values import key_in
from ascms.schema.types.changes.ministry import SaveCatchmentInput, SaveCodeInput, SaveOrganisationInput

from .changing import Doing, act, changed, given

_MEMBERS = ("number", "name", "kind", "status", "region", "catchment", "school")


async def save_organisation(doing: Doing, asked: SaveOrganisationInput) -> Outcome:
    facts = ministry.OrganisationFacts(
        given=frozenset(name for name in _MEMBERS if changed(getattr(asked, name))),
        number=given(asked.number),
        name=given(asked.name),
        kind=given(asked.kind),
        status=given(asked.status),
        region=given(asked.region),
        catchment_id=_key(asked.catchment, "Catchment"),
        school_id=_key(asked.school, "Organisation"),
    )
    saved = await ministry.save_organisation(doing.work, _key(asked.id, "Organisation"), facts)
    return Outcome({"organisation": saved.id})


async def save_catchment(doing: Doing, asked: SaveCatchmentInput) -> Outcome:
    key, provider = _key(asked.id, "Catchment"), _key(asked.provider, "Organisation")
    saved = await ministry.save_catchment(doing.work, key, given(asked.name), provider)
    return Outcome({"catchment": saved.id})


async def save_code(doing: Doing, asked: SaveCodeInput) -> Outcome:
    saved = await ministry.save_code(doing.work, asked.code_set, asked.code, asked.label, current=asked.current)
    entry = {"code_set": saved.code_set, "code": saved.code, "label": saved.label, "current": saved.current}
    return Outcome(values={"entry": entry})


def _key(node: strawberry.ID | None, type_name: str) -> int | None:
    """The key that a member names; None where it names nothing."""
    identifier = given(node)
    return None if identifier is None else key_in(identifier, type_name)


SAVE_ORGANISATION = act(save_organisation, SaveOrganisationInput, Administrators)
SAVE_CATCHMENT = act(save_catchment, SaveCatchmentInput, Administrators)
SAVE_CODE = act(save_code, SaveCodeInput, Administrators)
