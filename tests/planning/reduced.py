"""A document made as small as it can be while it still shows what is wrong."""

from collections.abc import Callable
from typing import Any, Final

from graphql import (
    REMOVE,
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    NameNode,
    Node,
    ObjectFieldNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

REMOVABLE: Final = (
    FieldNode, InlineFragmentNode, FragmentSpreadNode, ArgumentNode, ObjectFieldNode, DirectiveNode,
)  # fmt: skip
PASSES: Final = 6


def reduced(text: str, shows: Callable[[str], bool]) -> str:
    """What is left of the document. `shows`: whether a text still shows it; an invalid one does not."""
    try:
        parse(text)
    except GraphQLSyntaxError:
        return text
    for _ in range(PASSES):
        before, place = text, 0
        while (smaller := _without(text, place)) is not None:
            if smaller != text and shows(smaller):
                text = smaller
            else:
                place += 1
        if text == before:
            break
    return text


def _without(text: str, place: int) -> str | None:
    """The document without the node at a place, and all that is then unused; None where there is no such place."""
    removing = _Removing(place)
    document = visit(parse(text), removing)
    return print_ast(_tidied(document)) if removing.removed else None


class _Removing(Visitor):
    def __init__(self, place: int) -> None:
        super().__init__()
        self.place = place
        self.count = -1
        self.removed = False

    def enter(self, node: Node, *_: Any) -> Any:
        if isinstance(node, REMOVABLE):
            self.count += 1
            if self.count == self.place:
                self.removed = True
                return REMOVE
        return None

    def leave(self, node: Node, *_: Any) -> Any:
        if isinstance(node, SelectionSetNode) and not node.selections:
            return SelectionSetNode(selections=(FieldNode(name=NameNode(value="__typename")),))
        return None


def _tidied(document: DocumentNode) -> DocumentNode:
    """Without fragments that are spread nowhere, and variables that are used nowhere."""
    spreads, variables = _Names(FragmentSpreadNode), _Names(VariableNode)
    for definition in document.definitions:
        visit(definition, spreads)
    kept = [
        one
        for one in document.definitions
        if not isinstance(one, FragmentDefinitionNode) or one.name.value in spreads.found
    ]
    for definition in kept:
        if isinstance(definition, OperationDefinitionNode):
            visit(definition.selection_set, variables)
        else:
            visit(definition, variables)
    kept = [_declaring(one, variables.found) if isinstance(one, OperationDefinitionNode) else one for one in kept]
    whole = DocumentNode(definitions=tuple(kept))
    return whole if len(kept) == len(document.definitions) else _tidied(whole)


def _declaring(operation: OperationDefinitionNode, variables: set[str]) -> OperationDefinitionNode:
    """The operation with these of its variables."""
    return OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=tuple(
            one for one in operation.variable_definitions or () if one.variable.name.value in variables
        ),
        selection_set=operation.selection_set,
    )


class _Names(Visitor):
    """The names in nodes of a kind."""

    def __init__(self, kind: type[Any]) -> None:
        super().__init__()
        self.kind = kind
        self.found: set[str] = set()

    def enter(self, node: Node, *_: Any) -> None:
        if isinstance(node, self.kind):
            self.found.add(node.name.value)
