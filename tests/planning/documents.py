"""Random documents over the whole schema, valid but for some of their arguments.

Each goes to one field or argument, and has others about it: fragments (named, inline, nested, on interfaces and
unions), aliases, several mentions of one response key, directives, variables, pages, introspection.
(hypothesis-graphql draws valid documents too, but knows no values that occur in the data, and no pages to go on from.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, get_named_type

from tests.planning.arguments import Arguments, Variables
from tests.planning.invented.chance import Chance
from tests.planning.mentions import Mention, Mentions
from tests.planning.values import Pool
from tests.planning.ways import Step, Ways

DEEPEST: Final = 9
INTROSPECTION: Final = (
    "__schema { queryType { name } }",
    '__type(name: "Case") { kind name fields { name type { kind name ofType { name } } } }',
    '__type(name: "Nothing") { name }',
    "__schema { directives { name args { name defaultValue } } }",
)
LONG: Final = frozenset({"accessMatrix"})
"""A list of many hundreds, the same in every world: only where a document goes there."""
PAGE_INFO: Final = ("hasNextPage", "hasPreviousPage", "startCursor", "endCursor")

Path = tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A document with the operation to run (None: the only one) and its variables."""

    text: str
    operation: str | None
    variables: Variables


@dataclass(frozen=True)
class Fragment:
    """A named fragment that is complete, with the response keys it mentions."""

    name: str
    on: str
    mentions: Mentions


