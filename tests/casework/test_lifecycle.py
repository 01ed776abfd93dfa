"""The life cycle as data: it says of each status, action and role what the domain says, and why where it says no."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ascms.casework.lifecycle import CASE_MOVES, CaseFacts, may_become, who_may_on_case, why_not_on_case
from ascms.models import CaseStatus, OrganisationKind, Role
from ascms.permissions.actions import CASE_ACTIONS
from tests.casework.life_of_a_case import ASP, CHANGES, ISP, POSSIBLE, STATUSES, allowed, possible

NOW = datetime(2026, 5, 11, 8, 0, tzinfo=UTC)
READY = {"has_manager": True, "manager_may": True, "open_tasks": 0, "other_active": False, "next_provider": True}


def facts(status: str, kind: str = ISP, **others: Any) -> CaseFacts:
    """A case that lacks nothing, but for `others`."""
    closed = {"closed_at": NOW - timedelta(days=3), "merged": False} if status == "CLOSED" else {}
    return CaseFacts(CaseStatus(status), OrganisationKind(kind), **{**READY, **closed, **others})


def why_not(action: str, case: CaseFacts, role: Role = Role.WORKFLOW_LEAD) -> str | None:
    return why_not_on_case(action, case, {role}, NOW)


@pytest.mark.parametrize("kind", [ISP, ASP])
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("role", Role)
def test_each_status_action_and_role_is_as_the_domain_says(status: str, role: Role, kind: str) -> None:
    """The permissions say who may at all, the life cycle whether now: together they are the domain's table."""
    case = facts(status, kind)
    assert {
        action: role in audience.roles() and why_not(action, case, role) is None
        for action, audience in CASE_ACTIONS.items()
    } == {action: allowed(action, status, kind, role.value) for action in POSSIBLE}


@pytest.mark.parametrize("kind", [ISP, ASP])
@pytest.mark.parametrize("status", STATUSES)
def test_what_is_possible_is_listed_with_who_may(status: str, kind: str) -> None:
    listed = {action: {role.value for role in who_may_on_case(action, facts(status, kind), NOW)} for action in POSSIBLE}
    assert {action: roles for action, roles in listed.items() if roles} == possible(status, kind)


def test_who_may_is_the_same_in_the_life_cycle_and_in_the_permissions() -> None:
    assert {action: move.who for action, move in CASE_MOVES.items()} == {
        action: set(audience.roles()) for action, audience in CASE_ACTIONS.items()
    }


def test_no_case_comes_from_one_status_to_another_but_as_the_domain_says() -> None:
    both = [(before, after) for before in CaseStatus for after in CaseStatus if may_become(before, after)]
    changed = {(before.value, after.value) for before, after in both}
    assert {pair for pair in changed if pair[0] != pair[1]} == {pair for pair in CHANGES if pair[0] != pair[1]}
    assert changed <= CHANGES


# What a move needs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["openCase", "resumeCase"])
def test_a_case_is_opened_and_resumed_with_a_manager_who_still_may(action: str) -> None:
    case = facts("PAUSED" if action == "resumeCase" else "PROVIDER_QUEUE")
    assert why_not(action, case) is None
    assert "assign one" in (why_not(action, replace(case, has_manager=False, manager_may=False)) or "")
    assert "assign another" in (why_not(action, replace(case, manager_may=False)) or "")


def test_whether_a_manager_still_may_is_not_judged_for_who_must_not_know() -> None:
    assert why_not("openCase", facts("PROVIDER_QUEUE", manager_may=None)) is None


@pytest.mark.parametrize(("tasks", "said"), [(1, "1 task is"), (2, "2 tasks are")])
def test_a_case_is_closed_without_an_open_task(tasks: int, said: str) -> None:
    assert said in (why_not("closeCase", facts("OPEN", open_tasks=tasks)) or "")


@pytest.mark.parametrize(("ago", "possible"), [(timedelta(days=30), True), (timedelta(days=30, seconds=1), False)])
def test_a_case_is_reopened_within_thirty_days(ago: timedelta, possible: bool) -> None:
    assert (why_not("reopenCase", facts("CLOSED", closed_at=NOW - ago)) is None) is possible


def test_a_case_is_not_reopened_against_another_active_one_nor_as_a_duplicate() -> None:
    assert "another active case" in (why_not("reopenCase", facts("CLOSED", other_active=True)) or "")
    assert "duplicate" in (why_not("reopenCase", facts("CLOSED", merged=True)) or "")


@pytest.mark.parametrize("kind", [ISP, ASP])
def test_only_the_administrator_hands_on_where_no_provider_follows(kind: str) -> None:
    case = facts("OPEN", kind, next_provider=False)
    assert why_not("transferCase", case, Role.WORKFLOW_LEAD) is not None
    assert who_may_on_case("transferCase", case, NOW) == (Role.MINISTRY_ADMINISTRATOR,)


def test_a_case_manager_of_an_attendance_service_is_told_who_hands_on() -> None:
    assert why_not("transferCase", facts("OPEN", ASP), Role.CASE_MANAGER) == (
        "At an attendance service, only Workflow Lead, Ministry Administrator may do this."
    )
    assert why_not_on_case("transferCase", facts("OPEN", ASP), {Role.CASE_MANAGER, Role.WORKFLOW_LEAD}, NOW) is None


def test_a_refusal_says_where_the_case_stands_and_where_it_would_be_possible() -> None:
    assert why_not("closeCase", facts("TRANSITION")) == (
        "The case is carried over and not yet opened; this is possible while it is open or paused."
    )
