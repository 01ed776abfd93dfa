"""What an operation asks for, once fragments are spread, directives decided and arguments read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionSetNode,
    get_argument_values,
    get_directive_values,
    get_named_type,
)
from graphql.execution.values import VariableValues

from .declare import DeclaredField
from .identifiers import decode
from .problems import too_many_fields
from .values import filled

BACKREF = "strawberry-definition"
MOST_FIELDS = 4_000
"""Fields that an operation may have once its fragments are spread: what reading it may cost."""


@dataclass(frozen=True)
class Selected:
    """A field asked for: its response key, where it stands, its arguments, and what is asked of its value by type."""

    key: str
    type_name: str
    name: str
    declared: DeclaredField | None
    arguments: Mapping[str, Any]
    path: tuple[str, ...]
    nodes: Sequence[FieldNode]
    below: Mapping[str, Sequence["Selected"]] = field(default_factory=dict)
    """By the name of the object type; empty for leaves. Abstract types list each possible type."""
    leaf: str | None = None
    """The named type, for leaves."""

    @property
    def coordinate(self) -> str:
        return f"{self.type_name}.{self.name}"


class Reader:
    """Reads the selections of one operation. Variables are slotted (see `values`); `leaves` are this request's."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
        leaves: Sequence[Any],
    ) -> None:
        self.schema = schema
        self.fragments = fragments
        self.variables = variables
        self.leaves = leaves
        self.fields = 0
        """How many fields were read so far, each counted where it stands once fragments are spread."""

    def read(
        self, parent: GraphQLObjectType, sets: Sequence[SelectionSetNode], path: tuple[str, ...] = ()
    ) -> list[Selected]:
        """The fields asked of `parent`, merged by response key, in the order of their first mention."""
        grouped: dict[str, list[FieldNode]] = {}
        for selection_set in sets:
            self._collect(parent, selection_set, grouped, set())
        return [self._selected(parent, key, nodes, path) for key, nodes in grouped.items()]

    def _collect(
        self, parent: GraphQLObjectType, sets: SelectionSetNode, grouped: dict[str, list[FieldNode]], seen: set[str]
    ) -> None:
        for node in sets.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                grouped.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self._applies(parent, node.type_condition.name.value):
                    self._collect(parent, node.selection_set, grouped, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if self._applies(parent, fragment.type_condition.name.value):
                    self._collect(parent, fragment.selection_set, grouped, seen)

    def _included(self, node: Any) -> bool:
        directives: Sequence[DirectiveNode] = node.directives or ()
        if not directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and (include is None or bool(include["if"]))

    def _applies(self, parent: GraphQLObjectType, condition: str) -> bool:
        if condition == parent.name:
            return True
        wanted = self.schema.type_map[condition]
        return isinstance(wanted, (GraphQLInterfaceType, GraphQLUnionType)) and self.schema.is_sub_type(wanted, parent)

    def _selected(
        self, parent: GraphQLObjectType, key: str, nodes: Sequence[FieldNode], path: tuple[str, ...]
    ) -> Selected:
        self.fields += 1
        if self.fields > MOST_FIELDS:
            raise too_many_fields(MOST_FIELDS)
        name = nodes[0].name.value
        path = (*path, key)
        if name.startswith("__"):
            return Selected(key, parent.name, name, None, {}, path, nodes)
        definition = parent.fields[name]
        declared = definition.extensions[BACKREF]
        arguments = get_argument_values(definition, nodes[0], self.variables)
        value = get_named_type(definition.type)
        below: dict[str, Sequence[Selected]] = {}
        if isinstance(value, (GraphQLObjectType, GraphQLInterfaceType, GraphQLUnionType)):
            sets = [node.selection_set for node in nodes if node.selection_set is not None]
            for possible in self._possible(value, parent.name, name, arguments):
                below[possible.name] = self.read(possible, sets, path)
            leaf = None
        else:
            leaf = value.name
        return Selected(key, parent.name, name, declared, arguments, path, nodes, below, leaf)

    def _possible(
        self, value: Any, parent: str, name: str, arguments: Mapping[str, Any]
    ) -> Sequence[GraphQLObjectType]:
        if isinstance(value, GraphQLObjectType):
            return [value]
        possible = self.schema.get_possible_types(value)
        if (parent, name) == ("Query", "node"):
            identifier = decode(filled(arguments["id"], self.leaves))
            wanted = identifier.type_name if identifier is not None else ""
            return [type_ for type_ in possible if type_.name == wanted]
        return list(possible)
