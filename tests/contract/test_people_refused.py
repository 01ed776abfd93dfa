"""Who may not: each role tries each of these mutations; and what nobody may learn by trying."""

from typing import Any, Final

import pytest

from tests.contract.accounts import (
    MINISTRY,
    MUTATIONS,
    NEVER_ISSUED,
    SHOWN,
    a_school,
    codes,
    somebody,
    state,
    user,
)
from tests.contract.case_rows import ISP, make, organisation
from tests.contract.casework import TEN, do, done, refused
from tests.contract.oracle import Person, required_matrix
from tests.contract.people import (
    ADMINISTRATOR,
    AUTHORISER,
    CONTACT,
    ISP_MANAGER,
    ISP_WORKFLOW,
    LEAD,
    OFFICE,
    SECOND_LEAD,
)
from tests.contract.world import global_id
from tests.support.server import DemoServer
from tests.support.sql import rows

NODES: Final = {"user": "User", "student": "Student", "organisation": "Organisation", "id": "Approval"}


def smallest(mutation: str, **members: Any) -> dict[str, Any]:
    """An input that the schema takes, whose identifiers were never issued."""
    needs: dict[str, dict[str, Any]] = {
        "inviteUser": {"email": "new@example.nz", "displayName": "New", "role": "OFFICE_SUPPORT"},
        "assignRole": {"user": ..., "role": "OFFICE_SUPPORT", "organisation": ...},
        "removeRole": {"user": ..., "role": "OFFICE_SUPPORT", "organisation": ...},
        "leaveRole": {"role": "OFFICE_SUPPORT", "organisation": ...},
        "decideRoleApproval": {"id": ..., "approve": True},
        "recordTraining": {"user": ...},
        "addAccessBlock": {"user": ..., "student": ..., "reason": "A relative."},
        "liftAccessBlock": {"id": ...},
        "protectStudent": {"student": ...},
        "requestUnprotectStudent": {"student": ..., "reason": "No longer needed."},
        "decideUnprotectStudent": {"id": ..., "lift": True},
    }
    given = {**needs[mutation], **members}
    return {name: global_id(NODES[name], NEVER_ISSUED) if value is ... else value for name, value in given.items()}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_each_role_that_may_not_is_refused_and_told_who_may(changing: DemoServer, mutation: str) -> None:
    cells = required_matrix()["Mutation", mutation]
    who_may = [role for role, cell in cells.items() if cell != "H"]
    before = state(changing, *TEN.values())
    for role, person in TEN.items():
        answer = do(changing, person, mutation, **smallest(mutation))
        if role in who_may:
            if mutation != "inviteUser":
                assert codes(answer, mutation)[0][0] in {"NOT_FOUND", "INVALID"}, role
        else:
            assert (answer.codes, answer.data) == (["FORBIDDEN"], {mutation: None}), role
            assert answer.errors[0]["extensions"]["visibleTo"] == who_may
    assert mutation == "inviteUser" or state(changing) == before


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_without_a_role_there_is_only_leaving(changing: DemoServer, mutation: str) -> None:
    person = somebody(changing, "CASE_MANAGER", ISP, trained=False)
    before = state(changing, person)
    answer = do(changing, person, mutation, **smallest(mutation))
    assert answer.codes == ([] if mutation == "leaveRole" else ["FORBIDDEN"])
    assert state(changing) == before


def test_nobody_does_any_of_it_signed_out(changing: DemoServer) -> None:
    for mutation in MUTATIONS:
        takes = f"{mutation[0].upper()}{mutation[1:]}Input"
        document = f"mutation Do($input: {takes}!) {{ {mutation}(input: $input) {{ problems {{ code }} }} }}"
        assert changing.ask(None, document, {"input": smallest(mutation)}).status == 401


# People out of sight -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mutation", ["assignRole", "removeRole", "recordTraining"])
def test_a_stranger_is_answered_to_an_authoriser_like_an_identifier_never_issued(
    changing: DemoServer, mutation: str
) -> None:
    stranger = user(changing, SECOND_LEAD)
    unknown = (
        stranger,
        global_id("User", NEVER_ISSUED),
        global_id("Student", 1),
        organisation(changing, "1234"),
        "",
        "x",
    )
    members = (
        {}
        if mutation == "recordTraining"
        else {"role": "ATTENDANCE_LEAD", "organisation": organisation(changing, "1234")}
    )
    before = state(changing, AUTHORISER)
    bodies = [do(changing, AUTHORISER, mutation, "user { email }", user=one, **members).body for one in unknown]
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["data"][mutation]["problems"][0]["code"] == "NOT_FOUND"
    assert state(changing) == before


