"""Where a field's value comes from. No other kind of field exists.

Sources speak of a *row*: the table (or alias) that stands for the object at hand. A row may rename columns,
so that a type like `StudentChoice` can be read from a student and from what a request recorded alike.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, literal
from sqlalchemy.orm import InstrumentedAttribute

Key = InstrumentedAttribute[Any] | str


def key_of(attribute: Key) -> str:
    """The attribute's name on whatever row it is read from."""
    return attribute if isinstance(attribute, str) else attribute.key


class Row:
    """A table or alias seen under other names: a prefix, single renamings, and constants."""

    def __init__(
        self, entity: Any, prefix: str = "", renamed: Mapping[str, str] | None = None,
        constants: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._entity = entity
        self._prefix = prefix
        self._renamed = renamed or {}
        self._constants = constants or {}

    @property
    def entity(self) -> Any:
        """The table or alias itself."""
        return self._entity

    @property
    def identity(self) -> tuple[Any, ...]:
        """Equal for rows that read the same columns under the same names."""
        return (id(self._entity), self._prefix)

    def __getattr__(self, name: str) -> Any:
        if name in self._constants:
            return literal(self._constants[name])
        return getattr(self._entity, self._renamed.get(name, self._prefix + name))


@dataclass(frozen=True)
class Source:
    """Base of all sources."""


@dataclass(frozen=True)
class Column(Source):
    """A column of the row, or a SQL expression over it: `Column(lambda row, me: …)`."""

    of: Key | Callable[[Row, Any], ColumnElement[Any]]

    def expression(self, row: Row, me: Any) -> Any:
        """The column or expression over `row`."""
        if isinstance(self.of, (str, InstrumentedAttribute)):
            return getattr(row, key_of(self.of))
        return self.of(row, me)


def key_expression(key: Key | Column, row: Row, me: Any) -> Any:
    """What an edge's key reads of `row`."""
    return key.expression(row, me) if isinstance(key, Column) else getattr(row, key_of(key))


@dataclass(frozen=True)
class GlobalId(Source):
    """The Relay identifier of a row: the type's name and the row's key, opaque to clients."""

    type_name: str
    of: Key = "id"


@dataclass(frozen=True)
class Embedded(Source):
    """An object made of columns of the same row, null where `present` is null."""

    prefix: str = ""
    present: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)

    def row(self, row: Row) -> Row:
        return Row(row.entity, self.prefix, self.renamed, self.constants)


@dataclass(frozen=True)
class One(Source):
    """An edge to one row: the row of `model` whose `target` equals this row's `key`.

    `implied`: who reaches this row by a role reaches the other by the same.
    """

    key: Key | Column
    model: Any
    target: str = "id"
    where: Callable[[Row, Any], ColumnElement[bool]] | None = None
    implied: bool = False


@dataclass(frozen=True)
class OneOf(Source):
    """A union: the first of several edges that has a row, by the name of the type it leads to."""

    edges: Mapping[str, One]


@dataclass(frozen=True)
class Link:
    """How the rows of a list belong to their parent: by a key column, or by a condition on both rows."""

    model: Any
    key: Key | None = None
    on: Callable[[Row, Row, Any], ColumnElement[bool]] | None = None
    where: Callable[[Row, Any], ColumnElement[bool]] | None = None
    hangs: bool = False
    """Whether who reaches the parent by a role reaches the rows by the same, as far as they may be seen."""


@dataclass(frozen=True)
class By:
    """A sort key: the field it reads, as a path of GraphQL names, and the columns compared (the field's own)."""

    path: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Many(Source):
    """A short list, whole, in the order of `order` (columns of its rows)."""

    link: Link
    order: tuple[str, ...] = ("id",)
    constants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Connection(Source):
    """A Relay connection over the rows of a link, or over a whole table in the viewer's scope (a root)."""

    link: Link
    orders: Mapping[Any, By] = field(default_factory=dict)
    default_order: tuple[tuple[By, bool], ...] = ()
    """Used without `orderBy`; True for descending."""
    search: Callable[[Row, Any, Any], ColumnElement[bool]] | None = None
    """The predicate for a `search` argument; gets the row, the folded term as LIKE pattern, and me."""
    searches: tuple[str, ...] = ()
    """The fields that `search` reads, as paths from the row's type: refused like them."""
    narrow: Callable[[Row, Any, Mapping[str, Any]], Sequence[ColumnElement[bool]]] | None = None
    """Further arguments as predicates."""


