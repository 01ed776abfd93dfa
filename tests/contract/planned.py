"""Plans the request on standard input as an Attendance Lead, by itself, and prints what came of it.

A process of its own, so that a document that costs minutes ends at a limit of CPU time instead of ending the tests.
"""

import json
import sys

from pydantic import SecretStr

from ascms.database import engine_for
from ascms.identity.viewer import Context, Viewer
from ascms.models import OrganisationKind, Role
from ascms.planning.document import RequestErrors
from ascms.planning.service import Operations
from ascms.schema import build_schema
from ascms.settings import Settings


def main() -> None:
    """Print `PLANNED`, or the code of the refusal."""
    served = build_schema()
    settings = Settings(secret_key=SecretStr("k" * 32))
    engine = engine_for("sqlite+aiosqlite:///:memory:")
    operations = Operations(served.core, served.registry, served.policy, settings, engine)
    school = Context(1, "1234", "Test College", OrganisationKind.SCHOOL, None, frozenset({Role.ATTENDANCE_LEAD}))
    request = json.load(sys.stdin)
    try:
        operations.prepare(request["query"], None, request["variables"], Viewer(1, school, (school,)))
    except RequestErrors as refusal:
        print((refusal.errors[0].extensions or {})["code"])  # noqa: T201 (what it is for)
    else:
        print("PLANNED")  # noqa: T201


if __name__ == "__main__":
    main()
