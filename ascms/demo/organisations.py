"""Organisations and catchments: the fixed ones first, then as many invented ones as asked for."""

from dataclasses import dataclass, field
from typing import Final

from ascms.models import OrganisationKind, fold

from .places import REGIONS, catchment_name, school_name
from .sinks import Sink

NATION_SCHOOLS: Final = 2_536
NATION_CATCHMENTS: Final = 84
SCHOOLS_PER_IN_SCHOOL_PROVIDER: Final = 15


@dataclass(slots=True)
class Catchment:
    id: int
    name: str
    region: str


@dataclass(slots=True)
class Provider:
    """An attendance service or in-school provider. `managers` are those who may be named on a case: trained."""

    id: int
    name: str
    domain: str
    region: str
    catchment_id: int | None
    leads: list[int] = field(default_factory=list)
    managers: list[int] = field(default_factory=list)
    authoriser: int = 0


@dataclass(slots=True)
class School:
    """A school with its staff, by role. `own` is its in-school provider, `catchment_provider` its catchment's."""

    id: int
    name: str
    domain: str
    locality: str
    catchment: Catchment
    catchment_provider: Provider
    lowest_year: int
    highest_year: int
    own: Provider | None = None
    leads: list[int] = field(default_factory=list)
    contacts: list[int] = field(default_factory=list)
    office: list[int] = field(default_factory=list)
    authoriser: int = 0

    @property
    def eligible(self) -> list[int]:
        """Who may be primary contact of a case here."""
        return self.leads + self.contacts

    @property
    def staff(self) -> list[int]:
        return self.leads + self.contacts + self.office


@dataclass(slots=True)
class Organisations:
    """All of them. The named schools and providers are the fixed ones, which are also in the lists.

    `adviser_offices` are the Ministry's regional ones, the Waikato's first.
    """

    test_college: School
    test_college_isp: Provider
    waikato: Provider
    second_school: School
    second_asp: Provider
    ministry_id: int
    adviser_offices: list[int]
    invented_schools: list[School]
    other_providers: list[Provider]

    @property
    def schools(self) -> list[School]:
        return [self.test_college, self.second_school, *self.invented_schools]


def _organisation(
    sink: Sink,
    number: str,
    name: str,
    kind: OrganisationKind,
    region: str | None,
    catchment_id: int | None = None,
    school_id: int | None = None,
) -> int:
    return sink.add(
        "organisation",
        number=number,
        name=name,
        name_folded=fold(name),
        kind=kind.value,
        region=region,
        catchment_id=catchment_id,
        school_id=school_id,
    )


def _domain(name: str) -> str:
    return fold(name).replace("’", "").replace("'", "").replace("& ", "").replace(" ", "-")


def _provider(sink: Sink, number: str, name: str, domain: str, catchment: Catchment) -> Provider:
    kind = OrganisationKind.ATTENDANCE_SERVICE_PROVIDER
    key = _organisation(sink, number, name, kind, catchment.region, catchment.id)
    sink.add("catchment_provider", catchment_id=catchment.id, provider_id=key)
    return Provider(key, name, domain, catchment.region, catchment.id)


def _in_school_provider(sink: Sink, number: str, school: School, domain: str) -> Provider:
    name, place = f"{school.name} ISP", school.catchment
    key = _organisation(sink, number, name, OrganisationKind.IN_SCHOOL_PROVIDER, place.region, place.id, school.id)
    school.own = Provider(key, name, domain, place.region, None)
    return school.own


def write(sink: Sink, schools: int) -> Organisations:
    """Every organisation of a world with `schools` schools, the two fixed ones included."""
    wanted = max(len(REGIONS), -(-NATION_CATCHMENTS * schools // NATION_SCHOOLS))
    catchments = []
    for index in range(wanted):
        name, region = catchment_name(index)
        catchments.append(Catchment(sink.add("catchment", name=name), name, region))
    fixed = _write_fixed(sink, catchments)
    by_catchment = {fixed.waikato.catchment_id: fixed.waikato, fixed.second_asp.catchment_id: fixed.second_asp}
    for index, catchment in enumerate(catchments[2:]):
        name = f"{catchment.name} Attendance Service"
        provider = _provider(sink, str(5003 + index), name, f"{_domain(name)}.example", catchment)
        fixed.other_providers.append(provider)
        by_catchment[catchment.id] = provider
    _write_invented_schools(sink, schools - 2, catchments, by_catchment, fixed)
    return fixed


def _write_fixed(sink: Sink, catchments: list[Catchment]) -> Organisations:
    home = catchments[0]
    school, asp = OrganisationKind.SCHOOL, OrganisationKind.ATTENDANCE_SERVICE_PROVIDER
    college_id = _organisation(sink, "1234", "Test College", school, home.region, home.id)
    isp_kind = OrganisationKind.IN_SCHOOL_PROVIDER
    isp_id = _organisation(sink, "78912", "Test College ISP", isp_kind, home.region, home.id, college_id)
    isp = Provider(isp_id, "Test College ISP", "test-college-isp.school.nz", home.region, None)
    waikato_id = _organisation(sink, "5001", "Waikato Attendance Service", asp, home.region, home.id)
    sink.add("catchment_provider", catchment_id=home.id, provider_id=waikato_id)
    waikato = Provider(waikato_id, "Waikato Attendance Service", "waikato-attendance.nz", home.region, home.id)
    second_id = _organisation(sink, "1235", "Second School", school, home.region, home.id)
    other = catchments[1]
    second_asp = _provider(sink, "5002", f"{other.name} Attendance Service", "second-attendance.example", other)
    ministry = OrganisationKind.MINISTRY
    ministry_id = _organisation(sink, "9000", "Ministry of Education", ministry, None)
    offices = [
        _organisation(sink, str(9001 + index), f"Ministry of Education, {region}", ministry, region)
        for index, region in enumerate(REGIONS)
    ]
    college = School(college_id, "Test College", "test-college.school.nz", "Test Town", home, waikato, 9, 13, isp)
    second = School(second_id, "Second School", "second-school.school.nz", "Second Town", home, waikato, 1, 13)
    return Organisations(college, isp, waikato, second, second_asp, ministry_id, offices, [], [isp])


def _write_invented_schools(
    sink: Sink, count: int, catchments: list[Catchment], providers: dict[int | None, Provider], world: Organisations
) -> None:
    for index in range(count):
        name, locality, lowest, highest = school_name(index)
        place = catchments[index % len(catchments)]
        key = _organisation(sink, str(20001 + index), name, OrganisationKind.SCHOOL, place.region, place.id)
        domain = f"{_domain(name)}.school.example"
        school = School(key, name, domain, locality, place, providers[place.id], lowest, highest)
        world.invented_schools.append(school)
    for index in range(round((count + 2) / SCHOOLS_PER_IN_SCHOOL_PROVIDER) - 1):
        school = world.invented_schools[index * SCHOOLS_PER_IN_SCHOOL_PROVIDER + 1]
        domain = school.domain.replace(".school.example", "-isp.school.example")
        world.other_providers.append(_in_school_provider(sink, str(80001 + index), school, domain))
