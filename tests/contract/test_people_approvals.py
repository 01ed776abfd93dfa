"""Nobody approves, or certifies training, for themselves: not in any roundabout way. Some roles take two people."""

from typing import Any

import pytest

from tests.contract.accounts import (
    MINISTRY,
    NEVER_ISSUED,
    SHOWN,
    a_school,
    approval_of,
    approvals,
    at_once,
    codes,
    history,
    roles,
    somebody,
    somebody_approved,
    state,
    thrice,
    user,
    viewer,
)
from tests.contract.case_rows import ASP, ISP, organisation
from tests.contract.casework import do, done, messages, refused
from tests.contract.oracle import Person
from tests.contract.people import ADMINISTRATOR
from tests.contract.world import global_id
from tests.support.server import DemoServer
from tests.support.sql import rows

MINISTRY_AUTHORISER = Person("authoriser@ministry.nz")
NEITHER = (
    "Neither who gives a role nor who gets it decides about it: another authoriser of the organisation does, "
    "or the Ministry Administrator."
)


def give_oneself(server: DemoServer, person: Person, role: str, at: str | None = None) -> str:
    """The approval's identifier of a role that somebody gives themselves, at an organisation."""
    given = {} if at is None else {"organisation": organisation(server, at)}
    payload = done(server, person, "assignRole", SHOWN, user=user(server, person), role=role, **given)
    assert payload["assignment"]["approved"] is False
    return approval_of(server, person, role)


# What waits, and for whom ------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["ATTENDANCE_LEAD", "PRIMARY_CONTACT", "OFFICE_SUPPORT"])
def test_what_an_authoriser_gives_themselves_waits_for_a_second_one(changing: DemoServer, role: str) -> None:
    school = a_school(changing)
    first, second = (somebody(changing, "DELEGATED_AUTHORISER", school) for _ in range(2))
    waits = give_oneself(changing, first, role)
    assert roles(changing, first) == ["DELEGATED_AUTHORISER"]
    assert "has no effect until it is approved" in viewer(changing, first, "missing")["missing"][0]
    assert (approvals(changing, first), approvals(changing, second)) == ([], [user(changing, first)])
    shown = "user { email } assignment { role approved }"
    payload = thrice(changing, second, "decideRoleApproval", shown, id=waits, approve=True)
    assert payload["assignment"] == {"role": role, "approved": True}
    assert roles(changing, first) == [role, "DELEGATED_AUTHORISER"]
    assert (viewer(changing, first, "missing")["missing"], approvals(changing, second)) == ([], [])
    told = history(changing, first)[0]
    assert told.startswith("Role approved: ")
    assert told.endswith(f"at School {school} ({school})")


def test_the_administrator_approves_where_there_is_no_second_authoriser(changing: DemoServer) -> None:
    person = somebody(changing, "DELEGATED_AUTHORISER", a_school(changing))
    waits = give_oneself(changing, person, "ATTENDANCE_LEAD")
    assert user(changing, person) in approvals(changing, ADMINISTRATOR)
    done(changing, ADMINISTRATOR, "decideRoleApproval", id=waits, approve=True)
    assert roles(changing, person) == ["ATTENDANCE_LEAD", "DELEGATED_AUTHORISER"]


def test_what_is_refused_is_ended_and_may_be_asked_for_again(changing: DemoServer) -> None:
    school = a_school(changing)
    first, second = (somebody(changing, "DELEGATED_AUTHORISER", school) for _ in range(2))
    waits = give_oneself(changing, first, "ATTENDANCE_LEAD")
    payload = thrice(changing, second, "decideRoleApproval", SHOWN, id=waits, approve=False)
    assert payload["assignment"] is None
    assert (roles(changing, first), viewer(changing, first, "missing")["missing"]) == (["DELEGATED_AUTHORISER"], [])
    assert history(changing, first)[0] == f"Role not approved: Attendance Lead at School {school} ({school})"
    assert refused(changing, second, "decideRoleApproval", id=waits, approve=True) == [("NOT_FOUND", "id")]
    assert give_oneself(changing, first, "ATTENDANCE_LEAD") != waits


