"""Generated documents made to be answered, and to be judged: what is asked for besides is under names of our own."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    IntValueNode,
    NullValueNode,
    SelectionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    get_named_type,
    is_leaf_type,
    parse,
    visit,
)
from graphql.language import REMOVE, ArgumentNode, Visitor

ITS_ID: Final = "its_id"
ITS_TYPE: Final = "its_type"
ITS_PAGE: Final = "its_page"
ITS_PROBLEMS: Final = "its_problems"
UNTOUCHED: Final = 7


def shaped(schema: GraphQLSchema, document: DocumentNode, number: int) -> DocumentNode:
    """The document without most of what is refused before anything is looked at, telling rows by their identifiers.

    `number`, 0 to 9: with 7 it stays as it is, above 3 each object is asked for all its values.
    """
    if number == UNTOUCHED:
        return document
    info = TypeInfo(schema)
    answerable = visit(document, _Answerable())
    told: DocumentNode = visit(answerable, TypeInfoVisitor(info, _Told(schema, info, wide=number > 3)))
    return told


class _Answerable(Visitor):
    """Pages one way, at most twenty, without invented cursors; leaves out what is null."""

    def enter_argument(self, node: ArgumentNode, *_: Any) -> Any:
        if node.name.value in {"after", "before"} or isinstance(node.value, NullValueNode):
            return REMOVE
        if node.name.value in {"first", "last"} and isinstance(node.value, IntValueNode):
            return argument(node.name.value, str(abs(int(node.value.value)) % 21))
        return None

    def leave_field(self, node: FieldNode, *_: Any) -> Any:
        names = {each.name.value for each in node.arguments or ()}
        surplus = [other for one, other in (("first", "last"), ("number", "reference")) if {one, other} <= names]
        return without(node, *surplus) if surplus else None


class _Told(Visitor):
    """Adds what tells an object's row, a page's end and whether a change was refused; if wide, all values."""

    def __init__(self, schema: GraphQLSchema, info: TypeInfo, *, wide: bool) -> None:
        super().__init__()
        self.schema = schema
        self.info = info
        self.wide = wide

    def leave_selection_set(self, node: SelectionSetNode, *_: Any) -> Any:
        type_ = self.info.get_parent_type()
        return SelectionSetNode(selections=(*node.selections, *self._more(type_, node)))

    def _more(self, type_: Any, node: SelectionSetNode) -> list[SelectionNode]:
        if isinstance(type_, GraphQLUnionType):
            members = " ".join(f"... on {member.name} {{ {ITS_ID}: id }}" for member in type_.types)
            return selections(f"{ITS_TYPE}: __typename {members}")
        written = f"{ITS_TYPE}: __typename" if isinstance(type_, GraphQLInterfaceType) else ""
        if "id" in type_.fields:
            written += f" {ITS_ID}: id"
        if "pageInfo" in type_.fields:
            written += f" {ITS_PAGE}: pageInfo {{ hasNextPage endCursor }}"
        if "problems" in type_.fields:
            written += f" {ITS_PROBLEMS}: problems {{ code }}"
        if self.wide and isinstance(type_, GraphQLObjectType):
            written += "".join(f" {name}" for name in self._values(type_, node))
        return selections(written) if written else []

    def _values(self, type_: GraphQLObjectType, node: SelectionSetNode) -> Iterable[str]:
        """The values of the object that are not asked for yet."""
        asked = {one.name.value for one in node.selections if isinstance(one, FieldNode)}
        return (
            name
            for name, field in type_.fields.items()
            if is_leaf_type(get_named_type(field.type)) and not field.args and name not in asked
        )


def next_page(document: DocumentNode, cursor: str) -> DocumentNode | None:
    """The same with its root list after the cursor; None where it has several roots, or pages backwards."""
    operation: Any = document.definitions[0]
    root, *others = operation.selection_set.selections
    if others or any(each.name.value == "last" for each in root.arguments or ()):
        return None
    kept = without(root, "after").arguments or ()
    root = replace(root, arguments=(*kept, argument("after", json.dumps(cursor))))
    return DocumentNode(definitions=(replace(operation, selection_set=SelectionSetNode(selections=(root,))),))


def without(node: FieldNode, *names: str) -> FieldNode:
    """The field without these arguments."""
    return replace(node, arguments=tuple(each for each in node.arguments or () if each.name.value not in names))


def selections(text: str) -> list[SelectionNode]:
    """The nodes of what stands between the braces of a selection set."""
    operation: Any = parse(f"{{ {text} }}", no_location=True).definitions[0]
    return list(operation.selection_set.selections)


def argument(name: str, value: str) -> ArgumentNode:
    field: Any = selections(f"x({name}: {value})")[0]
    node: ArgumentNode = field.arguments[0]
    return node
