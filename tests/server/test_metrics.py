"""What operators scrape: every series is there, its labels are closed sets, and it follows what happens."""

import os
import re
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ascms.database import upgrade
from tests.support.installation import Installation
from tests.support.live import signed_in
from tests.support.postgres import free_port
from tests.support.server import DemoServer

LEAD = "lead@test-college.school.nz"
CASES = "query OfTest($search: String) { cases(first: 3, search: $search) { nodes { number student { fullName } } } }"

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(server: DemoServer) -> Samples:
    return samples(server.client.get("/metrics").text)


def change(before: Samples, after: Samples, name: str, **labels: str) -> float:
    key = (name, tuple(sorted(labels.items())))
    return after[key] - before.get(key, 0)


SERIES = {
    "ascms_build_info": {"version", "python", "database"},
    "ascms_graphql_answers_total": {"status"},
    "ascms_graphql_seconds_bucket": {"le"},
    "ascms_refusals_total": {"code"},
    "ascms_subscriptions_open": set(),
    "ascms_sockets_open": set(),
    "ascms_cache_entries": {"cache"},
    "ascms_cache_weight": {"cache"},
    "ascms_cache_weight_limit": {"cache"},
    "ascms_cache_hits_total": {"cache"},
    "ascms_cache_misses_total": {"cache"},
    "ascms_cache_evictions_total": {"cache"},
    "ascms_database_connections": {"pool", "state"},
    "ascms_database_reads_waiting": set(),
    "ascms_access_log_batch_entries_bucket": {"le"},
    "ascms_access_log_write_seconds_bucket": {"le"},
    "ascms_access_log_waiting": set(),
    "ascms_access_log_failures_total": set(),
    "ascms_outbox_waiting": set(),
    "ascms_outbox_oldest_seconds": set(),
    "ascms_outbox_messages_total": {"outcome"},
    "ascms_job_runs_total": {"job", "outcome"},
    "ascms_job_seconds_total": {"job"},
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
    "process_open_fds": set(),
}
CLOSED = {
    "cache": {"documents", "plans", "persisted", "tokens", "trusted"},
    "pool": {"general", "reading"},
    "state": {"used", "idle"},
    "outcome": {"done", "failed", "delivered", "dropped", "put_off"},
    "database": {"sqlite", "postgresql"},
}


def test_every_series_is_there_and_every_label_is_one_of_few(server: DemoServer) -> None:
    assert server.ask(LEAD, CASES, {"search": "Ngāti"}).status == 200
    assert server.ask(LEAD, "{ nothing }").status == 400
    found = scraped(server)
    labels: dict[str, set[str]] = {}
    for name, pairs in found:
        labels.setdefault(name, set()).update(label for label, _ in pairs)
        for label, value in pairs:
            assert value in CLOSED.get(label, {value}), (name, label, value)
            assert label in {"le", "version", "python", "status", "code", "job", "generation", *CLOSED}
            assert label != "code" or value.replace("_", "").isupper()
            assert label != "status" or value.isdigit()
    assert {name: labels.get(name) for name in SERIES} == SERIES


def test_what_happens_is_counted(server: DemoServer) -> None:
    new = f"query Made{os.urandom(4).hex()}" + CASES.removeprefix("query OfTest")
    server.ask(LEAD, "{ viewer { roles } }")
    before = scraped(server)
    for _ in range(3):
        assert server.ask(LEAD, new).status == 200
    assert server.ask(LEAD, "{ nothing }").codes == ["BAD_USER_INPUT"]
    assert server.ask(None, CASES).status == 401
    after = scraped(server)
    assert change(before, after, "ascms_graphql_answers_total", status="200") == 3
    assert change(before, after, "ascms_graphql_answers_total", status="401") == 1
    assert change(before, after, "ascms_graphql_seconds_count") == 5
    assert change(before, after, "ascms_cache_misses_total", cache="plans") == 1
    assert change(before, after, "ascms_cache_hits_total", cache="plans") == 2
    assert change(before, after, "ascms_cache_entries", cache="plans") == 1
    assert change(before, after, "ascms_cache_hits_total", cache="tokens") >= 3
    assert change(before, after, "ascms_refusals_total", code="BAD_USER_INPUT") == 1
    assert change(before, after, "ascms_refusals_total", code="UNAUTHENTICATED") == 1
    assert change(before, after, "ascms_access_log_batch_entries_sum") == 3
    assert change(before, after, "ascms_access_log_write_seconds_count") >= 1


def test_documents_that_are_named_are_counted(server: DemoServer) -> None:
    before = scraped(server)
    token = {"Authorization": f"Bearer {server.token(LEAD)}"}
    unknown = {"documentId": "sha256:" + "0" * 64}
    assert server.client.post("/graphql", json=unknown, headers=token).status_code == 200
    after = scraped(server)
    assert change(before, after, "ascms_cache_misses_total", cache="persisted") == 1
    assert change(before, after, "ascms_refusals_total", code="PERSISTED_QUERY_NOT_FOUND") == 1


async def test_what_is_open_is_shown(server: DemoServer) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=None, trust_env=False) as client:

        async def number(name: str) -> float:
            return samples((await client.get("/metrics")).text)[name, ()]

        sockets, subscriptions = await number("ascms_sockets_open"), await number("ascms_subscriptions_open")
        async with signed_in(server, LEAD) as socket:
            await socket.subscribe('subscription { caseChanged(number: "00307473") { case { number } } }')
            assert await number("ascms_sockets_open") == sockets + 1
            assert await number("ascms_subscriptions_open") == subscriptions + 1
        while await number("ascms_subscriptions_open") > subscriptions:
            pass


def test_a_process_may_tell_its_metrics_on_a_port_of_its_own(tmp_path: Path) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path}/own.sqlite3"
    upgrade(database)
    port = free_port()
    with Installation(database, tmp_path, metrics_port=str(port)) as server:
        assert server.client.get("/metrics").status_code == 404
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=None, trust_env=False)
        assert samples(answer.text)["ascms_outbox_waiting", ()] == 0
        with Installation(database, tmp_path, metrics_port=str(port)) as second:
            assert second.client.get("/healthz").status_code == 200
            # The next one, unless a test beside this one has it.
            [its_port] = re.findall(r"metrics on port (\d+)", second.log())
            assert int(its_port) > port
            other = httpx.get(f"http://127.0.0.1:{its_port}/metrics", timeout=None, trust_env=False)
            started = ("process_start_time_seconds", ())
            assert samples(other.text)[started] >= samples(answer.text)[started]


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/healthz"])
def test_what_operators_read_names_nobody(server: DemoServer, path: str) -> None:
    for search in ("Test Student", "00307473", LEAD):
        server.ask(LEAD, CASES, {"search": search})
    shown = server.client.get(path).text
    for personal in ("@", "Test Student", "00307473", "OfTest", "test-college"):
        assert personal not in shown
