"""The matrix that the code enforces: the required one, as reviewed, and as the published contract says it."""

import difflib
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import DirectiveNode, GraphQLNamedType, GraphQLNonNull, GraphQLSchema, build_schema as read_sdl
from graphql.type import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    specified_directives,
)

from ascms.permissions.matrix import effective_matrix, render
from ascms.permissions.policy import Policy
from ascms.schema import build_schema
from ascms.schema.export import sdl
from tests.contract.oracle import required_matrix

SNAPSHOT = Path(__file__).with_name("matrix_snapshot.csv")
NOT_READ = {"Mutation"}
LATER = {("Query", "caseStatistics")}


@pytest.fixture(scope="module")
def policy() -> Policy:
    return build_schema().policy


@pytest.fixture(scope="module")
def contract() -> GraphQLSchema:
    """The schema as `schema.graphql` publishes it."""
    return read_sdl(sdl())


def required() -> dict[tuple[str, str], dict[str, str]]:
    """What is required of reading, as far as it is built."""
    return {
        (type_name, field): cells
        for (type_name, field), cells in required_matrix().items()
        if type_name not in NOT_READ and (type_name, field) not in LATER
    }


def lines(matrix: dict[tuple[str, str], dict[str, str]]) -> list[str]:
    return [
        f"{type_name}.{field} {role}: {cell}\n"
        for (type_name, field), cells in sorted(matrix.items())
        for role, cell in cells.items()
    ]


def test_the_effective_matrix_is_the_required_one(policy: Policy) -> None:
    effective = {
        coordinate: {role.value: cell.value for role, cell in cells.items()}
        for coordinate, cells in effective_matrix(policy).items()
        if coordinate[0] not in NOT_READ
    }
    differences = [
        line
        for line in difflib.unified_diff(lines(required()), lines(effective), "required", "effective", n=0)
        if not line.startswith("@@")
    ]
    assert not differences, "The code enforces another matrix than tests/contract/required_matrix.csv:\n" + "".join(
        differences
    )


def test_the_effective_matrix_is_the_reviewed_one(policy: Policy) -> None:
    now = render(policy, "csv")
    differences = "".join(
        difflib.unified_diff(
            SNAPSHOT.read_text().splitlines(keepends=True), now.splitlines(keepends=True), "reviewed", "now", n=0
        )
    )
    assert not differences, (
        "The matrix has changed. Read what follows as a reviewer; if it is meant, keep it by\n"
        f"  ascms permissions --format csv > tests/permissions/{SNAPSHOT.name}\n{differences}"
    )


def test_the_command_line_prints_the_reviewed_matrix_in_each_format(policy: Policy) -> None:
    for form in ("csv", "md", "table"):
        printed = render(policy, form)
        rows = [line for line in printed.splitlines() if "ethnicities" in line]
        assert len(rows) == 1, form
        assert [cell for cell in rows[0].replace(",", " ").replace("|", " ").split() if len(cell) == 1] == list(
            "VVHVVHHVHH"
        )


def visible_to(contract: GraphQLSchema, type_name: str, field: str) -> set[str] | None:
    """The roles that the contract names at a field; None where it names none."""
    kind = contract.type_map[type_name]
    assert isinstance(kind, GraphQLObjectType)
    node = kind.fields[field].ast_node
    assert node is not None
    found: list[DirectiveNode] = [one for one in node.directives or () if one.name.value == "visibleTo"]
    if not found:
        return None
    return {value.value for argument in found[0].arguments or () for value in argument.value.values}  # type: ignore[attr-defined]


def test_each_field_names_in_the_contract_the_roles_that_see_it(contract: GraphQLSchema) -> None:
    wrong = {}
    for (type_name, field), cells in required().items():
        expected = {role for role, cell in cells.items() if cell != "H"}
        named = visible_to(contract, type_name, field)
        if named != expected:
            wrong[f"{type_name}.{field}"] = (named, expected)
    assert not wrong


def test_no_other_field_names_roles(contract: GraphQLSchema) -> None:
    named = {
        (type_name, field)
        for type_name, kind in contract.type_map.items()
        if isinstance(kind, GraphQLObjectType) and not type_name.startswith("__") and type_name not in NOT_READ
        for field in kind.fields
        if visible_to(contract, type_name, field) is not None
    }
    assert named == set(required())


def test_what_may_be_hidden_is_nullable_and_says_why(contract: GraphQLSchema) -> None:
    wrong = []
    for (type_name, field), cells in required().items():
        kind = contract.type_map[type_name]
        assert isinstance(kind, GraphQLObjectType)
        declared = kind.fields[field]
        if field == "id" or set(cells.values()) == {"V"}:
            continue
        if isinstance(declared.type, GraphQLNonNull):
            wrong.append(f"{type_name}.{field} is never null, but is hidden from some")
        if type_name not in {"Query", "Subscription"} and "Null for roles that may not see it" not in (
            declared.description or ""
        ):
            wrong.append(f"{type_name}.{field} does not say why it may be null: {declared.description!r}")
    assert not wrong


def described(contract: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Everything that a reader of the contract meets, with its description."""
    built_in = {"String", "Int", "Float", "Boolean", "ID"}
    for name, kind in contract.type_map.items():
        if not name.startswith("__") and name not in built_in:
            yield name, kind.description
            yield from described_members(name, kind)
    for directive in contract.directives:
        if directive.name not in {one.name for one in specified_directives}:
            yield f"@{directive.name}", directive.description


def described_members(name: str, kind: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for field_name, field in kind.fields.items():
            yield f"{name}.{field_name}", field.description
            for argument_name, argument in field.args.items():
                yield f"{name}.{field_name}({argument_name}:)", argument.description
    elif isinstance(kind, GraphQLInputObjectType):
        yield from ((f"{name}.{input_name}", each.description) for input_name, each in kind.fields.items())
    elif isinstance(kind, GraphQLEnumType):
        yield from ((f"{name}.{value_name}", value.description) for value_name, value in kind.values.items())


def test_everything_is_described(contract: GraphQLSchema) -> None:
    assert [coordinate for coordinate, text in described(contract) if not (text or "").strip()] == []