class Writer:
    """Writes one document."""

    def __init__(self, ways: Ways, pool: Pool, chance: Chance) -> None:
        self.ways = ways
        self.schema: GraphQLSchema = ways.schema
        self.chance = chance
        self.arguments = Arguments(pool, chance)
        self.fragments: list[Fragment] = []
        self.definitions: list[str] = []
        self.aliases = 0
        self.left = chance.random.randint(2, 24)
        """How many more fields may be written, besides those on the way."""

    def document(self, way: Sequence[Step]) -> Document:
        """A document that goes a way through the schema, and has other things about it."""
        body = self.object(self.ways.root, Mentions(), (), way)
        variables = self.arguments.variables
        declared = ", ".join(variable.declared() for variable in variables.by_name.values())
        several = self.chance.one_in(25)
        name = "Random" if several or declared or self.chance.one_in(2) else None
        head = f"query {name}{f'({declared})' if declared else ''} " if name else ""
        parts = [f"{head}{body}", *self.definitions, *(["query Other { __typename }"] if several else [])]
        self.chance.random.shuffle(parts)
        return Document("\n".join(parts), name if several or self.chance.one_in(4) else None, variables)

    # Selection sets ------------------------------------------------------------------------------------------

    def below(self, type_: Any, mentions: Mentions, path: Path, way: Sequence[Step] = ()) -> str:
        """A selection set over a value of the type."""
        if isinstance(type_, GraphQLObjectType):
            return self.object(type_, mentions, path, way)
        return self.abstract(type_, mentions, path, way)

    def object(self, type_: GraphQLObjectType, mentions: Mentions, path: Path, way: Sequence[Step] = ()) -> str:
        parts = []
        if way:
            written = self.field(type_, way[0].name, mentions, path, way)
            parts.append(self.inline(type_, written) if self.chance.one_in(8) else written)
        parts.extend(self.others(type_, mentions, path))
        if path and type_.name.endswith(("Connection", "Edge")):
            parts.extend(self.of_page(type_, mentions, path))
        if not path and self.chance.one_in(12):
            self.aliases += 1
            parts.append(f"i{self.aliases}: {self.chance.one(INTROSPECTION)}")
        return self.braced(parts, mentions)

    def others(self, type_: GraphQLObjectType, mentions: Mentions, path: Path) -> list[str]:
        """Fields beside that on the way, while there is room."""
        names = [name for name in self.ways.fields(type_) if name not in LONG]
        deep = [name for name in names if self.ways.objects(get_named_type(type_.fields[name].type))]
        leaves = [name for name in names if name not in deep]
        chosen = self.chance.some(leaves, 7) + self.chance.some(
            deep, min(1 if path else 2, max(0, DEEPEST - len(path)))
        )
        return [self.part(type_, name, mentions, path) for name in chosen if self.left > 0]

    def of_page(self, type_: GraphQLObjectType, mentions: Mentions, path: Path) -> list[str]:
        """Cursors to go on from, and rows to see."""
        chance, parts = self.chance, []
        if "pageInfo" in type_.fields and not chance.one_in(3):
            parts.extend(self.page_info(type_, mentions))
        if "cursor" in type_.fields and not chance.one_in(3):
            parts.append(self.field(type_, "cursor", mentions, path))
        if self.left > 0 and chance.one_in(2):
            name = "node" if "node" in type_.fields else chance.one(("nodes", "edges"))
            parts.append(self.field(type_, name, mentions, path))
        return parts

    def page_info(self, type_: GraphQLObjectType, mentions: Mentions) -> list[str]:
        """The page's cursors under their own names, where they can be found."""
        mention = Mention(type_.name, "pageInfo", "", str(type_.fields["pageInfo"].type))
        if not mentions.take("pageInfo", mention):
            return []
        inner, info = mentions.add("pageInfo", mention), self.schema.type_map["PageInfo"]
        assert isinstance(info, GraphQLObjectType)
        leaves = self.chance.random.sample(PAGE_INFO, self.chance.random.randint(1, len(PAGE_INFO)))
        written = []
        for leaf in leaves:
            asked = Mention("PageInfo", leaf, "", str(info.fields[leaf].type))
            if inner.take(leaf, asked):
                inner.add(leaf, asked)
                written.append(leaf)
        return [f"pageInfo {self.braced(written, inner)}"]

    def abstract(self, type_: Any, mentions: Mentions, path: Path, way: Sequence[Step] = ()) -> str:
        """Of an interface or union: its own fields, and what is asked of some of the possible types."""
        parts = []
        if isinstance(type_, GraphQLInterfaceType) and self.chance.one_in(2):
            parts.append(self.field(type_, self.chance.one(self.ways.fields(type_)), mentions, path))
        possible = list(self.ways.objects(type_))
        chosen = self.chance.random.sample(possible, min(len(possible), self.chance.count(3)))
        parts += [self.conditional(one, self.object(one, mentions, path)) for one in chosen if self.left > 0]
        if way:
            aimed: Any = self.schema.type_map[way[0].type_name]
            parts.append(self.conditional(aimed, self.object(aimed, mentions, path, way)))
        return self.braced(parts, mentions)

    def braced(self, parts: list[str], mentions: Mentions) -> str:
        if not parts or self.chance.one_in(6):
            parts = [*parts, self.typename(mentions)]
        self.chance.random.shuffle(parts)
        return "{ " + " ".join(parts) + " }"

    def typename(self, mentions: Mentions) -> str:
        key = self.alias() if self.chance.one_in(4) else "__typename"
        mentions.add(key, Mention("", "__typename", "", "String!"))
        return "__typename" if key == "__typename" else f"{key}: __typename"

    # Fields --------------------------------------------------------------------------------------------------

    def part(self, type_: GraphQLObjectType, name: str, mentions: Mentions, path: Path) -> str:
        """A field, or a fragment with some."""
        chance, above = self.chance, self.ways.above(type_)
        if chance.one_in(9):
            return self.named(type_, mentions, path)
        if above and chance.one_in(12):
            abstract = chance.one(above)
            return self.conditional(abstract, self.abstract(abstract, mentions, path))
        written = self.again(type_, mentions, path) if chance.one_in(7) else ""
        written = written or self.field(type_, name, mentions, path)
        return self.inline(type_, written) if chance.one_in(9) else written

    def field(self, type_: Any, name: str, mentions: Mentions, path: Path, way: Sequence[Step] = ()) -> str:
        """A field under a key that is free for it."""
        self.left -= 1
        definition = type_.fields[name]
        key = self.key(type_, name, mentions)
        leads_to = way[1].type_name if len(way) > 1 and "id" in definition.args else None
        arguments = self.arguments.written(definition, (*path, key), way[0] if len(way) == 1 else None, leads_to)
        inner = mentions.add(key, Mention(type_.name, name, arguments, str(definition.type)))
        value = get_named_type(definition.type)
        below = f" {self.below(value, inner, (*path, key), way[1:])}" if self.ways.objects(value) else ""
        alias = "" if key == name else f"{key}: "
        return f"{alias}{name}{arguments}{self.directive()}{below}"

    def key(self, type_: Any, name: str, mentions: Mentions) -> str:
        """Its own name, now and then that of another field, or a new alias."""
        definition = type_.fields[name]
        mention = Mention(type_.name, name, "", str(definition.type))
        free = mentions.find(name) is None if definition.args else mentions.take(name, mention)
        if free and not self.chance.one_in(3):
            return name
        other: str = self.chance.one(list(type_.fields))
        if self.chance.one_in(12) and mentions.find(other) is None:
            return other
        return self.alias()

    def alias(self) -> str:
        self.aliases += 1
        return f"a{self.aliases}"

    def again(self, type_: GraphQLObjectType, mentions: Mentions, path: Path) -> str:
        """A further mention of a key, with other things below it; nothing where there is none."""
        found = [(key, one) for key, one in mentions.all() if one.type_name == type_.name]
        if not found:
            return ""
        key, mention = self.chance.one(found)
        inner, value = mentions.add(key, mention), get_named_type(type_.fields[mention.name].type)
        below = f" {self.below(value, inner, (*path, key))}" if self.ways.objects(value) else ""
        return f"{key}: {mention.name}{mention.arguments}{self.directive()}{below}"

    def directive(self) -> str:
        """Mostly none."""
        if not self.chance.one_in(16):
            return ""
        whether = self.chance.one_in(2)
        which = self.chance.weighted([(4, ("skip",)), (4, ("include",)), (1, ("include", "skip"))])
        return "".join(f" @{name}(if: {self.arguments.boolean(whether)})" for name in which)

    # Fragments -----------------------------------------------------------------------------------------------

    def inline(self, type_: GraphQLObjectType, written: str) -> str:
        """A field within an inline fragment, or in one within another."""
        condition = self.chance.one(("", f"on {type_.name} "))
        inner = f"...{self.directive()} {{ {written} }}" if self.chance.one_in(4) else written
        return f"... {condition}{self.directive()} {{ {inner} }}"

    def conditional(self, type_: Any, body: str) -> str:
        return f"... on {type_.name}{self.directive()} {body}"

    def named(self, type_: GraphQLObjectType, mentions: Mentions, path: Path) -> str:
        """A spread of a fragment that is there already and fits, or of a new one."""
        types = [type_, type_, *self.ways.above(type_)]
        names = [one.name for one in types]
        fitting = [one for one in self.fragments if one.on in names and mentions.take_all(one.mentions)]
        if fitting and self.chance.one_in(2):
            fragment = self.chance.one(fitting)
        else:
            fragment = self.new_fragment(self.chance.one(types), mentions, path)
        mentions.add_all(fragment.mentions)
        return f"...{fragment.name}{self.directive()}"

    def new_fragment(self, type_: Any, beside: Mentions, path: Path) -> Fragment:
        own = Mentions(beside)
        place = len(self.definitions)
        self.definitions.append("")
        body = self.below(type_, own, path)
        self.definitions[place] = f"fragment F{place} on {type_.name} {body}"
        fragment = Fragment(f"F{place}", type_.name, own)
        self.fragments.append(fragment)
        return fragment
