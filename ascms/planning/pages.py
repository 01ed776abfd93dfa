"""Connections, compiled: the order made total, the window read from the arguments, the page given its shape."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement

from ascms.settings import Settings
from ascms.statements import Converter

from .conditions import Conditions, SortKey, cursor_values, nullable
from .level import Level, Run
from .lists import Attachment, PagedList, PageRows, Window
from .problems import bad_input, over
from .selection import Selected
from .sources import By, Connection, One, Row
from .values import Text

if TYPE_CHECKING:
    from .compiler import Compiler


MOST_SORT_KEYS = 10
Place = tuple[int, Converter | None]
"""Where a sort key stands in a row, and what makes a Python value of it."""


def page_size(selected: Selected, settings: Settings) -> tuple[int, bool]:
    """How many rows a page holds at most, and whether it is counted from the end. Raises on nonsense."""
    where = ".".join(selected.path)
    first, last = selected.arguments.get("first"), selected.arguments.get("last")
    if first is not None and last is not None:
        raise bad_input(f"{where} is given both first ({first}) and last ({last}); give one of them", selected.nodes)
    name, size = ("last", last) if last is not None else ("first", first)
    if size is None:
        return settings.default_page_size, False
    most = settings.maximum_page_size
    message = f"{where} is given {name}: {size}; give 0 to {most}, and page through the rest"
    if size < 0:
        raise bad_input(message, selected.nodes)
    if size > most:
        raise over("PAGE_TOO_LARGE", size, most, message, selected.nodes)
    return size, last is not None


def order_name(given: Any) -> str:
    """The name of an order, as cursors are bound to it."""
    return "default" if not given else ",".join(f"{order['field']}:{order['direction']}" for order in given)


class Pages:
    """Compiles the connections of an operation."""

    def __init__(self, compiler: "Compiler") -> None:
        self.compiler = compiler
        self.registry = compiler.registry
        self.me = compiler.me
        self.params = compiler.params
        self.settings = compiler.settings

    def paged(
        self, selected: Selected, source: Connection, alias: Any, attachment: Attachment, subject_noted: bool
    ) -> PagedList:
        """A connection's statement and shape."""
        connection = next(iter(selected.below.values()))
        target = self.registry.target(self.registry.target(selected.type_name, selected.name), "nodes")
        row = Row(alias)
        below = self.compiler.new_level()
        conditions = self.compiler.conditions(selected)
        arguments = selected.arguments
        in_reach, counted = self.compiler.page_conditions(source.link, target, row, selected.type_name)
        where: list[ColumnElement[bool]] = []
        if arguments.get("where") is not None:
            where.append(conditions.where(target, row, arguments["where"]))
        if arguments.get("search") is not None:
            assert source.search is not None
            conditions.may_search(target, row, source.searches)
            term = Text(arguments["search"], self.params).as_pattern()
            where.append(source.search(row, term, self.me.searching(target)))
        if source.narrow is not None:
            where.extend(source.narrow(row, self.me, arguments))
        keys = self._sort_keys(below, row, target, source, arguments.get("orderBy"), conditions)
        bound_to = f"{selected.coordinate}|{order_name(arguments.get('orderBy'))}"
        paged = PagedList(below, attachment, self.compiler.dialect, self._window(selected, keys, bound_to))
        paged.shape = self._page_shape(paged, below, row, target, connection, keys, bound_to, subject_noted)
        paged.finish([*in_reach, *where], keys, [*counted, *where])
        return paged

    def _sort_keys(
        self, level: Level, row: Row, target: str, source: Connection, given: Any, conditions: Conditions
    ) -> list[SortKey]:
        """A total order: what is asked for, then the row's key, running the way the last of them does."""
        if given and len(given) > MOST_SORT_KEYS:
            raise bad_input(f"orderBy has {len(given):,} sort keys; give {MOST_SORT_KEYS} at most.")
        orders: list[tuple[By, bool]] = (
            [(source.orders[order["field"]], order["direction"].value == "DESC") for order in given]
            if given
            else list(source.default_order)
        )

        def edge(type_name: str, name: str, from_row: Row) -> Row:
            edge_source = self.registry.field(type_name, name).source
            assert isinstance(edge_source, One)
            decision = self.me.sees(type_name, name, from_row)
            cache = (*from_row.identity, f"{type_name}.{name}")
            return self.compiler.edge_row(
                level, from_row, edge_source, self.registry.target(type_name, name), decision, cache
            )

        keys: list[SortKey] = []
        descending = False
        for by, descending in orders:
            keys.extend(
                SortKey(expression, descending, "." in by.path or nullable(expression))
                for expression in conditions.sort_key(target, row, by, edge)
            )
        keys.append(SortKey(row.id, descending, False))
        return keys

    def _window(self, selected: Selected, keys: Sequence[SortKey], bound_to: str) -> Window:
        limit, backwards = page_size(selected, self.settings)
        cursors = {
            name: None
            if selected.arguments.get(name) is None
            else cursor_values(
                self.params, selected.arguments[name], keys, bound_to, f"{'.'.join(selected.path)}({name}:)"
            )
            for name in ("after", "before")
        }
        return Window(limit, backwards, cursors["after"], cursors["before"])

    def _page_shape(
        self, paged: PagedList, level: Level, row: Row, target: str, selections: Sequence[Selected],
        keys: Sequence[SortKey], bound_to: str, subject_noted: bool,
    ) -> Callable[[PageRows, Run], Any]:  # fmt: skip
        places: list[Place] = []

        def cursor_places() -> list[Place]:
            if not places:
                # Few rows of a page are asked for their cursor.
                places.extend(level.add_as_stored(key.expression, self.compiler.dialect) for key in keys)
            return places

        members: list[tuple[str, Callable[[PageRows, Run], Any]]] = [
            (
                selected.key,
                self._page_member(paged, level, row, target, selected, cursor_places, bound_to, subject_noted),
            )
            for selected in selections
        ]
        if paged.lists:
            self.compiler.column(level, row, "id")
        return lambda page, run: {key: shape(page, run) for key, shape in members}

    def _page_member(
        self, paged: PagedList, level: Level, row: Row, target: str, selected: Selected,
        cursor_places: Callable[[], list[Place]], bound_to: str, subject_noted: bool,
    ) -> Callable[[PageRows, Run], Any]:  # fmt: skip
        name = selected.name
        if selected.declared is None:
            return lambda page, run: selected.type_name
        self.compiler.decide(selected, row)
        if name == "totalCount":
            paged.counts = True
            return lambda page, run: page.total
        paged.lists = True
        if name == "nodes":
            shaping = level.shaper(self.compiler.object(level, row, target, selected.below[target], subject_noted))
            return lambda page, run: [shaping.make(values, page.children) for values in page.rows]
        places = cursor_places()

        def cursor(values: Any, run: Run) -> str:
            keys = [values[place] if convert is None else convert(values[place]) for place, convert in places]
            return run.cursors.seal(keys, f"{run.bound_to}|{bound_to}")  # type: ignore[no-any-return]

        inner = next(iter(selected.below.values()))
        if name == "edges":
            return self._edges(level, row, target, inner, cursor, subject_noted)
        return self._page_info(inner, cursor)

    def _edges(
        self, level: Level, row: Row, target: str, selections: Sequence[Selected], cursor: Any, subject_noted: bool
    ) -> Callable[[PageRows, Run], Any]:
        members: list[tuple[str, Any]] = []
        for selected in selections:
            if selected.declared is None:
                members.append((selected.key, lambda values, page, run, name=selected.type_name: name))
                continue
            self.compiler.decide(selected, row)
            if selected.name == "cursor":
                members.append((selected.key, lambda values, page, run: cursor(values, run)))
            else:
                shaping = level.shaper(self.compiler.object(level, row, target, selected.below[target], subject_noted))
                members.append((selected.key, lambda values, page, run, it=shaping: it.make(values, page.children)))
        return lambda page, run: [{key: make(values, page, run) for key, make in members} for values in page.rows]

    def _page_info(self, selections: Sequence[Selected], cursor: Any) -> Callable[[PageRows, Run], Any]:
        readers: dict[str, Callable[[PageRows, Run], Any]] = {
            "hasNextPage": lambda page, run: page.has_next,
            "hasPreviousPage": lambda page, run: page.has_previous,
            "startCursor": lambda page, run: cursor(page.rows[0], run) if page.rows else None,
            "endCursor": lambda page, run: cursor(page.rows[-1], run) if page.rows else None,
            "__typename": lambda page, run: "PageInfo",
        }
        for selected in selections:
            if selected.declared is not None:
                self.compiler.decide(selected, self.registry.any_row("PageInfo"))
        members = [(selected.key, readers[selected.name]) for selected in selections]
        return lambda page, run: {key: read(page, run) for key, read in members}
