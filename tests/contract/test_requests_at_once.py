"""Twice, and several at once: there is one case, and what one is told holds."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.contract.casework import do, refused
from tests.contract.filing import (
    CONFIRMED,
    enrol,
    filled,
    leaving,
    started,
    submitted,
    unchanged,
    user,
)
from tests.contract.oracle import Person
from tests.contract.people import (
    ISP_MANAGER,
    ISP_WORKFLOW,
    LEAD,
    OFFICE,
    TESTPERSON_AT_ISP,
)
from tests.support.server import DemoServer
from tests.support.sql import rows

ENDED = {"withdrawRequest": "WITHDRAWN", "declineRequest": "DECLINED"}


# Twice -------------------------------------------------------------------------------------------------------


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """What the actions bring, begun at the same time."""
    brought: list[Any] = [None] * len(actions)

    def run(place: int) -> None:
        brought[place] = actions[place]()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return brought


def tried(server: DemoServer, person: Person, mutation: str, /, **members: Any) -> Any:
    """The payload of a mutation, done or refused."""
    return do(server, person, mutation, **members).data[mutation]


def test_submitting_twice_makes_one_case(changing: DemoServer) -> None:
    draft = submitted(changing, enrol(changing))
    with unchanged(changing):
        stale = {"reference": draft.reference, "expectedVersion": draft.version - 1}
        assert refused(changing, OFFICE, "submitRequest", **stale) == [("CONFLICT", "expectedVersion")]
        assert refused(changing, OFFICE, "submitRequest", **draft.given()) == [("NOT_POSSIBLE_NOW", "")]


def test_submitting_twice_at_once_makes_one_case(changing: DemoServer) -> None:
    draft = filled(changing, enrol(changing))
    for person in (OFFICE, LEAD):
        changing.token(person.email)
    given = draft.given(**CONFIRMED)
    with leaving(changing, case_record=1, event=1):
        payloads = at_once(
            *(partial(tried, changing, person, "submitRequest", **given) for person in (OFFICE, LEAD, OFFICE, LEAD))
        )
    codes = sorted(problem["code"] for payload in payloads for problem in payload["problems"])
    assert codes == ["CONFLICT"] * 3


def test_two_requests_for_one_student_at_once_share_one_case(changing: DemoServer) -> None:
    pupil = enrol(changing)
    drafts = [filled(changing, pupil, LEAD) for _ in range(4)]
    with leaving(changing, case_record=1, case_allocation=1, event=4):
        at_once(*(partial(draft.do, "submitRequest", LEAD) for draft in drafts))
    assert len({draft.case["id"] for draft in drafts}) == 1
    numbers = rows(changing.database, "SELECT number FROM request WHERE case_id = :case", case=drafts[0].case["id"])
    assert len(set(numbers)) == 4


@pytest.mark.parametrize("ending", ["withdrawRequest", "declineRequest"])
def test_an_end_and_an_opening_at_once_are_one_after_the_other(changing: DemoServer, ending: str) -> None:
    by, why = {
        "withdrawRequest": (LEAD, {"reason": "Not needed."}),
        "declineRequest": (TESTPERSON_AT_ISP, {"reason": "DUPLICATE", "note": "Known."}),
    }[ending]
    for _ in range(5):
        draft = submitted(changing, enrol(changing))
        case, manager = draft.case, user(changing, ISP_MANAGER)
        opening = {"number": case["number"], "expectedVersion": case["version"], "manager": manager}
        ended, opened = at_once(
            partial(tried, changing, by, ending, **draft.given(**why)),
            partial(tried, changing, ISP_WORKFLOW, "assignCaseManager", **opening),
        )
        assert sorted([bool(ended["problems"]), bool(opened["problems"])]) == [False, True]
        now = (draft.status, draft.case["status"])
        assert now == ((ENDED[ending], "CLOSED") if not ended["problems"] else ("ACCEPTED", "OPEN"))


def test_a_request_never_joins_a_case_that_closes_at_once(changing: DemoServer) -> None:
    for _ in range(5):
        pupil = enrol(changing)
        first, second = submitted(changing, pupil), filled(changing, pupil, LEAD)
        at_once(
            partial(first.do, "withdrawRequest", OFFICE, reason="Not needed."),
            partial(second.do, "submitRequest", LEAD),
        )
        assert (first.status, second.status) == ("WITHDRAWN", "SUBMITTED")
        assert second.case["status"] == "PROVIDER_QUEUE"


def test_two_that_end_at_once_close_their_case_together(changing: DemoServer) -> None:
    for _ in range(5):
        pupil = enrol(changing)
        first, second = submitted(changing, pupil), submitted(changing, pupil, LEAD)
        at_once(
            partial(first.do, "withdrawRequest", OFFICE, reason="Not needed."),
            partial(second.do, "withdrawRequest", LEAD, reason="Not needed."),
        )
        assert first.case == second.case
        assert (first.status, second.status, first.case["status"]) == ("WITHDRAWN", "WITHDRAWN", "CLOSED")


def test_drafts_begun_at_once_have_references_of_their_own(changing: DemoServer) -> None:
    for person in (OFFICE, LEAD):
        changing.token(person.email)
    drafts = at_once(*(partial(started, changing, person) for person in (OFFICE, LEAD) * 4))
    assert len({draft.reference for draft in drafts}) == 8
