"""Lists: short ones whole, connections by pages. One statement each, whatever the number of parents.

Under one parent (or none) a page is a limited query; under many, the same statement limits the rows of each
parent, so that nobody's list is read beyond its page. `totalCount` comes with the rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.orm import join

from ascms.permissions.found import Found

from .conditions import SortKey, beyond
from .level import Level, Run, Shaping
from .shapes import Values
from .sources import Link, key_of
from .statements import PARENTS, Among, parents_of_run

PARENT = "parent"


@dataclass
class Attachment:
    """How a list's rows belong to their parents: where the parent's key stands in a row, and the restriction."""

    rows: Any
    """What stands for the list's rows."""
    base: Any
    """What the statement selects from, before joins: the rows, with their parents where a condition links them."""
    key: ColumnElement[Any] | None
    """The parent's key in each row; None for a root list."""
    many: bool
    """Whether there can be more than one parent in a run."""

    def restriction(self) -> ColumnElement[bool]:
        if self.key is None:
            return true()
        if self.many:
            return Among(self.key)
        return self.key == bindparam(PARENT, type_=BigInteger())

    def parameters(self, parents: Sequence[Any]) -> dict[str, Any]:
        if self.key is None:
            return {}
        return {PARENTS: list(parents)} if self.many else {PARENT: parents[0]}


def attach(link: Link, alias: Any, parent: Any, on: ColumnElement[bool] | None, *, many: bool) -> Attachment:
    """The attachment of `alias` (rows of the link) to `parent` (an alias of the parent's table)."""
    if link.key is not None:
        return Attachment(alias, alias, getattr(alias, key_of(link.key)), many)
    assert on is not None
    return Attachment(alias, join(parent, alias, on), parent.id, many)


# Short lists -------------------------------------------------------------------------------------------------


@dataclass
class WholeList:
    """A short list under its parents, in order."""

    level: Level
    attachment: Attachment
    dialect: Dialect
    shaper: Shaping = field(init=False)

    def finish(self, conditions: Sequence[ColumnElement[bool]], order: Sequence[Any], limit: Any = None) -> None:
        """Make the statement."""
        columns = [*self.level.columns, *([self.attachment.key] if self.attachment.key is not None else [])]
        statement = (
            select(*columns)
            .select_from(self.level.from_clause(self.attachment.base))
            .where(and_(self.attachment.restriction(), *conditions))
            .order_by(*order)
        )
        self.level.finish(statement if limit is None else statement.limit(limit), columns, self.dialect)

    async def run(self, run: Run, parents: Sequence[Any]) -> Mapping[Any, list[Any]]:
        rows = await self.level.fetch(run, self.attachment.parameters(parents))
        lists: dict[Any, list[Any]] = {parent: [] for parent in parents}
        rooted, make = self.attachment.key is None, self.shaper.make
        if not rooted:
            rows = [row for row in rows if row[-1] in lists]  # a bundle reads for one parent more than is shown
        completed, children = await self.level.complete(run, rows)
        for raw, values in zip(rows, completed, strict=True):
            lists[None if rooted else raw[-1]].append(make(values, children))
        return lists


# Pages -------------------------------------------------------------------------------------------------------


@dataclass
class Window:
    """Which part of a list is asked for."""

    limit: int
    backwards: bool
    after: Sequence[Any] | None
    """Parameters for the sort keys in the cursor, if one is given."""
    before: Sequence[Any] | None

    @property
    def rows(self) -> ColumnElement[int]:
        """How many rows to read: one more tells that there are more. In the text: PostgreSQL has to know how few."""
        return literal_column(str(self.limit + 1), Integer())

    @property
    def bounded(self) -> bool:
        return self.after is not None or self.before is not None

    def condition(self, keys: Sequence[SortKey]) -> ColumnElement[bool]:
        parts = []
        if self.after is not None:
            parts.append(beyond(keys, self.after, before=False))
        if self.before is not None:
            parts.append(beyond(keys, self.before, before=True))
        return and_(true(), *parts)


@dataclass
class PageRows:
    """A page under one parent: its rows, what their children brought, and where it stands."""

    rows: Sequence[Values]
    children: Any
    total: int
    more: bool
    window: Window

    @property
    def has_next(self) -> bool:
        return self.window.before is not None if self.window.backwards else self.more

    @property
    def has_previous(self) -> bool:
        return self.more if self.window.backwards else self.window.after is not None