@pytest.mark.parametrize("role", ["PRIVACY_OFFICER", "MINISTRY_ADVISER"])
def test_some_roles_are_always_granted_by_two_people(changing: DemoServer, role: str) -> None:
    colleague = somebody(changing, "MINISTRY_ADMINISTRATOR", MINISTRY)
    for giver, other in (
        (ADMINISTRATOR, colleague),
        (MINISTRY_AUTHORISER, ADMINISTRATOR),
        (colleague, MINISTRY_AUTHORISER),
    ):
        person = somebody(changing, role, MINISTRY, by=giver)
        waits = approval_of(changing, person)
        assert roles(changing, person) == []
        assert messages(changing, giver, "decideRoleApproval", id=waits, approve=True) == [NEITHER]
        assert user(changing, person) not in approvals(changing, giver)
        assert user(changing, person) in approvals(changing, other)
        done(changing, other, "decideRoleApproval", id=waits, approve=True)
        assert roles(changing, person) == [role]


def test_other_roles_of_the_ministry_have_effect_at_once_unless_one_gives_them_to_oneself(changing: DemoServer) -> None:
    assert roles(changing, somebody(changing, "MINISTRY_ANALYST", MINISTRY)) == ["MINISTRY_ANALYST"]
    colleague = somebody(changing, "MINISTRY_ADMINISTRATOR", MINISTRY)
    for role in ("MINISTRY_ANALYST", "DELEGATED_AUTHORISER", "PRIVACY_OFFICER", "MINISTRY_ADVISER"):
        give_oneself(changing, colleague, role, MINISTRY)
    assert roles(changing, colleague) == ["MINISTRY_ADMINISTRATOR"]


# Roundabout ways ---------------------------------------------------------------------------------------------


def test_an_administrator_gives_themselves_nothing_anywhere_without_another(changing: DemoServer) -> None:
    person = somebody(changing, "MINISTRY_ADMINISTRATOR", MINISTRY)
    school = a_school(changing)
    for role, at in (("ATTENDANCE_LEAD", school), ("DELEGATED_AUTHORISER", school), ("WORKFLOW_LEAD", ISP)):
        waits = give_oneself(changing, person, role, at)
        assert messages(changing, person, "decideRoleApproval", id=waits, approve=True) == [NEITHER]
    assert [one["organisation"]["number"] for one in contexts(changing, person) if one["roles"]] == [MINISTRY]
    done(
        changing, ADMINISTRATOR, "decideRoleApproval", id=approval_of(changing, person, "ATTENDANCE_LEAD"), approve=True
    )
    assert {one["organisation"]["number"]: one["roles"] for one in contexts(changing, person) if one["roles"]} == {
        school: ["ATTENDANCE_LEAD"], MINISTRY: ["MINISTRY_ADMINISTRATOR"],
    }  # fmt: skip


def contexts(server: DemoServer, person: Person) -> list[dict[str, Any]]:
    """What somebody may act for, with the roles in effect there."""
    listed: list[dict[str, Any]] = viewer(server, person, "contexts { organisation { number } roles }")["contexts"]
    return listed


def test_by_inviting_oneself(changing: DemoServer) -> None:
    person = somebody(changing, "DELEGATED_AUTHORISER", a_school(changing))
    given = {"email": person.email.upper(), "displayName": "Somebody else", "role": "ATTENDANCE_LEAD"}
    payload = done(changing, person, "inviteUser", SHOWN, **given)
    assert (payload["user"]["id"], payload["assignment"]["approved"]) == (user(changing, person), False)
    assert payload["user"]["displayName"] == "Some Body"
    assert roles(changing, person) == ["DELEGATED_AUTHORISER"]


