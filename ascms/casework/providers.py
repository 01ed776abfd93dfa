"""Which provider a case belongs to by its school, and which catchment and region it then counts to."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case as sql_case, exists, select
from sqlalchemy.orm import aliased

from ascms.models import Case, CatchmentProvider, Organisation, OrganisationKind, OrganisationStatus

from .work import Work

PROVIDERS = frozenset({OrganisationKind.IN_SCHOOL_PROVIDER, OrganisationKind.ATTENDANCE_SERVICE_PROVIDER})


@dataclass(frozen=True, slots=True)
class Place:
    """A provider, and the catchment for which it has a case; a case may lack one."""

    provider: Organisation
    catchment_id: int | None


async def service_of(work: Work, school_id: int | None) -> Place | None:
    """The attendance service of the school's catchment, kept open until the end; None where it has none that is."""
    if school_id is None:
        return None
    school = aliased(Organisation)
    found = await work.session.execute(
        select(Organisation, CatchmentProvider.catchment_id)
        .join(CatchmentProvider, CatchmentProvider.provider_id == Organisation.id)
        .join(school, school.catchment_id == CatchmentProvider.catchment_id)
        .where(school.id == school_id, Organisation.status == OrganisationStatus.OPEN)
        .with_for_update(read=True, of=Organisation)
    )
    row = found.one_or_none()
    return None if row is None else Place(row[0], row[1])


async def next_provider(work: Work, case: Case) -> Place | None:
    """To whom the case's own provider would hand it on; None where there is no other.

    From an in-school provider to the service of its school's catchment, from a service to that of the student's
    present school.
    """
    present = await work.get(Organisation, case.provider_id)
    place = await service_of(work, present.school_id if _in_school(present.kind) else case.school_id)
    return None if place is None or place.provider.id == case.provider_id else place


def has_next_provider(case: Any) -> ColumnElement[bool]:
    """As `next_provider`, as a condition on a case."""
    present, school, target = aliased(Organisation), aliased(Organisation), aliased(Organisation)
    held = aliased(CatchmentProvider)
    home = sql_case((present.kind == OrganisationKind.IN_SCHOOL_PROVIDER, present.school_id), else_=case.school_id)
    another = and_(
        present.id == case.provider_id,
        school.id == home,
        held.catchment_id == school.catchment_id,
        held.provider_id != case.provider_id,
        target.id == held.provider_id,
        target.status == OrganisationStatus.OPEN,
    )
    return exists().where(another).correlate_except(present, school, held, target)


async def open_provider(work: Work, key: int) -> Organisation | None:
    """The open provider with this key, kept open until the end; None for any other organisation, and for none."""
    found = select(Organisation).where(
        Organisation.id == key,
        Organisation.kind.in_(PROVIDERS),
        Organisation.status == OrganisationStatus.OPEN,
    )
    return (await work.session.scalars(found.with_for_update(read=True))).one_or_none()


async def catchment_for(work: Work, provider: Organisation, school_id: int | None) -> int | None:
    """The catchment for which a provider has a case: the school's if it serves that one, else its own.

    An in-school provider serves its school and no catchment.
    """
    if _in_school(provider.kind):
        return None
    place = await service_of(work, school_id)
    if place is not None and place.provider.id == provider.id:
        return place.catchment_id
    return provider.catchment_id


async def region_for(work: Work, school_id: int | None, provider_id: int) -> str | None:
    """The region a case counts to: that of the student's school, else the provider's."""
    school = None if school_id is None else await work.get(Organisation, school_id)
    if school is not None and school.region is not None:
        return school.region
    return (await work.get(Organisation, provider_id)).region


def _in_school(kind: OrganisationKind) -> bool:
    return kind is OrganisationKind.IN_SCHOOL_PROVIDER
