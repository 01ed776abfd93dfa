"""What a form offers who fills it in: the caregivers' contacts, the steps and what they need, the referral advice."""

from pathlib import Path

from tests.contract.casework import refused
from tests.contract.filing import ANSWERED, CRITERIA, Draft, block, enrol, filled, started, submitted, unchanged, user
from tests.contract.oracle import Person
from tests.contract.people import BOTH, CONTACT, LEAD, OFFICE
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

STEPS = "steps { name complete missing }"


def missing(draft: Draft, by: Person = OFFICE) -> dict[str, list[str]]:
    return {step["name"]: step["missing"] for step in draft.seen(by, STEPS)["steps"] if not step["complete"]}


# Caregivers --------------------------------------------------------------------------------------------------

CONTACTS = "caregiverContacts { name phone }"


def contacts(draft: Draft, by: Person) -> list[str]:
    return [contact["phone"] for contact in draft.seen(by, CONTACTS)["caregiverContacts"]]


def test_contacts_are_prefilled_only_where_who_fills_in_sees_them_at_the_student(changing: DemoServer) -> None:
    pupil = enrol(changing)
    assert contacts(started(changing, LEAD, student=pupil.id), LEAD) == []  # there is no case: they are not seen
    submitted(changing, pupil)
    assert contacts(started(changing, LEAD, student=pupil.id), LEAD) == ["021 1", "021 2"]
    assert contacts(started(changing, CONTACT, student=pupil.id), CONTACT) == ["021 1", "021 2"]
    assert contacts(started(changing, OFFICE, student=pupil.id), OFFICE) == []
    assert contacts(started(changing, BOTH, student=pupil.id), BOTH) == []  # not the contact of the case


def test_contacts_of_a_protected_student_are_prefilled_for_the_lead_alone(changing: DemoServer) -> None:
    pupil = enrol(changing, protected=True)
    submitted(changing, pupil)
    assert contacts(started(changing, LEAD, student=pupil.id), LEAD) == ["021 1", "021 2"]
    draft = started(changing, CONTACT, student=pupil.id)
    assert draft.seen(CONTACT, CONTACTS) == {"caregiverContacts": None}
    stored = (
        "SELECT count(*) FROM request_caregiver_contact c JOIN request r ON r.id = c.request_id WHERE reference = :r"
    )
    assert rows(changing.database, stored, r=draft.reference) == [(0,)]


def test_what_was_prefilled_is_no_more_visible_than_where_it_came_from(changing: DemoServer) -> None:
    pupil = enrol(changing)
    submitted(changing, pupil)
    draft = started(changing, OFFICE)
    draft.do("saveRequest", LEAD, student=pupil.id)
    assert contacts(draft, LEAD) == ["021 1", "021 2"]
    assert contacts(draft, OFFICE) == []
    # Who saves what they see takes nothing from what they do not see, and learns nothing by a guess.
    for guess in ("021 3", "021 1"):
        draft.do(
            "saveRequest",
            OFFICE,
            caregiverContacts=[{"name": f"Ana {pupil.name}", "relationship": "Mother", "phone": guess}],
        )
        assert contacts(draft, OFFICE) == [guess]
        assert contacts(draft, LEAD) == ["021 1", "021 2", guess]


def test_contacts_that_were_read_and_saved_stay_prefilled(changing: DemoServer) -> None:
    pupil = enrol(changing)
    submitted(changing, pupil)
    draft = started(changing, OFFICE)
    draft.do("saveRequest", LEAD, student=pupil.id)
    form = draft.seen(LEAD, "caregiverContacts { name relationship phone email }")["caregiverContacts"]
    draft.do("saveRequest", LEAD, caregiverContacts=[*form, {"name": "Kui", "phone": "021 3"}])
    assert contacts(draft, OFFICE) == ["021 3"]
    execute(changing.database, f"UPDATE case_record SET active = false, status = 'CLOSED', closed_at = opened_at "
            f"WHERE student_id = {pupil.key}")  # fmt: skip
    assert contacts(draft, LEAD) == ["021 3"]


def test_another_students_contacts_never_stay_on_a_draft(changing: DemoServer) -> None:
    draft = filled(changing, enrol(changing))
    draft.do("saveRequest", OFFICE, student=enrol(changing).id)
    assert contacts(draft, OFFICE) == []
    assert missing(draft)["STUDENT"] == ["caregiverContacts"]
    draft.do("saveRequest", OFFICE, student=enrol(changing).id, caregiverContacts=[{"name": "Kui", "phone": "021 3"}])
    assert contacts(draft, OFFICE) == ["021 3"]


