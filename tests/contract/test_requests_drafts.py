"""Filling in a request, by several people on several devices: what is incomplete is kept, what is wrong is not."""

import threading
from typing import Any

import pytest

from tests.contract.casework import do, done, messages, refused
from tests.contract.filing import (
    ANSWERED,
    CONFIRMED,
    Draft,
    block,
    enrol,
    filled,
    leaving,
    organisation,
    started,
    state,
    submitted,
    unchanged,
    user,
)
from tests.contract.oracle import Person
from tests.contract.people import (
    ADVISER,
    BOTH,
    CONTACT,
    ISP_WORKFLOW,
    LEAD,
    OFFICE,
    PRIVACY,
    SECOND_LEAD,
    TESTPERSON_AT_ISP,
    TESTPERSON_AT_SCHOOL,
    WORKFLOW,
)
from tests.contract.world import global_id
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

STEPS = "steps { name complete missing }"
CONTENT = (
    "appliedFor { fullName } attendance { currentTermPercentage previousTermPercentage daysAbsent firstDayAbsent } "
    "schoolActions { planInPlace planReviewedOn whanauContacted factors { code name } } "
    "criteria { criterion met note } barriers { code name main } "
    "caregiverContacts { name relationship phone email } otherServices notes adviceReason "
    "provider { number } primaryContact { displayName }"
)


def missing(draft: Draft, by: Person = OFFICE) -> dict[str, list[str]]:
    return {step["name"]: step["missing"] for step in draft.seen(by, STEPS)["steps"] if not step["complete"]}


# Starting ----------------------------------------------------------------------------------------------------


def test_a_draft_has_school_and_creator_from_the_sign_in_and_both_confirmations(changing: DemoServer) -> None:
    with leaving(changing, request=1, request_confirmation=2, case_record=0, event=0, alert=0, outbox_message=0):
        draft = started(changing)
    seen = draft.seen(
        OFFICE,
        "status number type school { number } createdBy { email } provider { number } version "
        "confirmations { kind statementVersion confirmedBy { email } }",
    )
    made = {"statementVersion": CONFIRMED["statementVersion"], "confirmedBy": {"email": OFFICE.email}}
    assert seen == {
        "status": "DRAFT", "number": None, "type": "CHRONIC_ABSENCE", "school": {"number": "1234"},
        "createdBy": {"email": OFFICE.email}, "provider": {"number": "78912"}, "version": 1,
        "confirmations": [{"kind": "DETAILS", **made}, {"kind": "PRIVACY_STATEMENT", **made}],
    }  # fmt: skip


@pytest.mark.parametrize("member", ["school", "contact", "email", "createdBy", "primaryContact"])
def test_who_asks_cannot_be_given(changing: DemoServer, member: str) -> None:
    answer = do(changing, OFFICE, "startRequest", **CONFIRMED, **{member: "somebody else"})
    assert answer.body.get("data") is None
    assert member in answer.errors[0]["message"]


@pytest.mark.parametrize(
    ("member", "value"),
    [("detailsConfirmed", False), ("privacyStatementConfirmed", False), ("statementVersion", "2019-01-01")],
)
def test_nothing_begins_without_both_confirmations_of_the_current_statement(
    changing: DemoServer, member: str, value: Any
) -> None:
    with unchanged(changing):
        assert refused(changing, OFFICE, "startRequest", **{**CONFIRMED, member: value}) == [("INVALID", member)]


def test_everything_that_is_wrong_with_a_start_is_told_at_once(changing: DemoServer) -> None:
    given: dict[str, Any] = {
        "detailsConfirmed": False,
        "privacyStatementConfirmed": False,
        "statementVersion": "",
        "student": "x",
    }
    with unchanged(changing):
        assert refused(changing, OFFICE, "startRequest", **given) == [("INVALID", member) for member in given]


def test_acting_for_the_provider_one_is_told_to_choose_the_school(changing: DemoServer) -> None:
    with unchanged(changing):
        answer = do(changing, TESTPERSON_AT_ISP, "startRequest", **CONFIRMED)
    assert answer.codes == ["FORBIDDEN"]
    (context,) = answer.errors[0]["extensions"]["contexts"]
    assert "1234" in str(context)
    assert started(changing, TESTPERSON_AT_SCHOOL).seen(TESTPERSON_AT_SCHOOL, "status") == {"status": "DRAFT"}


