"""Comments: who sees what was written, who is told of it, and how its author mends it."""

from collections.abc import Iterator

import pytest

from tests.contract.casework import SEEN_BY_ALL, TEN, count, do, done, node, refused, seen
from tests.contract.oracle import Person
from tests.contract.people import (
    ADVISER,
    CONTACT,
    ISP_MANAGER,
    ISP_WORKFLOW,
    LEAD,
    OFFICE,
    PRIVACY,
    SECOND_LEAD,
    WORKFLOW,
)
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

WITHOUT_CONTACT = "00307422"
"""Open, at Test College and its in-school provider, without a primary contact."""
SECOND_SCHOOL = "(SELECT id FROM organisation WHERE number = '1235')"


def comment(server: DemoServer, person: Person, body: str, number: str = SEEN_BY_ALL, **members: str) -> str:
    identifier: str = done(server, person, "addComment", "comment { id }", number=number, body=body, **members)[
        "comment"
    ]["id"]
    return identifier


def who_sees(server: DemoServer, body: str, number: str = SEEN_BY_ALL) -> dict[str, str | None]:
    """The roles that find a comment in the case's list, with the text as it is shown to them."""
    found = {}
    for role, person in TEN.items():
        case = seen(server, person, number, "comments(first: 1) { nodes { body createdAt author { displayName } } }")
        for one in case["comments"]["nodes"] if case is not None and case["comments"] is not None else []:
            if one["body"] in {body, None}:
                found[role] = one["body"]
    return found


def alerts(server: DemoServer, number: str) -> list[str]:
    """Whom alerts of a shared comment on a case were raised for, the oldest first."""
    statement = """SELECT u.username FROM alert a JOIN user_account u ON u.id = a.user_id
        JOIN case_record c ON c.id = a.case_id WHERE c.number = :number AND a.kind = 'COMMENT_SHARED' ORDER BY a.id"""
    return [username for (username,) in rows(server.database, statement, number=number)]


# Who sees a comment ------------------------------------------------------------------------------------------


def test_an_internal_comment_is_the_providers_and_the_ministry_sees_that_it_is_there(changing: DemoServer) -> None:
    comment(changing, ISP_MANAGER, "Between ourselves.")
    assert who_sees(changing, "Between ourselves.") == {
        "WORKFLOW_LEAD": "Between ourselves.", "CASE_MANAGER": "Between ourselves.",
        "MINISTRY_ADVISER": None, "PRIVACY_OFFICER": None,
    }  # fmt: skip


def test_a_shared_comment_is_read_by_lead_and_contact_and_not_by_the_office(changing: DemoServer) -> None:
    comment(changing, ISP_MANAGER, "For the school.", visibility="SHARED")
    assert who_sees(changing, "For the school.") == {
        "ATTENDANCE_LEAD": "For the school.", "PRIMARY_CONTACT": "For the school.",
        "WORKFLOW_LEAD": "For the school.", "CASE_MANAGER": "For the school.",
        "MINISTRY_ADVISER": None, "PRIVACY_OFFICER": None,
    }  # fmt: skip


@pytest.mark.parametrize("author", [LEAD, CONTACT, OFFICE], ids=str)
def test_a_schools_comment_is_shared_whatever_it_says_of_visibility(changing: DemoServer, author: Person) -> None:
    body = f"From {author}."
    payload = done(changing, author, "addComment", "comment { visibility }", number=SEEN_BY_ALL, body=body)
    assert payload["comment"]["visibility"] == "SHARED"
    readers = set(who_sees(changing, body))
    assert readers - {"OFFICE_SUPPORT"} == {
        "ATTENDANCE_LEAD", "PRIMARY_CONTACT", "WORKFLOW_LEAD", "CASE_MANAGER", "MINISTRY_ADVISER", "PRIVACY_OFFICER"
    }  # fmt: skip
    assert ("OFFICE_SUPPORT" in readers) == (author == OFFICE)
    internal = {"number": SEEN_BY_ALL, "body": "x", "visibility": "INTERNAL"}
    assert refused(changing, author, "addComment", **internal) == [("INVALID", "visibility")]


@pytest.fixture
def moved(changing: DemoServer) -> Iterator[str]:
    """A case that the test moves to the second school; it is back afterwards."""
    number = "00307423"
    yield number
    school = "(SELECT id FROM organisation WHERE number = '1234')"
    execute(changing.database, f"UPDATE case_record SET school_id = {school} WHERE number = '{number}'")


def test_the_next_school_inherits_no_comment(changing: DemoServer, moved: str) -> None:
    comment(changing, ISP_MANAGER, "For Test College.", moved, visibility="SHARED")
    comment(changing, LEAD, "From Test College.", moved)
    listed = "comments { totalCount nodes { body } }"
    before = seen(changing, LEAD, moved, listed)["comments"]["totalCount"]
    assert before >= 2
    execute(changing.database, f"UPDATE case_record SET school_id = {SECOND_SCHOOL} WHERE number = '{moved}'")
    assert seen(changing, LEAD, moved, listed) is None
    assert seen(changing, SECOND_LEAD, moved, listed)["comments"] == {"totalCount": 0, "nodes": []}
    comment(changing, ISP_MANAGER, "For the second school.", moved, visibility="SHARED")
    assert seen(changing, SECOND_LEAD, moved, listed)["comments"]["nodes"] == [{"body": "For the second school."}]


