"""Spans, as a collector receives them: what a request was made of, and nothing of whom it was about."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import build_world
from tests.support.collector import Collector, attributes
from tests.support.commands import run, settings_of
from tests.support.databases import Databases
from tests.support.server import DemoServer

LEAD = "lead@test-college.school.nz"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
QUERY = (
    'query SecretName($n: String!) { case(number: $n) { student { fullName } } cases(search: "Test") { totalCount } }'
)
CHANGE = (
    'mutation { addComment(input: { number: "00307473", body: "Rang Aroha." }) { comment { id } problems { code } } }'
)
KNOWN = {
    "http.request.method", "http.route", "http.response.status_code", "ascms.request", "ascms.operation",
    "ascms.roles", "ascms.nodes", "ascms.students", "ascms.statement", "ascms.rows", "ascms.entries", "error.type",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_request_is_one_trace_of_what_it_was_made_of(
    kind: str, databases_of: Callable[[str], Databases], tmp_path: Path
) -> None:
    databases = databases_of(kind)
    url = databases.copy("world", build_world)
    with Collector() as collector:
        with DemoServer(url, tmp_path, traces_url=collector.url) as server:
            for _ in range(2):
                traced = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
                assert server.ask(LEAD, QUERY, {"n": "00307473"}, headers=traced).status == 200
            assert server.ask(LEAD, CHANGE).status == 200
            assert server.ask(None, QUERY).status == 401
        # What was left is sent at the end of the server.
        ours = [span for span in collector.spans if span.trace_id.hex() == TRACE]
        names = {span.span_id: span.name for span in ours}
        requests = [span for span in ours if span.name == "POST /graphql"]
        assert [span.parent_span_id.hex() for span in requests] == [CALLER] * 2
        parents = {(span.name, names.get(span.parent_span_id)) for span in ours}
        assert {
            ("identify", "POST /graphql"),
            ("plan", "POST /graphql"),
            ("answer", "POST /graphql"),
            ("access log", "answer"),
        } <= parents
        assert {above for name, above in parents if name == "statement"} & {"read", "answer"}
        for span in requests:
            told = attributes(span)
            assert told["http.response.status_code"] == 200
            assert re.fullmatch("[0-9a-f]{64}", str(told["ascms.operation"]))
        assert sum(int(attributes(span)["ascms.entries"]) for span in collector.named("access log batch")) >= 2
        assert all(not span.parent_span_id for span in collector.named("access log batch"))
        assert any(attributes(span).get("ascms.rows") for span in collector.named("statement"))
        assert len(collector.named("change")) == 1
        refused = collector.named("POST /graphql", lambda span: attributes(span)["http.response.status_code"] == 401)
        assert len(refused) == 1
        assert {key for span in collector.spans for key in attributes(span)} <= KNOWN
        for personal in (b"00307473", b"SecretName", b"Test", b"Aroha", b"test-college", b"SELECT", b"case_record"):
            assert personal not in collector.raw
    databases.drop(url)


def test_a_collector_that_is_away_disturbs_nobody(databases_of: Callable[[str], Databases], tmp_path: Path) -> None:
    databases = databases_of("sqlite")
    url = databases.copy("world", build_world)
    with DemoServer(url, tmp_path, traces_url="http://127.0.0.1:9/v1/traces") as server:
        assert server.ask(LEAD, QUERY, {"n": "00307473"}).status == 200
    databases.drop(url)


def test_spans_leave_the_machine_by_tls_only(tmp_path: Path) -> None:
    given = settings_of(traces_url="http://collector.example.nz/v1/traces", state_directory=str(tmp_path / "state"))
    assert "ASCMS_TRACES_URL" in run("settings", **given).stderr
