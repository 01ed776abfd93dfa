"""Plans the requests on standard input as an Attendance Lead, and prints what came of each and what it took.

A process of its own, so that a document that costs for ever ends with its process instead of ending the tests.
"""

import json
import signal
import sys
from pathlib import Path
from time import process_time

from pydantic import SecretStr

from ascms.database import engine_for
from ascms.identity.viewer import Context, Viewer
from ascms.models import OrganisationKind, Role
from ascms.planning.document import RequestErrors
from ascms.planning.service import Operations
from ascms.schema import build_schema
from ascms.settings import Settings

ENDLESS = 1_000
"""Of what the usual query takes: the process ends there."""
USUAL = Path(__file__).parents[2] / "queries" / "case.graphql"


def main() -> None:
    """Print `[name, PLANNED or the refusal's code, CPU time as a multiple of the case view's]`, a line for each."""
    served = build_schema()
    settings = Settings(secret_key=SecretStr("k" * 32))
    engine = engine_for("sqlite+aiosqlite:///:memory:")
    operations = Operations(served.core, served.registry, served.policy, settings, engine)
    school = Context(1, "1234", "Test College", OrganisationKind.SCHOOL, None, frozenset({Role.ATTENDANCE_LEAD}))
    viewer = Viewer(1, school, (school,))
    usual = 0.0
    for again in ("", "#", "##"):  # what is done once in a process is done by the first
        began = process_time()
        operations.prepare(USUAL.read_text() + again, None, {"number": "00307473"}, viewer)
        usual = process_time() - began
    for name, (query, variables) in json.load(sys.stdin).items():
        signal.setitimer(signal.ITIMER_PROF, usual * ENDLESS)
        began = process_time()
        try:
            operations.prepare(query, None, variables, viewer)
            outcome = "PLANNED"
        except RequestErrors as refusal:
            outcome = (refusal.errors[0].extensions or {})["code"]
        print(json.dumps([name, outcome, (process_time() - began) / usual]), flush=True)  # noqa: T201 (what it is for)


if __name__ == "__main__":
    main()
