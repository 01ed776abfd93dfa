"""Who works in the sector: the fixed people of the demo and the invented staff of every organisation."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ascms.models import Gender, Role, fold

from .chance import Chance
from .clock import NOW, between, day_of, instant, local, working_moment
from .names import person_name
from .organisations import Organisations, Provider, School
from .sinks import Sink

GRANTED: Final = local(2026, 1, 19, 9, 0)
FIRST_DAY: Final = day_of(GRANTED)
TITLES: Final = {
    Gender.F: ("Ms", "Ms", "Mrs", "Miss", "Mrs", "Ms", "Dr"),
    Gender.M: ("Mr", "Mr", "Mr", "Mr", "Mr", "Dr"),
    Gender.X: ("Mx",),
    Gender.U: (None,),
}


@dataclass(slots=True)
class People:
    """Writes user accounts and roles, and remembers the fixed people by their sign-in name."""

    sink: Sink
    chance: Chance
    ids: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        username: str,
        *,
        display_name: str | None = None,
        email: str | None = None,
        reachable: bool = True,
        trained: bool | None = None,
    ) -> int:
        """An account; names not given are invented, `trained` None leaves it to chance."""
        chance = self.chance
        name = person_name(chance, middle=0.5)
        shown = display_name or name.short
        given, _, surname = display_name.rpartition(" ") if display_name else (name.given, "", name.surname)
        if not given:
            given, surname = surname, ""
        done = chance.likely(0.4) if trained is None else trained
        key = self.sink.add(
            "user_account",
            subject=f"esl-{self.sink.last_id('user_account') + 1:06d}",
            username=username,
            email=email or username,
            phone=f"07 000 {chance.between(0, 9999):04d}" if reachable else None,
            display_name=shown,
            display_name_folded=fold(shown),
            title=chance.pick(TITLES[name.gender]),
            given_name=given,
            middle_name=name.middle if display_name is None else None,
            preferred_name=given if chance.likely(0.3) else None,
            surname=surname or None,
            date_of_birth=instant(day_of(local(1961, 1, 1, 12, 0)) + chance.between(0, 14_000), 720).date(),
            gender=name.gender.value,
            training_completed_at=working_moment(chance, FIRST_DAY + 1, FIRST_DAY + 16) if done else None,
            last_signed_in_at=between(chance, local(2026, 4, 20, 8, 30), NOW),
        )
        self.ids[username] = key
        self.event(key, None, GRANTED, "Account created")
        self.event(key, None, working_moment(chance, FIRST_DAY + 20, day_of(NOW) - 1), "Signed in")
        return key

    def event(self, user: int, organisation: int | None, at: datetime, description: str) -> None:
        self.sink.add(
            "account_event", user_id=user, organisation_id=organisation, occurred_at=at, description=description
        )

    def grant(
        self,
        user: int,
        organisation: int,
        role: Role,
        by: int | None = None,
        approved_by: int | None = None,
        *,
        approved: bool = True,
        ended_at: datetime | None = None,
    ) -> None:
        """A role in an organisation. `approved_by` None is the system's own approval; `approved` False is none yet."""
        self.sink.add(
            "role_assignment",
            user_id=user,
            organisation_id=organisation,
            role=role.value,
            granted_by_id=by,
            granted_at=GRANTED,
            approved_by_id=approved_by,
            approved_at=GRANTED if approved else None,
            ended_at=ended_at,
        )
        words = role.value.replace("_", " ").capitalize()
        self.event(user, organisation, GRANTED, f"Role granted: {words}" if approved else f"Role requested: {words}")
        if ended_at is not None:
            self.event(user, organisation, ended_at, f"Role given up: {words}")


def write(sink: Sink, chance: Chance, world: Organisations) -> People:
    """Everyone: the fixed people (first, so that their identifiers do not move), then the invented ones."""
    people = People(sink, chance)
    _fixed_accounts(people)
    _test_college(people, world)
    _waikato(people, world.waikato)
    _second_school(people, world.second_school)
    _ministry(people, world)
    for provider in [world.second_asp, *world.other_providers[1:]]:
        _provider_staff(people, provider)
    before: School | None = None
    for index, school in enumerate(world.invented_schools):
        _school_staff(people, school, index, before)
        before = school
    return people


def _fixed_accounts(people: People) -> None:
    school, isp = "test-college.school.nz", "test-college-isp.school.nz"
    asp, ministry = "waikato-attendance.nz", "ministry.nz"
    people.add(f"lead@{school}")
    people.add(
        f"contact@{school}",
        display_name="TestSchoolUser1 Paul",
        email="Primary.Contact@TestCollege.school.nz",
        reachable=False,
        trained=False,
    )
    people.add(f"office@{school}", trained=False)
    people.add(f"authoriser@{school}", trained=False)
    people.add(f"workflow@{isp}", trained=True)
    people.add(f"manager@{isp}", display_name="Case Manager Name", trained=True)
    people.add(f"workflow@{asp}", trained=True)
    people.add(f"manager@{asp}", trained=True)
    people.add("lead@second-school.school.nz", trained=True)
    for name in ("adviser", "analyst", "privacy", "admin"):
        people.add(f"{name}@{ministry}", trained=True)
    people.add(f"both@{school}", trained=True)
    people.add(f"testperson@{school}", display_name="Testperson", trained=True)
    people.add(f"untrained@{asp}", trained=False)