@dataclass
class PagedList:
    """A connection under its parents."""

    level: Level
    attachment: Attachment
    dialect: Dialect
    window: Window
    shape: Any = field(init=False)
    counts: bool = False
    """Whether the total is asked for."""
    lists: bool = False
    """Whether rows are asked for."""

    def finish(
        self, conditions: Sequence[ColumnElement[bool]], keys: Sequence[SortKey], counted: Sequence[ColumnElement[bool]]
    ) -> None:
        """Make the statement. `counted`: the conditions as they are best said where all rows are counted."""
        restriction = self.attachment.restriction()
        where, to_count = and_(restriction, *conditions), and_(restriction, *counted)
        if not self.lists:
            self._count(to_count)
        elif self.attachment.key is not None and self.attachment.many:
            self._under_many(and_(true(), *conditions), keys)
        elif self.counts and self.window.bounded:
            self._page_beside_total(where, keys, to_count)
        else:
            self._page(where, keys, to_count)

    def _order(self, keys: Sequence[SortKey]) -> list[Any]:
        return [key.clause(backwards=self.window.backwards) for key in keys]

    def _count(self, where: ColumnElement[bool]) -> None:
        base = self.attachment.base
        key = self.attachment.key
        columns = [func.count()] if key is None else [key, func.count()]
        statement = select(*columns).select_from(base).where(where)
        self._ready(statement if key is None else statement.group_by(key), columns)

    def _ready(self, statement: Select[Any], columns: Sequence[Any]) -> None:
        self.level.finish(statement, columns, self.dialect)

    def _page(self, where: ColumnElement[bool], keys: Sequence[SortKey], counted: ColumnElement[bool]) -> None:
        columns = list(self.level.columns)
        if self.counts:
            total = select(func.count()).select_from(self.attachment.base).where(counted)
            columns.append(total.correlate(None).scalar_subquery())
        statement = (
            select(*columns)
            .select_from(self.level.from_clause(self.attachment.base))
            .where(and_(where, self.window.condition(keys)))
            .order_by(*self._order(keys))
            .limit(self.window.rows)
        )
        self._ready(statement, columns)

    def _page_beside_total(
        self, where: ColumnElement[bool], keys: Sequence[SortKey], counted: ColumnElement[bool]
    ) -> None:
        """A page that may be empty must not lose its total: the total is one row, the page hangs beside it."""
        total = select(func.count().label("total")).select_from(self.attachment.base).where(counted).subquery()
        labelled = [column.label(f"c{place}") for place, column in enumerate(self.level.columns)]
        page = (
            select(*labelled, func.row_number().over(order_by=self._order(keys)).label("place"))
            .select_from(self.level.from_clause(self.attachment.base))
            .where(and_(where, self.window.condition(keys)))
            .order_by(*self._order(keys))
            .limit(self.window.rows)
            .subquery()
        )
        columns = [page.c[f"c{place}"] for place in range(len(self.level.columns))]
        columns += [page.c.place, total.c.total]
        statement = select(*columns).select_from(total.outerjoin(page, true())).order_by(page.c.place)
        self._ready(statement, columns)

    def _under_many(self, where: ColumnElement[bool], keys: Sequence[SortKey]) -> None:
        """Each parent's page by itself: its rows are read, not all of the list. Where asked for, each one's total."""
        key, rows = self.attachment.key, self.attachment.rows
        assert key is not None
        parents: Any = parents_of_run()
        if self.counts:
            parent = parents.c.value
            own = and_(key == parent, where)
            total = select(func.count()).select_from(self.attachment.base).where(own).correlate(parents)
            parents = select(parent, total.scalar_subquery().label("total")).cte("parents").prefix_with("MATERIALIZED")
        few = (
            select(rows.id)
            .select_from(self.level.from_clause(self.attachment.base))
            .where(key == parents.c.value, where, self.window.condition(keys))
            .order_by(*self._order(keys))
            .limit(self.window.rows)
            .correlate(parents)
        )
        columns = [*self.level.columns, *([rows.id, parents.c.total] if self.counts else []), parents.c.value]
        found = join(parents, rows, Found(rows.id, few), isouter=self.counts)
        statement = select(*columns).select_from(self.level.from_clause(found)).order_by(*self._order(keys))
        self._ready(statement, columns)

    # Running -------------------------------------------------------------------------------------------------

    async def run(self, run: Run, parents: Sequence[Any]) -> Mapping[Any, Any]:
        rows = await self.level.fetch(run, self.attachment.parameters(parents))
        if not self.lists:
            return self._counted(run, rows, parents)
        kept, totals, more = self._pages(rows, parents)
        completed, children = await self.level.complete(run, [row for page in kept.values() for row in page])
        answer, at = {}, 0
        for parent, page in kept.items():
            values = completed[at : at + len(page)]
            at += len(page)
            if self.window.backwards:
                values = values[::-1]
            answer[parent] = self.shape(
                PageRows(values, children, totals.get(parent, 0), parent in more, self.window), run
            )
        return answer

    def _counted(self, run: Run, rows: Sequence[Any], parents: Sequence[Any]) -> Mapping[Any, Any]:
        if self.attachment.key is None:
            totals: dict[Any, int] = {None: rows[0][0]}
        else:
            found = {row[0]: row[1] for row in rows}
            totals = {parent: found.get(parent, 0) for parent in parents}
        return {
            parent: self.shape(PageRows([], (), total, False, self.window), run) for parent, total in totals.items()
        }

    def _pages(
        self, rows: Sequence[Any], parents: Sequence[Any]
    ) -> tuple[dict[Any, list[Any]], dict[Any, int], set[Any]]:
        """The rows by parent, each parent's total, and the parents whose list goes on."""
        width = self.level.width
        rooted = self.attachment.key is None
        many = not rooted and self.attachment.many
        beside = self.counts and (many or self.window.bounded)
        if not many and not beside:
            # One list, and each of its rows tells the total.
            only, limit = None if rooted else parents[0], self.window.limit
            total = {only: rows[0][width]} if self.counts and rows else {}
            return {only: list(rows[:limit])}, total, {only} if len(rows) > limit else set()
        pages: dict[Any, list[Any]] = {parent: [] for parent in ([None] if rooted else parents)}
        totals: dict[Any, int] = {}
        for row in rows:
            parent = row[-1] if many else next(iter(pages))
            if parent not in pages:
                continue  # a bundle reads for one parent more than is shown
            if beside:
                totals[parent] = row[width + 1]
                if row[width] is None:
                    continue  # a row that only brings its parent's total
            pages[parent].append(row)
        more = {parent for parent, page in pages.items() if len(page) > self.window.limit}
        for parent in more:
            del pages[parent][self.window.limit :]
        return pages, totals, more
