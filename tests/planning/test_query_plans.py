"""How the databases run what is planned: nothing that grows with the nation is read whole, lists stand on an index.

The statements are those that the demo world's people cause. What a database would do with them is asked where nothing
is held but, on SQLite, the statistics of a nation with a million cases; and on SQLite also where there are none.
"""

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ascms.database import sqlite_path, upgrade
from ascms.models import Base
from tests.conftest import build_world
from tests.planning.test_statements import BOTH, LEAD, OFFICE, PRIVACY, QUERIES, WORKFLOW, Asker, said
from tests.support.databases import Databases

NATION = Path(__file__).with_name("nation_statistics.csv")
"""What ANALYZE found among a million cases: table, index, statistics."""
STAND_STILL = {
    "access_log_chain", "catchment", "catchment_provider", "code", "counter", "disclosure", "ethnic_group",
    "import_run", "iwi", "school_term", "service_level_target",
}  # fmt: skip
"""Tables that stay small however many children there are."""
GROWING = set(Base.metadata.tables) - STAND_STILL

ADVISER = "adviser@ministry.nz 9001"
CONTACT = "contact@second-school.school.nz 1235"
MANAGER = "manager@waikato-attendance.nz 5001"
AT_SCHOOL = (LEAD, OFFICE, BOTH, CONTACT)
PEOPLE = (*AT_SCHOOL, WORKFLOW, MANAGER, ADVISER, PRIVACY)

CASES = "totalCount nodes { number student { fullName } } pageInfo { endCursor }"
OPERATIONS: Mapping[str, str] = {
    "home": (QUERIES / "home.graphql").read_text(),
    "case": (QUERIES / "case.graphql").read_text(),
    "list": f"{{ cases(first: 30, orderBy: [{{ field: OPENED_AT, direction: DESC }}]) {{ {CASES} }} }}",
    "queue": (
        "{ cases(first: 30, where: { status: { in: [PROVIDER_QUEUE] } },"
        f" orderBy: [{{ field: OPENED_AT, direction: ASC }}]) {{ {CASES} }} }}"
    ),
    "levels": """{ cases(first: 100) { nodes { student { ethnicities { code } caregivers { name } }
        events(first: 3) { totalCount nodes { subject recordedBy { displayName } } } } } }""",
    "total": """{ cases(first: 0, where: { status: { in: [OPEN, PAUSED] }, openedAt: { gte: "2026-02-01T00:00:00Z" } })
        { totalCount } }""",
    "search": f'{{ cases(first: 20, search: "Ngata") {{ {CASES} }} }}',
    "students": '{ students(first: 20, search: "ngata") { totalCount nodes { fullName } } }',
    "requests": "{ requests(first: 20) { totalCount nodes { reference student { fullName } } } }",
}
IN_ORDER = ("home", "list", "queue", "levels", "total")
"""Operations whose lists are never sorted, whoever asks."""

BEYOND_ONE_ORGANISATION: Mapping[tuple[str, str], set[str]] = {
    (ADVISER, "list"): {"student by ix_student_protected"},
    (ADVISER, "queue"): {"student by ix_student_protected"},
    (ADVISER, "total"): {"student by ix_student_protected"},
    (ADVISER, "search"): {
        "student by ix_student_protected",
        "student by an index alone",
        "case_record by an index alone",
    },
    (ADVISER, "students"): {"student by ix_student_protected", "student by an index alone"},
    (ADVISER, "requests"): {"student by ix_student_protected", "request by ix_request_last_modified_at_id"},
    (PRIVACY, "list"): {"case_record by ix_case_record_opened_at_id", "case_record by an index alone"},
    (PRIVACY, "levels"): {"case_record by an index alone"},
    (PRIVACY, "search"): {"student by an index alone", "case_record by an index alone"},
    (PRIVACY, "students"): {"student by an index alone"},
    (PRIVACY, "requests"): {"request by ix_request_last_modified_at_id", "request by an index alone"},
}
"""What those read from its beginning on who reach a region or the whole nation: a page in the order of an index, until
it is full; for a total, everything that they reach; for a search, all names and numbers that there are. An adviser's
totals leave out the protected students, who are few."""