def test_a_contact_who_is_kept_from_the_new_student_is_named_no_longer(changing: DemoServer) -> None:
    draft, kept = filled(changing, enrol(changing)), enrol(changing)
    block(changing, CONTACT, kept)
    draft.do("saveRequest", OFFICE, student=kept.id)
    assert draft.seen(OFFICE, "primaryContact { id }") == {"primaryContact": None}
    assert missing(draft)["SUPPORT"] == ["primaryContact"]


# Steps and advice --------------------------------------------------------------------------------------------


def test_the_steps_fill_up_and_the_last_needs_all_others(changing: DemoServer) -> None:
    draft = started(changing)
    needed = missing(draft)
    assert needed["REVIEW"] == [name for step in list(needed)[:-1] for name in needed[step]]
    draft.do("saveRequest", OFFICE, student=enrol(changing).id, **ANSWERED)
    assert missing(draft) == {"SUPPORT": ["primaryContact"], "REVIEW": ["primaryContact"]}
    draft.do("saveRequest", OFFICE, primaryContact=user(changing, CONTACT))
    assert missing(draft) == {}
    confirmations = ["detailsConfirmed", "privacyStatementConfirmed", "statementVersion"]
    assert missing(draft, CONTACT) == {"REVIEW": confirmations}


def test_whoever_was_named_and_may_no_longer_be_is_missing_again(changing: DemoServer) -> None:
    pupil = enrol(changing)
    draft = filled(changing, pupil)
    block(changing, CONTACT, pupil)
    assert missing(draft)["SUPPORT"] == ["primaryContact"]
    given = draft.given()
    with unchanged(changing):
        assert refused(changing, OFFICE, "submitRequest", **given) == [("INVALID", "primaryContact")]


def test_advice_is_given_anew_with_every_save(changing: DemoServer) -> None:
    shown = "advice { level reasons version }"
    draft = started(changing)
    assert draft.seen(OFFICE, shown) == {"advice": None}
    draft.do("saveRequest", OFFICE, attendance={"currentTermPercentage": 60})
    assert draft.seen(OFFICE, shown)["advice"]["level"] == "CONSIDER"
    draft.do("saveRequest", OFFICE, schoolActions={"factors": ["STAND_DOWNS"]})
    advice = draft.seen(OFFICE, shown)["advice"]
    assert (advice["level"], advice["version"]) == ("HIGHLY_RECOMMENDED", "2026-01")
    assert len(advice["reasons"]) == 2
    answers = [{"criterion": CRITERIA[0], "met": False}]
    draft.do("saveRequest", OFFICE, criteria=answers)
    assert draft.seen(OFFICE, shown)["advice"]["level"] == "DELAY"
    draft.do("saveRequest", OFFICE, attendance=None)
    assert draft.seen(OFFICE, shown) == {"advice": None}


def test_only_advice_not_to_refer_has_to_be_answered_before_going_on(changing: DemoServer) -> None:
    draft = filled(changing, enrol(changing), schoolActions={**ANSWERED["schoolActions"], "factors": ["NO_VISA"]})
    assert draft.seen(OFFICE, "advice { level }") == {"advice": {"level": "DO_NOT_REFER"}}
    assert missing(draft) == {"REVIEW": ["adviceReason"]}
    given = draft.given()
    with unchanged(changing):
        assert refused(changing, OFFICE, "submitRequest", **given) == [("INVALID", "adviceReason")]
        draft.do("saveRequest", OFFICE, adviceReason="   ")
    draft.do("saveRequest", OFFICE, adviceReason="The visa is on its way.")
    draft.do("submitRequest", OFFICE)
    assert draft.status == "SUBMITTED"


def test_plain_execution_shows_the_same_form(world_url: str, tmp_path: Path) -> None:
    with DemoServer(world_url, tmp_path, execution="plain") as server:
        pupil = enrol(server)
        submitted(server, pupil)
        draft = started(server, OFFICE)
        draft.do("saveRequest", LEAD, student=pupil.id, barriers=["HEALTH", "HOUSING"], mainBarrier="HOUSING")
        draft.do("saveRequest", OFFICE, schoolActions={"factors": ["STAND_DOWNS"]}, caregiverContacts=[{"name": "Kui"}])
        assert contacts(draft, OFFICE) == [None]
        assert contacts(draft, LEAD) == ["021 1", "021 2", None]
        assert missing(draft)["SCHOOL_ACTIONS"] == [
            "criteria", "schoolActions.planInPlace", "schoolActions.whanauContacted",
        ]  # fmt: skip
        shown = "barriers { code name main } schoolActions { factors { code name } } declineReason { code name note }"
        assert draft.seen(OFFICE, shown) == {
            "barriers": [
                {"code": "HEALTH", "name": "Health", "main": False},
                {"code": "HOUSING", "name": "Housing", "main": True},
            ],
            "schoolActions": {"factors": [{"code": "STAND_DOWNS", "name": "Stand-downs or suspensions"}]},
            "declineReason": None,
        }
