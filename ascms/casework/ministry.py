"""What the Ministry keeps: organisations, the catchments and who serves them, and the codes that are data."""

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, case as sql_case, exists, or_, select, true, update
from sqlalchemy.orm import aliased

from ascms.models import (
    Case,
    Catchment,
    CatchmentProvider,
    Code,
    Organisation,
    OrganisationKind,
    OrganisationStatus,
    RoleAssignment,
    fold,
)

from .problems import Problems, duplicate, not_found, not_possible_now
from .texts import LINE, needed
from .work import Entry, Work

SCHOOL: Final = OrganisationKind.SCHOOL
IN_SCHOOL: Final = OrganisationKind.IN_SCHOOL_PROVIDER
SERVICE: Final = OrganisationKind.ATTENDANCE_SERVICE_PROVIDER
MINISTRY: Final = OrganisationKind.MINISTRY

CODE_SETS: Final = (
    "assign_reason", "barrier", "decline_reason", "outcome", "pause_reason", "referral_factor", "reopen_reason",
    "transfer_reason",
)  # fmt: skip
"""The sets that rules and forms read. A new set would be read by nothing."""

_NUMBER = re.compile(r"[0-9]{1,10}")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,59}")


# Organisations -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrganisationFacts:
    """What is given of an organisation. A member that is not in `given` stays as it is.

    `catchment_id` and `school_id` are keys, those of no row for what is unknown.
    """

    given: frozenset[str]
    number: str | None = None
    name: str | None = None
    kind: OrganisationKind | None = None
    status: OrganisationStatus | None = None
    region: str | None = None
    catchment_id: int | None = None
    school_id: int | None = None


async def save_organisation(work: Work, key: int | None, facts: OrganisationFacts) -> Organisation:
    """Change the organisation with the key, or bring in a new one. Raises Refused with all that is wrong.

    A school's region is that of its cases, which follow in the same transaction.
    """
    organisation = await _held(work, key)
    before = _followed(organisation)
    await _fill(work, organisation, facts)
    if key is None:
        await work.add(organisation)
    elif not work.session.is_modified(organisation):
        return organisation
    await work.session.flush()
    work.log(organisation, None)
    if key is not None and before != _followed(organisation):
        if organisation.kind is not MINISTRY:
            await _move_cases(work, organisation)
        await _tell_members(work, organisation)
    return organisation


def _followed(organisation: Organisation) -> tuple[object, ...]:
    """What cases and people's rights go by."""
    return organisation.number, organisation.status, organisation.region, organisation.catchment_id


async def _held(work: Work, key: int | None) -> Organisation:
    if key is None:
        return Organisation(status=OrganisationStatus.OPEN)
    organisation = await work.find(Organisation, Organisation.id == key, lock=True)
    if organisation is None:
        raise not_found("There is no such organisation; check id, or leave it out to bring in a new one.", "id")
    return organisation


async def _fill(work: Work, organisation: Organisation, facts: OrganisationFacts) -> None:
    is_new = organisation.id is None
    problems = Problems()
    with work.session.no_autoflush:
        _set_kind(organisation, facts, problems, is_new=is_new)
        if is_new or "number" in facts.given:
            _set_number(organisation, facts.number, problems)
        if is_new or "name" in facts.given:
            organisation.name = needed(problems, facts.name, LINE, "name")
            organisation.name_folded = fold(organisation.name)
        if is_new or "region" in facts.given:
            organisation.region = await _region(work, organisation, facts.region, problems)
        if "catchment" in facts.given:
            organisation.catchment_id = await _catchment(work, organisation, facts.catchment_id, problems)
        if "school" in facts.given:
            organisation.school_id = await _school(work, facts.school_id, problems)
        if "status" in facts.given and facts.status is None:
            problems.add("It is null; give OPEN or CLOSED, or leave it out.", "status")
        if (organisation.school_id is None) == (organisation.kind is IN_SCHOOL) and not problems:
            problems.add("An in-school provider names its school, and nothing else does.", "school")
        problems.refuse_any()
        await _refuse_taken(work, organisation)
        if facts.status is not None and facts.status is not organisation.status:
            if facts.status is OrganisationStatus.CLOSED and not is_new:
                await _refuse_in_use(work, organisation)
            organisation.status = facts.status


