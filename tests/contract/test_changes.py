"""What every mutation keeps to: refusals change nothing, a retry does nothing twice, a payload shows today's rights."""

import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.server import Answer, DemoServer
from tests.support.sql import execute, rows

LEAD = "lead@test-college.school.nz"
OFFICE = "office@test-college.school.nz"
WORKFLOW = "workflow@test-college-isp.school.nz"
MANAGER = "manager@test-college-isp.school.nz"
ADMINISTRATOR = "admin@ministry.nz"
CASE = "00307473"

COMMENT = """mutation Comment($input: AddCommentInput!) {
  addComment(input: $input) {
    comment { id body visibility author { displayName } }
    case { number version statusReason { code } comments { totalCount } }
    problems { __typename code message path }
  }
}"""
PAUSE = """mutation Pause($input: PauseCaseInput!) {
  pauseCase(input: $input) {
    case { number status version }
    problems {
      __typename code message path
      ... on Conflict { currentVersion }
      ... on NotPossibleNow { possible { action roles } }
    }
  }
}"""


def left_behind(server: DemoServer) -> dict[str, int]:
    """How many rows a change may leave, by table."""
    tables = ("comment", "event", "case_status_change", "change_entry", "alert", "outbox_message")
    return {table: rows(server.database, f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def comment(server: DemoServer, email: str, key: str | None = None, number: str = CASE, **members: Any) -> Answer:
    headers = {} if key is None else {"Idempotency-Key": key}
    return server.ask(email, COMMENT, {"input": {"number": number, **members}}, headers=headers)


def an_open_case(server: DemoServer) -> dict[str, Any]:
    answer = server.ask(WORKFLOW, "{ cases(where: {status: {eq: OPEN}}) { nodes { number version } } }")
    case: dict[str, Any] = answer.data["cases"]["nodes"][0]
    return case


def test_a_change_leaves_its_row_its_entry_and_its_alert_and_shows_them(changing: DemoServer) -> None:
    before = left_behind(changing)
    answer = comment(changing, WORKFLOW, body="  Met on Tuesday.  ", visibility="SHARED")
    done = answer.data["addComment"]
    assert done["problems"] == []
    assert done["comment"]["body"] == "Met on Tuesday."
    after = left_behind(changing)
    assert {table: after[table] - before[table] for table in after} == {
        "comment": 1, "event": 0, "case_status_change": 0, "change_entry": 2, "alert": 1, "outbox_message": 1,
    }  # fmt: skip
    newest = "SELECT action, subject_type FROM change_entry ORDER BY sequence DESC LIMIT 2"
    assert rows(changing.database, newest) == [("addComment", "Case"), ("addComment", "Comment")]


def test_the_same_request_with_its_key_is_done_once(changing: DemoServer) -> None:
    before = left_behind(changing)["change_entry"]
    key = str(uuid4())
    answers = [comment(changing, WORKFLOW, key, body="Once.") for _ in range(3)]
    assert answers[0].data["addComment"]["comment"]["id"]
    assert answers[0].body == answers[1].body == answers[2].body
    assert left_behind(changing)["change_entry"] - before == 2


def test_requests_at_the_same_time_with_one_key_are_done_once(changing: DemoServer) -> None:
    before = left_behind(changing)["change_entry"]
    key, answers = str(uuid4()), []
    changing.token(WORKFLOW)
    askers = [
        threading.Thread(target=lambda: answers.append(comment(changing, WORKFLOW, key, body="Once.")))
        for _ in range(6)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len({answer.data["addComment"]["comment"]["id"] for answer in answers}) == 1
    assert len(answers) == 6
    assert left_behind(changing)["change_entry"] - before == 2


def test_a_key_for_another_request_is_refused(changing: DemoServer) -> None:
    before = left_behind(changing)["change_entry"]
    key = str(uuid4())
    comment(changing, WORKFLOW, key, body="One thing.")
    answer = comment(changing, WORKFLOW, key, body="Another thing.")
    assert answer.codes == ["BAD_USER_INPUT"]
    assert "another request" in answer.errors[0]["message"]
    assert answer.data == {"addComment": None}
    assert left_behind(changing)["change_entry"] - before == 2


def test_a_key_is_one_persons_own(changing: DemoServer) -> None:
    key = str(uuid4())
    mine = comment(changing, WORKFLOW, key, body="The same words.").data["addComment"]["comment"]
    theirs = comment(changing, MANAGER, key, body="The same words.").data["addComment"]["comment"]
    assert mine["id"] != theirs["id"]


def test_a_refusal_is_kept_with_its_key_too(changing: DemoServer) -> None:
    before = left_behind(changing)["change_entry"]
    key, case = str(uuid4()), an_open_case(changing)
    given = {"number": case["number"], "expectedVersion": case["version"], "reason": "NONE", "reviewOn": "2001-01-01"}
    first = changing.ask(WORKFLOW, PAUSE, {"input": given}, headers={"Idempotency-Key": key})
    assert [problem["path"] for problem in first.data["pauseCase"]["problems"]] == [
        ["input", "reason"], ["input", "reviewOn"],
    ]  # fmt: skip
    assert changing.ask(WORKFLOW, PAUSE, {"input": given}, headers={"Idempotency-Key": key}).body == first.body
    assert left_behind(changing)["change_entry"] == before


@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb"])
def test_what_is_no_key_is_refused(changing: DemoServer, key: str) -> None:
    before = left_behind(changing)["change_entry"]
    answer = comment(changing, WORKFLOW, key, body="x")
    assert answer.status == 400
    assert left_behind(changing)["change_entry"] == before


def test_a_stale_version_is_a_conflict_that_tells_the_present_one(changing: DemoServer) -> None:
    case = an_open_case(changing)
    given = {"number": case["number"], "reason": "AWAY", "reviewOn": "2099-01-01"}
    answer = changing.ask(WORKFLOW, PAUSE, {"input": {**given, "expectedVersion": case["version"] - 1}})
    (problem,) = answer.data["pauseCase"]["problems"]
    assert (problem["code"], problem["path"]) == ("CONFLICT", ["input", "expectedVersion"])
    assert problem["currentVersion"] == case["version"]
    assert answer.data["pauseCase"]["case"] == {"number": case["number"], "status": "OPEN", "version": case["version"]}
    assert changing.ask(WORKFLOW, PAUSE, {"input": {**given, "expectedVersion": case["version"]}}).data["pauseCase"][
        "case"
    ] == {"number": case["number"], "status": "PAUSED", "version": case["version"] + 1}


def test_an_impossible_move_lists_what_is_possible_and_who_may(changing: DemoServer) -> None:
    answer = changing.ask(
        WORKFLOW, PAUSE, {"input": {"number": CASE, "expectedVersion": 2, "reason": "AWAY", "reviewOn": "2099-01-01"}}
    )
    (problem,) = answer.data["pauseCase"]["problems"]
    assert problem["code"] == "NOT_POSSIBLE_NOW"
    possible = {one["action"]: one["roles"] for one in problem["possible"]}
    assert possible["openCase"] == ["WORKFLOW_LEAD", "CASE_MANAGER"]
    assert "pauseCase" not in possible
    assert "closeCase" not in possible
    allowed = changing.ask(WORKFLOW, f'{{ case(number: "{CASE}") {{ viewerCan {{ action allowed }} }} }}')
    assert {one["action"] for one in allowed.data["case"]["viewerCan"] if one["allowed"]} <= set(possible)


def test_one_forbidden_field_refuses_the_whole_operation(changing: DemoServer) -> None:
    before = left_behind(changing)["change_entry"]
    document = """mutation {
      addComment(input: {number: "00307473", body: "Fine by itself"}) { comment { id } }
      pauseCase(input: {number: "00307473", expectedVersion: 2, reason: "AWAY", reviewOn: "2099-01-01"}) { case { id } }
    }"""
    answer = changing.ask(LEAD, document)
    assert answer.data == {"addComment": None, "pauseCase": None}
    assert answer.codes == ["FORBIDDEN", "FORBIDDEN"]
    assert answer.errors[1]["extensions"]["visibleTo"] == ["WORKFLOW_LEAD", "CASE_MANAGER"]
    assert left_behind(changing)["change_entry"] == before


def test_changes_of_one_operation_are_made_in_order_each_seeing_the_one_before(changing: DemoServer) -> None:
    document = """mutation {
      one: addComment(input: {number: "00307473", body: "First"}) { case { comments { totalCount } } }
      two: addComment(input: {number: "00307473", body: "Second"}) { case { comments { totalCount } } }
    }"""
    key = {"Idempotency-Key": str(uuid4())}
    answer = changing.ask(LEAD, document, headers=key)
    first, second = (answer.data[name]["case"]["comments"]["totalCount"] for name in ("one", "two"))
    assert second == first + 1
    changing.ask(LEAD, document, headers=key)
    assert rows(changing.database, "SELECT count(*) FROM comment WHERE body IN ('First', 'Second')") == [(2,)]


def test_nothing_is_done_where_the_payload_is_asked_for_in_nonsense(changing: DemoServer) -> None:
    before = left_behind(changing)["change_entry"]
    document = """mutation Comment($input: AddCommentInput!, $after: String) {
      addComment(input: $input) { case { comments(after: $after) { totalCount } } }
    }"""
    answer = changing.ask(LEAD, document, {"input": {"number": CASE, "body": "x"}, "after": "no cursor"})
    assert answer.codes == ["BAD_USER_INPUT"]
    assert left_behind(changing)["change_entry"] == before


def test_a_payload_hides_what_a_query_would(changing: DemoServer) -> None:
    answer = comment(changing, OFFICE, body="From the office.")
    assert answer.data["addComment"]["case"]["statusReason"] is None
    assert answer.redacted["Case.statusReason"] == ["addComment.case.statusReason"]
    written = (
        "SELECT count(*) FROM comment c JOIN user_account u ON u.id = c.author_id"
        " JOIN case_record r ON r.id = c.case_id WHERE u.username = :office AND r.number = :number"
    )
    of_the_office = rows(changing.database, written, office=OFFICE, number=CASE)[0][0]
    assert answer.data["addComment"]["case"]["comments"]["totalCount"] == of_the_office


def test_a_case_out_of_scope_is_answered_like_a_number_never_given_out(changing: DemoServer) -> None:
    before = left_behind(changing)["change_entry"]
    elsewhere = comment(changing, "lead@second-school.school.nz", number=CASE, body="x")
    never = comment(changing, "lead@second-school.school.nz", number="09999999", body="x")
    assert elsewhere.body == never.body
    assert elsewhere.data["addComment"]["problems"][0]["code"] == "NOT_FOUND"
    assert left_behind(changing)["change_entry"] == before


def test_the_same_key_tells_nothing_more_once_the_right_is_gone(changing: DemoServer) -> None:
    key = str(uuid4())
    number = rows(
        changing.database,
        "SELECT c.number FROM case_record c JOIN user_account u ON u.id = c.case_manager_id"
        f" WHERE u.username = '{MANAGER}' AND c.active ORDER BY c.id",
    )[0][0]
    assert comment(changing, MANAGER, key, number=number, body="Mine.").data["addComment"]["comment"]["body"] == "Mine."
    version = changing.ask(WORKFLOW, f'{{ case(number: "{number}") {{ version }} }}').data["case"]["version"]
    assert version
    execute(
        changing.database,
        f"UPDATE case_record SET case_manager_id = NULL, status = 'PROVIDER_QUEUE' WHERE number = '{number}'",
    )
    again = comment(changing, MANAGER, key, number=number, body="Mine.").data["addComment"]
    assert again == {"comment": None, "case": None, "problems": []}


def test_texts_that_no_database_keeps_are_refused_by_name(changing: DemoServer) -> None:
    answer = comment(changing, LEAD, body="a\0b")
    assert answer.data["addComment"]["problems"][0]["path"] == ["input", "body"]
    answer = comment(changing, LEAD, body="a" * 20_001)
    assert answer.data["addComment"]["problems"][0]["path"] == ["input", "body"]


def test_changes_are_never_made_by_get(changing: DemoServer) -> None:
    before = left_behind(changing)["change_entry"]
    document = 'mutation { addComment(input: {number: "00307473", body: "x"}) { comment { id } } }'
    response = changing.client.get(
        "/graphql", params={"query": document}, headers={"Authorization": f"Bearer {changing.token(LEAD)}"}
    )
    assert response.status_code == 405
    assert left_behind(changing)["change_entry"] == before


def test_plain_execution_shows_the_same_payloads(world_url: str, tmp_path: Path) -> None:
    with DemoServer(world_url, tmp_path, execution="plain") as server:
        done = comment(server, OFFICE, body="Plainly.")
        assert done.data["addComment"]["comment"]["body"] == "Plainly."
        assert done.data["addComment"]["case"]["comments"]["totalCount"] == 1
        assert done.redacted["Case.statusReason"] == ["addComment.case.statusReason"]
        refused = server.ask(
            WORKFLOW,
            PAUSE,
            {"input": {"number": CASE, "expectedVersion": 2, "reason": "AWAY", "reviewOn": "2099-01-01"}},
        )
        (problem,) = refused.data["pauseCase"]["problems"]
        assert (problem["__typename"], problem["code"]) == ("NotPossibleNow", "NOT_POSSIBLE_NOW")
        assert {"action": "openCase", "roles": ["WORKFLOW_LEAD", "CASE_MANAGER"]} in problem["possible"]
