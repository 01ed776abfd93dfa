"""Who is known by their token acts by the rights that hold now, not by those of their last request."""

from collections.abc import Callable

from tests.contract.people import LEAD
from tests.support.server import Answer, DemoServer
from tests.support.sql import execute, rows

SIGHT = "{ cases(first: 1) { nodes { student { ethnicities { code } } } } }"


def _role(server: DemoServer, email: str) -> int:
    found = rows(
        server.database,
        "SELECT role_assignment.id FROM role_assignment JOIN user_account ON user_account.id = user_id "
        "WHERE email = :email AND ended_at IS NULL",
        email=email,
    )
    return int(found[0][0])


def _asking(server: DemoServer) -> Callable[[str], Answer]:
    """Requests of the lead with one and the same token, so that its sender is recognised."""
    return lambda query: server.ask(LEAD.email, query, organisation="1234")


def test_a_role_taken_from_the_database_is_gone_with_the_next_request(changing: DemoServer) -> None:
    ask, role = _asking(changing), _role(changing, LEAD.email)
    for _ in range(3):
        assert ask(SIGHT).data["cases"]["nodes"]
    execute(changing.database, f"UPDATE role_assignment SET approved_at = NULL WHERE id = {role}")
    assert ask(SIGHT).codes == ["FORBIDDEN"]
    assert ask(SIGHT).codes == ["FORBIDDEN"]
    execute(changing.database, f"UPDATE role_assignment SET approved_at = '2026-01-01' WHERE id = {role}")
    assert ask(SIGHT).data["cases"]["nodes"]


def test_another_role_shows_and_hides_other_fields_from_the_next_request_on(changing: DemoServer) -> None:
    ask, role = _asking(changing), _role(changing, LEAD.email)
    assert ask(SIGHT).redacted == {}
    for given, hidden in (("OFFICE_SUPPORT", ["Student.ethnicities"]), ("ATTENDANCE_LEAD", [])):
        execute(changing.database, f"UPDATE role_assignment SET role = '{given}' WHERE id = {role}")
        answer = ask(SIGHT)
        assert list(answer.redacted) == hidden
        assert (answer.data["cases"]["nodes"][0]["student"]["ethnicities"] is None) == bool(hidden)


def test_what_was_refused_is_answered_once_the_right_is_there(changing: DemoServer) -> None:
    ask, role = _asking(changing), _role(changing, LEAD.email)
    asking_hidden = '{ cases(where: { student: { ethnicities: { in: ["111"] } } }) { totalCount } }'
    assert ask(asking_hidden).errors == []
    execute(changing.database, f"UPDATE role_assignment SET role = 'OFFICE_SUPPORT' WHERE id = {role}")
    assert ask(asking_hidden).errors
    execute(changing.database, f"UPDATE role_assignment SET role = 'ATTENDANCE_LEAD' WHERE id = {role}")
    assert ask(asking_hidden).errors == []


def test_an_organisation_that_closed_is_acted_for_no_more(changing: DemoServer) -> None:
    ask = _asking(changing)
    assert ask(SIGHT).data["cases"]["nodes"]
    execute(changing.database, "UPDATE organisation SET status = 'CLOSED' WHERE number = '1234'")
    try:
        assert ask(SIGHT).codes == ["FORBIDDEN"]
    finally:
        execute(changing.database, "UPDATE organisation SET status = 'OPEN' WHERE number = '1234'")