def _test_college(people: People, world: Organisations) -> None:
    school, isp = world.test_college, world.test_college_isp
    at, own = school.domain, isp.domain
    ids = people.ids
    school.authoriser = ids[f"authoriser@{at}"]
    school.leads = [ids[f"lead@{at}"], ids[f"testperson@{at}"]]
    school.contacts = [ids[f"contact@{at}"], ids[f"both@{at}"]]
    school.office = [ids[f"office@{at}"], ids[f"both@{at}"]]
    _grant_school(people, school)
    deputy = people.add(f"deputy@{at}")
    people.grant(deputy, school.id, Role.DELEGATED_AUTHORISER)
    people.grant(deputy, school.id, Role.ATTENDANCE_LEAD, by=deputy, approved=False)
    isp.authoriser = people.add(f"authoriser@{own}", trained=True)
    isp.leads = [ids[f"workflow@{own}"], ids[f"testperson@{at}"]]
    isp.managers = [ids[f"manager@{own}"]]
    _grant_provider(people, isp)


def _waikato(people: People, asp: Provider) -> None:
    at = asp.domain
    ids = people.ids
    asp.authoriser = people.add(f"authoriser@{at}", trained=True)
    asp.leads = [ids[f"workflow@{at}"]]
    more = [people.add(f"manager{number}@{at}", trained=True) for number in (2, 3)]
    asp.managers = [ids[f"manager@{at}"], *more]
    _grant_provider(people, asp)
    people.grant(ids[f"untrained@{at}"], asp.id, Role.CASE_MANAGER, by=asp.authoriser)
    people.grant(asp.authoriser, asp.id, Role.WORKFLOW_LEAD, by=asp.authoriser, approved=False)


def _second_school(people: People, school: School) -> None:
    at = school.domain
    school.authoriser = people.add(f"authoriser@{at}")
    school.leads = [people.ids[f"lead@{at}"], people.add(f"deputy@{at}")]
    school.contacts = [people.add(f"contact@{at}")]
    school.office = [people.add(f"office@{at}")]
    _grant_school(people, school)
    given_up = local(2026, 4, 1, 15, 0)
    people.grant(school.office[0], school.id, Role.PRIMARY_CONTACT, by=school.authoriser, ended_at=given_up)


def _ministry(people: People, world: Organisations) -> None:
    ids, office = people.ids, world.ministry_id
    admin = ids["admin@ministry.nz"]
    authoriser = people.add("authoriser@ministry.nz", trained=True)
    people.grant(authoriser, office, Role.DELEGATED_AUTHORISER, by=admin)
    people.grant(admin, office, Role.MINISTRY_ADMINISTRATOR, by=authoriser)
    people.grant(ids["analyst@ministry.nz"], office, Role.MINISTRY_ANALYST, by=authoriser, approved_by=admin)
    people.grant(ids["privacy@ministry.nz"], office, Role.PRIVACY_OFFICER, by=authoriser, approved_by=admin)
    for index, where in enumerate(world.adviser_offices):
        fixed = ids["adviser@ministry.nz"]
        adviser = fixed if index == 0 else people.add(f"adviser{index + 1}@ministry.nz", trained=True)
        people.grant(adviser, where, Role.MINISTRY_ADVISER, by=authoriser, approved_by=admin)


def _grant_school(people: People, school: School) -> None:
    by = school.authoriser
    people.grant(by, school.id, Role.DELEGATED_AUTHORISER)
    for role, holders in (
        (Role.ATTENDANCE_LEAD, school.leads),
        (Role.PRIMARY_CONTACT, school.contacts),
        (Role.OFFICE_SUPPORT, school.office),
    ):
        for user in holders:
            people.grant(user, school.id, role, by=by)


def _grant_provider(people: People, provider: Provider) -> None:
    by = provider.authoriser
    people.grant(by, provider.id, Role.DELEGATED_AUTHORISER)
    for user in provider.leads:
        people.grant(user, provider.id, Role.WORKFLOW_LEAD, by=by)
    for user in provider.managers:
        people.grant(user, provider.id, Role.CASE_MANAGER, by=by)


def _provider_staff(people: People, provider: Provider) -> None:
    """The staff of an invented provider. An in-school one is small; its lead is its school's (see there)."""
    at = provider.domain
    provider.authoriser = people.add(f"authoriser@{at}", trained=True)
    provider.leads = [people.add(f"workflow@{at}", trained=True)]
    count = 3 if provider.catchment_id else 1
    provider.managers = [people.add(f"manager{'' if n == 0 else n + 1}@{at}", trained=True) for n in range(count)]
    _grant_provider(people, provider)


def _school_staff(people: People, school: School, index: int, before: School | None) -> None:
    """The staff of an invented school. Some hold two roles, some work at two schools or for the own provider too."""
    at = school.domain
    school.authoriser = people.add(f"authoriser@{at}")
    shared = before.leads[0] if before is not None and index % 10 == 9 else None
    school.leads = [shared if shared is not None else people.add(f"lead@{at}", trained=True if school.own else None)]
    school.contacts = [people.add(f"contact@{at}")]
    school.office = [school.contacts[0] if index % 7 == 6 else people.add(f"office@{at}")]
    _grant_school(people, school)
    if school.own is not None:
        people.grant(school.leads[0], school.own.id, Role.CASE_MANAGER, by=school.own.authoriser)
        school.own.managers.append(school.leads[0])