def _set_kind(organisation: Organisation, facts: OrganisationFacts, problems: Problems, *, is_new: bool) -> None:
    if is_new:
        if facts.kind is None:
            problems.add("A new organisation needs its kind.", "kind")
        else:
            organisation.kind = facts.kind
    elif "kind" in facts.given and facts.kind is not organisation.kind:
        problems.add(
            f"It is {organisation.kind.value} and stays so, since roles and cases go by it; "
            "close it and bring in another.",
            "kind",
        )


def _set_number(organisation: Organisation, number: str | None, problems: Problems) -> None:
    kept = (number or "").strip()
    if not _NUMBER.fullmatch(kept):
        problems.add(f"It is {kept[:40]!r}; give the sector's number, 1 to 10 digits.", "number")
    organisation.number = kept


async def _region(work: Work, organisation: Organisation, region: str | None, problems: Problems) -> str | None:
    """The region as it is kept: one of the Ministry's offices', since a misspelt one would hide cases from an adviser.

    An office brings its region in itself.
    """
    kept = (region or "").strip() or None
    if organisation.kind is MINISTRY:
        return kept
    if kept is None:
        problems.add("Give its education region; only a national office of the Ministry has none.", "region")
        return None
    offices = select(Organisation.region).where(Organisation.kind == MINISTRY, Organisation.region.is_not(None))
    known = sorted({str(name) for name in (await work.session.scalars(offices)).all()})
    if kept not in known:
        problems.add(
            f"{kept[:LINE]!r} is no region of the Ministry's offices; give one of {', '.join(known) or 'none yet'}, "
            "or bring in the region's office first.",
            "region",
        )
    return kept


async def _catchment(work: Work, organisation: Organisation, key: int | None, problems: Problems) -> int | None:
    if key is None:
        return None
    if organisation.kind is MINISTRY:
        problems.add("A Ministry office lies in no catchment; leave it out.", "catchment")
    elif await work.find(Catchment, Catchment.id == key) is None:
        problems.add("There is no such catchment; give the id of one.", "catchment")
    return key


async def _school(work: Work, key: int | None, problems: Problems) -> int | None:
    if key is not None and await work.find(Organisation, Organisation.id == key, Organisation.kind == SCHOOL) is None:
        problems.add("There is no such school; give the id of one.", "school")
    return key


async def _refuse_taken(work: Work, organisation: Organisation) -> None:
    other = Organisation.id != organisation.id  # of a new one, which has no key yet: all
    if await work.find(Organisation, Organisation.number == organisation.number, other):
        raise duplicate(f"There is another organisation with the number {organisation.number}.", "number")
    if organisation.school_id is not None and await work.find(
        Organisation, Organisation.school_id == organisation.school_id, other
    ):
        raise duplicate("The school has an in-school provider already.", "school")


async def _refuse_in_use(work: Work, organisation: Organisation) -> None:
    """What still has active cases, or a catchment to serve, is not closed."""
    if organisation.id == work.actor.organisation_id:
        raise not_possible_now("You act for it now; somebody of another Ministry office closes it.", (), "status")
    theirs = or_(Case.school_id == organisation.id, Case.provider_id == organisation.id)
    if await work.session.scalar(select(Case.id).where(theirs, Case.active).limit(1)) is not None:
        raise not_possible_now("It has active cases; close or transfer them first.", (), "status")
    served = select(Catchment.name).join(CatchmentProvider, CatchmentProvider.catchment_id == Catchment.id)
    name = await work.session.scalar(
        served.where(CatchmentProvider.provider_id == organisation.id).order_by(Catchment.name).limit(1)
    )
    if name is not None:
        message = f"It serves the catchment {name}; name another provider for it first (saveCatchment)."
        raise not_possible_now(message, (), "status")


