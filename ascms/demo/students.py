"""Students and what is held about them: enrolments, caregivers, ethnic groups, iwi, attendance by term."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from ascms.models import Gender, fold

from .chance import Chance
from .clock import TERM_1, TERM_1_END, TERM_2, TERM_2_SO_FAR, day_of, weekday_on_or_before
from .names import HERITAGES, NICKNAMES, PersonName, given_name, person_name
from .organisations import School
from .phrases import RELATIONSHIPS
from .places import STREETS
from .reference import IWI
from .sinks import Sink

IWI_CODES: Final = tuple(IWI)
ETHNICITIES: Final = tuple((heritage.ethnicities, weight) for heritage, weight in HERITAGES)
YEAR_START: Final = date(2026, 2, 2).toordinal()
TERM_DAYS: Final = ((TERM_1, TERM_1_END, 43), (TERM_2, TERM_2_SO_FAR, 14))
NSN_STRIDE: Final = 7_654_321


@dataclass(slots=True)
class Student:
    """What the rest of the demo needs to know of a student row. `school` is the present one."""

    id: int
    full_name: str
    full_name_folded: str
    known_as: str | None
    year_level: int | None
    school: School | None
    caregivers: list[dict[str, Any]]
    percentages: tuple[float, float]
    protected: bool


@dataclass(frozen=True, slots=True)
class Past:
    """The school a student came from: the day (an ordinal) they left, and when they arrived at the present one."""

    school: School
    left: int
    arrived_at: datetime | None = None


def moved(school: School, arrived_at: datetime) -> Past:
    """A change of school with no more than a weekend between."""
    return Past(school, day_of(arrived_at) - 4, arrived_at)


def nsn(number: int) -> str:
    """An invalid national student number: ten digits, of which the first three are zeros."""
    return f"000{number * NSN_STRIDE % 10_000_000:07d}"


class Roll:
    """Writes students. `schools` are those where an earlier enrolment may have been."""

    def __init__(self, sink: Sink, schools: Sequence[School]) -> None:
        self.sink = sink
        self.schools = schools

    def add(
        self,
        chance: Chance,
        school: School | None,
        past: Past | None = None,
        *,
        chronic: bool = False,
        full_name: str | None = None,
        protected: bool | None = None,
        ethnicities: Sequence[str] | None = None,
        **given: Any,
    ) -> Student:
        """A student at `school`, or at none since they left that of `past`. `given` overrides columns."""
        home = school or (past.school if past is not None else None)
        if home is None:
            raise ValueError("a student needs a school, or the school they left")
        name = person_name(chance)
        full = full_name or name.full
        folded = fold(full)
        year = chance.between(home.lowest_year, min(home.highest_year, 11))
        row: dict[str, Any] = {
            "full_name": full,
            "full_name_folded": folded,
            "gender": name.gender.value,
            "year_level": year,
            "known_as": _known_as(chance, name),
            "date_of_birth": _born(chance, year),
            "address": _address(chance, home),
            "protected": chance.likely(0.03) if protected is None else protected,
            "school_id": school.id if school is not None else None,
        } | given
        known_as = row["known_as"]
        row["known_as_folded"] = fold(known_as) if known_as else None
        key = self.sink.add("student", nsn=nsn(self.sink.last_id("student") + 1), **row)
        self._enrolments(chance, key, school, past, row["year_level"])
        self._groups(chance, key, name, ethnicities)
        percentages = self._attendance(chance, key, chronic, on_a_roll=school is not None)
        caregivers = self._caregivers(chance, key, name)
        return Student(
            key, full, folded, known_as, row["year_level"], school, caregivers, percentages, bool(row["protected"])
        )

    def _enrolments(self, chance: Chance, student: int, school: School | None, past: Past | None, year: int) -> None:
        start = YEAR_START - 365 * chance.between(0, 3)
        if past is not None:
            start = min(start, past.left - 30)
            self._enrolled(student, past.school, year, start, past.left)
        elif chance.likely(0.35):
            former = chance.pick(self.schools)
            if former is not school:
                self._enrolled(student, former, max(0, year - 3), start - 700, start - 50)
        if school is not None:
            arrived = day_of(past.arrived_at) if past is not None and past.arrived_at is not None else start
            self._enrolled(student, school, year, arrived, None)

    def _enrolled(self, student: int, school: School, year: int, start: int, end: int | None) -> None:
        self.sink.add(
            "enrolment",
            student_id=student,
            school_id=school.id,
            year_level=year,
            started_on=date.fromordinal(start),
            ended_on=None if end is None else date.fromordinal(end),
        )

    def _groups(self, chance: Chance, student: int, name: PersonName, given: Sequence[str] | None) -> None:
        codes = list(given) if given is not None else [chance.pick(name.heritage.ethnicities)]
        while given is None and len(codes) < 3 and chance.likely(0.3):
            other = chance.pick(chance.weighted(ETHNICITIES))
            if other not in codes:
                codes.append(other)
        for position, code in enumerate(codes, 1):
            self.sink.add("student_ethnicity", student_id=student, position=position, code=code)
        if "211" in codes:
            count = chance.weighted(((0, 1), (1, 5), (2, 3), (3, 1)))
            for code in chance.some(IWI_CODES, count):
                self.sink.add("student_iwi", student_id=student, code=code)

    def _attendance(self, chance: Chance, student: int, chronic: bool, *, on_a_roll: bool) -> tuple[float, float]:
        """Two terms; the current one only for who is on a roll. Gives (previous, current) as percentages."""
        tenths = (
            (chance.between(380, 700), chance.between(150, 690))
            if chronic
            else (chance.between(640, 1000), chance.between(600, 1000))
        )
        for (term, as_of, days), tenth in zip(TERM_DAYS, tenths, strict=True):
            current = term == TERM_2
            if current and not on_a_roll:
                continue
            last = weekday_on_or_before(as_of.toordinal() - (chance.between(0, 9) if chronic else 0))
            self.sink.add(
                "attendance_summary",
                student_id=student,
                term=term,
                percentage=tenth / 10,
                days_absent=round(days * (1000 - tenth) / 1000),
                last_attended_on=date.fromordinal(last),
                as_of=as_of,
                is_current=current,
            )
        return tenths[0] / 10, tenths[1] / 10

    def _caregivers(self, chance: Chance, student: int, child: PersonName) -> list[dict[str, Any]]:
        caregivers = []
        for relationship in chance.some(RELATIONSHIPS, 1 if chance.likely(0.45) else 2):
            surname = child.surname if chance.likely(0.7) else chance.pick(child.heritage.surnames)
            given = given_name(chance, child.heritage, chance.pick((Gender.F, Gender.M)))
            number = chance.between(0, 9_999_999)
            caregiver = {
                "name": f"{given} {surname}",
                "relationship": relationship,
                "phone": f"020 000 {number:07d}" if chance.likely(0.9) else None,
                "email": f"caregiver-{number}@example.net" if chance.likely(0.5) else None,
            }
            caregivers.append(caregiver)
            self.sink.add("caregiver", student_id=student, **caregiver)
        return caregivers


def _known_as(chance: Chance, name: PersonName) -> str | None:
    if chance.likely(0.6):
        return None
    return chance.pick(NICKNAMES) if chance.likely(0.35) else name.given


def _born(chance: Chance, year_level: int) -> date:
    """A birth date that fits the year level: year 11 in 2026 is the year of 2010."""
    first = date(2026 - year_level - 5, 1, 1).toordinal()
    return date.fromordinal(first + chance.between(0, 364))


def _address(chance: Chance, home: School) -> str:
    return f"{chance.between(1, 240)} {chance.pick(STREETS)}, {home.locality}"
