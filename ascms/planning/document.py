"""A document read once: parsed, validated, and what its operation asks for, with the cost counted."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NamedTypeNode,
    Node,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    get_variable_values,
    parse,
    validate,
)
from graphql.execution.values import VariableValues

from ascms.settings import Settings

from .limits import check_limits
from .problems import bad_input, coded, over, too_costly, too_many_spreads
from .selection import Reader, Selected
from .sizes import nodes_asked
from .values import SLOT, as_slot, shape_of

MOST_ERRORS: Final = 5
"""Mistakes of a document that are told at once. Each may print the value that it is in: most of the text, maybe."""
LONGEST_MESSAGE: Final = 1_000
"""Characters of what is told of one."""


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
    suggests: bool = True
    """Whether errors say which name may have been meant."""
    known: "dict[str | None, Known]" = field(default_factory=dict, compare=False, repr=False)
    """The operations that were asked for, by the name that was given."""

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run. Raises RequestErrors where the name does not settle which."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name in self.operations and name is not None:
            return self.operations[name]
        known = ", ".join(sorted(key or "one without a name" for key in self.operations)) or "no operation"
        asked = f"There is no operation {name!r}" if name else "operationName is not given"
        raise RequestErrors([bad_input(f"{asked}; the document has {known}. Give the name of one of them.")])


def read_document(schema: GraphQLSchema, text: str, settings: Settings) -> Document:
    """Parse and validate a document. Raises RequestErrors."""
    try:
        node = parse(text, max_tokens=settings.maximum_tokens)
        check_limits(node, settings)
    except (GraphQLSyntaxError, RecursionError) as error:
        raise RequestErrors([_unparsed(error, settings)]) from None
    except GraphQLError as refusal:
        raise RequestErrors([refusal]) from None
    errors = validate(schema, node, max_errors=MOST_ERRORS, hide_suggestions=not settings.suggestions)
    if errors:
        raise RequestErrors([_invalid(error) for error in errors])
    operations: dict[str | None, OperationDefinitionNode] = {}
    fragments = {}
    for definition in node.definitions:
        if isinstance(definition, OperationDefinitionNode):
            operations[definition.name.value if definition.name else None] = definition
        elif isinstance(definition, FragmentDefinitionNode):
            fragments[definition.name.value] = definition
    return Document(text, sha256(text.encode()).hexdigest(), node, operations, fragments, settings.suggestions)


def _unparsed(error: Exception, settings: Settings) -> GraphQLError:
    """Why a text was not parsed: the parser says by its message alone that there was too much of it."""
    said = str(error)
    if f"more than {settings.maximum_tokens} tokens" in said:
        message = "The document has more than {limit:,} tokens (names, values, signs), which is the most that is read."
        return over("TOO_MANY_TOKENS", None, settings.maximum_tokens, message)
    if isinstance(error, RecursionError) or "nested too deeply" in said:
        return coded("TOO_DEEP", "The document is nested too deeply to be read. Ask for what lies deeper by its id.")
    return _coded(error)


def _invalid(error: GraphQLError) -> GraphQLError:
    """A rule's finding. That there is too much to compare is said by the message alone, and not what to do."""
    if error.message == "Validation aborted.":
        return too_many_spreads()
    if len(error.message) > LONGEST_MESSAGE:
        error.message = f"{error.message[:LONGEST_MESSAGE]}…"
    return _coded(error)


def _coded(error: Exception) -> GraphQLError:
    assert isinstance(error, GraphQLError)
    error.extensions = {**(error.extensions or {}), "code": "BAD_USER_INPUT"}
    return error


@dataclass(frozen=True)
class Asked:
    """An operation with its variables: the leaves of the variables, and the shape they have."""

    document: Document
    known: "Known"
    given: Mapping[str, Any]
    leaves: Sequence[Any]
    shape: Hashable

    @property
    def operation(self) -> OperationDefinitionNode:
        return self.known.operation

    @property
    def name(self) -> str | None:
        return self.known.name

    @property
    def reads_only(self) -> bool:
        return self.known.kind is OperationType.QUERY

    def selections(self, schema: GraphQLSchema, settings: Settings) -> tuple[list[Selected], int, int]:
        """What is asked of the root, how many nodes it may bring, and its fields. Raises RequestErrors."""
        root = schema.get_root_type(self.operation.operation)
        assert root is not None  # validated
        variables, leaves, _ = self.known.coerced(schema, self.given, self.document.suggests)
        try:
            reader = Reader(schema, self.document.fragments, variables, leaves)
            selections = reader.read(root, [self.operation.selection_set])
            nodes = sum(nodes_asked(selected, settings) for selected in selections)
        except GraphQLError as error:
            raise RequestErrors([_coded(error) if not (error.extensions or {}).get("code") else error]) from None
        if nodes > settings.maximum_nodes:
            raise RequestErrors([too_costly(nodes, settings.maximum_nodes)])
        return selections, nodes, reader.fields


class Known:
    """An operation of a document, with what is known of it before any variables are."""

    __slots__ = ("_texts", "_whole", "kind", "name", "operation")

    def __init__(self, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.operation = operation
        self.name = operation.name.value if operation.name else None
        self.kind = operation.operation
        self._whole = _only_for_actions(operation, fragments)
        self._texts = _only_texts(operation) if not self._whole else None

    def asked(self, schema: GraphQLSchema, document: Document, given: Mapping[str, Any]) -> Asked:
        """The operation with these variables. Raises RequestErrors."""
        if self._texts is not None:
            # The most usual variables need no coercing: texts stay what they are, and each is a slot.
            leaves = [given.get(name) for name, _ in self._texts]
            if all(type(leaf) is str for leaf in leaves):
                return Asked(document, self, given, leaves, self._texts)
        _, leaves, shape = self.coerced(schema, given, document.suggests)
        return Asked(document, self, given, leaves, shape)

    def coerced(
        self, schema: GraphQLSchema, given: Mapping[str, Any], suggests: bool
    ) -> tuple[VariableValues, list[Any], Any]:
        """The variables' values with slots for their leaves, the leaves, and the shape. Raises RequestErrors."""
        definitions = self.operation.variable_definitions or ()
        values = get_variable_values(schema, definitions, dict(given), max_errors=20, hide_suggestions=not suggests)
        if isinstance(values, list):
            raise RequestErrors([_coded(error) for error in values])
        leaves: list[Any] = []
        coerced, shapes = {}, []
        for variable, value in values.coerced.items():
            slotting = as_slot if variable in self._whole else shape_of
            coerced[variable], shape = slotting(value, leaves)
            shapes.append((variable, shape))
        return VariableValues(values.sources, coerced), leaves, tuple(shapes)


def ask(schema: GraphQLSchema, document: Document, name: str | None, given: Mapping[str, Any]) -> Asked:
    """The operation `name` of the document with these variables. Raises RequestErrors."""
    known = document.known.get(name)
    if known is None:
        known = document.known[name] = Known(document.operation(name), document.fragments)
    return known.asked(schema, document, given)


def _only_texts(operation: OperationDefinitionNode) -> tuple[tuple[str, str], ...] | None:
    """The shape of the variables when all are given, where each is a String or an ID without a default."""
    shape = []
    for definition in operation.variable_definitions or ():
        type_ = definition.type.type if isinstance(definition.type, NonNullTypeNode) else definition.type
        if not isinstance(type_, NamedTypeNode) or type_.name.value not in {"String", "ID"}:
            return None
        if definition.default_value is not None:
            return None
        shape.append((definition.variable.name.value, SLOT))
    return tuple(shape)


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
