"""What of an answer the policy forbids, whatever was asked: no expectation of the document, only of what it shows.

Each object that the answer shows is a row that the person reaches; each field shown on it, one that they see there,
with the database's value; each list holds only rows that belong into it. That something is missing is no matter
here: `checker` holds documents without conditions against all that they ought to show.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from tests.contract.arguments import COMBINING, sorted_by
from tests.contract.checker import same
from tests.contract.oracle import WITHOUT_A_ROLE, Eyes
from tests.contract.shapes import SHAPES, Edge, Leaf, Many, Paged
from tests.contract.shaping import ITS_ID, ITS_TYPE
from tests.contract.world import TABLES, Row
from tests.support.server import Answer

TOO_MUCH: Final = frozenset({
    "PAGE_TOO_LARGE", "QUERY_TOO_COSTLY", "TOO_DEEP", "TOO_MANY_ALIASES", "TOO_MANY_DIRECTIVES", "TOO_MANY_FIELDS",
    "TOO_MANY_LISTS", "TOO_MANY_REPEATED_FIELDS", "TOO_MANY_TOKENS",
})  # fmt: skip
CODES: Final = {"BAD_USER_INPUT", "FORBIDDEN", *TOO_MUCH}
"""What may be wrong with a document by itself, or with who asks it."""


@dataclass
class Judge:
    """Judges answers to one person.

    `roles` are those that they may have had while it was answered. `rows`: whether the ground truth still holds; if
    not, it is judged what the roles see on some row.
    """

    schema: GraphQLSchema
    eyes: Eyes
    roles: Collection[str]
    rows: bool = True
    cells: int = 0
    wrong: list[str] = field(default_factory=list)

    def judge(self, document: DocumentNode, answer: Answer) -> list[str]:
        """What is wrong with the answer, as sentences."""
        self.wrong = []
        self._errors(answer)
        if answer.body is not None and answer.body.get("data") is not None:
            operation: Any = document.definitions[0]
            root = self.schema.get_root_type(operation.operation)
            assert root is not None
            self._members(root, None, operation.selection_set, answer.body["data"], "")
            self._entries(answer)
        return self.wrong

    # What the answer says of itself ----------------------------------------------------------------------------

    def _errors(self, answer: Answer) -> None:
        if answer.status >= 500 or answer.body is None:
            self.wrong.append(f"status {answer.status}: {answer.text[:300]}")
            return
        for error in answer.errors:
            if error.get("extensions", {}).get("code") not in CODES:
                self.wrong.append(f"an unknown error: {error}")
        if "data" not in answer.body and not answer.errors:
            self.wrong.append("neither data nor errors")

    def _entries(self, answer: Answer) -> None:
        """Nothing is called hidden that is not."""
        for coordinate in answer.redacted:
            type_name, _, name = coordinate.partition(".")
            if self.rows and self.eyes.redaction(type_name, name) is None:
                self.wrong.append(f"{coordinate} is listed as redacted, but is open")

    # What it shows ---------------------------------------------------------------------------------------------

    def _members(self, type_: Any, row: Row | None, asked: SelectionSetNode, got: Mapping[str, Any], path: str) -> None:
        if not isinstance(type_, GraphQLObjectType):
            named = self.schema.type_map.get(str(got.get(ITS_TYPE)))
            if not isinstance(named, GraphQLObjectType):
                return  # the document does not tell which it is
            type_ = named
        for node in asked.selections:
            if isinstance(node, InlineFragmentNode):
                if node.type_condition is None or node.type_condition.name.value == type_.name:
                    self._members(type_, row, node.selection_set, got, path)
            elif isinstance(node, FieldNode) and not node.name.value.startswith("__"):
                key = (node.alias or node.name).value
                if key not in got:
                    self.wrong.append(f"{path}.{key} is missing")
                    continue
                self._field(type_, row, node, got[key], f"{path}.{key}")

    def _field(self, type_: GraphQLObjectType, row: Row | None, node: FieldNode, got: Any, path: str) -> None:
        name, definition = node.name.value, type_.fields[node.name.value]
        if got is None:
            if is_non_null_type(definition.type):
                self.wrong.append(f"{path} is null, and {type_.name}.{name} never is")
            return
        self.cells += 1
        if not self._sees(type_.name, name, row):
            self.wrong.append(f"{path} shows {type_.name}.{name} of {row and row.id}, which is hidden: {got!r}")
        for coordinate in self._read_by(definition, node):
            if not self._sees(*coordinate, None):
                self.wrong.append(f"{path} is answered by {'.'.join(coordinate)}, which is hidden")
        shape = SHAPES.get(type_.name, {}).get(name) if row is not None else None
        if isinstance(shape, Leaf) and not same(got, shape.of(self.eyes, row)):
            self.wrong.append(f"{path} is {got!r}, and in the database {shape.of(self.eyes, row)!r}")
        allowed = self._belonging(shape, row) if isinstance(shape, Edge | Many | Paged) else None
        self._value(definition.type, node, got, path, allowed)

    def _value(self, type_: Any, node: FieldNode, got: Any, path: str, allowed: Collection[int] | None) -> None:
        type_, named = get_nullable_type(type_), get_named_type(type_)
        if is_list_type(type_):
            for number, item in enumerate(got):
                if item is not None:
                    self._value(type_.of_type, node, item, f"{path}.{number}", allowed)
        elif is_leaf_type(named):
            if isinstance(got, dict | list):
                self.wrong.append(f"{path} is no {named}: {got!r}")
        elif "Connection" in named.name:
            self._connection(named, node, got, path, allowed)
        else:
            assert node.selection_set is not None
            self._object(named, node.selection_set, got, path, allowed)

    def _object(
        self, type_: Any, asked: SelectionSetNode, got: Mapping[str, Any], path: str, allowed: Collection[int] | None
    ) -> None:
        found = self.eyes.world.identified(str(got.get(ITS_ID))) if self.rows else None
        name = got.get(ITS_TYPE) or type_.name
        if found is None or found[0] != name:
            self._members(type_, None, asked, got, path)
            return
        row = found[1]
        if not self.eyes.reaches(name, row):
            self.wrong.append(f"{path} is {name} {row.id}, which is out of reach")
        if allowed is not None and row.id not in allowed:
            self.wrong.append(f"{path} is {name} {row.id}, which does not belong there")
        self._members(type_, row, asked, got, path)

    def _connection(
        self, type_: GraphQLObjectType, node: FieldNode, got: Mapping[str, Any], path: str, allowed: Any
    ) -> None:
        """The same as a list; a total is not above the number of what is in reach."""
        for member in _fields(node):
            key, name = (member.alias or member.name).value, member.name.value
            if key not in got:
                self.wrong.append(f"{path}.{key} is missing")
            elif name == "totalCount" and allowed is not None and got[key] > len(allowed):
                self.wrong.append(f"{path} counts {got[key]}, and {len(allowed)} are in reach")
            elif name == "nodes":
                self._value(type_.fields[name].type, member, got[key], f"{path}.{key}", allowed)
            elif name == "edges":
                self._edges(type_, member, got[key], f"{path}.{key}", allowed)

    def _edges(self, type_: GraphQLObjectType, node: FieldNode, got: Any, path: str, allowed: Any) -> None:
        edge: Any = get_named_type(type_.fields["edges"].type)
        for number, item in enumerate(got):
            for member in _fields(node):
                key = (member.alias or member.name).value
                if member.name.value == "node" and item[key] is not None:
                    self._value(edge.fields["node"].type, member, item[key], f"{path}.{number}.{key}", allowed)

    # What may be shown -----------------------------------------------------------------------------------------

    def _sees(self, type_name: str, name: str, row: Row | None) -> bool:
        """Whether the field may be shown, on the row, or where none is known on some row."""
        if type_name == "Query" and not self.roles and name in WITHOUT_A_ROLE:
            return True
        if not self.eyes.has_rule(type_name):
            return True
        if row is not None:
            return self.eyes.sees(type_name, name, row)
        return any(self.eyes.cell(type_name, name, role) != "H" for role in self.roles)

    def _belonging(self, shape: Edge | Many | Paged, row: Row | None) -> set[int] | None:
        """The keys of the rows that a path leads to; None where they are no rows of a type of their own."""
        if not set(shape.type_name.split("|")) & set(TABLES):
            return None
        found = shape.of(self.eyes, row)
        rows: Iterable[Row] = ([] if found is None else [found]) if isinstance(shape, Edge) else found  # type: ignore[assignment]
        name = shape.type_name
        return {each.id for each in rows if "|" in name or self.eyes.reaches(name, each)}

    # What was read to answer -----------------------------------------------------------------------------------

    def _read_by(self, definition: GraphQLField, node: FieldNode) -> Iterator[tuple[str, str]]:
        """The coordinates that the field's filter and order read."""
        for each in node.arguments or ():
            type_ = get_named_type(definition.args[each.name.value].type)
            if isinstance(type_, GraphQLInputObjectType) and each.name.value == "where":
                yield from self._filtered(type_, each.value)
            elif isinstance(type_, GraphQLInputObjectType) and each.name.value == "orderBy":
                for value in _objects(each.value):
                    key: Any = next(member.value for member in value.fields if member.name.value == "field")
                    for coordinate in sorted_by(self.schema, type_.name.removesuffix("Order"), key.value):
                        yield _pair(coordinate)

    def _filtered(self, type_: GraphQLInputObjectType, given: Any) -> Iterator[tuple[str, str]]:
        for value in _objects(given):
            for member in value.fields:
                name: Any = member.name.value
                inner = get_named_type(type_.fields[name].type)
                if isinstance(member.value, NullValueNode):
                    continue
                if name in COMBINING:
                    yield from self._filtered(type_, member.value)
                    continue
                if any(
                    not isinstance(part.value, NullValueNode) for each in _objects(member.value) for part in each.fields
                ):
                    yield type_.name.removesuffix("Filter"), name
                if isinstance(inner, GraphQLInputObjectType) and set(inner.fields) >= COMBINING:
                    yield from self._filtered(inner, member.value)


def _objects(value: Any) -> Iterator[ObjectValueNode]:
    if isinstance(value, ListValueNode):
        yield from (each for each in value.values if isinstance(each, ObjectValueNode))
    elif isinstance(value, ObjectValueNode):
        yield value


def _pair(coordinate: str) -> tuple[str, str]:
    type_name, _, name = coordinate.partition(".")
    return type_name, name


def _fields(node: FieldNode) -> list[FieldNode]:
    assert node.selection_set is not None
    return [each for each in node.selection_set.selections if isinstance(each, FieldNode)]
