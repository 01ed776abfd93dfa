"""Asks by the generated client, as a program of somebody else's would; prints what its types make of the answers.

Arguments: the address, a token, the number of a case.
"""

import json
import sys

import httpx
from ascms_client import Client  # type: ignore[import-not-found]
from ascms_client.enums import CaseStatus, Role  # type: ignore[import-not-found]
from ascms_client.exceptions import GraphQLClientGraphQLMultiError  # type: ignore[import-not-found]
from ascms_client.input_types import AddCommentInput  # type: ignore[import-not-found]

url, token, number = sys.argv[1:]
answered: list[httpx.Response] = []
http = httpx.Client(
    headers={"Authorization": f"Bearer {token}"},
    trust_env=False,
    timeout=None,
    event_hooks={"response": [answered.append]},
)
client = Client(url=f"{url}/graphql", http_client=http)

viewer = client.who_am_i().viewer
case = client.case_view(number=number).case
redacted = answered[-1].json()["extensions"]["access"]["redacted"]
students = client.students(search="Test Student").students
added = client.comment(input=AddCommentInput(number=number, body="By a generated client.")).add_comment
nothing = client.comment(input=AddCommentInput(number="no such case", body="x")).add_comment
try:
    refused = client.born_later()
except GraphQLClientGraphQLMultiError as error:
    refused = error

student = case.student
told = {
    "roles": [role.value for role in viewer.roles if isinstance(role, Role)],
    "case": {
        "type": type(case).__name__,
        "status": case.status.value if isinstance(case.status, CaseStatus) else None,
        "opened": [type(case.opened_at).__name__, case.opened_at.tzinfo is not None, case.opened_at.isoformat()],
        "owner": case.owner.typename__,
    },
    "student": {
        "fullName": student.full_name,
        "dateOfBirth": student.date_of_birth
        and [type(student.date_of_birth).__name__, student.date_of_birth.isoformat()],
        "ethnicities": student.ethnicities and [one.name for one in student.ethnicities],
        "caregivers": student.caregivers and [one.relationship for one in student.caregivers],
    },
    "redacted": sorted(entry["field"] for entry in redacted),
    "students": students.total_count,
    "comment": added.comment and [type(added.comment).__name__, added.comment.body, added.problems],
    "problems": [nothing.comment, [problem.code.value for problem in nothing.problems]],
    "refused": type(refused).__name__,
    "codes": [one.extensions["code"] for one in getattr(refused, "errors", [])],
}
print(json.dumps(told))  # noqa: T201 (what the test reads)
