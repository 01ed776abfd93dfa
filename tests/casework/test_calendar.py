"""Working days and school days, against the published calendars and against counting by hand."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from ascms.casework.calendar import (
    is_school_day,
    is_working_day,
    local_day,
    school_days,
    unenrolled_for,
    working_days,
    working_days_after,
)
from ascms.casework.school_terms import TERMS
from ascms.demo.places import REGIONS

DAY = timedelta(days=1)
DAYS = st.dates(date(2024, 1, 1), date(2029, 12, 31))
TERM_DAYS = st.dates(date(2025, 1, 1), date(2028, 12, 31))
PLACES = st.sampled_from([None, "Nowhere", *REGIONS])

NATIONAL_2026 = {
    date(2026, 1, 1), date(2026, 1, 2), date(2026, 2, 6), date(2026, 4, 3), date(2026, 4, 6), date(2026, 4, 27),
    date(2026, 6, 1), date(2026, 7, 10), date(2026, 10, 26), date(2026, 12, 25), date(2026, 12, 28),
}  # fmt: skip
"""Those on weekdays, with Mondays that stand for a weekend's Anzac Day and Boxing Day."""

ANNIVERSARIES_2026 = {
    "Tai Tokerau": {date(2026, 1, 26)},
    "North & West Auckland": {date(2026, 1, 26)},
    "Central & East Auckland": {date(2026, 1, 26)},
    "South & South-West Auckland": {date(2026, 1, 26)},
    "Waikato": {date(2026, 1, 26)},
    "Bay of Plenty": {date(2026, 1, 26)},
    "Hawke’s Bay-Tairāwhiti": {date(2026, 1, 26), date(2026, 10, 23)},
    "Taranaki-Whanganui-Manawatū": {date(2026, 1, 19), date(2026, 3, 9)},
    "Wellington": {date(2026, 1, 19)},
    "Nelson-Marlborough-West Coast": {date(2026, 2, 2), date(2026, 11, 2), date(2026, 11, 30)},
    "Canterbury-Chatham Islands": {date(2026, 9, 28), date(2026, 11, 13), date(2026, 11, 30)},
    "Otago-Southland": {date(2026, 3, 23), date(2026, 4, 7)},
}
"""As employment.govt.nz publishes them for each province."""


def free_weekdays(year: int, region: str | None) -> set[date]:
    every = (date(year, 1, 1) + number * DAY for number in range(366))
    return {day for day in every if day.year == year and day.weekday() < 5 and not is_working_day(day, region)}


def test_the_public_holidays_of_2026_are_no_working_days() -> None:
    assert free_weekdays(2026, None) == NATIONAL_2026


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_keeps_its_anniversary_days_besides(region: str) -> None:
    assert free_weekdays(2026, region) - NATIONAL_2026 == ANNIVERSARIES_2026[region]


def test_every_region_of_the_demo_keeps_some_anniversary_day() -> None:
    assert set(ANNIVERSARIES_2026) == set(REGIONS)


@pytest.mark.parametrize("name", ["Hawke's Bay-Tairawhiti", "HAWKE’S BAY-TAIRĀWHITI"])
def test_a_region_is_known_whatever_the_macrons_and_the_apostrophe(name: str) -> None:
    assert free_weekdays(2026, name) == free_weekdays(2026, "Hawke’s Bay-Tairāwhiti")


def test_working_days_over_easter() -> None:
    assert working_days(date(2026, 4, 1), date(2026, 4, 10)) == 5
    assert working_days(date(2026, 4, 1), date(2026, 4, 10), "Otago-Southland") == 4
    assert working_days_after(date(2026, 4, 2), 1) == date(2026, 4, 7)
    assert working_days_after(date(2026, 4, 2), 1, "Otago-Southland") == date(2026, 4, 8)


@given(DAYS, st.integers(-30, 400), PLACES)
def test_working_days_are_counted_one_by_one(start: date, length: int, region: str | None) -> None:
    end = start + length * DAY
    counted = sum(is_working_day(start + number * DAY, region) for number in range(1, length + 1))
    assert working_days(start, end, region) == counted


@given(DAYS, st.integers(1, 60), PLACES)
def test_so_many_working_days_after_is_a_working_day_with_so_many_between(
    start: date, days: int, region: str | None
) -> None:
    end = working_days_after(start, days, region)
    assert is_working_day(end, region)
    assert working_days(start, end, region) == days
    assert working_days(start, end - DAY, region) == days - 1


@given(DAYS, st.integers(0, 200), st.integers(0, 200), PLACES)
def test_working_days_of_two_stretches_add_up(start: date, first: int, second: int, region: str | None) -> None:
    middle, end = start + first * DAY, start + (first + second) * DAY
    whole = working_days(start, end, region)
    assert working_days(start, middle, region) + working_days(middle, end, region) == whole


