"""People come, get roles, are trained, and go: what each step needs, what it leaves, and from when it counts."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.contract.accounts import (
    MINISTRY,
    SHOWN,
    a_school,
    approvals,
    at_once,
    history,
    logged,
    roles,
    somebody,
    state,
    thrice,
    user,
    viewer,
)
from tests.contract.case_rows import ASP, ISP, everything, make, organisation, user_key
from tests.contract.casework import column, do, done, messages, refused, seen
from tests.contract.oracle import Person
from tests.contract.people import ADMINISTRATOR, AUTHORISER, ISP_WORKFLOW, LEAD, OFFICE
from tests.contract.world import global_id
from tests.support.live import signed_in
from tests.support.server import DemoServer
from tests.support.sql import rows

DEPUTY = Person("deputy@test-college.school.nz")
ISP_AUTHORISER = Person("authoriser@test-college-isp.school.nz")
ASP_AUTHORISER = Person("authoriser@waikato-attendance.nz")
INVITED = "user { id displayName email username phone assignments { role approved } } assignment { role approved }"


# Coming ------------------------------------------------------------------------------------------------------


def test_an_authoriser_brings_somebody_in_who_signs_in_and_works(changing: DemoServer) -> None:
    given = {"email": " Aroha.Ngata@Example.nz ", "givenName": "Aroha", "surname": "Ngāta", "phone": "07 1"}
    done = thrice(changing, AUTHORISER, "inviteUser", INVITED, role="OFFICE_SUPPORT", **given)
    held = {"role": "OFFICE_SUPPORT", "approved": True}
    assert done["user"] == {
        "id": done["user"]["id"], "displayName": "Aroha Ngāta", "email": "aroha.ngata@example.nz",
        "username": "aroha.ngata@example.nz", "phone": "07 1", "assignments": [held],
    }  # fmt: skip
    assert done["assignment"] == held
    found = rows(changing.database, "SELECT id, subject FROM user_account WHERE username = 'aroha.ngata@example.nz'")
    assert [subject for _, subject in found] == [None]
    aroha = Person("aroha.ngata@example.nz", "1234")
    assert roles(changing, aroha) == ["OFFICE_SUPPORT"]
    assert history(changing, aroha) == [
        "Role granted: School Office Support at Test College (1234)",
        "Account created by Test College (1234)",
    ]
    assert rows(changing.database, "SELECT subject FROM user_account WHERE id = :key", key=found[0][0]) != [(None,)]
    assert changing.ask(aroha.email, "{ cases { totalCount } }").data["cases"]["totalCount"] > 0


def test_an_invitation_is_an_e_mail_to_write_once_that_names_nobody(changing: DemoServer) -> None:
    school = a_school(changing)
    letters = "SELECT payload FROM outbox_message WHERE topic = 'invitation' ORDER BY id"
    before = len(rows(changing.database, letters))
    person = somebody(changing, "ATTENDANCE_LEAD", school)
    done(changing, ADMINISTRATOR, "assignRole", user=user(changing, person), role="PRIMARY_CONTACT",
         organisation=organisation(changing, school))  # fmt: skip
    sent = rows(changing.database, letters)[before:]
    assert len(sent) == 1
    assert person.email not in str(sent)
    assert str(user_key(changing, person.email)) in str(sent)


def test_the_administrator_brings_in_an_organisations_first_people_and_they_the_others(changing: DemoServer) -> None:
    school = a_school(changing)
    first = somebody(changing, "DELEGATED_AUTHORISER", school)
    assert (roles(changing, first), viewer(changing, first, "missing")["missing"]) == (["DELEGATED_AUTHORISER"], [])
    second = somebody(changing, "ATTENDANCE_LEAD", school, by=first)
    assert roles(changing, second) == ["ATTENDANCE_LEAD"]
    assert refused(
        changing, ADMINISTRATOR, "inviteUser", email="a@example.nz", displayName="A", role="CASE_MANAGER"
    ) == [("INVALID", "organisation")]


@pytest.mark.parametrize(
    ("given", "at_fault"),
    [
        ({"email": "nobody"}, ["email"]),
        ({"email": "two@example.nz, three@example.nz"}, ["email"]),
        ({"email": "a@example.nz\nBcc: b@example.nz"}, ["email"]),
        ({"email": "kelvin@\u212aura.nz"}, ["email"]),
        ({"email": "a" * 250 + "@example.nz"}, ["email"]),
        ({"displayName": "  "}, ["displayName"]),
        ({"displayName": None, "surname": "a" * 301, "phone": "0" * 301}, ["surname", "phone"]),
        ({"email": "", "displayName": ""}, ["email", "displayName"]),
        ({"role": "WORKFLOW_LEAD"}, ["role"]),
        ({"role": "MINISTRY_ADMINISTRATOR"}, ["role"]),
        ({"role": "PRIVACY_OFFICER"}, ["role"]),
    ],
)
def test_what_is_wrong_with_an_invitation_is_told_at_once_and_nothing_is_made(
    changing: DemoServer, given: dict[str, Any], at_fault: list[str]
) -> None:
    before = state(changing, AUTHORISER)
    members = {"email": "fine@example.nz", "displayName": "Fine", "role": "OFFICE_SUPPORT", **given}
    assert refused(changing, AUTHORISER, "inviteUser", **members) == [("INVALID", name) for name in at_fault]
    assert everything(changing) == before


# Roles -------------------------------------------------------------------------------------------------------


def test_a_role_counts_from_the_next_request_on_with_the_old_token(changing: DemoServer) -> None:
    person = somebody(changing, "OFFICE_SUPPORT", "1234", by=AUTHORISER)
    number = make(changing, "PROVIDER_QUEUE").number
    assert seen(changing, person, number, "student { ethnicities { code } }")["student"] == {"ethnicities": None}
    thrice(changing, AUTHORISER, "assignRole", SHOWN, user=user(changing, person), role="ATTENDANCE_LEAD")
    assert roles(changing, person) == ["ATTENDANCE_LEAD", "OFFICE_SUPPORT"]
    assert seen(changing, person, number, "student { ethnicities { code } }")["student"] == {"ethnicities": []}
    for role in ("ATTENDANCE_LEAD", "OFFICE_SUPPORT"):
        thrice(changing, AUTHORISER, "removeRole", "user { id }", user=user(changing, person), role=role)
    assert roles(changing, person) == []
    answer = changing.ask(person.email, f'{{ case(number: "{number}") {{ number }} }}', organisation="1234")
    assert answer.codes == ["FORBIDDEN"]
    assert history(changing, person)[:3] == [
        "Role removed: School Office Support at Test College (1234)",
        "Role removed: Attendance Lead at Test College (1234)",
        "Role granted: Attendance Lead at Test College (1234)",
    ]


def test_who_is_no_longer_of_the_organisation_is_no_longer_shown_to_its_authoriser(changing: DemoServer) -> None:
    person = somebody(changing, "OFFICE_SUPPORT", "1234", by=AUTHORISER)
    key = user(changing, person)
    assert done(changing, AUTHORISER, "removeRole", "user { id }", user=key, role="OFFICE_SUPPORT")["user"] is None
    assert refused(changing, AUTHORISER, "assignRole", user=key, role="OFFICE_SUPPORT") == [("NOT_FOUND", "user")]
    where = organisation(changing, "1234")
    back = done(changing, ADMINISTRATOR, "assignRole", SHOWN, user=key, role="OFFICE_SUPPORT", organisation=where)
    assert back["user"]["email"] == person.email


@pytest.mark.parametrize(
    ("at", "role"),
    [
        ("1234", "CASE_MANAGER"),
        (ISP, "ATTENDANCE_LEAD"),
        (MINISTRY, "WORKFLOW_LEAD"),
        (ASP, "MINISTRY_ANALYST"),
        (ASP, "MINISTRY_ADMINISTRATOR"),
    ],
)
def test_a_role_fits_the_kind_of_the_organisation(changing: DemoServer, at: str, role: str) -> None:
    before = state(changing, ADMINISTRATOR)
    given = {"user": user(changing, LEAD), "role": role, "organisation": organisation(changing, at)}
    assert refused(changing, ADMINISTRATOR, "assignRole", **given) == [("INVALID", "role")]
    assert everything(changing) == before


def test_a_role_is_held_once_and_a_closed_organisation_gives_none(changing: DemoServer) -> None:
    school = a_school(changing)
    person = somebody(changing, "DELEGATED_AUTHORISER", school)
    where = organisation(changing, school)
    given = {"user": user(changing, person), "organisation": where}
    again = refused(changing, ADMINISTRATOR, "assignRole", role="DELEGATED_AUTHORISER", **given)
    assert again == [("DUPLICATE", "role")]
    named = {"email": person.email, "displayName": "Again", "role": "DELEGATED_AUTHORISER"}
    assert refused(changing, person, "inviteUser", **named) == [("DUPLICATE", "role")]
    done(changing, ADMINISTRATOR, "saveOrganisation", id=where, status="CLOSED")
    closed = refused(changing, ADMINISTRATOR, "assignRole", role="ATTENDANCE_LEAD", **given)
    assert closed == [("NOT_POSSIBLE_NOW", "organisation")]


def test_two_who_give_the_same_role_at_once_give_it_once(changing: DemoServer) -> None:
    person = somebody(changing, "OFFICE_SUPPORT", "1234")
    given = {"user": user(changing, person), "role": "ATTENDANCE_LEAD"}
    answers = at_once(
        lambda: refused(changing, AUTHORISER, "assignRole", **given),
        lambda: refused(changing, DEPUTY, "assignRole", **given),
    )
    assert sorted(answers) == [[], [("DUPLICATE", "role")]]


def test_two_who_invite_the_same_person_at_once_make_one_account(changing: DemoServer) -> None:
    given = {"email": "wanted.twice@example.nz", "displayName": "Wanted Twice"}
    answers = at_once(
        lambda: refused(changing, AUTHORISER, "inviteUser", role="OFFICE_SUPPORT", **given),
        lambda: refused(changing, ISP_AUTHORISER, "inviteUser", role="CASE_MANAGER", **given),
    )
    assert answers == [[], []]
    made = "SELECT count(*) FROM user_account WHERE username = 'wanted.twice@example.nz'"
    assert rows(changing.database, made) == [(1,)]
    assert roles(changing, Person("wanted.twice@example.nz", "1234")) == ["OFFICE_SUPPORT"]


# Going -------------------------------------------------------------------------------------------------------


def test_the_cases_of_a_manager_who_goes_wait_in_the_queue_and_the_lead_is_told(changing: DemoServer) -> None:
    manager = somebody(changing, "CASE_MANAGER", ISP)
    case = make(changing, "OPEN", manager=manager.email)
    assert seen(changing, manager, case.number, "status")["status"] == "OPEN"
    thrice(changing, ISP_AUTHORISER, "removeRole", user=user(changing, manager), role="CASE_MANAGER")
    assert (column(changing, case.number, "status"), column(changing, case.number, "case_manager_id")) == (
        "PROVIDER_QUEUE", None,
    )  # fmt: skip
    alerts = viewer(changing, ISP_WORKFLOW, "alerts(first: 5) { nodes { kind case { number } } }")["alerts"]["nodes"]
    assert {"kind": "RETURNED_TO_QUEUE", "case": {"number": case.number}} in alerts


def test_a_contact_who_gives_up_the_role_is_contact_no_longer_unless_another_role_lets_them(
    changing: DemoServer,
) -> None:
    person = somebody(changing, "PRIMARY_CONTACT", "1234", by=AUTHORISER)
    case = make(changing, "PROVIDER_QUEUE", contact=person.email)
    where = organisation(changing, "1234")
    done(changing, AUTHORISER, "assignRole", user=user(changing, person), role="ATTENDANCE_LEAD")
    left = thrice(changing, person, "leaveRole", "organisation { number }", role="PRIMARY_CONTACT", organisation=where)
    assert left["organisation"] == {"number": "1234"}
    assert column(changing, case.number, "primary_contact_id") == user_key(changing, person.email)
    done(changing, person, "leaveRole", role="ATTENDANCE_LEAD", organisation=where)
    assert column(changing, case.number, "primary_contact_id") is None


async def test_a_role_that_is_taken_ends_what_is_open(changing: DemoServer) -> None:
    lead = await asyncio.to_thread(somebody, changing, "WORKFLOW_LEAD", ISP)
    key = await asyncio.to_thread(user, changing, lead)
    token = await asyncio.to_thread(changing.token, lead.email, ISP)
    assert token
    async with signed_in(changing, lead.email, ISP) as socket:
        queue = await socket.subscribe("subscription { queueChanged { what case { number } } }")
        await asyncio.to_thread(lambda: done(changing, ISP_AUTHORISER, "removeRole", user=key, role="WORKFLOW_LEAD"))
        (error,) = await socket.error(queue)
        assert error["extensions"]["code"] == "FORBIDDEN"


def test_anyone_leaves_anywhere_with_no_role_in_effect_too(changing: DemoServer) -> None:
    person = somebody(changing, "CASE_MANAGER", ASP, trained=False)
    assert roles(changing, person) == []
    where, elsewhere = organisation(changing, ASP), organisation(changing, ISP)
    given = {"role": "CASE_MANAGER", "organisation": elsewhere}
    assert refused(changing, person, "leaveRole", **given) == [("NOT_FOUND", "role")]
    thrice(changing, person, "leaveRole", "organisation { number }", role="CASE_MANAGER", organisation=where)
    assert history(changing, person)[0] == "Role given up: Case Manager at Waikato Attendance Service (5001)"
    never = {"role": "CASE_MANAGER", "organisation": "b3JnOjE"}
    assert refused(changing, person, "leaveRole", **never) == [("NOT_FOUND", "role")]


def test_one_leaves_another_organisation_than_the_one_acted_for(changing: DemoServer) -> None:
    person = somebody(changing, "OFFICE_SUPPORT", "1234")
    given = {"user": user(changing, person), "role": "PRIMARY_CONTACT", "organisation": organisation(changing, "1235")}
    done(changing, ADMINISTRATOR, "assignRole", **given)
    done(changing, person, "leaveRole", role="PRIMARY_CONTACT", organisation=given["organisation"])
    assert [
        one["organisation"]["number"]
        for one in viewer(changing, person, "contexts { organisation { number } }")["contexts"]
    ] == ["1234"]


def test_one_leaves_with_a_token_that_acts_for_nobody_any_more(changing: DemoServer) -> None:
    """The token is for a school where the role was taken; the cases of the other organisation go back all the same."""
    person = somebody(changing, "CASE_MANAGER", ISP)
    given = {"user": user(changing, person), "role": "OFFICE_SUPPORT", "organisation": organisation(changing, "1234")}
    done(changing, ADMINISTRATOR, "assignRole", **given)
    at_school = Person(person.email, "1234")
    assert roles(changing, at_school) == ["OFFICE_SUPPORT"]
    case = make(changing, "OPEN", manager=person.email)
    done(changing, ADMINISTRATOR, "removeRole", **given)
    assert viewer(changing, at_school, "actingFor { number }") == {"actingFor": None}
    thrice(changing, at_school, "leaveRole", role="CASE_MANAGER", organisation=organisation(changing, ISP))
    assert column(changing, case.number, "status") == "PROVIDER_QUEUE"


def test_an_organisation_keeps_its_last_authoriser(changing: DemoServer) -> None:
    school = a_school(changing)
    where = organisation(changing, school)
    last = somebody(changing, "DELEGATED_AUTHORISER", school)
    done(changing, last, "assignRole", user=user(changing, last), role="ATTENDANCE_LEAD")
    own = {"role": "DELEGATED_AUTHORISER", "organisation": where}
    taken = {"user": user(changing, last), **own}
    before = state(changing, last, ADMINISTRATOR)
    for person, mutation, given in (
        (last, "leaveRole", own),
        (last, "removeRole", taken),
        (ADMINISTRATOR, "removeRole", taken),
    ):
        answer = do(changing, person, mutation, **given)
        (problem,) = answer.data[mutation]["problems"]
        assert problem["code"] == "NOT_POSSIBLE_NOW"
        assert [one["action"] for one in problem["possible"]] == ["assignRole", "inviteUser"]
    assert everything(changing) == before
    other = somebody(changing, "DELEGATED_AUTHORISER", school, by=last)
    done(changing, last, "leaveRole", **own)
    assert messages(changing, other, "leaveRole", **own) == [
        f"This is the last Delegated Authoriser of School {school} ({school}); give the role to another person first."
    ]


def test_who_only_waits_to_be_an_authoriser_does_not_count_as_one(changing: DemoServer) -> None:
    school = a_school(changing)
    last = somebody(changing, "DELEGATED_AUTHORISER", school)
    where = organisation(changing, school)
    done(changing, ADMINISTRATOR, "assignRole", user=user(changing, ADMINISTRATOR), role="DELEGATED_AUTHORISER",
         organisation=where)  # fmt: skip
    own = {"role": "DELEGATED_AUTHORISER", "organisation": where}
    assert [code for code, _ in refused(changing, last, "leaveRole", **own)] == ["NOT_POSSIBLE_NOW"]
    done(changing, ADMINISTRATOR, "leaveRole", **own)


def test_what_only_waits_may_be_given_up_where_there_is_no_authoriser_at_all(changing: DemoServer) -> None:
    own = {"role": "DELEGATED_AUTHORISER", "organisation": organisation(changing, a_school(changing))}
    done(changing, ADMINISTRATOR, "assignRole", user=user(changing, ADMINISTRATOR), **own)
    done(changing, ADMINISTRATOR, "leaveRole", **own)


@pytest.mark.parametrize("attempt", range(4))
def test_two_authorisers_who_take_each_other_away_at_once_leave_one(changing: DemoServer, attempt: int) -> None:
    school = a_school(changing)
    where = organisation(changing, school)
    pair = [somebody(changing, "DELEGATED_AUTHORISER", school) for _ in range(2)]
    for person in pair:
        changing.token(person.email, school)
    own = {"role": "DELEGATED_AUTHORISER", "organisation": where}
    if attempt % 2:
        answers = at_once(*(lambda who=who: refused(changing, who, "leaveRole", **own) for who in pair))
    else:
        keys = [user(changing, person) for person in reversed(pair)]
        answers = at_once(
            *(
                lambda who=who, key=key: do(changing, who, "removeRole", user=key, **own)
                for who, key in zip(pair, keys, strict=True)
            )
        )
        answers = [answer.data["removeRole"] and answer.data["removeRole"]["problems"] for answer in answers]
    held = """SELECT count(*) FROM role_assignment a JOIN organisation o ON o.id = a.organisation_id
        WHERE o.number = :number AND a.role = 'DELEGATED_AUTHORISER' AND a.ended_at IS NULL"""
    assert rows(changing.database, held, number=school) == [(1,)]
    assert sorted(answer == [] for answer in answers) == [False, True]


# Training ----------------------------------------------------------------------------------------------------


def test_a_providers_role_takes_effect_with_the_training_at_the_next_request(changing: DemoServer) -> None:
    person = somebody(changing, "CASE_MANAGER", ASP, by=ASP_AUTHORISER, trained=False)
    assert roles(changing, person) == []
    assert "until the mandatory training is completed" in viewer(changing, person, "missing")["missing"][0]
    given = {"user": user(changing, person), "completedOn": "2026-03-02"}
    done = thrice(changing, ASP_AUTHORISER, "recordTraining", "user { trainingCompletedAt }", **given)
    assert done["user"]["trainingCompletedAt"] == "2026-03-01T23:00:00Z"
    assert roles(changing, person) == ["CASE_MANAGER"]
    assert viewer(changing, person, "missing")["missing"] == []
    assert history(changing, person)[0] == "Training recorded as completed on 2 March 2026"
    certified = "SELECT training_certified_by_id FROM user_account WHERE id = :key"
    by = rows(changing.database, certified, key=user_key(changing, person.email))
    assert by == [(user_key(changing, ASP_AUTHORISER.email),)]


def test_the_same_day_again_changes_nothing_and_another_one_corrects_it(changing: DemoServer) -> None:
    person = somebody(changing, "CASE_MANAGER", ASP, trained=False)
    given = {"user": user(changing, person), "completedOn": "2026-03-02"}
    done(changing, ASP_AUTHORISER, "recordTraining", **given)
    entries = logged(changing)
    done(changing, ASP_AUTHORISER, "recordTraining", **given)
    assert logged(changing) == entries
    done(changing, ASP_AUTHORISER, "recordTraining", **{**given, "completedOn": "2026-03-03"})
    assert logged(changing) == entries + 1


@pytest.mark.parametrize("day", ["2999-01-01", "2001-01-01", "0001-01-01", "9999-12-31"])
def test_a_training_was_not_tomorrow_nor_long_ago(changing: DemoServer, day: str) -> None:
    person = somebody(changing, "CASE_MANAGER", ASP, trained=False)
    given = {"user": user(changing, person), "completedOn": day}
    assert refused(changing, ASP_AUTHORISER, "recordTraining", **given) == [("INVALID", "completedOn")]


# The plain execution -----------------------------------------------------------------------------------------


def test_plain_execution_shows_the_same_payloads(world_url: str, tmp_path: Path) -> None:
    with DemoServer(world_url, tmp_path, execution="plain") as server:
        person = somebody(server, "OFFICE_SUPPORT", "1234", by=AUTHORISER)
        key = user(server, person)
        given = done(server, AUTHORISER, "assignRole", SHOWN, user=key, role="ATTENDANCE_LEAD")
        assert given["user"]["email"] == person.email
        assert given["assignment"] == {
            "role": "ATTENDANCE_LEAD", "approved": True, "organisation": {"number": "1234"},
        }  # fmt: skip
        left = [
            done(server, AUTHORISER, "removeRole", "user { email }", user=key, role=role)["user"]
            for role in ("ATTENDANCE_LEAD", "OFFICE_SUPPORT")
        ]
        assert left == [{"email": person.email}, None]
        case = make(server, "PROVIDER_QUEUE")
        student = {"student": global_id("Student", case.student_id)}
        block = {"user": user(server, OFFICE), "reason": "A relative.", **student}
        assert done(server, LEAD, "addAccessBlock", "block { reason }", **block)["block"] == {"reason": "A relative."}
        assert done(server, LEAD, "protectStudent", "student { protected }", **student)["student"]["protected"]
        asked = done(server, LEAD, "requestUnprotectStudent", "request { id reason }", reason="Over.", **student)
        waiting = viewer(server, ISP_WORKFLOW, "unprotectRequests { id reason }")["unprotectRequests"]
        assert asked["request"] in waiting
        assert viewer(server, AUTHORISER, "unprotectRequests { id }")["unprotectRequests"] == []


# What is told of people --------------------------------------------------------------------------------------


def test_a_history_names_no_other_person(changing: DemoServer) -> None:
    person = somebody(changing, "OFFICE_SUPPORT", "1234", by=AUTHORISER)
    done(changing, AUTHORISER, "assignRole", user=user(changing, person), role="ATTENDANCE_LEAD")
    done(changing, AUTHORISER, "removeRole", user=user(changing, person), role="ATTENDANCE_LEAD")
    name = rows(changing.database, "SELECT display_name FROM user_account WHERE username = :u", u=AUTHORISER.email)[0][
        0
    ]
    told = " ".join(history(changing, person))
    assert name not in told
    assert AUTHORISER.email not in told
    assert approvals(changing, person) == []


def test_one_operation_cannot_go_on_with_a_right_that_it_gave_away(changing: DemoServer) -> None:
    school = a_school(changing)
    where = organisation(changing, school)
    gone, stays = (somebody(changing, "DELEGATED_AUTHORISER", school) for _ in range(2))
    document = """mutation Go($role: LeaveRoleInput!, $give: AssignRoleInput!) {
      leaveRole(input: $role) { problems { code } }
      assignRole(input: $give) { problems { code } }
    }"""
    given = {
        "role": {"role": "DELEGATED_AUTHORISER", "organisation": where},
        "give": {"role": "ATTENDANCE_LEAD", "user": user(changing, stays)},
    }
    answer = changing.ask(gone.email, document, given, school)
    assert answer.data == {"leaveRole": {"problems": []}, "assignRole": None}
    assert (answer.codes, answer.errors[0]["path"]) == (["FORBIDDEN"], ["assignRole"])
    assert roles(changing, stays) == ["DELEGATED_AUTHORISER"]