@pytest.mark.parametrize("mutation", ["inviteUser", "assignRole", "removeRole"])
def test_an_authoriser_gives_and_takes_in_their_own_organisation_only(changing: DemoServer, mutation: str) -> None:
    member = user(changing, OFFICE)
    given = {"user": member} if mutation != "inviteUser" else {"email": "new@example.nz", "displayName": "New"}
    before = state(changing, AUTHORISER)
    places = (
        organisation(changing, "1235"),
        organisation(changing, MINISTRY),
        global_id("Organisation", NEVER_ISSUED),
        "x",
    )
    for where in places:
        answer = do(changing, AUTHORISER, mutation, role="OFFICE_SUPPORT", organisation=where, **given)
        assert codes(answer, mutation) == [("NOT_FOUND", "organisation")]
    assert state(changing) == before


def test_refusals_confirm_no_address(changing: DemoServer) -> None:
    """What is refused is refused before anybody is looked up: an address of an account is answered like any other."""
    before = state(changing, AUTHORISER)
    known, unknown = SECOND_LEAD.email, "nobody.at.all@second-school.school.nz"
    wrong: tuple[dict[str, Any], ...] = (
        {"displayName": ""}, {"role": "CASE_MANAGER"}, {"organisation": organisation(changing, "1235")},
        {"phone": "0" * 400},
    )  # fmt: skip
    for members in wrong:
        bodies = [
            do(
                changing,
                AUTHORISER,
                "inviteUser",
                SHOWN,
                **{"displayName": "A", "role": "OFFICE_SUPPORT", "email": address, **members},
            ).body
            for address in (known, unknown)
        ]
        assert bodies[0] == bodies[1]
        assert bodies[0]["data"]["inviteUser"]["problems"]
    assert state(changing) == before


def test_an_invitation_is_answered_alike_with_and_without_an_account_and_changes_no_account(
    changing: DemoServer,
) -> None:
    school = a_school(changing)
    keeper = somebody(changing, "DELEGATED_AUTHORISER", school)
    other = somebody(changing, "ATTENDANCE_LEAD", "1235")
    account = "SELECT * FROM user_account WHERE username = :address"
    before = rows(changing.database, account, address=other.email)
    given = {"displayName": "As I call them", "phone": "07 2", "role": "OFFICE_SUPPORT"}
    payloads = [
        done(changing, keeper, "inviteUser", SHOWN, email=address, **given)
        for address in (other.email.upper(), "not.yet.anybody@example.nz")
    ]
    assert [payload["assignment"] for payload in payloads] == [
        {"role": "OFFICE_SUPPORT", "approved": True, "organisation": {"number": school}}
    ] * 2
    assert [set(payload["user"]) for payload in payloads] == [{"id", "displayName", "email"}] * 2
    assert rows(changing.database, account, address=other.email) == before


def test_an_authoriser_sees_no_more_of_somebody_than_the_roles_in_their_organisation(changing: DemoServer) -> None:
    school = a_school(changing)
    keeper = somebody(changing, "DELEGATED_AUTHORISER", school)
    shown = "user { assignments { role organisation { number } } }"
    other = somebody(changing, "ATTENDANCE_LEAD", "1235")
    given = {"email": other.email, "displayName": "x", "role": "PRIMARY_CONTACT"}
    payload = done(changing, keeper, "inviteUser", shown, **given)
    assert payload["user"]["assignments"] == [{"role": "PRIMARY_CONTACT", "organisation": {"number": school}}]


# Students and blocks out of sight ----------------------------------------------------------------------------


