"""Organisations, catchments and codes: the Ministry Administrator's alone, and cases follow what they go by."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from ascms.casework.ministry import CODE_SETS
from tests.contract.casework import TEN, count, do, done, messages, refused
from tests.contract.people import ADMINISTRATOR, ADVISER, ISP_WORKFLOW, LEAD
from tests.contract.world import global_id
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

SHOWN = "organisation { id number name kind status region catchment { id name } }"
MUTATIONS = {
    "saveOrganisation": {"number": "7001", "name": "x", "kind": "SCHOOL", "region": "Waikato"},
    "saveCatchment": {"name": "x"},
    "saveCode": {"codeSet": "barrier", "code": "X", "label": "x"},
}
SCHOOL = "20012"
"""A school with many cases, active and closed, all of its catchment's provider; nothing else here changes it."""


def organisation(server: DemoServer, number: str) -> str:
    return global_id(
        "Organisation", rows(server.database, "SELECT id FROM organisation WHERE number = :number", number=number)[0][0]
    )


def a_number(server: DemoServer) -> str:
    """A number that no organisation has."""
    (highest,) = rows(server.database, "SELECT max(CAST(number AS INTEGER)) FROM organisation")[0]
    return str(int(highest) + 1)


def cases_of(server: DemoServer, number: str) -> list[tuple[Any, ...]]:
    """Region, catchment and activity of each case of a school."""
    statement = """SELECT c.region, k.name, c.active FROM case_record c JOIN organisation o ON o.id = c.school_id
        LEFT JOIN catchment k ON k.id = c.catchment_id WHERE o.number = :number ORDER BY c.id"""
    return rows(server.database, statement, number=number)