# SQLite -------------------------------------------------------------------------------------------------------

SCANNED = re.compile(r"SCAN (?P<table>\w+?)(_\d+)?( USING (?P<alone>COVERING )?INDEX (?P<index>\w+))?( LEFT-JOIN)?")


def looked_through(connection: sqlite3.Connection, statement: str, *, in_order: bool) -> set[str]:
    """What SQLite would read from its beginning on, and the list that it would sort."""
    found = set()
    for _, parent, _, detail in connection.execute(f"EXPLAIN QUERY PLAN {statement}", [None] * statement.count("?")):
        scanned = SCANNED.fullmatch(detail)
        if scanned and scanned["table"] in GROWING:
            by = "an index alone" if scanned["alone"] else scanned["index"]
            found.add(f"{scanned['table']} by {by}" if by else scanned["table"])
        if in_order and parent == 0 and "ORDER BY" in detail and "json_each" not in statement:
            found.add(f"sorted: {statement}")
    return found


@pytest.fixture(params=["with the nation's statistics", "without statistics"])
def sqlite_nation(
    request: pytest.FixtureRequest, databases_of: Callable[[str], Databases]
) -> Iterator[sqlite3.Connection]:
    databases = databases_of("sqlite")
    url = databases.copy("migrated", upgrade)
    path = sqlite_path(url)
    assert path is not None
    if request.param == "with the nation's statistics":
        filling = sqlite3.connect(path)
        filling.execute("ANALYZE")  # makes the table
        known = [line.split(",") for line in NATION.read_text().splitlines()]
        filling.executemany("INSERT INTO sqlite_stat1 VALUES (?, nullif(?, ''), ?)", known)
        filling.commit()
        filling.close()
    connection = sqlite3.connect(path)
    yield connection
    connection.close()
    databases.drop(url)


