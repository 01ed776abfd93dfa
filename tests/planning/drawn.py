"""What documents ask for, read from the documents themselves: coordinates, arguments, enum values, and constructs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from graphql import (
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    parse,
)

from tests.planning.arguments import Variable
from tests.planning.documents import Document
from tests.planning.ways import Ways

CONSTRUCTS: Final = frozenset({
    "alias", "alias that is another field's name", "two mentions of a key", "a field twice with other arguments",
    "named fragment", "fragment spread twice", "fragment in a named fragment", "inline fragment",
    "inline fragment without a type", "inline fragment in another",
    *(f"fragment on {kind}" for kind in ("an object", "an interface", "a union")),
    *(f"@{name} by {value} on {place}"
      for name in ("skip", "include") for value in ("true", "false", "variable")
      for place in ("a field", "an inline fragment", "a spread")),
    "@skip and @include at once", "__typename of an object", "__typename of an interface", "__typename of a union",
    "introspection", "several operations", "no operation name", "default", "null default", "null written out",
    "variable left out", "variable null", "variable twice", "whole input by variable", "part of an input by variable",
    "entry of a list by variable", "one value for a list", "empty list", "empty input",
    *(f"page by {names}" for names in ("first", "last", "first and after", "last and before", "neither")),
})  # fmt: skip
"""What the schema does not name."""
PLACES: Final = {FieldNode: "a field", InlineFragmentNode: "an inline fragment", FragmentSpreadNode: "a spread"}


def possible(ways: Ways) -> set[str]:
    """Everything that documents can have: constructs, and what can be reached of the schema."""
    found = {*CONSTRUCTS, *(aim.coordinate for aim in ways.aims)}
    inputs = {get_named_type(argument.type) for argument in _arguments(ways)}
    waiting = list(inputs)
    for type_ in waiting:
        if isinstance(type_, GraphQLEnumType):
            found |= {f"{type_.name}.{value}" for value in type_.values}
        if isinstance(type_, GraphQLInputObjectType):
            found |= {f"{type_.name}.{member}" for member in type_.fields}
            below = {get_named_type(member.type) for member in type_.fields.values()} - inputs
            inputs |= below
            waiting.extend(below)
    for type_ in ways.schema.type_map.values():
        if not isinstance(type_, GraphQLObjectType):
            found |= {f"{one.name} of {type_.name}" for one in ways.objects(type_) if one.name in ways.distance}
    return found


def _arguments(ways: Ways) -> Iterable[Any]:
    for aim in ways.aims:
        type_: Any = ways.schema.type_map[aim.type_name]
        yield from type_.fields[aim.name].args.values()


class Drawn:
    """Counts what documents have. Coordinates are written as the specification of schema coordinates has them."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.found: Counter[str] = Counter()
        self._fragments: Mapping[str, FragmentDefinitionNode] = {}

    def note(self, what: str, *, when: bool = True) -> None:
        if when:
            self.found[what] += 1

    def read(self, document: Document, given: Mapping[str, Any]) -> None:
        """Count what a document has, and what is given for its variables."""
        definitions = parse(document.text).definitions
        self._fragments = {one.name.value: one for one in definitions if isinstance(one, FragmentDefinitionNode)}
        operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
        self.note("several operations", when=len(operations) > 1)
        for operation in operations:
            self.note("no operation name", when=operation.name is None)
            assert self.schema.query_type is not None
            self.selections(self.schema.query_type, operation.selection_set)
        for name, fragment in self._fragments.items():
            self.note("named fragment")
            self.note("fragment spread twice", when=document.text.count(f"...{name}") > 1)
            self.condition(None, fragment.type_condition.name.value)
            self.selections(self.schema.type_map[fragment.type_condition.name.value], fragment.selection_set, 1)
        for name, variable in document.variables.by_name.items():
            self.note("variable twice", when=document.text.count(f"${name}") > 2)
            self.variable(variable, name in given, given.get(name))

    # Selections ----------------------------------------------------------------------------------------------

    def selections(self, type_: Any, selection_set: SelectionSetNode | None, depth: int = 0) -> None:
        nodes = selection_set.selections if selection_set is not None else ()
        fields = [node for node in nodes if isinstance(node, FieldNode)]
        keys = Counter(node.alias.value if node.alias else node.name.value for node in fields)
        asked = Counter(node.name.value for node in fields if node.arguments)
        self.note("two mentions of a key", when=max(keys.values(), default=0) > 1)
        self.note("a field twice with other arguments", when=max(asked.values(), default=0) > 1)
        for node in nodes:
            self.directives(node)
            if isinstance(node, FieldNode):
                self.field(type_, node)
            elif isinstance(node, InlineFragmentNode):
                self.inline(type_, node, depth)
            elif isinstance(node, FragmentSpreadNode):
                self.note("fragment in a named fragment", when=depth > 0)

    def field(self, type_: Any, node: FieldNode) -> None:
        name = node.name.value
        self.note("alias", when=node.alias is not None)
        if name.startswith("__"):
            self.note("introspection", when=name != "__typename")
            self.note(f"__typename of {_kind(type_)}", when=name == "__typename")
            return
        known = node.alias is not None and node.alias.value in type_.fields and node.alias.value != name
        self.note("alias that is another field's name", when=known)
        self.note(f"{type_.name}.{name}")
        definition = type_.fields[name]
        if "after" in definition.args:
            given = {argument.name.value for argument in node.arguments or ()}
            paged = [one for one in ("first", "last", "after", "before") if one in given]
            self.note(f"page by {' and '.join(paged) or 'neither'}")
        for argument in node.arguments or ():
            self.note(f"{type_.name}.{name}({argument.name.value}:)")
            self.value(definition.args[argument.name.value].type, argument.value)
        self.selections(get_named_type(definition.type), node.selection_set)

    def inline(self, type_: Any, node: InlineFragmentNode, depth: int) -> None:
        self.note("inline fragment")
        self.note("inline fragment in another", when=depth < 0)
        if node.type_condition is None:
            self.note("inline fragment without a type")
        else:
            self.condition(type_, node.type_condition.name.value)
            type_ = self.schema.type_map[node.type_condition.name.value]
        self.selections(type_, node.selection_set, -1)

    def condition(self, type_: Any, name: str) -> None:
        self.note(f"fragment on {_kind(self.schema.type_map[name])}")
        if type_ is not None and not isinstance(type_, GraphQLObjectType):
            self.note(f"{name} of {type_.name}")

    def directives(self, node: Any) -> None:
        directives = node.directives or ()
        self.note("@skip and @include at once", when=len(directives) > 1)
        for directive in directives:
            value = directive.arguments[0].value
            told = "variable" if isinstance(value, VariableNode) else str(value.value).lower()
            self.note(f"@{directive.name.value} by {told} on {PLACES[type(node)]}")

    # Values --------------------------------------------------------------------------------------------------

    def value(self, type_: Any, node: Any, place: str = "") -> None:
        """A value as it is written. `place`: what it is part of."""
        bare: Any = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        self.note("null written out", when=isinstance(node, NullValueNode))
        if isinstance(node, VariableNode):
            self.note("whole input by variable", when=not place and isinstance(bare, GraphQLInputObjectType))
            self.note(f"{place} by variable", when=bool(place))
        elif isinstance(bare, GraphQLList):
            entries: Sequence[Any] = node.values if isinstance(node, ListValueNode) else [node]
            self.note("one value for a list", when=not isinstance(node, (ListValueNode, NullValueNode)))
            self.note("empty list", when=not entries)
            for entry in entries:
                self.value(bare.of_type, entry, "entry of a list")
        elif isinstance(bare, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
            self.note("empty input", when=not node.fields)
            for member in node.fields:
                self.note(f"{bare.name}.{member.name.value}")
                self.value(bare.fields[member.name.value].type, member.value, "part of an input")
        elif isinstance(node, EnumValueNode):
            self.note(f"{bare.name}.{node.value}")

    def variable(self, variable: Variable, present: bool, value: Any) -> None:
        self.note("default", when=variable.default is not None)
        self.note("null default", when=variable.default == "null")
        self.note("variable left out", when=not present)
        self.note("variable null", when=present and value is None)
        self.json(variable.type_, value)

    def json(self, type_: Any, value: Any) -> None:
        """A value from JSON."""
        bare = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(bare, GraphQLList):
            for entry in value if isinstance(value, list) else [value]:
                self.json(bare.of_type, entry)
        elif isinstance(bare, GraphQLInputObjectType) and isinstance(value, dict):
            for name, member in value.items():
                if name in bare.fields:
                    self.note(f"{bare.name}.{name}")
                    self.json(bare.fields[name].type, member)
        elif isinstance(bare, GraphQLEnumType) and isinstance(value, str) and value in bare.values:
            self.note(f"{bare.name}.{value}")


def _kind(type_: Any) -> str:
    if isinstance(type_, GraphQLObjectType):
        return "an object"
    return "an interface" if isinstance(type_, GraphQLInterfaceType) else "a union"
