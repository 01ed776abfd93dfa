"""The prepared GraphQL documents that the IDE and the plain page offer, read from `queries/`.

The two documents of `queries/` itself are what the project is measured by; `queries/examples/` shows one thing each.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ascms.casework.statements import PRIVACY_STATEMENT

_HERE = Path(__file__).resolve()
_PLACES = (_HERE.parents[1] / "_queries", _HERE.parents[2] / "queries")
"""Where `queries/` is: in an installed package, and in a working tree."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document by its file, what it shows, and variables it can be run with as it stands."""

    name: str
    file: str
    about: str
    variables: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_example(self) -> bool:
        return self.file.startswith("examples/")

    def text(self) -> str:
        """The document. Raises FileNotFoundError naming the places that were searched."""
        return (_folder() / self.file).read_text(encoding="utf-8")

    def as_json(self) -> dict[str, object]:
        """What the browser needs; variables as text, for an editor."""
        variables = json.dumps(dict(self.variables), indent=2, ensure_ascii=False) if self.variables else ""
        return {
            "name": self.name,
            "about": self.about,
            "text": self.text(),
            "variables": variables,
            "isExample": self.is_example,
        }


DOCUMENTS = (
    Document("Portal home", "home.graphql", "What a school sees first: services, drafts, open cases with counts."),
    Document("Case view", "case.graphql", "A case: header, details, related, activity.", {"number": "00307473"}),
    Document("Who am I?", "examples/viewer.graphql", "Contexts, roles in effect, and what is missing."),
    Document("Students", "examples/students.graphql", "Compare Attendance Lead and Office Support.", {"search": None}),
    Document("What may I see?", "examples/matrix.graphql", "The viewer's own column of the permission matrix."),
    Document("Provider queue", "examples/queue.graphql", "For a Workflow Lead: who waits longest."),
    Document(
        "Who saw this student?",
        "examples/access-log.graphql",
        "For the Privacy Officer: the access log of a student.",
        {"search": "Test Student Name"},
    ),
    Document("A refused filter", "examples/refused.graphql", "FORBIDDEN for Office Support: the field is hidden."),
    Document(
        "Start a request",
        "examples/start-request.graphql",
        "A change, for a school's roles; a provider is told which context to choose.",
        {
            "input": {
                "detailsConfirmed": True,
                "privacyStatementConfirmed": True,
                "statementVersion": PRIVACY_STATEMENT.version,
            }
        },
    ),
    Document(
        "Assign a case manager",
        "examples/assign.graphql",
        "A change, for a Workflow Lead: refusals say what is possible now and who may do it.",
        {"input": {"number": "00307473", "expectedVersion": 2, "manager": ""}},
    ),
    Document(
        "Comment on a case",
        "examples/comment.graphql",
        "A change, for school and provider: the payload shows what the role may see.",
        {"input": {"number": "00307473", "body": "Met at the gate this morning."}},
    ),
    Document("Anything by its id", "examples/node.graphql", "Put an id from another answer in.", {"id": ""}),
)


@cache
def _folder() -> Path:
    for place in _PLACES:
        if place.is_dir():
            return place
    raise FileNotFoundError(f"no prepared documents in {' or '.join(map(str, _PLACES))}; is the package complete?")