@pytest.fixture
def sqlite_asker(
    databases_of: Callable[[str], Databases], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Iterator[Asker]:
    yield from asker_over(databases_of("sqlite"), tmp_path, caplog)


@pytest.fixture
def postgres_asker(
    databases_of: Callable[[str], Databases], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Iterator[Asker]:
    yield from asker_over(databases_of("postgresql"), tmp_path, caplog)


@pytest.fixture
def postgres_nation(databases_of: Callable[[str], Databases]) -> Iterator[str]:
    databases = databases_of("postgresql")
    url = databases.copy("migrated", upgrade)
    yield url
    databases.drop(url)


def asker_over(databases: Databases, folder: Path, log: pytest.LogCaptureFixture) -> Iterator[Asker]:
    url = databases.copy("world", build_world)
    with asyncio.Runner() as runner:
        asker = Asker(url, folder, log, runner)
        yield asker
        runner.run(asker.engine.dispose())
    databases.drop(url)


def statements_of(asker: Asker, who: str, name: str) -> list[str]:
    """The statements of an operation; of a case's, about one that the person reaches."""
    variables = {}
    if name == "case":
        answer, _ = asker.ask(who, "{ cases(first: 1) { nodes { number } } }")
        variables["number"] = said(answer)["cases"]["nodes"][0]["number"]
    _, statements = asker.ask(who, OPERATIONS[name], variables)
    assert statements
    return statements


def each_operation(asker: Asker) -> Iterator[tuple[str, str, list[str]]]:
    """Everybody's operations with their statements; `home` is the school portal's."""
    for who in PEOPLE:
        for name in OPERATIONS:
            if name != "home" or who in AT_SCHOOL:
                yield who, name, statements_of(asker, who, name)


def test_sqlite_reads_no_more_than_is_asked_for(sqlite_asker: Asker, sqlite_nation: sqlite3.Connection) -> None:
    for who, name, statements in each_operation(sqlite_asker):
        found = [looked_through(sqlite_nation, statement, in_order=name in IN_ORDER) for statement in statements]
        assert set().union(*found) <= BEYOND_ONE_ORGANISATION.get((who, name), set()), (who, name)


def test_a_missing_index_is_noticed(sqlite_asker: Asker, sqlite_nation: sqlite3.Connection) -> None:
    for index in ("ix_case_record_school_id_active_opened_at_id", "ix_case_record_primary_contact_id_opened_at_id"):
        sqlite_nation.execute(f"DROP INDEX {index}")
    [statement] = statements_of(sqlite_asker, LEAD, "list")
    assert any("case_record" in read for read in looked_through(sqlite_nation, statement, in_order=True))


# PostgreSQL ---------------------------------------------------------------------------------------------------

RELUCTANT = ("seqscan", "hashjoin", "mergejoin")
"""What is done only where there is no other way: nothing is held, and so nothing would be worth an index."""


def nodes_of(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes_of(below)


async def planned(url: str, statements: list[str], reluctant: tuple[str, ...]) -> list[Mapping[str, Any]]:
    """The plan of each statement for whatever parameters."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        for way in reluctant:
            await connection.execute(f"SET enable_{way} = off")
        plans = []
        for statement in statements:
            count = len(set(re.findall(r"\$\d+", statement)))
            given = f"({', '.join(['NULL'] * count)})" if count else ""
            await connection.execute(f"PREPARE asked AS {statement}")
            [plan] = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE asked{given}"))
            plans.append(plan["Plan"])
            await connection.execute("DEALLOCATE asked")
        return plans
    finally:
        await connection.close()


def gone_through(plan: Mapping[str, Any]) -> set[str]:
    """The tables that PostgreSQL would read from the beginning of an index, or from their own."""
    return {
        node["Relation Name"]
        for node in nodes_of(plan)
        if node.get("Relation Name") in GROWING
        and not any("Index Cond" in below for below in (node, *node.get("Plans", ())))
        and not any("Index Cond" in below for either in node.get("Plans", ()) for below in either.get("Plans", ()))
    }


def sorts_its_page(plan: Mapping[str, Any]) -> bool:
    """Whether the list would be sorted that then is cut to a page."""
    return any(node["Node Type"] == "Limit" and "Sort" in node["Plans"][0]["Node Type"] for node in nodes_of(plan))


def test_postgresql_reads_no_more_than_is_asked_for(postgres_asker: Asker, postgres_nation: str) -> None:
    read, sorted_ = {}, []
    for who, name, statements in each_operation(postgres_asker):
        plans = asyncio.run(planned(postgres_nation, statements, RELUCTANT))
        read[who, name] = set().union(*map(gone_through, plans))
        if name in IN_ORDER:
            plans = asyncio.run(planned(postgres_nation, statements, (*RELUCTANT, "bitmapscan", "sort")))
            sorted_ += [statement for statement, plan in zip(statements, plans, strict=True) if sorts_its_page(plan)]
    assert not sorted_
    assert {who for (who, _), found in read.items() if found} <= {ADVISER, PRIVACY}
    assert not any(read[who, "case"] for who in PEOPLE)


async def test_a_missing_index_is_noticed_on_postgresql(postgres_nation: str) -> None:
    of_a_school = "SELECT id FROM case_record WHERE school_id = 1 AND active ORDER BY opened_at, id LIMIT 30"
    ways = (*RELUCTANT, "bitmapscan", "sort")
    [plan] = await planned(postgres_nation, [of_a_school], ways)
    assert not gone_through(plan)
    assert not sorts_its_page(plan)
    connection = await asyncpg.connect(postgres_nation.replace("+asyncpg", ""))
    await connection.execute("DROP INDEX ix_case_record_school_id_active_opened_at_id")
    await connection.close()
    [plan] = await planned(postgres_nation, [of_a_school], ways)
    assert gone_through(plan) or sorts_its_page(plan)
