"""A client in TypeScript that graphql-codegen generated from schema.graphql type-checks, and works over HTTP."""

from pathlib import Path

from tests.support.clients import asked_as, generate, needs_clients, run
from tests.support.server import DemoServer

pytestmark = needs_clients
ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted((ROOT / "queries").rglob("*.graphql"))
NUMBER = "00307473"
CASE = (ROOT / "queries" / "case.graphql").read_text()
HOME = (ROOT / "queries" / "home.graphql").read_text()
PEOPLE = {
    "lead@test-college.school.nz": "ATTENDANCE_LEAD",
    "office@test-college.school.nz": "OFFICE_SUPPORT",
    "workflow@test-college-isp.school.nz": "WORKFLOW_LEAD",
}
REFUSED = [{"code": "INVALID", "path": ["input", "body"]}]


def test_the_generated_client_type_checks_and_is_answered(demo: DemoServer, tmp_path: Path) -> None:
    """`typed/client.ts` has lines too that must not type-check."""
    generate(ROOT / "schema.graphql", DOCUMENTS, "sha256", tmp_path)
    used = run("typed.mjs", str(tmp_path), given={"number": NUMBER, "people": [asked_as(demo, one) for one in PEOPLE]})
    assert used["status"] == 0, used["said"]
    for (email, role), seen in zip(PEOPLE.items(), used["seen"], strict=True):
        case, home = demo.ask(email, CASE, {"number": NUMBER}), demo.ask(email, HOME)
        shown = case.data["case"]
        ethnicities = shown["student"]["ethnicities"]
        assert seen["case"] == {
            "number": NUMBER,
            "status": shown["status"],
            "owner": shown["owner"].get("displayName") or shown["owner"].get("name"),
            "name": shown["student"]["fullName"],
            "ethnicities": ethnicities and [one["name"] for one in ethnicities],
            "comments": shown["comments"]["totalCount"],
            "hidden": list(case.redacted),
        }
        numbers = [one["number"] for one in home.data["cases"]["nodes"]]
        assert seen["home"] == {"roles": [role], "numbers": numbers, "codes": home.codes}
        assert seen["problems"] == REFUSED
        assert seen["sameStudent"] is True
