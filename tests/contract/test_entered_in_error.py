"""What was entered in error: kept for ever, shown as such to whoever sees it, and marked by its author or the lead."""

from typing import Any

import pytest

from tests.contract.casework import SEEN_BY_ALL, TEN, column, count, do, done, messages, node, refused, seen
from tests.contract.oracle import Person
from tests.contract.people import CONTACT, ISP_MANAGER, ISP_WORKFLOW, LEAD, MANAGER, OFFICE, WORKFLOW
from tests.contract.world import global_id
from tests.support.server import DemoServer
from tests.support.sql import rows

TEXTS = {"Comment": "body", "Event": "subject", "File": "name"}
READ_BY = {"ATTENDANCE_LEAD", "PRIMARY_CONTACT", "WORKFLOW_LEAD", "CASE_MANAGER"}


def an_item(server: DemoServer, type_name: str, text: str) -> str:
    """A comment or event of the case manager, shared with the school; or one of the demo's shared files."""
    if type_name == "File":
        found = """SELECT f.id FROM file f JOIN case_record c ON c.id = f.case_id WHERE c.number = :number
            AND f.visibility = 'SHARED' AND f.in_error_at IS NULL ORDER BY f.id"""
        return global_id("File", rows(server.database, found, number=SEEN_BY_ALL)[0][0])
    if type_name == "Event":
        given = {"kind": "NOTE", "subject": text, "number": SEEN_BY_ALL, "visibility": "SHARED"}
        return str(done(server, ISP_MANAGER, "addEvent", "event { id }", **given)["event"]["id"])
    given = {"body": text, "number": SEEN_BY_ALL, "visibility": "SHARED"}
    return str(done(server, ISP_MANAGER, "addComment", "comment { id }", **given)["comment"]["id"])


@pytest.mark.parametrize("type_name", TEXTS)
def test_it_is_shown_as_such_to_whoever_read_it_before_and_to_nobody_else(changing: DemoServer, type_name: str) -> None:
    text, member = TEXTS[type_name], type_name.lower()
    identifier = an_item(changing, type_name, "Meant for another case.")
    before = {role: node(changing, person, identifier, type_name, text) for role, person in TEN.items()}
    assert {role for role, item in before.items() if item is not None and item[text] is not None} >= READ_BY
    shown = f"{member} {{ {text} }} case {{ number }}"
    payload = done(changing, ISP_WORKFLOW, "markInError", shown, id=identifier)
    assert payload[member][text] == f"Entered in error: {before['WORKFLOW_LEAD'][text]}"
    assert payload["case"] == {"number": SEEN_BY_ALL}
    for role, person in TEN.items():
        item, earlier = node(changing, person, identifier, type_name, text), before[role]
        if earlier is None or earlier[text] is None:
            assert item == earlier, role
        else:
            assert item == {text: f"Entered in error: {earlier[text]}"}, role


def test_it_stays_in_the_lists(changing: DemoServer) -> None:
    an_item(changing, "Comment", "Counted.")
    identifier = an_item(changing, "Comment", "Counted too.")
    listed = "comments { totalCount nodes { id body } }"
    before = seen(changing, LEAD, SEEN_BY_ALL, listed)["comments"]["totalCount"]
    done(changing, ISP_MANAGER, "markInError", id=identifier)
    after = seen(changing, LEAD, SEEN_BY_ALL, listed)["comments"]
    assert after["totalCount"] == before
    assert {"id": identifier, "body": "Entered in error: Counted too."} in after["nodes"]


def test_a_file_is_no_longer_handed_out(changing: DemoServer) -> None:
    identifier = an_item(changing, "File", "")
    shown = "downloadUrl sha256 sizeBytes"
    before = node(changing, CONTACT, identifier, "File", shown)
    assert before["downloadUrl"].startswith("/files/")
    done(changing, ISP_WORKFLOW, "markInError", id=identifier)
    for person in (CONTACT, LEAD, ISP_MANAGER, ISP_WORKFLOW):
        assert node(changing, person, identifier, "File", shown) == {**before, "downloadUrl": None}


def test_once_is_enough_and_nothing_is_edited_afterwards(changing: DemoServer) -> None:
    identifier = an_item(changing, "Comment", "Wrong student.")
    done(changing, ISP_MANAGER, "markInError", id=identifier)
    before = count(changing, "change_entry")
    again = messages(changing, ISP_MANAGER, "markInError", id=identifier)
    assert again == ["The comment is marked as entered in error already."]
    assert refused(changing, ISP_MANAGER, "editComment", id=identifier, body="x") == [("NOT_POSSIBLE_NOW", "")]
    told = node(changing, ISP_MANAGER, identifier, "Comment", "viewerCan { action allowed reason }")["viewerCan"]
    reason = "The comment is marked as entered in error."
    assert told == [{"action": action, "allowed": False, "reason": reason} for action in ("editComment", "markInError")]
    assert count(changing, "change_entry") == before