def test_by_giving_it_up_and_taking_it_again(changing: DemoServer) -> None:
    school = a_school(changing)
    first, second = (somebody(changing, "DELEGATED_AUTHORISER", school) for _ in range(2))
    where = organisation(changing, school)
    done(changing, second, "decideRoleApproval", id=give_oneself(changing, first, "ATTENDANCE_LEAD"), approve=True)
    done(changing, first, "leaveRole", role="ATTENDANCE_LEAD", organisation=where)
    give_oneself(changing, first, "ATTENDANCE_LEAD")
    assert roles(changing, first) == ["DELEGATED_AUTHORISER"]
    done(changing, first, "removeRole", user=user(changing, first), role="ATTENDANCE_LEAD")
    assert messages(
        changing, first, "decideRoleApproval", id=give_oneself(changing, first, "ATTENDANCE_LEAD"), approve=True
    ) == [NEITHER]


def test_by_being_authoriser_in_another_organisation_or_administrator_too(changing: DemoServer) -> None:
    school, other = a_school(changing), a_school(changing)
    person = somebody(changing, "DELEGATED_AUTHORISER", school)
    key = user(changing, person)
    for role, at in (("DELEGATED_AUTHORISER", other), ("MINISTRY_ADMINISTRATOR", MINISTRY)):
        done(changing, ADMINISTRATOR, "assignRole", user=key, role=role, organisation=organisation(changing, at))
    waits = give_oneself(changing, person, "ATTENDANCE_LEAD")
    before = state(changing)
    for at in (school, other, MINISTRY):
        acting = Person(person.email, at)
        assert user(changing, acting) not in approvals(changing, acting)
        assert messages(changing, acting, "decideRoleApproval", id=waits, approve=True) == [NEITHER]
        assert messages(changing, acting, "decideRoleApproval", id=waits, approve=False) == [NEITHER]
    given = {"user": key, "role": "ATTENDANCE_LEAD", "organisation": organisation(changing, school)}
    assert refused(changing, Person(person.email, MINISTRY), "assignRole", **given) == [("DUPLICATE", "role")]
    assert {name: sums for name, sums in state(changing).items() if name != "account_event"} == {
        name: sums for name, sums in before.items() if name != "account_event"
    }


def test_by_giving_it_in_one_role_and_approving_in_another(changing: DemoServer) -> None:
    giver = somebody(changing, "DELEGATED_AUTHORISER", MINISTRY)
    given = {"user": user(changing, giver), "role": "MINISTRY_ADMINISTRATOR"}
    done(changing, ADMINISTRATOR, "assignRole", organisation=organisation(changing, MINISTRY), **given)
    person = somebody(changing, "PRIVACY_OFFICER", MINISTRY, by=giver)
    assert messages(changing, giver, "decideRoleApproval", id=approval_of(changing, person), approve=True) == [NEITHER]
    assert roles(changing, person) == []


def test_by_approving_what_another_gave_one(changing: DemoServer) -> None:
    keeper = somebody(changing, "DELEGATED_AUTHORISER", MINISTRY)
    given = {"user": user(changing, keeper), "role": "PRIVACY_OFFICER"}
    done(changing, ADMINISTRATOR, "assignRole", organisation=organisation(changing, MINISTRY), **given)
    assert user(changing, keeper) not in approvals(changing, keeper)
    assert messages(changing, keeper, "decideRoleApproval", id=approval_of(changing, keeper), approve=True) == [NEITHER]
    assert roles(changing, keeper) == ["DELEGATED_AUTHORISER"]


def test_by_a_pair_where_one_has_left(changing: DemoServer) -> None:
    """A second authoriser counts while they are one: what they could decide yesterday they cannot today."""
    school = a_school(changing)
    first, second = (somebody(changing, "DELEGATED_AUTHORISER", school) for _ in range(2))
    waits = give_oneself(changing, first, "ATTENDANCE_LEAD")
    changing.token(second.email, school)
    done(changing, second, "leaveRole", role="DELEGATED_AUTHORISER", organisation=organisation(changing, school))
    answer = do(changing, second, "decideRoleApproval", id=waits, approve=True)
    assert answer.codes == ["FORBIDDEN"]
    assert roles(changing, first) == ["DELEGATED_AUTHORISER"]