def save(server: DemoServer, shown: str = SHOWN, **members: Any) -> Any:
    """The organisation as it is shown when it is saved."""
    return done(server, ADMINISTRATOR, "saveOrganisation", shown, **members)["organisation"]


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_only_the_administrator_may(changing: DemoServer, mutation: str) -> None:
    before = count(changing, "change_entry")
    for role, person in TEN.items():
        if role == "MINISTRY_ADMINISTRATOR":
            continue
        answer = do(changing, person, mutation, **MUTATIONS[mutation])
        assert answer.codes == ["FORBIDDEN"], role
        assert answer.errors[0]["extensions"]["visibleTo"] == ["MINISTRY_ADMINISTRATOR"]
    assert count(changing, "change_entry") == before
    assert do(changing, ADMINISTRATOR, mutation, **MUTATIONS[mutation]).data[mutation] == {"problems": []}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_each_is_in_the_change_log_and_done_once_with_its_key(changing: DemoServer, mutation: str) -> None:
    key, given = str(uuid4()), dict(MUTATIONS[mutation])
    given |= {"saveOrganisation": {"number": a_number(changing)}, "saveCatchment": {"name": key}}.get(mutation, {})
    before = count(changing, "change_entry")
    answers = [do(changing, ADMINISTRATOR, mutation, key=key, **given).body for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert count(changing, "change_entry") == before + 1
    assert rows(changing.database, "SELECT action FROM change_entry ORDER BY sequence DESC LIMIT 1") == [(mutation,)]


# Organisations -----------------------------------------------------------------------------------------------


def test_a_new_school_is_found_by_its_name_without_macrons(changing: DemoServer) -> None:
    number = a_number(changing)
    saved = save(changing, number=number, name=f"  Te Kura o Tāwhiti {number} ", kind="SCHOOL", region="Waikato")
    assert saved == {
        "id": saved["id"], "number": number, "name": f"Te Kura o Tāwhiti {number}", "kind": "SCHOOL", "status": "OPEN",
        "region": "Waikato", "catchment": None,
    }  # fmt: skip
    listed = f'{{ organisations(search: "TAWHITI {number}") {{ nodes {{ number }} }} }}'
    assert changing.ask(LEAD.email, listed).data["organisations"]["nodes"] == [{"number": number}]


def test_what_is_left_out_stays_as_it_is(changing: DemoServer) -> None:
    number = a_number(changing)
    catchment = global_id("Catchment", 1)
    made = save(changing, number=number, name="Before", kind="SCHOOL", region="Waikato", catchment=catchment)
    assert save(changing, id=made["id"], name="After") == {**made, "name": "After"}
    assert save(changing, id=made["id"], catchment=None) == {**made, "name": "After", "catchment": None}


def test_saving_what_is_there_already_changes_nothing(changing: DemoServer) -> None:
    before = count(changing, "change_entry")
    save(changing, id=organisation(changing, "1235"), number="1235", kind="SCHOOL", status="OPEN")
    assert count(changing, "change_entry") == before


def test_all_that_is_wrong_is_told_at_once(changing: DemoServer) -> None:
    assert refused(changing, ADMINISTRATOR, "saveOrganisation") == [
        ("INVALID", "kind"), ("INVALID", "number"), ("INVALID", "name"), ("INVALID", "region")
    ]  # fmt: skip
    given = {
        "number": "12x",
        "name": "x" * 301,
        "kind": "SCHOOL",
        "region": "Waikatoo",
        "catchment": "x",
        "school": "x",
    }
    assert refused(changing, ADMINISTRATOR, "saveOrganisation", **given) == [
        ("INVALID", member) for member in ("number", "name", "region", "catchment", "school")
    ]
    for identifier in ("x", "", global_id("Organisation", 99_999_999), global_id("Catchment", 1)):
        assert refused(changing, ADMINISTRATOR, "saveOrganisation", id=identifier, name="x") == [("NOT_FOUND", "id")]


def test_no_two_have_one_number(changing: DemoServer) -> None:
    given = {"number": "1234", "name": "Another", "kind": "SCHOOL", "region": "Waikato"}
    assert refused(changing, ADMINISTRATOR, "saveOrganisation", **given) == [("DUPLICATE", "number")]
    second = organisation(changing, "1235")
    assert refused(changing, ADMINISTRATOR, "saveOrganisation", id=second, number="1234") == [("DUPLICATE", "number")]


def test_what_it_is_stays(changing: DemoServer) -> None:
    second = organisation(changing, "1235")
    assert refused(changing, ADMINISTRATOR, "saveOrganisation", id=second, kind="MINISTRY") == [("INVALID", "kind")]


def test_an_in_school_provider_has_a_school_and_a_school_one_of_them(changing: DemoServer) -> None:
    made = save(changing, number=a_number(changing), name="Kura", kind="SCHOOL", region="Waikato")["id"]

    def provider(**school: str) -> dict[str, Any]:
        number = a_number(changing)
        return {"number": number, "name": "Kura ISP", "kind": "IN_SCHOOL_PROVIDER", "region": "Waikato", **school}

    assert refused(changing, ADMINISTRATOR, "saveOrganisation", **provider()) == [("INVALID", "school")]
    save(changing, **provider(school=made))
    assert refused(changing, ADMINISTRATOR, "saveOrganisation", **provider(school=made)) == [("DUPLICATE", "school")]
    service = organisation(changing, "5001")
    assert refused(changing, ADMINISTRATOR, "saveOrganisation", **provider(school=service)) == [("INVALID", "school")]
    second, first = organisation(changing, "1235"), organisation(changing, "1234")
    assert refused(changing, ADMINISTRATOR, "saveOrganisation", id=second, school=first) == [("INVALID", "school")]


def test_an_office_of_the_ministry_brings_in_its_region(changing: DemoServer) -> None:
    region = f"Rēkohu {a_number(changing)}"
    school = {"number": a_number(changing), "name": "Kura", "kind": "SCHOOL", "region": region}
    assert refused(changing, ADMINISTRATOR, "saveOrganisation", **school) == [("INVALID", "region")]
    save(changing, number=a_number(changing), name="Office", kind="MINISTRY", region=region)
    assert save(changing, **{**school, "number": a_number(changing)})["region"] == region


# What cases go by --------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(changing: DemoServer) -> Iterator[None]:
    """The test moves the school; afterwards it is back."""
    before = rows(changing.database, f"SELECT region, catchment_id FROM organisation WHERE number = '{SCHOOL}'")[0]
    yield
    back = {"region": before[0], "catchment": global_id("Catchment", before[1])}
    save(changing, id=organisation(changing, SCHOOL), **back)


@pytest.mark.usefixtures("elsewhere")
def test_a_schools_cases_follow_it_to_another_region(changing: DemoServer) -> None:
    listed = "{ cases(first: 1) { totalCount } }"
    before, regions = changing.ask(ADVISER.email, listed).data["cases"]["totalCount"], cases_of(changing, SCHOOL)
    save(changing, id=organisation(changing, SCHOOL), region="Waikato")
    assert [region for region, _, _ in cases_of(changing, SCHOOL)] == ["Waikato"] * len(regions)
    protected = """SELECT count(*) FROM case_record c JOIN organisation o ON o.id = c.school_id
        JOIN student s ON s.id = c.student_id WHERE o.number = :number AND s.protected"""
    hidden = rows(changing.database, protected, number=SCHOOL)[0][0]
    assert changing.ask(ADVISER.email, listed).data["cases"]["totalCount"] == before + len(regions) - hidden


@pytest.mark.usefixtures("elsewhere")
def test_a_schools_active_cases_count_to_its_catchment_where_their_provider_serves_it(changing: DemoServer) -> None:
    provider = """SELECT p.number FROM case_record c JOIN organisation p ON p.id = c.provider_id
        JOIN organisation s ON s.id = c.school_id WHERE s.number = :number AND c.active GROUP BY p.number
        ORDER BY count(*) DESC"""
    served_by = rows(changing.database, provider, number=SCHOOL)[0][0]
    before = cases_of(changing, SCHOOL)
    name = f"North of it {a_number(changing)}"
    shown = "catchment { id name }"
    made = done(changing, ADMINISTRATOR, "saveCatchment", shown, name=name)["catchment"]
    save(changing, id=organisation(changing, SCHOOL), catchment=made["id"])
    assert cases_of(changing, SCHOOL) == before  # nobody serves it yet, so they count to their provider's own
    given = {"id": made["id"], "provider": organisation(changing, served_by)}
    assert done(changing, ADMINISTRATOR, "saveCatchment", shown, **given)["catchment"] == made
    save(changing, id=organisation(changing, SCHOOL), catchment=None)
    save(changing, id=organisation(changing, SCHOOL), catchment=made["id"])
    after = cases_of(changing, SCHOOL)
    assert {catchment for _, catchment, active in after if active} == {name}
    assert [case for case in after if not case[2]] == [case for case in before if not case[2]]


@pytest.mark.parametrize("number", ["1234", "78912", "5001"])
def test_what_has_active_cases_is_not_closed_and_how_many_is_not_told(changing: DemoServer, number: str) -> None:
    given = {"id": organisation(changing, number), "status": "CLOSED", "name": "Not saved either"}
    (message,) = messages(changing, ADMINISTRATOR, "saveOrganisation", **given)
    assert message == "It has active cases; close or transfer them first."
    assert rows(changing.database, f"SELECT count(*) FROM organisation WHERE name = '{given['name']}'") == [(0,)]


def test_what_serves_a_catchment_is_not_closed_until_another_does(changing: DemoServer) -> None:
    def provider() -> str:
        given = {"name": "Ratonga", "kind": "ATTENDANCE_SERVICE_PROVIDER", "region": "Waikato"}
        return str(save(changing, number=a_number(changing), **given)["id"])

    first, second = provider(), provider()
    name = f"South of it {a_number(changing)}"
    made = done(changing, ADMINISTRATOR, "saveCatchment", "catchment { id }", name=name, provider=first)["catchment"]
    (message,) = messages(changing, ADMINISTRATOR, "saveOrganisation", id=first, status="CLOSED")
    assert name in message
    done(changing, ADMINISTRATOR, "saveCatchment", id=made["id"], provider=second)
    assert save(changing, id=first, status="CLOSED")["status"] == "CLOSED"
    assert refused(changing, ADMINISTRATOR, "saveCatchment", id=made["id"], provider=first) == [("INVALID", "provider")]


def test_nobody_closes_the_organisation_they_act_for(changing: DemoServer) -> None:
    own = changing.ask(ADMINISTRATOR.email, "{ viewer { actingFor { id } } }").data["viewer"]["actingFor"]["id"]
    (message,) = messages(changing, ADMINISTRATOR, "saveOrganisation", id=own, status="CLOSED")
    assert message.startswith("You act for it now")


def test_roles_at_a_closed_organisation_have_no_effect_until_it_is_open_again(changing: DemoServer) -> None:
    school = "20022"
    execute(
        changing.database,
        "INSERT INTO role_assignment (user_id, organisation_id, role, granted_at, approved_at) "
        "SELECT u.id, o.id, 'ATTENDANCE_LEAD', max(c.opened_at), max(c.opened_at) "
        "FROM user_account u, organisation o, case_record c "
        f"WHERE u.username = '{ISP_WORKFLOW.email}' AND o.number = '{school}' GROUP BY u.id, o.id",
    )
    asked = "{ viewer { roles missing } }"
    assert changing.ask(ISP_WORKFLOW.email, asked, organisation=school).data["viewer"]["roles"] == ["ATTENDANCE_LEAD"]
    save(changing, id=organisation(changing, school), status="CLOSED")
    closed = changing.ask(ISP_WORKFLOW.email, asked, organisation=school).data["viewer"]
    assert closed["roles"] == []
    assert "is closed" in closed["missing"][0]
    save(changing, id=organisation(changing, school), status="OPEN")
    assert changing.ask(ISP_WORKFLOW.email, asked, organisation=school).data["viewer"]["roles"] == ["ATTENDANCE_LEAD"]


# Catchments --------------------------------------------------------------------------------------------------


def test_a_catchment_is_named_anew_and_no_two_are_called_alike(changing: DemoServer) -> None:
    name = f"Kōpū {a_number(changing)} {uuid4()}"
    shown = "catchment { id name }"
    made = done(changing, ADMINISTRATOR, "saveCatchment", shown, name=name)["catchment"]
    assert made["name"] == name
    assert refused(changing, ADMINISTRATOR, "saveCatchment", name=name) == [("DUPLICATE", "name")]
    again = done(changing, ADMINISTRATOR, "saveCatchment", shown, id=made["id"], name=f"{name}, Thames")["catchment"]
    assert again == {"id": made["id"], "name": f"{name}, Thames"}
    assert refused(changing, ADMINISTRATOR, "saveCatchment") == [("INVALID", "name")]
    assert refused(changing, ADMINISTRATOR, "saveCatchment", id="x", name="y") == [("NOT_FOUND", "id")]
    for number in ("1234", "78912", "9001"):
        given = {"id": made["id"], "provider": organisation(changing, number)}
        assert refused(changing, ADMINISTRATOR, "saveCatchment", **given) == [("INVALID", "provider")]


# Codes -------------------------------------------------------------------------------------------------------


def test_the_sets_are_those_that_are_there(changing: DemoServer) -> None:
    assert rows(changing.database, "SELECT DISTINCT code_set FROM code ORDER BY code_set") == [
        (name,) for name in sorted(CODE_SETS)
    ]


def test_a_code_may_be_chosen_until_it_is_no_longer_current(changing: DemoServer) -> None:
    entry = {"codeSet": "pause_reason", "code": "FLOOD_2", "label": "Waipuke"}
    shown = "entry { codeSet code label current }"
    assert done(changing, ADMINISTRATOR, "saveCode", shown, **entry)["entry"] == {**entry, "current": True}
    pause = {"number": "00307414", "reason": "FLOOD_2", "reviewOn": "2099-01-01"}
    version = rows(changing.database, "SELECT version FROM case_record WHERE number = '00307414'")[0][0]
    renamed = {**entry, "label": "Waipuke nui", "current": False}
    assert done(changing, ADMINISTRATOR, "saveCode", shown, **renamed)["entry"] == renamed
    assert refused(changing, ISP_WORKFLOW, "pauseCase", expectedVersion=version, **pause) == [("INVALID", "reason")]
    done(changing, ADMINISTRATOR, "saveCode", **entry)
    case = "case { statusReason { code name } }"
    paused = done(changing, ISP_WORKFLOW, "pauseCase", case, expectedVersion=version, **pause)["case"]
    assert paused["statusReason"] == {"code": "FLOOD_2", "name": "Waipuke"}


def test_what_is_no_code_is_refused(changing: DemoServer) -> None:
    given = {"codeSet": "weather", "code": "lower case", "label": " "}
    assert refused(changing, ADMINISTRATOR, "saveCode", **given) == [
        ("INVALID", "codeSet"), ("INVALID", "code"), ("INVALID", "label")
    ]  # fmt: skip


# What it leaves behind ---------------------------------------------------------------------------------------


def test_after_all_this_both_logs_are_sound(changing: DemoServer) -> None:
    save(changing, number=a_number(changing), name="Kura", kind="SCHOOL", region="Waikato")
    entries = count(changing, "change_entry")
    verified = subprocess.run(
        [sys.executable, "-m", "ascms.cli", "audit", "verify", "--database", changing.database],
        cwd=changing.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
    told = verified.stdout.splitlines()
    assert f"The change log with {entries:,} {'entry' if entries == 1 else 'entries'} checked." in told
    assert told[-1] == "The log is sound."
    assert not [line for line in told if "changes" in line]
