"""Documents as Schemathesis generates them from the published schema, shaped so that most of them are executed.

Left alone it fills every argument with anything: both `first` and `last`, cursors that nobody ever got, identifiers
that name nothing. Its dictionaries give it words instead, `students#3`, which stand for something else for each person
who asks: mostly for what they reach, and for what they do not.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import schemathesis
from graphql import GraphQLSchema, build_schema
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.schemas import BaseSchema

from tests.contract.oracle import Eyes
from tests.contract.people import EVERYONE
from tests.contract.shaping import shaped
from tests.contract.world import TABLES, Row, global_id

SCHEMA: Final = Path(__file__).parents[2] / "schema.graphql"
ROWS: Final = r"Query\.(viewer|node|organisations|(case|request|student)s?)"
"""What leads to people's data."""
FILES: Final = ["Mutation.addFile", "Mutation.importEnrolments", "Mutation.importCases"]
"""Files come beside a document, never in it: Schemathesis cannot send them (tests/contract/test_files.py does)."""

MEANT: Final[Mapping[str, Sequence[str]]] = {
    "cases": (
        "Query.case.number", "*.*.where.number.eq", "*.*.input.number", "*.*.input.survivor", "*.*.input.duplicate",
    ),
    "numbers": ("Query.request.number",),
    "references": ("Query.request.reference", "*.*.input.reference"),
    "students": ("Query.student.id", "*.*.input.student"),
    "others": ("*.*.input.user",),
    "people": ("*.*.input.manager", "*.*.input.contact", "*.*.input.assignee",
               "*.*.where.caseManager.eq", "*.*.where.primaryContact.eq", "*.*.where.createdBy.eq"),
    "organisations": ("*.*.input.organisation", "*.*.input.provider", "*.*.where.provider.eq", "*.*.where.school.eq"),
    "elsewhere": ("Mutation.leaveRole.input.organisation",),
    "anything": ("Query.node.id", "*.*.input.id"),
    "comments": ("Mutation.editComment.input.id",),
    "alerts": ("Mutation.markAlertRead.input.id",),
    "tasks": ("Mutation.completeTask.input.id",),
    "blocks": ("Mutation.liftAccessBlock.input.id",),
    "outcome": ("Mutation.closeCase.input.outcome", "*.*.where.outcome.eq"),
    "pause_reason": ("Mutation.pauseCase.input.reason",),
    "decline_reason": ("Mutation.declineRequest.input.reason",),
    "assign_reason": ("Mutation.assignCaseManager.input.reason",),
    "barrier": ("*.*.where.barriers.eq", "*.*.where.barriers.in[*]", "*.*.input.barriers[*]"),
}  # fmt: skip
"""Where each kind of word is used, as Schemathesis writes arguments: Type.field.argument."""
SAID: Final[Mapping[str, tuple[Sequence[str | int], Sequence[str]]]] = {
    "texts": (
        ["Rang home.", "Kōrero at school", "ok", "=HYPERLINK(1)", "<b>x</b>"],
        [f"*.*.input.{name}" for name in (
            "reason", "note", "notes", "body", "subject", "title", "text", "purpose", "closingSummary",
            "handOverSummary", "givenTo",
        )],
    ),
    "statements": (["2026-05-01"], ["*.*.input.statementVersion"]),
    "searches": (["test", "a", "College", "00307473", "zzzz", "ā"], ["*.*.search"]),
    "sizes": ([0, 1, 2, 3, 5, 20], ["*.*.first", "*.*.last"]),
    "versions": ([2, 2, 2, 3, 1], [
        "*.*.input.expectedVersion", "*.*.input.expectedSurvivorVersion", "*.*.input.expectedDuplicateVersion",
    ]),
}  # fmt: skip
"""What means the same for everyone, and where it is used."""
WORDS: Final = 24

Generated = Case[Any]


@cache
def published() -> GraphQLSchema:
    """The published schema."""
    return build_schema(SCHEMA.read_text(encoding="utf-8"))