# Who may -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("author", [LEAD, CONTACT, OFFICE, ISP_MANAGER], ids=str)
def test_a_comment_is_marked_by_its_author_or_the_workflow_lead(changing: DemoServer, author: Person) -> None:
    shared = {"visibility": "SHARED"} if author == ISP_MANAGER else {}
    made = done(changing, author, "addComment", "comment { id }", number=SEEN_BY_ALL, body="Whose?", **shared)
    identifier = made["comment"]["id"]
    for person in TEN.values():
        if person in (author, ISP_WORKFLOW):
            continue
        answer = do(changing, person, "markInError", id=identifier)
        assert answer.codes == ["FORBIDDEN"] or answer.data["markInError"]["problems"], person
    assert node(changing, ISP_WORKFLOW, identifier, "Comment", "body")["body"] == "Whose?"
    done(changing, author, "markInError", id=identifier)
    other = done(changing, author, "addComment", "comment { id }", number=SEEN_BY_ALL, body="Whose?", **shared)
    done(changing, ISP_WORKFLOW, "markInError", id=other["comment"]["id"])


def test_an_event_is_marked_by_who_recorded_it_or_the_workflow_lead(changing: DemoServer) -> None:
    given: dict[str, Any] = {"number": SEEN_BY_ALL, "kind": "NOTE", "subject": "Of the lead.", "visibility": "SHARED"}
    leads = done(changing, ISP_WORKFLOW, "addEvent", "event { id }", **given)["event"]["id"]
    assert refused(changing, ISP_MANAGER, "markInError", id=leads) == [("NOT_POSSIBLE_NOW", "")]
    assert refused(changing, LEAD, "markInError", id=leads) == [("NOT_POSSIBLE_NOW", "")]
    assert refused(changing, MANAGER, "markInError", id=leads) == [("NOT_FOUND", "id")]
    managers = done(changing, ISP_MANAGER, "addEvent", "event { id }", **given)["event"]["id"]
    done(changing, ISP_MANAGER, "markInError", id=managers)


def test_a_file_is_marked_by_who_uploaded_it_or_the_workflow_lead(changing: DemoServer) -> None:
    found = """SELECT f.id FROM file f JOIN case_record c ON c.id = f.case_id JOIN user_account u
        ON u.id = f.uploaded_by_id JOIN organisation o ON o.id = c.provider_id WHERE u.username = :who
        AND o.number = '5001' AND f.in_error_at IS NULL ORDER BY f.id"""
    (mine,), (other,) = rows(changing.database, found, who=MANAGER.email)[:2]
    assert refused(changing, ISP_MANAGER, "markInError", id=global_id("File", mine)) == [("NOT_FOUND", "id")]
    done(changing, MANAGER, "markInError", id=global_id("File", mine))
    done(changing, WORKFLOW, "markInError", id=global_id("File", other))


@pytest.mark.parametrize("kind", ["CASE_CHANGED", "REQUEST_RECEIVED"])
def test_what_the_system_recorded_was_not_entered_in_error(changing: DemoServer, kind: str) -> None:
    listed = seen(changing, ISP_WORKFLOW, SEEN_BY_ALL, f"events(where: {{kind: {{eq: {kind}}}}}) {{ nodes {{ id }} }}")
    identifier = listed["events"]["nodes"][0]["id"]
    (message,) = messages(changing, ISP_WORKFLOW, "markInError", id=identifier)
    assert message == "The system recorded this as it happened; it cannot have been entered in error."


def test_of_what_is_not_theirs_nobody_learns_that_it_is_there(changing: DemoServer) -> None:
    internal = done(
        changing, ISP_MANAGER, "addEvent", "event { id }", number=SEEN_BY_ALL, kind="NOTE", subject="Internal."
    )["event"]["id"]
    theirs = do(changing, LEAD, "markInError", "event { id } case { id }", id=internal)
    never = do(changing, LEAD, "markInError", "event { id } case { id }", id=global_id("Event", 99_999_999))
    assert theirs.body == never.body
    for identifier in (global_id("Task", 1), global_id("Case", 1), "nonsense", ""):
        assert refused(changing, ISP_WORKFLOW, "markInError", id=identifier) == [("NOT_FOUND", "id")]


def test_on_a_closed_case_too(changing: DemoServer) -> None:
    found = """SELECT e.id FROM event e JOIN case_record c ON c.id = e.case_id JOIN organisation o
        ON o.id = c.provider_id WHERE o.number = '5001' AND NOT c.active AND e.kind = 'NOTE' ORDER BY e.id"""
    identifier = global_id("Event", rows(changing.database, found)[0][0])
    payload = done(changing, WORKFLOW, "markInError", "event { subject } case { status }", id=identifier)
    assert payload["event"]["subject"].startswith("Entered in error: ")
    assert payload["case"]["status"] == "CLOSED"


# What follows ------------------------------------------------------------------------------------------------


def test_a_first_contact_that_was_none_no_longer_stops_the_clock(changing: DemoServer) -> None:
    number = "00307473"
    assert column(changing, number, "first_contact_at") is None
    given = {"number": number, "kind": "PHONE_CALL", "subject": "Rang."}
    first = done(changing, ISP_WORKFLOW, "addEvent", "event { id occursAt }", **given)["event"]
    second = done(changing, ISP_WORKFLOW, "addEvent", "event { id occursAt }", **given)["event"]

    def met_at() -> Any:
        clocks = seen(changing, ISP_WORKFLOW, number, "serviceLevels { kind metAt }")["serviceLevels"]
        return next(clock["metAt"] for clock in clocks if clock["kind"] == "FIRST_CONTACT")

    assert met_at() == first["occursAt"]
    done(changing, ISP_WORKFLOW, "markInError", id=first["id"])
    assert met_at() == second["occursAt"]
    done(changing, ISP_WORKFLOW, "markInError", id=second["id"])
    assert met_at() is None
