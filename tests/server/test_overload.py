"""More is asked than can be done in time: who is too much is turned away at once, and everybody else is served."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice
from typing import Any

import httpx
import pytest

from ascms.server.admission import FEW, LONGEST_WAIT, Admission, Overloaded
from tests.conftest import build_world
from tests.support.databases import Databases
from tests.support.live import events, signed_in
from tests.support.server import DemoServer
from tests.support.sql import changes_wait, rows

LEAD = "lead@test-college.school.nz"
OFFICE = "office@test-college.school.nz"
MOST = 12
"""More than the database has connections for those who change."""
HOME = '{ case(number: "00307473") { number status student { fullName } } }'
COMMENT = 'mutation { addComment(input: {number: "00307473", body: "%s"}) { comment { id } problems { message } } }'
CASE = 'subscription { caseChanged(number: "00307473") { what } }'
CLIENTS, EACH = 48, 6


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def small(
    request: pytest.FixtureRequest, databases_of: Callable[[str], Databases], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoServer]:
    """A server that lets in few at a time, and has fewer connections than that."""
    url = databases_of(request.param).copy("world", build_world)
    folder = tmp_path_factory.mktemp("small")
    with DemoServer(
        url, folder, maximum_under_way=str(MOST), maximum_at_once="1000", database_connections="8"
    ) as server:
        for person in (LEAD, OFFICE):
            assert server.ask(person, HOME).status == 200
        yield server


@pytest.fixture
async def web(small: DemoServer) -> AsyncIterator[httpx.AsyncClient]:
    """A client with many connections, of the Attendance Lead."""
    headers = {"Authorization": f"Bearer {small.token(LEAD)}", "Accept": "application/graphql-response+json"}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=small.url, timeout=None, trust_env=False, headers=headers, limits=limits
    ) as client:
        yield client


def is_turned_away(response: httpx.Response) -> bool:
    """Whether it is, in the words that are documented."""
    if response.status_code != 503:
        return False
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "OVERLOADED"}
    assert 1 <= int(response.headers["retry-after"]) <= LONGEST_WAIT
    assert response.headers["cache-control"] == "no-store"
    assert "data" not in response.json()
    return True


async def test_while_changes_wait_the_others_are_turned_away_at_once_and_nothing_is_half_done(
    small: DemoServer, web: httpx.AsyncClient
) -> None:
    refused_before = small.metric("ascms_overload_refusals_total")
    many = 3 * MOST
    async with events(small, small.token(LEAD), CASE) as stream, signed_in(small, OFFICE) as socket:
        async with changes_wait(small.database):
            asked = [
                asyncio.create_task(web.post("/graphql", json={"query": COMMENT % f"number {number}"}))
                for number in range(many)
            ]
            # That this returns is what is shown: the changes that were let in wait for us, and nobody else does.
            for first in islice(asyncio.as_completed(asked), many - MOST):
                await first
            assert all(is_turned_away(one.result()) for one in asked if one.done())
            assert sum(one.done() for one in asked) == many - MOST
            assert is_turned_away(await web.post("/graphql", json={"query": HOME}))
            assert is_turned_away(
                await web.post("/graphql", json={"query": HOME}, headers={"Authorization": "Bearer x"})
            )
            (error,) = await socket.error(await socket.begin(HOME))
            assert error["extensions"]["code"] == "OVERLOADED"
            for path in ("/healthz", "/readyz", "/metrics"):
                assert (await web.get(path)).status_code == 200
            assert small.metric("ascms_operations_under_way") == MOST
        answers = [await one for one in asked]
        assert Counter(one.status_code for one in answers) == {200: MOST, 503: many - MOST}
        done = [one.json()["data"]["addComment"] for one in answers if one.status_code == 200]
        assert all(one["problems"] == [] for one in done)
        assert [await stream.next() for _ in range(MOST)] == [{**one_change(), "extensions": ANY}] * MOST
    assert rows(small.database, "SELECT count(*) FROM comment WHERE body LIKE 'number %'") == [(MOST,)]
    assert small.metric("ascms_overload_refusals_total") - refused_before == many - MOST + 3
    assert (await web.post("/graphql", json={"query": HOME})).status_code == 200
    assert small.metric("ascms_operations_under_way") == 0


class _Any:
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


ANY = _Any()


def one_change() -> dict[str, Any]:
    return {"data": {"caseChanged": {"what": "addComment"}}}


async def test_a_flood_is_answered_whole_and_leaves_nothing_behind(small: DemoServer, web: httpx.AsyncClient) -> None:
    async def client() -> list[httpx.Response]:
        return [await web.post("/graphql", json={"query": HOME}) for _ in range(EACH)]

    answers = [one for each in await asyncio.gather(*(client() for _ in range(CLIENTS))) for one in each]
    good = [one for one in answers if one.status_code == 200]
    assert all(one.json()["data"]["case"]["number"] == "00307473" for one in good)
    assert len(good) >= MOST
    assert all(is_turned_away(one) for one in answers if one.status_code != 200)
    assert len(answers) == CLIENTS * EACH
    assert small.metric("ascms_operations_under_way_most") <= MOST
    assert small.metric("ascms_operations_under_way") == 0
    assert (await web.post("/graphql", json={"query": HOME})).status_code == 200


# The counting -------------------------------------------------------------------------------------------------


async def test_what_ended_in_a_turn_of_the_loop_counts_to_its_end() -> None:
    admission = Admission(2)
    for _ in range(2):
        with admission.entered():
            pass
    with pytest.raises(Overloaded):
        admission.enter()
    await asyncio.sleep(0)
    assert (admission.under_way, admission.refused, admission.most_seen) == (0, 1, 2)
    with admission.entered():
        await asyncio.sleep(0)
        assert admission.under_way == 1
    assert admission.under_way == 0


async def test_a_turn_that_has_gone_on_for_long_takes_up_no_more_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("ascms.server.admission.perf_counter", lambda: now)
    admission = Admission(1_000)
    for _ in range(FEW):
        admission.enter()
        now += 1.0
    assert admission.is_full
    await asyncio.sleep(0)
    assert not admission.is_full