def test_a_draft_never_leaves_the_school(changing: DemoServer) -> None:
    pupil = enrol(changing)
    submitted(changing, pupil)  # so that the provider has the student's case already
    draft = filled(changing, pupil)
    for person in (ISP_WORKFLOW, WORKFLOW, ADVISER, PRIVACY, SECOND_LEAD):
        assert draft.seen(person, "reference") is None
    draft.do("withdrawRequest", OFFICE, reason="Not needed.")
    for person in (ISP_WORKFLOW, WORKFLOW, ADVISER, PRIVACY, SECOND_LEAD):
        assert draft.seen(person, "reference") is None


# Saving ------------------------------------------------------------------------------------------------------


def test_what_is_left_out_stays_null_clears_and_lists_are_given_whole(changing: DemoServer) -> None:
    draft = filled(changing, enrol(changing))
    before = draft.seen(OFFICE, CONTENT)
    draft.do("saveRequest", OFFICE, attendance={"daysAbsent": 30}, notes="Soon, please.", barriers=["HOUSING"])
    after = draft.seen(OFFICE, CONTENT)
    assert after == {
        **before,
        "attendance": {**before["attendance"], "daysAbsent": 30},
        "notes": "Soon, please.",
        "barriers": [{"code": "HOUSING", "name": "Housing", "main": False}],
    }
    draft.do("saveRequest", OFFICE, attendance=None, notes=None, caregiverContacts=None, primaryContact=None)
    cleared = draft.seen(OFFICE, CONTENT)
    assert set(cleared["attendance"].values()) == {None}
    assert (cleared["notes"], cleared["caregiverContacts"], cleared["primaryContact"]) == (None, [], None)
    assert cleared["schoolActions"] == before["schoolActions"]
    draft.do("saveRequest", OFFICE, student=None, schoolActions={"planInPlace": None, "factors": ["STAND_DOWNS"]})
    assert draft.seen(OFFICE, CONTENT)["appliedFor"] is None
    assert draft.seen(OFFICE, CONTENT)["schoolActions"] == {
        "planInPlace": None, "planReviewedOn": "2026-04-30", "whanauContacted": "Rang, and visited.",
        "factors": [{"code": "STAND_DOWNS", "name": "Stand-downs or suspensions"}],
    }  # fmt: skip


def test_the_main_barrier_is_one_of_the_barriers(changing: DemoServer) -> None:
    draft = filled(changing, enrol(changing), mainBarrier="HEALTH")
    assert [one["main"] for one in draft.seen(OFFICE, "barriers { code main }")["barriers"]] == [True, False]
    given = draft.given()
    assert refused(changing, OFFICE, "saveRequest", mainBarrier="HOUSING", **given) == [("INVALID", "mainBarrier")]
    draft.do("saveRequest", OFFICE, barriers=["TRANSPORT"])
    assert draft.seen(OFFICE, "barriers { code main }")["barriers"] == [{"code": "TRANSPORT", "main": False}]


def test_saving_what_is_so_already_changes_nothing(changing: DemoServer) -> None:
    pupil = enrol(changing)
    draft = filled(changing, pupil)
    version = draft.version
    with unchanged(changing):
        draft.do("saveRequest", OFFICE, **ANSWERED, student=pupil.id, provider=organisation(changing, "78912"))
    assert draft.version == version


WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "percentages": (
        {"attendance": {"currentTermPercentage": 100.1, "previousTermPercentage": -1}},
        ["attendance.currentTermPercentage", "attendance.previousTermPercentage"],
    ),
    "days": ({"attendance": {"daysAbsent": -1}}, ["attendance.daysAbsent"]),
    "days to come": (
        {"attendance": {"firstDayAbsent": "2199-01-01"}, "schoolActions": {"planReviewedOn": "2199-01-01"}},
        ["attendance.firstDayAbsent", "schoolActions.planReviewedOn"],
    ),
    "the last day before the first": (
        {"attendance": {"lastDayAbsent": "2026-02-08"}},
        ["attendance.lastDayAbsent"],
    ),
    "a criterion answered twice": (
        {"criteria": [{"criterion": "BEYOND_SCHOOL", "met": True}] * 2},
        ["criteria.1.criterion"],
    ),
    "an unknown criterion": ({"criteria": [{"criterion": "X", "met": True}]}, ["criteria.0.criterion"]),
    "codes": (
        {"barriers": ["HEALTH", "X"], "schoolActions": {"factors": ["Y"]}, "mainBarrier": "Z"},
        ["schoolActions.factors", "barriers", "mainBarrier"],
    ),
    "contacts": (
        {"caregiverContacts": [{"name": "Ana"}, {"name": " ", "email": "ana"}]},
        ["caregiverContacts.1.name", "caregiverContacts.1.email"],
    ),
    "too many contacts": ({"caregiverContacts": [{"name": "Ana"}] * 21}, ["caregiverContacts"]),
    "too long": ({"notes": "x" * 10_001}, ["notes"]),
    "several steps": (
        {"student": "x", "notes": "x" * 10_001, "attendance": {"daysAbsent": -1}, "provider": "x"},
        ["student", "notes", "attendance.daysAbsent", "provider"],
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_invalid_is_refused_all_at_once_and_nothing_of_it_kept(changing: DemoServer, wrong: str) -> None:
    draft = filled(changing, enrol(changing))
    members, paths = WRONG[wrong]
    before = draft.seen(OFFICE, CONTENT)
    with unchanged(changing):
        given = draft.given(otherServices="Kept?", **members)
        assert refused(changing, OFFICE, "saveRequest", **given) == [("INVALID", path) for path in paths]
    assert draft.seen(OFFICE, CONTENT) == before


def test_whom_one_may_not_choose_is_answered_like_an_identifier_never_issued(changing: DemoServer) -> None:
    kept, elsewhere = enrol(changing), enrol(changing, "1235")
    block(changing, LEAD, kept)
    draft = started(changing, LEAD)
    given = draft.given()
    nobodies = {
        "student": [kept.id, elsewhere.id, global_id("Student", 10**9), user(changing, LEAD), "x"],
        "primaryContact": [
            user(changing, OFFICE), user(changing, SECOND_LEAD), user(changing, ISP_WORKFLOW),
            global_id("User", 10**9), kept.id, "",
        ],
        "provider": [
            organisation(changing, "5002"), organisation(changing, "1234"), global_id("Organisation", 10**9), "x",
        ],
    }  # fmt: skip
    with unchanged(changing):
        for member, identifiers in nobodies.items():
            answers = [do(changing, LEAD, "saveRequest", **given, **{member: each}).body for each in identifiers]
            assert all(answer == answers[0] for answer in answers)
            assert answers[0]["data"]["saveRequest"]["problems"][0]["path"] == ["input", member]
        assert refused(changing, LEAD, "startRequest", **CONFIRMED, student=kept.id) == [("INVALID", "student")]


def test_one_asks_the_schools_own_provider_or_that_of_its_catchment(changing: DemoServer) -> None:
    draft = started(changing)
    assert draft.seen(OFFICE, "eligibleProviders { number }")["eligibleProviders"] == [
        {"number": "78912"},
        {"number": "5001"},
    ]
    draft.do("saveRequest", OFFICE, provider=organisation(changing, "5001"))
    assert draft.seen(OFFICE, "provider { number }") == {"provider": {"number": "5001"}}
    elsewhere = started(changing, SECOND_LEAD)
    eligible = elsewhere.seen(SECOND_LEAD, "provider { number } eligibleProviders { number }")
    assert eligible["eligibleProviders"] == [eligible["provider"]]


# Several people ----------------------------------------------------------------------------------------------


def test_a_draft_is_resumed_by_its_creator_its_contact_and_a_lead_and_by_nobody_else(changing: DemoServer) -> None:
    draft = filled(changing, enrol(changing))
    for person in (OFFICE, CONTACT, LEAD, TESTPERSON_AT_SCHOOL):
        draft.do("saveRequest", person, notes=f"From {person.email}")
    given = draft.given(notes="Mine")
    with unchanged(changing):
        assert refused(changing, BOTH, "saveRequest", **given) == [("NOT_POSSIBLE_NOW", "")]
        assert refused(changing, SECOND_LEAD, "saveRequest", **given) == [("NOT_FOUND", "reference")]
    assert do(changing, ISP_WORKFLOW, "saveRequest", **given).codes == ["FORBIDDEN"]


def test_the_office_reads_nothing_of_others_drafts_in_any_answer(changing: DemoServer) -> None:
    draft = filled(changing, enrol(changing), LEAD)
    shown = f"reference status createdBy {{ email }} {CONTENT} {STEPS} advice {{ level }}"
    told = {name for name, value in draft.seen(OFFICE, shown).items() if value is not None}
    assert told == {"reference", "status", "createdBy", "appliedFor", "provider", "primaryContact"}
    moves: dict[str, dict[str, Any]] = {
        "saveRequest": {},
        "submitRequest": CONFIRMED,
        "withdrawRequest": {"reason": "x"},
    }
    with unchanged(changing):
        for mutation, members in moves.items():
            given = draft.given(**members)
            payload = do(changing, OFFICE, mutation, f"request {{ {shown} }}", **given).data[mutation]
            assert payload["request"] is None
            assert [problem["code"] for problem in payload["problems"]] == ["NOT_POSSIBLE_NOW"]


def test_a_device_that_has_not_read_the_last_change_is_told_so(changing: DemoServer) -> None:
    draft = started(changing)
    draft.do("saveRequest", OFFICE, notes="From one device")
    with unchanged(changing):
        answer = do(
            changing, OFFICE, "saveRequest", "request { version notes }",
            reference=draft.reference, expectedVersion=1, notes="From another",
        )  # fmt: skip
    assert answer.data["saveRequest"]["problems"][0]["code"] == "CONFLICT"
    assert answer.data["saveRequest"]["request"] == {"version": 2, "notes": "From one device"}


def test_a_storm_of_saves_loses_none_that_was_acknowledged(changing: DemoServer) -> None:
    draft, acknowledged = started(changing), []
    changing.token(OFFICE.email)

    def save(name: str) -> None:
        version = 1
        while True:
            given: dict[str, Any] = {"reference": draft.reference, "expectedVersion": version, name: f"Kept: {name}"}
            payload = do(changing, OFFICE, "saveRequest", "request { version }", **given).data["saveRequest"]
            version = payload["request"]["version"]
            if not payload["problems"]:
                acknowledged.append(version)
                return
            assert [problem["code"] for problem in payload["problems"]] == ["CONFLICT"]

    names = ("notes", "otherServices", "barrierNotes", "adviceReason")
    savers = [threading.Thread(target=save, args=(name,)) for name in names]
    for saver in savers:
        saver.start()
    for saver in savers:
        saver.join()
    assert sorted(acknowledged) == [2, 3, 4, 5]
    kept = draft.seen(OFFICE, f"version {' '.join(names)}")
    assert kept == {"version": 5, **{name: f"Kept: {name}" for name in names}}


# What is kept of it -----------------------------------------------------------------------------------------


def test_messages_of_a_refusal_name_no_person(changing: DemoServer) -> None:
    pupil = enrol(changing)
    block(changing, CONTACT, pupil)
    draft = started(changing, student=pupil.id)
    given = draft.given(primaryContact=user(changing, CONTACT))
    told = messages(changing, OFFICE, "saveRequest", **given, student=enrol(changing, "1235").id)
    assert told
    assert not any(name in text for text in told for name in (pupil.name, "Paul", CONTACT.email))


def test_a_retired_code_stays_on_a_form_that_has_it(changing: DemoServer) -> None:
    draft = filled(changing, enrol(changing), barriers=["CARING_DUTIES"])
    execute(changing.database, "UPDATE code SET current = false WHERE code = 'CARING_DUTIES'")
    try:
        draft.do("saveRequest", OFFICE, barriers=["CARING_DUTIES", "HEALTH"])
        other = started(changing)
        given = other.given(barriers=["CARING_DUTIES"])
        assert refused(changing, OFFICE, "saveRequest", **given) == [("INVALID", "barriers")]
    finally:
        execute(changing.database, "UPDATE code SET current = true WHERE code = 'CARING_DUTIES'")
    assert len(draft.seen(OFFICE, "barriers { code }")["barriers"]) == 2


def test_a_draft_that_was_changed_to_another_student_is_in_the_change_log_of_both(changing: DemoServer) -> None:
    first, second = enrol(changing), enrol(changing)
    draft = started(changing, student=first.id)
    draft.do("saveRequest", OFFICE, student=second.id)
    logged = "SELECT count(*) FROM change_entry WHERE action = 'saveRequest' AND student_id = :student"
    assert [rows(changing.database, logged, student=pupil.key)[0][0] for pupil in (first, second)] == [1, 1]
    assert state(changing)["change_entry"] > 0


def test_a_save_repeated_with_its_key_is_done_once(changing: DemoServer) -> None:
    draft = started(changing)
    given = draft.given(notes="Once.")
    answers = [do(changing, OFFICE, "saveRequest", "request { version }", key="once", **given) for _ in range(3)]
    assert [answer.data["saveRequest"]["request"]["version"] for answer in answers] == [2, 2, 2]
    assert done(changing, OFFICE, "startRequest", "request { version }", **CONFIRMED)
