"""The referral advice: always one of four, never harsher for a greater need, and only one of them stands in the way."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from ascms.casework.advice import (
    CHRONIC,
    CRITERIA,
    CRITERIA_VERSION,
    DELAYING,
    EXCLUDING,
    RISKS,
    SUPPORTING,
    Circumstances,
    advise,
    needs_reason,
)
from ascms.demo.reference import BARRIERS, CRITERIA as CRITERIA_ASKED, REFERRAL_FACTORS
from ascms.models import AdviceLevel

FACTORS = {**EXCLUDING, **DELAYING, **RISKS, **SUPPORTING}
STRENGTH = [AdviceLevel.DO_NOT_REFER, AdviceLevel.DELAY, AdviceLevel.CONSIDER, AdviceLevel.HIGHLY_RECOMMENDED]
CHRONICALLY_ABSENT = Circumstances(current_term_percentage=55, plan_in_place=True)

percentages = st.floats(0, 100)
circumstances = st.builds(
    Circumstances,
    current_term_percentage=percentages,
    previous_term_percentage=st.none() | percentages,
    factors=st.frozensets(st.sampled_from([*FACTORS, "A_CODE_OF_LATER"])),
    unmet=st.frozensets(st.sampled_from(list(CRITERIA))),
    plan_in_place=st.none() | st.booleans(),
    barriers=st.frozensets(st.sampled_from(list(BARRIERS))),
    main_barrier=st.none() | st.sampled_from(list(BARRIERS)),
)


def strength(seen: Circumstances) -> int:
    advice = advise(seen)
    assert advice is not None
    return STRENGTH.index(advice.level)


def level(**changes: object) -> AdviceLevel:
    advice = advise(replace(CHRONICALLY_ABSENT, **changes))  # type: ignore[arg-type]
    assert advice is not None
    return advice.level


@given(circumstances)
def test_there_is_no_advice_until_attendance_is_known_and_always_some_once_it_is(seen: Circumstances) -> None:
    assert advise(replace(seen, current_term_percentage=None)) is None
    advice = advise(seen)
    assert advice is not None
    assert advice.reasons
    assert len(set(advice.reasons)) == len(advice.reasons)
    assert advice.version == CRITERIA_VERSION


@given(circumstances)
def test_only_do_not_refer_stands_in_the_way(seen: Circumstances) -> None:
    advice = advise(seen)
    assert advice is not None
    assert advice.needs_reason == (advice.level is AdviceLevel.DO_NOT_REFER)
    assert advice.needs_reason == bool(seen.factors & EXCLUDING.keys())


@given(circumstances, st.sampled_from([*RISKS, *SUPPORTING]))
def test_a_need_more_never_weakens_the_advice(seen: Circumstances, need: str) -> None:
    assert strength(replace(seen, factors=seen.factors | {need})) >= strength(seen)


@given(circumstances, st.sampled_from([*EXCLUDING, *DELAYING]))
def test_an_objection_more_never_strengthens_it(seen: Circumstances, objection: str) -> None:
    assert strength(replace(seen, factors=seen.factors | {objection})) <= strength(seen)


@given(circumstances, st.sampled_from(list(CRITERIA)))
def test_a_no_to_a_criterion_never_strengthens_it_and_refuses_nothing(seen: Circumstances, criterion: str) -> None:
    with_no = replace(seen, unmet=seen.unmet | {criterion})
    assert strength(with_no) <= strength(seen)
    assert strength(with_no) == STRENGTH.index(AdviceLevel.DELAY) or seen.factors & EXCLUDING.keys()


@given(circumstances, percentages)
def test_to_be_present_more_never_strengthens_it(seen: Circumstances, more: float) -> None:
    assert seen.current_term_percentage is not None
    more = max(more, seen.current_term_percentage)
    assert strength(replace(seen, current_term_percentage=more)) <= strength(seen)


@given(circumstances, percentages)
def test_to_have_been_present_less_before_never_strengthens_it(seen: Circumstances, less: float) -> None:
    if seen.previous_term_percentage is not None:
        less = min(less, seen.previous_term_percentage)
        assert strength(replace(seen, previous_term_percentage=less)) <= strength(seen)


@given(circumstances)
def test_a_code_that_no_rule_names_is_not_weighed(seen: Circumstances) -> None:
    assert advise(replace(seen, factors=seen.factors | {"A_CODE_OF_LATER"})) == advise(
        replace(seen, factors=seen.factors - {"A_CODE_OF_LATER"})
    )


def test_every_factor_and_criterion_of_the_form_is_weighed() -> None:
    assert set(FACTORS) == set(REFERRAL_FACTORS)
    assert tuple(CRITERIA) == CRITERIA_ASKED


@pytest.mark.parametrize("risk", RISKS)
def test_chronic_absence_with_a_risk_is_highly_recommended(risk: str) -> None:
    assert level(factors=frozenset({risk})) is AdviceLevel.HIGHLY_RECOMMENDED
    assert level(factors=frozenset({risk}), current_term_percentage=CHRONIC) is AdviceLevel.HIGHLY_RECOMMENDED
    assert level(factors=frozenset({risk}), current_term_percentage=70.1) is AdviceLevel.CONSIDER


@pytest.mark.parametrize("factor", SUPPORTING)
def test_what_else_speaks_for_support_is_to_be_considered(factor: str) -> None:
    assert level(factors=frozenset({factor})) is AdviceLevel.CONSIDER
    assert level(factors=frozenset({factor}), current_term_percentage=90) is AdviceLevel.CONSIDER


@pytest.mark.parametrize("factor", DELAYING)
def test_what_comes_first_delays_however_pressing_it_is(factor: str) -> None:
    assert level(factors=frozenset({factor, *RISKS})) is AdviceLevel.DELAY


@pytest.mark.parametrize("factor", EXCLUDING)
def test_what_excludes_outranks_everything(factor: str) -> None:
    assert level(factors=frozenset({factor, *RISKS, *DELAYING, *SUPPORTING})) is AdviceLevel.DO_NOT_REFER


def test_what_delays_is_also_read_from_the_answers() -> None:
    assert level() is AdviceLevel.CONSIDER
    assert level(plan_in_place=False) is AdviceLevel.DELAY
    assert level(previous_term_percentage=45) is AdviceLevel.DELAY
    assert level(previous_term_percentage=45.1) is AdviceLevel.CONSIDER
    assert level(barriers=frozenset({"SCHOOL_BASED"})) is AdviceLevel.DELAY
    assert level(barriers=frozenset({"SCHOOL_BASED", "HEALTH"})) is AdviceLevel.CONSIDER
    assert level(barriers=frozenset({"SCHOOL_BASED", "HEALTH"}), main_barrier="SCHOOL_BASED") is AdviceLevel.DELAY
    assert level(barriers=frozenset({"SCHOOL_BASED", "HEALTH"}), main_barrier="HEALTH") is AdviceLevel.CONSIDER


def test_who_is_present_more_and_has_nothing_else_is_left_to_the_school_for_now() -> None:
    assert level(current_term_percentage=70.1) is AdviceLevel.DELAY


def test_no_advice_needs_no_reason() -> None:
    assert not needs_reason(None)
