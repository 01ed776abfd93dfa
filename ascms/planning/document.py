"""A document read once: parsed, validated, and what its operation asks for, with the cost counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    Node,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    get_variable_values,
    parse,
    validate,
)
from graphql.execution.values import VariableValues

from ascms.settings import Settings

from .problems import bad_input, too_costly
from .selection import Reader, Selected
from .sizes import nodes_asked
from .values import as_slot, shape_of

MAXIMUM_TOKENS = 15_000


class RequestErrors(Exception):  # noqa: N818 (it carries the errors of a request)
    """The request is not executed: what is wrong with it."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = list(errors)


@dataclass(frozen=True)
class Document:
    """A valid document. `hash` is the SHA-256 of its text, in hexadecimal."""

    text: str
    hash: str
    node: DocumentNode
    operations: Mapping[str | None, OperationDefinitionNode]
    fragments: Mapping[str, FragmentDefinitionNode]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run. Raises RequestErrors where the name does not settle which."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name in self.operations and name is not None:
            return self.operations[name]
        known = ", ".join(sorted(key or "one without a name" for key in self.operations)) or "no operation"
        asked = f"There is no operation {name!r}" if name else "operationName is not given"
        raise RequestErrors([bad_input(f"{asked}; the document has {known}. Give the name of one of them.")])


def read_document(schema: GraphQLSchema, text: str) -> Document:
    """Parse and validate a document. Raises RequestErrors."""
    try:
        node = parse(text, max_tokens=MAXIMUM_TOKENS)
    except (GraphQLSyntaxError, RecursionError) as error:
        raise RequestErrors([_coded(error)]) from None
    errors = validate(schema, node, max_errors=20)
    if errors:
        raise RequestErrors([_coded(error) for error in errors])
    operations: dict[str | None, OperationDefinitionNode] = {}
    fragments = {}
    for definition in node.definitions:
        if isinstance(definition, OperationDefinitionNode):
            operations[definition.name.value if definition.name else None] = definition
        elif isinstance(definition, FragmentDefinitionNode):
            fragments[definition.name.value] = definition
    return Document(text, sha256(text.encode()).hexdigest(), node, operations, fragments)


def _coded(error: Exception) -> GraphQLError:
    if not isinstance(error, GraphQLError):
        return bad_input("The document is nested too deeply.")
    error.extensions = {**(error.extensions or {}), "code": "BAD_USER_INPUT"}
    return error


@dataclass(frozen=True)
class Asked:
    """An operation with its variables: the selections, the leaves of the variables, and the shape they have."""

    document: Document
    operation: OperationDefinitionNode
    variables: VariableValues
    leaves: Sequence[Any]
    shape: Any

    @property
    def name(self) -> str | None:
        return self.operation.name.value if self.operation.name else None

    @property
    def reads_only(self) -> bool:
        return self.operation.operation is OperationType.QUERY

    def selections(self, schema: GraphQLSchema, settings: Settings) -> tuple[list[Selected], int, int]:
        """What is asked of the root, how many nodes it may bring, and its fields. Raises RequestErrors."""
        root = schema.get_root_type(self.operation.operation)
        assert root is not None  # validated
        try:
            reader = Reader(schema, self.document.fragments, self.variables, self.leaves)
            selections = reader.read(root, [self.operation.selection_set])
            nodes = sum(nodes_asked(selected, settings) for selected in selections)
        except GraphQLError as error:
            raise RequestErrors([_coded(error) if not (error.extensions or {}).get("code") else error]) from None
        if nodes > settings.maximum_nodes:
            raise RequestErrors([too_costly(nodes, settings.maximum_nodes)])
        return selections, nodes, reader.fields


def ask(schema: GraphQLSchema, document: Document, name: str | None, given: Mapping[str, Any]) -> Asked:
    """The operation `name` of the document with these variables. Raises RequestErrors."""
    operation = document.operation(name)
    values = get_variable_values(schema, operation.variable_definitions or (), dict(given), max_errors=20)
    if isinstance(values, list):
        raise RequestErrors([_coded(error) for error in values])
    leaves: list[Any] = []
    coerced, shapes = {}, []
    whole = _only_for_actions(operation, document.fragments)
    for variable, value in values.coerced.items():
        coerced[variable], shape = as_slot(value, leaves) if variable in whole else shape_of(value, leaves)
        shapes.append((variable, shape))
    return Asked(document, operation, VariableValues(values.sources, coerced), leaves, tuple(shapes))


def _only_for_actions(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> set[str]:
    """The variables that only the arguments of a mutation's root fields use: no plan depends on their values."""
    if operation.operation is not OperationType.MUTATION:
        return set()
    used, elsewhere = set[str](), _variables_in(list(fragments.values()))
    for node in operation.selection_set.selections:
        if isinstance(node, FieldNode):
            used |= _variables_in(list(node.arguments or ()))
            elsewhere |= _variables_in([list(node.directives or ()), node.selection_set])
        else:
            elsewhere |= _variables_in(node)
    return used - elsewhere


def _variables_in(part: Any) -> set[str]:
    """The variables named anywhere in a piece of a document, fragments not followed."""
    found: set[str] = set()
    if isinstance(part, VariableNode):
        return {part.name.value}
    if isinstance(part, (list, tuple)):
        for item in part:
            found |= _variables_in(item)
    elif isinstance(part, Node):
        for key in part.keys:
            if key != "loc":
                found |= _variables_in(getattr(part, key))
    return found
