"""Service-level clocks over HTTP, against the days counted one by one from the database's own rows."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ascms.casework.calendar import is_working_day
from tests.contract.world import Row, World, read_world
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

ZONE = ZoneInfo("Pacific/Auckland")
DAY = timedelta(days=1)
WATCHERS = (
    "workflow@test-college-isp.school.nz",
    "workflow@waikato-attendance.nz",
    "manager@waikato-attendance.nz",
    "adviser@ministry.nz",
)
WORKFLOW = WATCHERS[0]
LEVELS = "serviceLevels { kind workingDays dueOn metAt state version }"
CASES = f"{{ cases(first: 100) {{ nodes {{ number {LEVELS} }} }} }}"
CASE = f"query Case($number: String!) {{ case(number: $number) {{ status version {LEVELS} }} }}"
PAUSE = "mutation Pause($input: PauseCaseInput!) { pauseCase(input: $input) { problems { message } } }"
MILESTONES = {"ASSIGN": "assigned_at", "FIRST_CONTACT": "first_contact_at", "PLAN": "planned_at"}


def nz(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()


def expected(world: World, case: Row, now: datetime) -> list[dict[str, Any]]:
    """The clocks of a case, walking from day to day."""
    region = world.get("organisation", case.provider_id).region  # type: ignore[union-attr]
    targets = {row.kind: row.working_days for row in world.of("service_level_target", "version", case.target_version)}
    changes = sorted(world.of("case_status_change", "case_id", case.id), key=lambda row: (row.changed_at, row.id))
    judged = case.closed_at or now
    levels = []
    for kind, milestone in MILESTONES.items():
        if kind not in targets:
            continue
        met_at = getattr(case, milestone)
        until = met_at or judged
        still: set[date] = set()
        for number, change in enumerate(changes):
            later = changes[number + 1].changed_at if number + 1 < len(changes) else until
            if change.to_status == "PAUSED" and change.changed_at <= until:
                days = (nz(min(later, until)) - nz(change.changed_at)).days
                still |= {nz(change.changed_at) + number * DAY for number in range(days + 1)}
        day, left = nz(case.opened_at), targets[kind]
        while left:
            day += DAY
            left -= is_working_day(day, region) and day not in still
        if met_at is not None:
            state = "MET" if nz(met_at) <= day else "MISSED"
        elif case.closed_at is not None:
            state = "ENDED" if nz(judged) <= day else "MISSED"
        else:
            state = "OVERDUE" if nz(now) > day else "PAUSED" if case.status == "PAUSED" else "RUNNING"
        levels.append(
            {"kind": kind, "workingDays": targets[kind], "dueOn": day.isoformat(), "state": state,
             "version": case.target_version, "metAt": met_at and met_at.astimezone(UTC)}
        )  # fmt: skip
    return levels


def shown(levels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**level, "metAt": level["metAt"] and datetime.fromisoformat(level["metAt"])} for level in levels]


@pytest.mark.parametrize("email", WATCHERS)
def test_every_clock_of_every_case_is_what_its_days_come_to(server: DemoServer, email: str) -> None:
    world = read_world(server.database)
    today = nz(datetime.now(UTC))
    cases = server.ask(email, CASES).data["cases"]["nodes"]
    assert nz(datetime.now(UTC)) == today, "midnight passed meanwhile; run it again"
    assert cases
    for case in cases:
        row = world.one("case_record", "number", case["number"])
        assert shown(case["serviceLevels"]) == expected(world, row, datetime.now(UTC)), case["number"]


def test_the_demo_has_clocks_of_most_kinds(server: DemoServer) -> None:
    world = read_world(server.database)
    found = {level["state"] for row in world.all("case_record") for level in expected(world, row, datetime.now(UTC))}
    assert found >= {"MET", "MISSED", "OVERDUE", "ENDED"}


def test_a_case_that_was_carried_over_has_no_clocks(server: DemoServer) -> None:
    case = server.ask("adviser@ministry.nz", CASE, {"number": "00206415"}).data["case"]
    assert (case["status"], case["serviceLevels"]) == ("TRANSITION", [])


def opened_now(changing: DemoServer, number: str, target_version: str) -> None:
    """Have the case be opened today, with nothing reached but a manager, and judged by these targets."""
    moment = datetime.now(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    execute(
        changing.database,
        f"UPDATE case_record SET opened_at = '{moment}', first_contact_at = NULL, planned_at = NULL, "
        f"target_version = '{target_version}' WHERE number = '{number}'",
        f"UPDATE case_status_change SET changed_at = '{moment}' "
        f"WHERE case_id = (SELECT id FROM case_record WHERE number = '{number}')",
    )


def an_open_case(changing: DemoServer) -> str:
    answer = changing.ask(WORKFLOW, "{ cases(where: {status: {eq: OPEN}}) { nodes { number } } }")
    number: str = answer.data["cases"]["nodes"][-1]["number"]
    return number


def clocks(changing: DemoServer, number: str) -> dict[str, dict[str, Any]]:
    answer = changing.ask(WORKFLOW, CASE, {"number": number})
    return {level["kind"]: level for level in answer.data["case"]["serviceLevels"]}


def test_new_targets_judge_the_cases_opened_under_them_and_no_earlier_ones(changing: DemoServer) -> None:
    number = an_open_case(changing)
    opened_now(changing, number, "2026-01")
    before = clocks(changing, number)
    execute(
        changing.database,
        "INSERT INTO service_level_target (version, kind, working_days, valid_from) "
        "SELECT '2026-07', kind, working_days + 1, '2026-07-01' FROM service_level_target WHERE version = '2026-01'",
    )
    assert clocks(changing, number) == before
    opened_now(changing, number, "2026-07")
    after = clocks(changing, number)
    assert {kind: level["workingDays"] for kind, level in after.items()} == {
        kind: level["workingDays"] + 1 for kind, level in before.items()
    }
    assert {level["version"] for level in after.values()} == {"2026-07"}


def test_pausing_a_case_stops_what_was_not_reached_and_the_statement_that_pauses_shows_it(
    changing: DemoServer,
) -> None:
    number = an_open_case(changing)
    opened_now(changing, number, "2026-01")
    assert {level["state"] for kind, level in clocks(changing, number).items() if kind != "ASSIGN"} == {"RUNNING"}
    version = changing.ask(WORKFLOW, CASE, {"number": number}).data["case"]["version"]
    given = {"number": number, "expectedVersion": version, "reason": "UNWELL", "reviewOn": "2099-01-01"}
    assert changing.ask(WORKFLOW, PAUSE, {"input": given}).data["pauseCase"] == {"problems": []}
    states = {kind: level["state"] for kind, level in clocks(changing, number).items()}
    assert states == {"ASSIGN": "MET", "FIRST_CONTACT": "PAUSED", "PLAN": "PAUSED"}
    history = "SELECT count(*) FROM case_status_change WHERE to_status = 'PAUSED' AND case_id = "
    assert rows(changing.database, f"{history}(SELECT id FROM case_record WHERE number = '{number}')") == [(1,)]
