"""What one document may have, counted before it is validated. Each limit has its setting and an error of its own."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from ascms.settings import Settings

from .problems import coded, over

MOST_NESTED_FRAGMENTS: Final = 50
"""Named fragments, each spread in the one before."""
INTROSPECTION: Final = frozenset(("__schema", "__type"))


def check_limits(document: DocumentNode, settings: Settings) -> None:
    """Raise GraphQLError, naming what was given and what is allowed, where the document has too much of something."""
    counts = _Counts(document)
    for code, given, limit, message in (
        ("TOO_MANY_ALIASES", counts.aliases, settings.maximum_aliases, _MANY.format("aliases")),
        ("TOO_MANY_REPEATED_FIELDS", counts.repeated, settings.maximum_repeated_fields, _REPEATED),
        ("TOO_MANY_DIRECTIVES", counts.directives, settings.maximum_directives, _MANY.format("directives")),
    ):
        if given > limit:
            raise over(code, given, limit, message)
    depth = _Depth(document).deepest()
    if depth > settings.maximum_depth:
        raise over("TOO_DEEP", depth, settings.maximum_depth, _DEEP)
    if counts.introspects and not settings.introspection:
        raise coded(
            "INTROSPECTION_OFF", "Introspection is off here (ASCMS_INTROSPECTION); the contract is schema.graphql."
        )


_MANY: Final = "The document has {{given:,}} {0}; {{limit:,}} at most are read. Ask in several operations."
_REPEATED: Final = (
    "The document repeats fields {given:,} times where they stand already; {limit:,} at most are read. "
    "Ask for each field once."
)
_DEEP: Final = (
    "The document is {given:,} fields deep; {limit:,} at most are answered. Ask for what lies deeper by its id."
)
_FRAGMENTS: Final = "The document nests fragments more than {limit:,} deep, which is the most that is read."


class _Counts:
    """Goes through the document once."""

    def __init__(self, document: DocumentNode) -> None:
        self.aliases = self.repeated = self.directives = 0
        self.introspects = False
        for definition in document.definitions:
            if isinstance(definition, (OperationDefinitionNode, FragmentDefinitionNode)):
                self.directives += len(definition.directives or ())
                for variable in definition.variable_definitions or ():
                    self.directives += len(variable.directives or ())
                self._read(definition.selection_set)

    def _read(self, first: SelectionSetNode) -> None:
        waiting = [first]
        while waiting:
            keys: Counter[str] = Counter()
            for node in self._fields(waiting.pop()):
                keys[node.alias.value if node.alias else node.name.value] += 1
                self.aliases += node.alias is not None
                self.introspects = self.introspects or node.name.value in INTROSPECTION
                if node.selection_set is not None:
                    waiting.append(node.selection_set)
            self.repeated += keys.total() - len(keys)

    def _fields(self, first: SelectionSetNode) -> Iterator[FieldNode]:
        """The fields that stand here, in inline fragments too."""
        here = [first]
        while here:
            for node in here.pop().selections:
                self.directives += len(node.directives or ())
                if isinstance(node, FieldNode):
                    yield node
                elif isinstance(node, InlineFragmentNode):
                    here.append(node.selection_set)


class _Depth:
    """How many fields lie below each other, fragments spread."""

    def __init__(self, document: DocumentNode) -> None:
        self._document = document
        self._fragments: Mapping[str, FragmentDefinitionNode] = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._known: dict[str, int] = {}

    def deepest(self) -> int:
        """The most of any operation or fragment. Raises GraphQLError where fragments are nested too deeply."""
        return max((self._of(node, 0) for node in self._document.definitions), default=0)

    def _of(self, node: Any, fragments: int) -> int:
        """`fragments`: how many are being looked into."""
        selection_set: SelectionSetNode | None = getattr(node, "selection_set", None)
        deepest, waiting = 0, [(selection_set, 0)] if selection_set is not None else []
        while waiting:
            inside, above = waiting.pop()
            for selection in inside.selections:
                if isinstance(selection, FragmentSpreadNode):
                    deepest = max(deepest, above + self._of_fragment(selection.name.value, fragments + 1))
                    continue
                depth = above + isinstance(selection, FieldNode)
                deepest = max(deepest, depth)
                below = getattr(selection, "selection_set", None)
                if below is not None:
                    waiting.append((below, depth))
        return deepest

    def _of_fragment(self, name: str, fragments: int) -> int:
        if fragments > MOST_NESTED_FRAGMENTS:
            raise over("TOO_DEEP", None, MOST_NESTED_FRAGMENTS, _FRAGMENTS)
        if name not in self._known:
            self._known[name] = 0  # one that spreads itself is refused by the validation
            self._known[name] = self._of(self._fragments.get(name), fragments)
        return self._known[name]