def test_there_is_no_school_to_share_with_where_the_student_is_on_no_roll(changing: DemoServer) -> None:
    unenrolled = rows(
        changing.database,
        "SELECT c.number FROM case_record c JOIN organisation p ON p.id = c.provider_id"
        " WHERE p.number = '5001' AND c.active AND c.school_id IS NULL ORDER BY c.id",
    )[0][0]
    shared = {"number": unenrolled, "body": "x", "visibility": "SHARED"}
    assert refused(changing, WORKFLOW, "addComment", **shared) == [("INVALID", "visibility")]
    comment(changing, WORKFLOW, "Internal, then.", unenrolled)


# Who is told -------------------------------------------------------------------------------------------------


def test_a_shared_comment_alerts_the_contact_alone(changing: DemoServer) -> None:
    before = alerts(changing, SEEN_BY_ALL)
    comment(changing, ISP_MANAGER, "Please ring us.", visibility="SHARED")
    assert alerts(changing, SEEN_BY_ALL) == [*before, CONTACT.email]
    comment(changing, ISP_MANAGER, "Not for you.")
    comment(changing, LEAD, "We rang.")
    assert alerts(changing, SEEN_BY_ALL) == [*before, CONTACT.email]


def test_without_a_contact_every_lead_is_told_but_who_is_kept_apart(changing: DemoServer) -> None:
    leads = {"lead@test-college.school.nz", "testperson@test-college.school.nz"}  # the deputy's role waits for approval
    before = len(alerts(changing, WITHOUT_CONTACT))
    comment(changing, ISP_MANAGER, "Who looks after this?", WITHOUT_CONTACT, visibility="SHARED")
    assert set(alerts(changing, WITHOUT_CONTACT)[before:]) == leads
    student = f"(SELECT student_id FROM case_record WHERE number = '{WITHOUT_CONTACT}')"
    user = "(SELECT id FROM user_account WHERE username = '{}')"
    blocked, by = user.format("testperson@test-college.school.nz"), user.format(LEAD.email)
    execute(
        changing.database,
        "INSERT INTO access_block (user_id, student_id, set_by_id, reason, set_at) "
        f"SELECT {blocked}, {student}, {by}, 'x', max(created_at) FROM alert",
    )
    before = len(alerts(changing, WITHOUT_CONTACT))
    comment(changing, ISP_MANAGER, "And now?", WITHOUT_CONTACT, visibility="SHARED")
    assert set(alerts(changing, WITHOUT_CONTACT)[before:]) == {LEAD.email}


def test_an_alert_and_its_email_say_nothing_of_the_comment(changing: DemoServer) -> None:
    comment(changing, ISP_MANAGER, "A word that is nowhere else: pōhutukawa.", visibility="SHARED")
    (payload,) = rows(changing.database, "SELECT payload FROM outbox_message ORDER BY id DESC LIMIT 1")[0]
    assert SEEN_BY_ALL in str(payload)
    assert "pōhutukawa" not in str(payload)
    assert "@" not in str(payload)


# Editing -----------------------------------------------------------------------------------------------------


def test_an_author_edits_and_every_earlier_text_is_kept(changing: DemoServer) -> None:
    identifier = comment(changing, ISP_MANAGER, "He came on Monday.", visibility="SHARED")
    for body in ("He came on Tuesday.", "  He came on Wednesday.  "):
        shown = "comment { body editedAt visibility }"
        edited = done(changing, ISP_MANAGER, "editComment", shown, id=identifier, body=body)["comment"]
        assert (edited["body"], edited["visibility"]) == (body.strip(), "SHARED")
        assert edited["editedAt"] is not None
    revisions = "SELECT body FROM comment_revision ORDER BY id DESC LIMIT 2"
    assert rows(changing.database, revisions) == [("He came on Tuesday.",), ("He came on Monday.",)]
    assert node(changing, CONTACT, identifier, "Comment", "body") == {"body": "He came on Wednesday."}


def test_the_same_text_again_changes_nothing(changing: DemoServer) -> None:
    identifier = comment(changing, ISP_MANAGER, "As it is.")
    tables = ("comment_revision", "change_entry")
    before = [count(changing, table) for table in tables]
    edited = done(changing, ISP_MANAGER, "editComment", "comment { editedAt }", id=identifier, body=" As it is. ")
    assert edited["comment"]["editedAt"] is None
    assert [count(changing, table) for table in tables] == before


