"""GraphQL over HTTP, as graphql-http's audits have it."""

from tests.support.clients import asked_as, needs_clients, run
from tests.support.server import DemoServer

pytestmark = needs_clients
LEAD = "lead@test-college.school.nz"
AUDITS = 61
"""As many as the suite has; with another release of it, look at what was added."""


def test_every_audit_is_passed(demo: DemoServer) -> None:
    """What SHOULD and MAY be done too: nothing is but warned of."""
    results = run("audits.mjs", given=asked_as(demo, LEAD))
    failed = {result["id"]: result for result in results if result["status"] != "ok"}
    assert failed == {}
    assert len({result["id"] for result in results}) == AUDITS


def test_the_audits_notice_who_is_not_signed_in(demo: DemoServer) -> None:
    """So that passing them means that the operations were answered."""
    results = run("audits.mjs", given=asked_as(demo, None))
    failed = [result for result in results if result["status"] != "ok"]
    assert len(failed) > AUDITS / 2
    assert any("401" in result["reason"] or "200" in result["reason"] for result in failed)