def test_a_student_out_of_sight_is_answered_like_an_identifier_never_issued(changing: DemoServer) -> None:
    case = make(changing, "OPEN", manager=ISP_MANAGER.email, contact=CONTACT.email)
    theirs = global_id("Student", case.student_id)
    unknown = (theirs, global_id("Student", NEVER_ISSUED), global_id("User", case.student_id), "x")
    stranger = somebody(changing, "PRIMARY_CONTACT", "1234")
    before = state(changing, SECOND_LEAD, stranger)
    for mutation, person, members in (
        ("addAccessBlock", SECOND_LEAD, {"user": user(changing, SECOND_LEAD), "reason": "A relative."}),
        ("protectStudent", SECOND_LEAD, {}),
        ("protectStudent", stranger, {}),
        ("requestUnprotectStudent", SECOND_LEAD, {"reason": "x"}),
    ):
        bodies = [do(changing, person, mutation, student=one, **members).body for one in unknown]
        assert all(body == bodies[0] for body in bodies), mutation
        assert codes(do(changing, person, mutation, student=theirs, **members), mutation) == [("NOT_FOUND", "student")]
    assert state(changing) == before


def test_blocks_and_what_waits_out_of_sight_are_answered_like_identifiers_never_issued(changing: DemoServer) -> None:
    case = make(changing, "PROVIDER_QUEUE")
    student = global_id("Student", case.student_id)
    given = {"user": user(changing, CONTACT), "student": student, "reason": "A relative."}
    block = done(changing, LEAD, "addAccessBlock", "block { id }", **given)["block"]["id"]
    done(changing, LEAD, "protectStudent", student=student)
    asked = done(changing, LEAD, "requestUnprotectStudent", "request { id }", student=student, reason="x")["request"][
        "id"
    ]
    before = state(changing, SECOND_LEAD)
    for mutation, type_name, known, members in (
        ("liftAccessBlock", "AccessBlock", block, {"reason": "x"}),
        ("decideUnprotectStudent", "UnprotectRequest", asked, {"lift": True}),
    ):
        bodies = [
            do(changing, SECOND_LEAD, mutation, id=one, **members).body
            for one in (known, global_id(type_name, NEVER_ISSUED), student, "x")
        ]
        assert all(body == bodies[0] for body in bodies), mutation
        assert bodies[0]["data"][mutation]["problems"][0]["code"] == "NOT_FOUND"
    assert state(changing) == before


def test_a_block_on_somebody_who_works_here_too_about_a_student_elsewhere_is_not_here_to_lift(
    changing: DemoServer,
) -> None:
    person = somebody(changing, "OFFICE_SUPPORT", "1234")
    given = {"user": user(changing, person), "role": "OFFICE_SUPPORT", "organisation": organisation(changing, "1235")}
    done(changing, ADMINISTRATOR, "assignRole", **given)
    student = global_id("Student", make(changing, "PROVIDER_QUEUE").student_id)
    given = {"user": user(changing, person), "student": student, "reason": "A relative."}
    block = done(changing, LEAD, "addAccessBlock", "block { id }", **given)["block"]["id"]
    before = state(changing, SECOND_LEAD)
    never = do(changing, SECOND_LEAD, "liftAccessBlock", id=global_id("AccessBlock", NEVER_ISSUED))
    assert do(changing, SECOND_LEAD, "liftAccessBlock", id=block).body == never.body
    assert state(changing) == before


def test_a_lead_blocks_nobody_of_another_organisation(changing: DemoServer) -> None:
    case = make(changing, "OPEN", manager=ISP_MANAGER.email)
    student = global_id("Student", case.student_id)
    before = state(changing, LEAD, ISP_WORKFLOW)
    for person, other in ((LEAD, ISP_MANAGER), (ISP_WORKFLOW, CONTACT), (LEAD, SECOND_LEAD)):
        given = {"user": user(changing, other), "student": student, "reason": "x"}
        assert refused(changing, person, "addAccessBlock", **given) == [("NOT_FOUND", "user")]
        never = {**given, "user": global_id("User", NEVER_ISSUED)}
        assert (
            do(changing, person, "addAccessBlock", **given).body == do(changing, person, "addAccessBlock", **never).body
        )
    assert state(changing) == before


def test_the_one_who_sees_a_student_through_the_office_only_may_not_protect_them(changing: DemoServer) -> None:
    both = Person("both@test-college.school.nz")
    case = make(changing, "PROVIDER_QUEUE")
    given = {"student": global_id("Student", case.student_id)}
    assert refused(changing, both, "protectStudent", **given) == [("NOT_POSSIBLE_NOW", "")]
    marked = "SELECT count(*) FROM student WHERE id = :key AND protected"
    assert rows(changing.database, marked, key=case.student_id) == [(0,)]