@given(DAYS, st.integers(1, 40), PLACES)
def test_a_regional_holiday_never_brings_a_day_forward(start: date, days: int, region: str | None) -> None:
    assert working_days_after(start, days, region) >= working_days_after(start, days)


def test_the_day_is_that_of_new_zealand() -> None:
    assert local_day(datetime(2026, 5, 10, 12, 0, tzinfo=UTC)) == date(2026, 5, 11)
    assert local_day(datetime(2026, 1, 10, 10, 59, tzinfo=UTC)) == date(2026, 1, 10)
    assert local_day(datetime(2026, 1, 10, 11, 0, tzinfo=UTC)) == date(2026, 1, 11)


# School days -------------------------------------------------------------------------------------------------


def test_the_terms_of_a_year_follow_each_other_with_holidays_between() -> None:
    for year in range(2025, 2029):
        terms = [term for term in TERMS if term.year == year]
        assert [term.term for term in terms] == [1, 2, 3, 4]
        for term, after in itertools.pairwise(terms):
            assert term.starts_on < term.ends_on
            assert timedelta(days=14) <= after.starts_on - term.ends_on <= timedelta(days=18)
        for term in terms:
            assert term.starts_on.weekday() < 5
            assert is_school_day(term.ends_on)


@pytest.mark.parametrize(("year", "opens"), [(2025, 2_07), (2026, 2_09), (2027, 2_03), (2028, 2_08)])
def test_a_secondary_school_that_starts_last_can_be_open_for_380_half_days(year: int, opens: int) -> None:
    """The Ministry sets the terms so; from the last day on which a school may start until 20 December."""
    month, day = divmod(opens, 100)
    start = date(year, month, day)
    assert 2 * school_days(start - DAY, date(year, 12, 20), TERMS) >= 380


def test_holidays_between_terms_do_not_count() -> None:
    assert school_days(date(2026, 4, 2), date(2026, 4, 19), TERMS) == 0
    assert school_days(date(2026, 4, 2), date(2026, 4, 20), TERMS) == 1
    assert school_days(date(2026, 12, 18), date(2027, 1, 31), TERMS) == 0


def test_schools_are_closed_on_easter_tuesday_which_is_a_working_day() -> None:
    tuesday = date(2027, 3, 30)
    assert is_working_day(tuesday)
    assert not is_school_day(tuesday)
    assert school_days(date(2027, 3, 25), date(2027, 4, 2), TERMS) == 3


def test_a_student_is_unenrolled_for_20_school_days_after_as_many() -> None:
    """From the last day at the old school, Friday 27 March 2026: four days of term 1, then term 2 but Anzac Day."""
    last_day = date(2026, 3, 27)
    assert unenrolled_for(last_day, last_day, TERMS) == 0
    assert unenrolled_for(last_day, date(2026, 4, 2), TERMS) == 4
    assert unenrolled_for(last_day, date(2026, 5, 12), TERMS) == 20
    assert unenrolled_for(last_day, date(2026, 5, 11), TERMS) == 19


@given(TERM_DAYS, st.integers(-10, 500), PLACES)
def test_school_days_are_counted_one_by_one(start: date, length: int, region: str | None) -> None:
    end = min(start + length * DAY, date(2028, 12, 31))
    days = (start + number * DAY for number in range(1, (end - start).days + 1))
    counted = sum(
        any(term.starts_on <= day <= term.ends_on for term in TERMS) and is_school_day(day, region) for day in days
    )
    assert school_days(start, end, TERMS, region) == counted
    assert counted <= max(0, working_days(start, end, region))


@given(st.dates(date(2020, 1, 1), date(2024, 12, 31)), TERM_DAYS)
def test_days_before_the_first_known_year_are_not_counted(start: date, end: date) -> None:
    assert school_days(start, end, TERMS) == school_days(date(2024, 12, 31), end, TERMS)


@pytest.mark.parametrize(
    ("start", "end", "named"),
    [
        (date(2028, 12, 1), date(2029, 2, 1), "2029"),
        (date(2029, 1, 1), date(2031, 2, 1), "2029, 2030, 2031"),
    ],
)
def test_a_year_without_terms_is_named_and_not_taken_for_holidays(start: date, end: date, named: str) -> None:
    with pytest.raises(ValueError, match=f"no school terms for {named};"):
        school_days(start, end, TERMS)


def test_a_gap_in_the_terms_is_named_too() -> None:
    with pytest.raises(ValueError, match="no school terms for 2026;"):
        school_days(date(2025, 1, 1), date(2027, 12, 1), [term for term in TERMS if term.year != 2026])
