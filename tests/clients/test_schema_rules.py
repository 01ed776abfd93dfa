"""schema.graphql and the prepared documents, by @graphql-eslint. Which rules, and why not others, is in `lint.mjs`."""

from pathlib import Path
from typing import Any

from tests.support.clients import needs_clients, run

pytestmark = needs_clients
ROOT = Path(__file__).parents[2]
NO_NODE = "is found by its list alone, which belongs to a student, a case, a person or an import"
NEVER_NULL = "is everyone's whatever their roles, and never refused"
EXCEPTIONS = {
    ("relay-edge-types", "type AccessLogEntryEdge"): NO_NODE,
    ("relay-edge-types", "type AccountEventEdge"): NO_NODE,
    ("relay-edge-types", "type AlertEdge"): NO_NODE,
    ("relay-edge-types", "type ImportEdge"): NO_NODE,
    ("relay-edge-types", "type ImportLineEdge"): NO_NODE,
    ("relay-edge-types", "type TaskEdge"): NO_NODE,
    ("require-nullable-result-in-root", "viewer: Viewer!"): NEVER_NULL,
    ("require-nullable-result-in-root", "privacyStatement: PrivacyStatement!"): NEVER_NULL,
    ("require-nullable-result-in-root", "support: Support!"): NEVER_NULL,
    ("no-typename-prefix", "caseManager: User"): "is the role's name",
    ("no-typename-prefix", "criterion: String!"): "is the criterion's text",
    ("no-typename-prefix", "username: String"): "is one word",
    ("require-description", "directive @visibleTo"): "Strawberry describes directives, and not their arguments",
}
"""What breaks a rule and is to stay, by the start of its line: why."""


def broken_in(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run("lint.mjs", str(folder))
    return found


def test_the_schema_and_the_documents_keep_the_rules() -> None:
    excepted, others = set(), []
    for one in broken_in(ROOT):
        names = {key for key in EXCEPTIONS if key[0] == one["rule"] and one["source"].startswith(key[1])}
        excepted |= names
        others += [] if names else [one]
    assert others == []
    assert excepted == EXCEPTIONS.keys(), "an exception is no longer needed"


SPOILT = '''
"""Asks."""
type Query {
  """Some cases."""
  cases(first: Int): CaseConnection
  """A case."""
  getCase: Case @deprecated
}
"""Changes."""
type Mutation {
  """A comment."""
  addComment(comment: CommentData!): Boolean
}
"""Data."""
input CommentData { body: String! }
type Case { number: String, Status: status }
# Where it stands.
enum status { open, OPEN }
"""A page."""
type CaseConnection { nodes: [Case!]! }
"""Unused."""
type Stray {
  """Text."""
  text: String
}
'''
OF_THE_SCHEMA = {
    "input-name",
    "naming-convention",
    "no-hashtag-description",
    "no-scalar-result-type-on-mutation",
    "no-unreachable-types",
    "relay-arguments",
    "relay-connection-types",
    "relay-page-info",
    "require-deprecation-reason",
    "require-description",
    "unique-enum-value-names",
}
OF_THE_DOCUMENTS = {
    "fields-on-correct-type",
    "lone-executable-definition",
    "no-anonymous-operations",
    "no-deprecated",
    "no-duplicate-fields",
    "no-unused-variables",
    "unique-operation-name",
}


def test_what_breaks_the_rules_is_found(tmp_path: Path) -> None:
    (tmp_path / "schema.graphql").write_text(SPOILT)
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "one.graphql").write_text(
        "query A($n: Int) { getCase { number number nothing } } { cases }"
    )
    (tmp_path / "queries" / "two.graphql").write_text("query A { cases { nodes { number } } }")
    found = broken_in(tmp_path)
    of_schema = {one["rule"] for one in found if one["file"] == "schema.graphql"}
    of_documents = {one["rule"] for one in found if one["file"] != "schema.graphql"}
    assert OF_THE_SCHEMA - of_schema == set()
    assert OF_THE_DOCUMENTS - of_documents == set()