async def _move_cases(work: Work, organisation: Organisation) -> None:
    """A case counts to the region of its student's present school, else of its provider; so do those that are closed.

    An active one counts to the school's catchment where its provider serves that, else to the provider's own.
    """
    if organisation.kind is not SCHOOL:
        theirs = and_(Case.provider_id == organisation.id, Case.school_id.is_(None))
        await work.session.execute(update(Case).where(theirs).values(region=organisation.region))
        return
    here = Case.school_id == organisation.id
    await work.session.execute(update(Case).where(here).values(region=organisation.region))
    provider, contract = aliased(Organisation), aliased(CatchmentProvider)
    its_own = select(provider.catchment_id).where(provider.id == Case.provider_id).scalar_subquery()
    service = exists().where(provider.id == Case.provider_id, provider.kind == SERVICE)
    serves = exists().where(
        contract.provider_id == Case.provider_id, contract.catchment_id == organisation.catchment_id
    )
    counted = sql_case((serves, organisation.catchment_id), else_=its_own)
    await work.session.execute(update(Case).where(here, Case.active, service).values(catchment_id=counted))


async def _tell_members(work: Work, organisation: Organisation) -> None:
    """What its people may see has changed: their open subscriptions look again."""
    members = select(RoleAssignment.user_id).where(
        RoleAssignment.organisation_id == organisation.id, RoleAssignment.ended_at.is_(None)
    )
    for user_id in (await work.session.scalars(members.distinct().order_by(RoleAssignment.user_id))).all():
        work.changed_rights(user_id)


# Catchments --------------------------------------------------------------------------------------------------


async def save_catchment(work: Work, key: int | None, name: str | None, provider_id: int | None) -> Catchment:
    """Name a catchment, and who serves it from now on; what is None stays as it is. Cases stay where they are.

    `provider_id`: the key of no row for what is unknown. Raises Refused with all that is wrong.
    """
    catchment = Catchment() if key is None else await work.find(Catchment, Catchment.id == key, lock=True)
    if catchment is None:
        raise not_found("There is no such catchment; check id, or leave it out to bring in a new one.", "id")
    problems = Problems()
    with work.session.no_autoflush:
        if name is not None or key is None:
            catchment.name = needed(problems, name, LINE, "name")
        if provider_id is not None:
            await _check_provider(work, provider_id, problems)
        problems.refuse_any()
        other = Catchment.id != key if key is not None else true()
        if await work.find(Catchment, Catchment.name == catchment.name, other):
            raise duplicate(f"There is another catchment {catchment.name}.", "name")
    await work.add(catchment)
    if provider_id is not None:
        await _contract(work, catchment, provider_id)
    work.log(catchment, None)
    return catchment


async def _check_provider(work: Work, key: int, problems: Problems) -> None:
    """Hold the provider, so that it is not closed meanwhile."""
    provider = await work.find(Organisation, Organisation.id == key, lock=True)
    if provider is None or provider.kind is not SERVICE or provider.status is not OrganisationStatus.OPEN:
        problems.add(
            "There is no such attendance service provider in operation; give the id of one.",
            "provider",
        )


async def _contract(work: Work, catchment: Catchment, provider_id: int) -> None:
    contract = await work.find(CatchmentProvider, CatchmentProvider.catchment_id == catchment.id)
    if contract is None:
        await work.add(CatchmentProvider(catchment_id=catchment.id, provider_id=provider_id))
    else:
        contract.provider_id = provider_id


# Codes -------------------------------------------------------------------------------------------------------


async def save_code(work: Work, code_set: str, code: str, label: str, *, current: bool) -> Code:
    """Name a code of a set, new or known; one that is not current keeps its label where it was chosen.

    Raises Refused with all that is wrong.
    """
    problems = Problems()
    if code_set not in CODE_SETS:
        problems.add(f"{code_set[:40]!r} is no code set; give one of {', '.join(CODE_SETS)}.", "code_set")
    if not _CODE.fullmatch(code):
        problems.add(
            f"{code[:60]!r} is no code: give capitals, digits and underscores, a letter first, at most 60.", "code"
        )
    label = needed(problems, label, LINE, "label")
    problems.refuse_any()
    known = await work.find(Code, Code.code_set == code_set, Code.code == code, lock=True)
    if known is None:
        known = Code(code_set=code_set, code=code)
    known.label, known.current = label, current
    await work.add(known)
    # A code has no key of its own: the log names it where it names the kind of row.
    work.entries.append(Entry(f"Code:{code_set}:{code}", None, None))
    return known