@dataclass(frozen=True)
class Lookup(Source):
    """A root field for one row, by arguments: the predicate."""

    model: Any
    by: Callable[[Row, Mapping[str, Any]], ColumnElement[bool]]
    check: Callable[[Mapping[str, Any]], None] | None = None
    """Raises ValueError with what is wrong with the arguments."""
    first: Callable[[Row], ColumnElement[Any]] | None = None
    """Where several rows may answer, and the viewer reaches more than one: that with the least of this."""


@dataclass(frozen=True)
class NodeLookup(Source):
    """The root field `node`."""


@dataclass(frozen=True)
class Choices(Source):
    """A root list over a table under a condition of its own instead of a scope."""

    model: Any
    where: Callable[[Row, Any, Mapping[str, Any]], ColumnElement[bool]]
    order: tuple[str, ...]
    limit: Callable[[Mapping[str, Any]], int | None]


@dataclass(frozen=True)
class Myself(Source):
    """The root object that is read from the viewer's own row."""

    model: Any


@dataclass(frozen=True)
class Computed(Source):
    """A function over all rows of a level at once.

    `columns` names what it reads; `compute` gets those of each row as mappings and the request's facts, and
    returns a value per row. `reads` lists the field coordinates behind the columns: the field must be no more
    visible than they are (checked at start-up). `repeats` says for which columns the value depends on nothing else but
    the viewer's roles; that of others is computed anew at each run.
    """

    compute: Callable[[Sequence[Mapping[str, Any]], Any], Sequence[Any]]
    columns: Callable[[Row, Any], Mapping[str, ColumnElement[Any]]] = lambda row, me: {}
    reads: tuple[str, ...] = ()
    repeats: Callable[[Mapping[str, Any]], bool] | None = None


@dataclass(frozen=True)
class Value(Source):
    """A root field or member that needs no row: a function of the arguments and the request's facts."""

    compute: Callable[[Mapping[str, Any], Any], Any]


@dataclass(frozen=True)
class Given(Source):
    """A member of an object that a computed field returned, by its Python name."""

    name: str


@dataclass(frozen=True)
class Page(Source):
    """A member of a connection or edge: nodes, edges, pageInfo, totalCount, cursor, node."""

    part: str


@dataclass(frozen=True)
class Outcome:
    """What a mutation brought: the keys of rows and other values, each under the name its payload reads.

    Nothing of a row's content is in it, so that it can be kept and shown again with the rights of another day.
    """

    keys: Mapping[str, int | None] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Act(Source):
    """A mutation: `perform` gets what is needed to do it, and its payload is read when it is done."""

    perform: Callable[[Any], Awaitable[Outcome]]
    takes: type
    """Its input."""
    audience: type
    """Who may, as the rows are asked; the field's own permission class has to be the same."""


@dataclass(frozen=True)
class Performed(Source):
    """A member of a payload: the row of `model` whose key the outcome has as `name`, if the viewer reaches it now.

    `shown`: for a type without a scope of its own, when the viewer may see the row.
    """

    name: str
    model: Any
    shown: Callable[[Row, Any], ColumnElement[bool]] | None = None

    @property
    def parameter(self) -> str:
        """The bound parameter that holds the key."""
        return f"outcome_{self.name}"


@dataclass(frozen=True)
class Watch(Source):
    """A subscription: the signals that concern a viewer, and the row that each leads to.

    What is sent is read like a payload, of the outcome that a signal makes; or it is the row itself, where the field
    is of the row's own type. Nothing is sent of a row for which `shown` does not hold at that moment.
    """

    name: str
    """The row's, among the outcome's keys. An outcome without it (something left, or was missed) is sent as it is."""
    model: Any
    topics: Callable[[Any, Sequence[int]], Sequence[Any]]
    """What to wait for, of the viewer and the keys of the rows that are followed."""
    outcome: Callable[[Any, int | None], Outcome]
    """What a signal brought, of it and the key of a row that is followed."""
    shown: Callable[[Row, Any], ColumnElement[bool]]
    follows: Callable[[Row, Mapping[str, Any]], ColumnElement[bool]] | None = None
    """The rows that are followed, by the arguments. Whether there are any is never told."""
    first: Callable[[Row], ColumnElement[Any]] | None = None
    """Of several that are followed, that with the least of this is told of, if it may be."""
    reads: Mapping[str, str] = field(default_factory=dict)
    """A change's name, or the model of the item it is about, to the field of the row that it lets one know of."""
    items: Mapping[str, Any] = field(default_factory=dict)
    """Models of items, by name, that are types with rows of their own: the item must be in reach too."""
    missed: Callable[[Row, Any, ColumnElement[Any]], ColumnElement[bool]] | None = None
    """The rows that may have been missed since an instant."""

    @property
    def row(self) -> Performed:
        """The row, as a payload reads it."""
        return Performed(self.name, self.model)