def test_by_a_second_authoriser_who_waits_too(changing: DemoServer) -> None:
    """An Administrator who made themselves an authoriser of the school, which nobody has approved."""
    school = a_school(changing)
    first = somebody(changing, "DELEGATED_AUTHORISER", school)
    second = somebody(changing, "MINISTRY_ANALYST", MINISTRY)
    waits = give_oneself(changing, first, "ATTENDANCE_LEAD")
    given = {
        "user": user(changing, second),
        "role": "MINISTRY_ADMINISTRATOR",
        "organisation": organisation(changing, MINISTRY),
    }
    done(changing, ADMINISTRATOR, "assignRole", **given)
    give_oneself(changing, second, "DELEGATED_AUTHORISER", school)
    done(changing, ADMINISTRATOR, "removeRole", **given)
    answer = do(changing, Person(second.email, school), "decideRoleApproval", id=waits, approve=True)
    assert answer.codes == ["FORBIDDEN"]
    assert roles(changing, first) == ["DELEGATED_AUTHORISER"]


def test_two_who_decide_at_once_decide_once(changing: DemoServer) -> None:
    school = a_school(changing)
    first, second, third = (somebody(changing, "DELEGATED_AUTHORISER", school) for _ in range(3))
    waits = give_oneself(changing, first, "ATTENDANCE_LEAD")
    for person in (second, third):
        changing.token(person.email, school)
    answers = at_once(
        lambda: refused(changing, second, "decideRoleApproval", id=waits, approve=True),
        lambda: refused(changing, third, "decideRoleApproval", id=waits, approve=False),
    )
    assert sorted(answers) == [[], [("NOT_FOUND", "id")]]
    in_effect = "ATTENDANCE_LEAD" in roles(changing, first)
    assert in_effect == (answers[0] == [])


# Certifying for oneself --------------------------------------------------------------------------------------


def test_nobody_certifies_their_own_training_as_authoriser_or_administrator_anywhere(changing: DemoServer) -> None:
    person = somebody(changing, "DELEGATED_AUTHORISER", ASP)
    key = user(changing, person)
    for role, at in (
        ("CASE_MANAGER", ASP),
        ("DELEGATED_AUTHORISER", a_school(changing)),
        ("MINISTRY_ADMINISTRATOR", MINISTRY),
    ):
        done(changing, ADMINISTRATOR, "assignRole", user=key, role=role, organisation=organisation(changing, at))
    places = [one["organisation"]["number"] for one in contexts(changing, person)]
    assert len(places) == 3
    for at in places:
        answer = do(changing, Person(person.email, at), "recordTraining", user=key)
        assert codes(answer, "recordTraining") == [("NOT_POSSIBLE_NOW", "")]
    assert rows(
        changing.database, "SELECT training_completed_at FROM user_account WHERE username = :u", u=person.email
    ) == [(None,)]
    assert "CASE_MANAGER" not in roles(changing, Person(person.email, ASP))


# What cannot be known ----------------------------------------------------------------------------------------


def test_what_waits_elsewhere_is_answered_like_an_identifier_never_issued(changing: DemoServer) -> None:
    first = somebody(changing, "DELEGATED_AUTHORISER", a_school(changing))
    waits = give_oneself(changing, first, "ATTENDANCE_LEAD")
    decided = rows(changing.database, "SELECT min(id) FROM role_assignment WHERE approved_at IS NOT NULL")[0][0]
    elsewhere = somebody(changing, "DELEGATED_AUTHORISER", a_school(changing))
    before = state(changing, elsewhere)
    unknown = (waits, global_id("Approval", decided), global_id("Approval", NEVER_ISSUED), user(changing, first), "x")
    bodies = [do(changing, elsewhere, "decideRoleApproval", id=one, approve=True).body for one in unknown]
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["data"]["decideRoleApproval"]["problems"][0]["code"] == "NOT_FOUND"
    assert state(changing) == before


def test_an_officer_who_was_approved_by_two_sees_and_one_who_waits_does_not(changing: DemoServer) -> None:
    officer = somebody_approved(changing, "PRIVACY_OFFICER", MINISTRY)
    waiting = somebody(changing, "PRIVACY_OFFICER", MINISTRY)
    asked = "{ students { totalCount } }"
    assert changing.ask(officer.email, asked).data["students"]["totalCount"] > 0
    assert changing.ask(waiting.email, asked).codes == ["FORBIDDEN"]
