"""The steps of the request form: what each needs, and that the last needs all of it."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ascms.casework.request_form import steps

NEEDED = {
    "ESL_CHECK": ("detailsConfirmed", "privacyStatementConfirmed"),
    "STUDENT": ("student", "caregiverContacts"),
    "ATTENDANCE": ("attendance.currentTermPercentage", "attendance.daysAbsent"),
    "SCHOOL_ACTIONS": ("criteria", "schoolActions.planInPlace", "schoolActions.whanauContacted"),
    "BARRIERS": ("barriers",),
    "SUPPORT": ("provider", "primaryContact"),
}
MEMBERS = [*(name for names in NEEDED.values() for name in names), "schoolActions.planReviewedOn", "adviceReason"]
FACTS = ("planned", "reasonNeeded", "confirmedByViewer", "submitted")
COMPLETE = {**dict.fromkeys(MEMBERS, True), "planned": False, "reasonNeeded": False, "confirmedByViewer": True}

forms = st.fixed_dictionaries({name: st.booleans() for name in (*MEMBERS, *FACTS)})


def missing(form: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {step.name: step.missing for step in steps({"submitted": False, **form})}


@pytest.mark.parametrize("step", NEEDED)
def test_each_step_says_what_it_still_needs(step: str) -> None:
    without = {**COMPLETE, **dict.fromkeys(NEEDED[step], False)}
    assert missing(without)[step] == NEEDED[step]
    assert missing(without)["REVIEW"] == NEEDED[step]
    assert [name for name, needs in missing(without).items() if needs] == [step, "REVIEW"]


def test_a_complete_form_needs_nothing() -> None:
    assert not any(missing(COMPLETE).values())
    assert all(step.complete for step in steps({**COMPLETE, "submitted": False}))


def test_a_plan_in_place_has_to_be_reviewed() -> None:
    planned = {**COMPLETE, "planned": True, "schoolActions.planReviewedOn": False}
    assert missing(planned)["SCHOOL_ACTIONS"] == ("schoolActions.planReviewedOn",)
    assert not missing({**planned, "planned": False})["SCHOOL_ACTIONS"]
    assert not missing({**planned, "planned": None})["SCHOOL_ACTIONS"]


def test_only_where_the_advice_asks_for_a_reason_one_is_needed() -> None:
    unexplained = {**COMPLETE, "adviceReason": False}
    assert not missing(unexplained)["REVIEW"]
    assert missing({**unexplained, "reasonNeeded": True})["REVIEW"] == ("adviceReason",)


def test_who_resumes_what_another_began_still_has_to_confirm() -> None:
    needs = missing({**COMPLETE, "confirmedByViewer": False})
    assert needs["REVIEW"] == ("detailsConfirmed", "privacyStatementConfirmed", "statementVersion")
    assert not needs["ESL_CHECK"]


@given(forms)
def test_a_step_is_complete_when_nothing_is_missing_and_the_last_one_needs_all_others(form: dict[str, bool]) -> None:
    listed = steps(form)
    *filled, review = listed
    assert all(step.complete == (not step.missing) for step in listed)
    assert {name for step in filled for name in step.missing} <= set(review.missing)
    assert len(set(review.missing)) == len(review.missing)
    if form["submitted"]:
        assert all(step.complete for step in listed)


@given(forms, st.lists(st.sampled_from(MEMBERS), unique=True, min_size=2))
def test_what_is_filled_in_never_makes_more_missing(form: dict[str, bool], order: list[str]) -> None:
    filled = [{**form, **dict.fromkeys(order[:count], True)} for count in range(len(order) + 1)]
    for before, after in pairwise(filled):
        assert set(steps(after)[-1].missing) <= set(steps(before)[-1].missing)