@pytest.mark.parametrize("author", [LEAD, CONTACT, OFFICE, ISP_WORKFLOW, ISP_MANAGER], ids=str)
def test_only_the_author_may_edit_and_viewer_can_says_so(changing: DemoServer, author: Person) -> None:
    shared = {"visibility": "SHARED"} if author in (ISP_WORKFLOW, ISP_MANAGER) else {}
    identifier = comment(changing, author, f"By {author} alone.", **shared)
    for person in TEN.values():
        answer = do(changing, person, "editComment", "comment { body }", id=identifier, body=f"By {author} alone!")
        allowance = node(changing, person, identifier, "Comment", "viewerCan { action allowed }")
        if answer.data["editComment"] is None:
            assert answer.codes == ["FORBIDDEN"]
            allowed = False
        else:
            allowed = answer.data["editComment"]["problems"] == []
        assert allowed == (person == author), person
        told = [] if allowance is None else allowance["viewerCan"]
        assert ({"action": "editComment", "allowed": True} in told) == allowed, person


def test_who_does_not_see_a_comment_is_answered_as_if_there_were_none(changing: DemoServer) -> None:
    identifier = comment(changing, ISP_MANAGER, "Not yours.")
    theirs = do(changing, CONTACT, "editComment", "comment { id } case { id }", id=identifier, body="x")
    never = do(changing, CONTACT, "editComment", "comment { id } case { id }", id="Q29tbWVudDo5OTk5OTk5", body="x")
    assert theirs.body == never.body
    assert theirs.data["editComment"]["problems"][0]["code"] == "NOT_FOUND"
    for other in ("RXZlbnQ6MQ", "nonsense", ""):
        assert refused(changing, CONTACT, "editComment", id=other, body="x") == [("NOT_FOUND", "id")]


def test_the_same_person_in_another_organisation_is_not_the_author(changing: DemoServer) -> None:
    at_school = Person("testperson@test-college.school.nz", "1234")
    at_provider = Person("testperson@test-college.school.nz", "78912")
    identifier = comment(changing, at_school, "As the lead of the school.")
    assert refused(changing, at_provider, "editComment", id=identifier, body="x") == [("NOT_POSSIBLE_NOW", "")]
    done(changing, at_school, "editComment", id=identifier, body="As the lead of the school!")


def test_a_text_that_says_nothing_is_refused(changing: DemoServer) -> None:
    identifier = comment(changing, ISP_MANAGER, "Something.")
    for body in ("", " \n ", "x" * 10_001):
        assert refused(changing, ISP_MANAGER, "editComment", id=identifier, body=body) == [("INVALID", "body")]


def test_on_a_closed_case_its_author_still_mends_a_comment_and_nobody_adds_one(changing: DemoServer) -> None:
    number, author = "00307427", "(SELECT id FROM user_account WHERE username = 'manager@test-college-isp.school.nz')"
    case = f"(SELECT id FROM case_record WHERE number = '{number}')"
    provider = "(SELECT id FROM organisation WHERE number = '78912')"
    execute(
        changing.database,
        "INSERT INTO comment (case_id, author_id, organisation_id, body, visibility, created_at) SELECT "
        f"{case}, {author}, {provider}, 'From before it was closed.', 'INTERNAL', opened_at "
        f"FROM case_record WHERE number = '{number}'",
    )
    listed = seen(changing, ISP_MANAGER, number, "comments { nodes { id body viewerCan { action allowed } } }")
    (mine,) = [one for one in listed["comments"]["nodes"] if one["body"] == "From before it was closed."]
    assert {"action": "editComment", "allowed": True} in mine["viewerCan"]
    done(changing, ISP_MANAGER, "editComment", id=mine["id"], body="From before.")
    added = refused(changing, ISP_MANAGER, "addComment", number=number, body="Too late.")
    assert added == [("NOT_POSSIBLE_NOW", "")]


def test_a_payload_shows_nothing_that_a_query_would_hide(changing: DemoServer) -> None:
    shown = "comment { body } case { comments { totalCount } schoolContactNotes tasks { totalCount } }"
    payload = do(changing, OFFICE, "addComment", shown, number=SEEN_BY_ALL, body="From the office, again.")
    case = payload.data["addComment"]["case"]
    assert payload.data["addComment"]["comment"] == {"body": "From the office, again."}
    assert (case["schoolContactNotes"], case["tasks"]) == (None, None)
    assert (
        case["comments"]["totalCount"]
        == seen(changing, OFFICE, SEEN_BY_ALL, "comments { totalCount }")["comments"]["totalCount"]
    )
    assert set(payload.redacted) == {"Case.schoolContactNotes", "Case.tasks"}


def test_the_ministry_reads_that_there_are_comments_and_changes_none(changing: DemoServer) -> None:
    identifier = comment(changing, ISP_MANAGER, "For the ministry to see that it is there.")
    for person in (ADVISER, PRIVACY):
        assert node(changing, person, identifier, "Comment", "body createdAt")["body"] is None
        for mutation, members in (
            ("editComment", {"id": identifier, "body": "x"}),
            ("markInError", {"id": identifier}),
        ):
            assert do(changing, person, mutation, **members).codes == ["FORBIDDEN"]