def valid(*patterns: str) -> st.SearchStrategy[Generated]:
    """Operations of each pattern as often, as the schema allows them, made to be answered and judged."""
    schema = _schema()

    @schema.hook
    def before_generate_body(context: Any, strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.builds(lambda document, number: shaped(published(), document, number), strategy, st.integers(0, 9))

    return st.one_of(*(schema.include(name_regex=f"^{pattern}$").as_strategy() for pattern in patterns))


def flawed() -> st.SearchStrategy[Generated]:
    """Operations each with one thing that the schema does not allow."""
    return _schema().as_strategy(GenerationMode.NEGATIVE)


def _schema() -> BaseSchema:
    """The schema as Schemathesis reads it, with words."""
    meant = {name: [f"{name}#{number}" for number in range(WORDS)] for name in MEANT}
    said = {name: list(values) for name, (values, _) in SAID.items()}
    paths = {
        path: name
        for name, used in {**MEANT, **{name: used for name, (_, used) in SAID.items()}}.items()
        for path in used
    }
    settings = {
        "dictionaries": {name: {"values": values} for name, values in {**meant, **said}.items()},
        "parameters": {path: {"dictionary": name, "probability": 0.9} for path, name in paths.items()},
    }
    schema = schemathesis.graphql.from_path(SCHEMA, config=SchemathesisConfig.from_dict(settings))
    return schema.exclude(name=FILES)


class Words:
    """What the words mean for one person: two thirds of each kind in reach, where there is as much."""

    def __init__(self, eyes: Eyes) -> None:
        world = eyes.world
        self.eyes = eyes
        asking = {world.user(person.email).id for person in EVERYONE}
        cases = [row for row in world.all("case_record") if row.version == 2]
        members = world.members(eyes.organisation.id)
        self.meaning: dict[str, list[str]] = {
            "cases": [row.number for row in self._mostly("Case", cases)],
            "numbers": [row.number for row in self._mostly("Request", world.all("request")) if row.number],
            "references": [row.reference for row in self._mostly("Request", world.all("request"))],
            "students": _identified("Student", self._mostly("Student", world.all("student"))),
            # Whoever asks keeps their roles, else soon nobody could do anything.
            "others": _identified("User", [row for row in members if row.id not in asking]),
            "people": _identified("User", [*members[:16], *_some(world.all("user_account"), 8)]),
            "organisations": _identified("Organisation", [eyes.organisation, *_some(world.all("organisation"), 8)]),
            "elsewhere": _identified("Organisation", _some(world.all("organisation")[30:], 8)),
            "anything": [
                identifier
                for name, table in TABLES.items()
                for identifier in _identified(name, self._mostly(name, world.all(table))[:: WORDS // 3])
            ],
            "comments": _identified("Comment", world.of("comment", "author_id", eyes.user.id)),
            "alerts": _identified("Alert", world.of("alert", "user_id", eyes.user.id)),
            "tasks": _identified("Task", [each for row in cases for each in self._tasks(row)]),
            "blocks": _identified("AccessBlock", world.all("access_block")),
        }

    def _mostly(self, type_name: str, rows: Sequence[Row]) -> list[Row]:
        """Rows in reach, and half as many that are not."""
        inside = [row for row in rows if self.eyes.finds_node(type_name, row)]
        outside = [row for row in rows if not self.eyes.finds_node(type_name, row)]
        return [*_some(inside, WORDS * 2 // 3), *_some(outside, WORDS // 3)]

    def _tasks(self, case: Row) -> list[Row]:
        return self.eyes.world.of("task", "case_id", case.id) if self.eyes.reaches("Case", case) else []

    def mean(self, text: str) -> str:
        """The document with what its words mean."""
        return re.sub(r'"(\w+)#(\d+)"', lambda found: json.dumps(self._of(found[1], int(found[2]))), text)

    def _of(self, kind: str, number: int) -> str:
        if kind not in self.meaning:
            self.meaning[kind] = [row.code for row in self.eyes.world.of("code", "code_set", kind)]
        meanings = self.meaning[kind] or ["nothing"]
        return meanings[number % len(meanings)]


def _some(rows: Sequence[Row], count: int) -> list[Row]:
    return list(rows[:: max(1, len(rows) // count)][:count])


def _identified(type_name: str, rows: Sequence[Row]) -> list[str]:
    return [global_id(type_name, row.id) for row in rows[:WORDS]]
