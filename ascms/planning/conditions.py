"""Filters, searches and orders as SQL. Each reads what the output would show: the value where the viewer sees
it, null elsewhere; and is refused where the viewer sees it on no row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case as sql_case, exists, false, func, not_, null, or_, select, true, tuple_
from sqlalchemy.orm import InstrumentedAttribute, aliased

from ascms.permissions.policy import Decision, Me, Visibility

from .cursors import reader_for
from .problems import bad_input, refused
from .registry import Registry
from .sources import By, Column, Embedded, Many, One, Row, key_expression, key_of
from .values import Params, key_in, pattern

LONGEST_LIST = 200
"""How many entries a list in a filter may have."""


def guarded(decision: Decision, expression: Any) -> Any:
    """The expression where the viewer sees it, null elsewhere."""
    if isinstance(decision, Visibility):
        return expression if decision is Visibility.ALWAYS else null()
    return sql_case((decision, expression), else_=None)


@dataclass
class Conditions:
    """Compiles what arguments say about rows of a type."""

    registry: Registry
    me: Me
    params: Params
    use: str = ""
    """What the arguments belong to, for refusals: `cases(where:)`."""

    def sees(self, type_name: str, name: str, row: Row) -> Decision:
        """The viewer's sight of a field used in an argument. Raises the refusal where there is none."""
        decision = self.me.sees(type_name, name, row)
        if decision is Visibility.NEVER:
            raise refused(f"{type_name}.{name}", self.use, self.me.policy.visible_to(type_name, name))
        return decision

    # Filters -------------------------------------------------------------------------------------------------

    def where(self, type_name: str, row: Row, given: Mapping[str, Any]) -> ColumnElement[bool]:
        """What a filter input says of `row`. Members that are null say nothing."""
        self.params.count_condition()
        parts = []
        for name, value in given.items():
            if value is None:
                continue
            if name == "and":
                parts.append(and_(true(), *(self.where(type_name, row, part) for part in self._listed(value))))
            elif name == "or":
                parts.append(or_(false(), *(self.where(type_name, row, part) for part in self._listed(value))))
            elif name == "not":
                parts.append(not_(self.where(type_name, row, value)))
            else:
                parts.append(self._member(type_name, name, row, value))
        return and_(true(), *parts)

    def _listed(self, values: Sequence[Any]) -> Sequence[Any]:
        """The values of a list that say something. Raises where there are more than one list may hold."""
        if len(values) > LONGEST_LIST:
            raise bad_input(f"{self.use} has a list of {len(values):,} entries; give {LONGEST_LIST} at most.")
        return [value for value in values if value is not None]

    def _member(self, type_name: str, name: str, row: Row, given: Mapping[str, Any]) -> ColumnElement[bool]:
        decision = self.sees(type_name, name, row)
        declared = self.registry.field(type_name, name)
        source = declared.source
        if isinstance(source, Column):
            return self._compare(guarded(decision, source.expression(row, self.me)), given)
        if isinstance(source, Embedded):
            return self._compare(guarded(decision, source.row(row).code), given)
        if isinstance(source, One):
            target = self.registry.target(type_name, name)
            key = guarded(decision, key_expression(source.key, row, self.me))
            if self.registry.entity(target).scoped:
                return self._of_target(target, source, key, given)
            return self._refers(target, key, given)
        assert isinstance(source, Many)
        return self._lists(source, row, decision, given)

    def _of_target(self, target: str, source: One, key: Any, given: Mapping[str, Any]) -> ColumnElement[bool]:
        """A filter on what an edge leads to: null where the edge leads the viewer nowhere."""
        alias = aliased(source.model)
        row = Row(alias)
        said = self.where(target, row, given)
        scope = self.me.row_scope(target, row)
        return select(said).where(getattr(alias, source.target) == key, scope).correlate_except(alias).scalar_subquery()

    def _refers(self, target: str, key: Any, given: Mapping[str, Any]) -> ColumnElement[bool]:
        """An edge to one of these: by global identifier; organisations by number too."""

        def term(value: Any) -> Any:
            self.params.count_condition()
            if target != "Organisation":
                return self.params.bind(value, key.type, lambda text, run: key_in(text, target))
            by_key = self.params.bind(value, key.type, lambda text, run: key_in(text, target))
            number = self.params.bind(value, self.registry.entity(target).model.number.type)
            model = aliased(self.registry.entity(target).model)
            return func.coalesce(select(model.id).where(model.number == number).scalar_subquery(), by_key)

        parts = []
        for operator, value in given.items():
            if operator == "eq":
                parts.append(key.is_(None) if value is None else key == term(value))
            elif value is not None:
                parts.append(_one_of(key, [term(item) for item in self._listed(value)]))
        return and_(true(), *parts)

    def _lists(self, source: Many, row: Row, decision: Decision, given: Mapping[str, Any]) -> ColumnElement[bool]:
        """A list that has an entry with one of these codes."""
        assert source.link.key is not None
        alias = aliased(source.link.model)
        entries = getattr(alias, key_of(source.link.key)) == row.id
        parts = []
        if "eq" in given and given["eq"] is None:
            some = guarded(decision, exists().where(entries).correlate_except(alias))
            parts.append(or_(some.is_(None), not_(some)))  # no entry, or none that the viewer may see
        wanted = {name: value for name, value in given.items() if value is not None}
        if wanted:
            found = exists().where(entries, self._compare(alias.code, wanted)).correlate_except(alias)
            parts.append(guarded(decision, found))
        return and_(true(), *parts)

    def _compare(self, expression: Any, given: Mapping[str, Any]) -> ColumnElement[bool]:
        parts = []
        for operator, value in given.items():
            self.params.count_condition()
            if operator == "eq" and value is None:
                parts.append(expression.is_(None))
            elif value is not None:
                parts.append(self._operator(expression, operator, value))
        return and_(true(), *parts)

    def _operator(self, expression: Any, operator: str, value: Any) -> ColumnElement[bool]:
        if operator == "in":
            return _one_of(expression, [self._operand(expression, item) for item in self._listed(value)])
        if operator == "contains":
            term = self.params.bind(value, expression.type, lambda text, run: _literal_pattern(text))
            return func.lower(expression).like(term, escape="\\")
        operand = self._operand(expression, value)
        match operator:
            case "eq":
                return expression == operand  # type: ignore[no-any-return]
            case "gt":
                return expression > operand  # type: ignore[no-any-return]
            case "gte":
                return expression >= operand  # type: ignore[no-any-return]
            case "lt":
                return expression < operand  # type: ignore[no-any-return]
            case "lte":
                return expression <= operand  # type: ignore[no-any-return]
        raise ValueError(f"no such operator: {operator}")

    def _operand(self, expression: Any, value: Any) -> Any:
        return self.params.bind(value, expression.type)

    # Orders --------------------------------------------------------------------------------------------------

    def sort_key(self, type_name: str, row: Row, by: By, edge: Any) -> list[Any]:
        """The columns that `by` compares, as the viewer sees them. `edge(type, name, row)` follows an edge."""
        *edges, last = by.path.split(".")
        for name in edges:
            self.sees(type_name, name, row)
            row = edge(type_name, name, row)
            type_name = self.registry.target(type_name, name)
        decision = self.sees(type_name, last, row)
        return [guarded(decision, getattr(row, column)) for column in by.columns]

    def may_search(self, type_name: str, row: Row, paths: Sequence[str]) -> None:
        """Raises the refusal if a search would read what the viewer does not see on every row."""
        for path in paths:
            at = type_name
            for name in path.split("."):
                decision = self.me.sees(at, name, row if at == type_name else self.registry.any_row(at))
                if decision is not Visibility.ALWAYS:
                    raise refused(f"{at}.{name}", self.use, self.me.policy.visible_to(at, name))
                at = self.registry.target(at, name) or at


def _one_of(expression: Any, terms: Sequence[Any]) -> ColumnElement[bool]:
    """Whether the expression is one of these; none of nothing (an empty IN would have no fixed text)."""
    return expression.in_(terms) if terms else false()


def _literal_pattern(text: str) -> str:
    return pattern(text.lower())


# Orders and keysets ------------------------------------------------------------------------------------------


def nullable(expression: Any) -> bool:
    """Whether a sort key may have no value: what is guarded may."""
    return not isinstance(expression, InstrumentedAttribute) or bool(expression.property.columns[0].nullable)


def ordered(column: Any) -> Any:
    """The column ascending, what has no value last."""
    return column.asc().nulls_last() if nullable(column) else column.asc()


@dataclass(frozen=True)
class SortKey:
    """One column of a total order. What has no value comes last, whichever way the order runs."""

    expression: Any
    descending: bool
    nullable: bool

    def clause(self, *, backwards: bool) -> Any:
        """The ORDER BY term, or that of the list read from its end."""
        term = self.expression.desc() if self.descending != backwards else self.expression.asc()
        if not self.nullable:
            return term
        return term.nulls_first() if backwards else term.nulls_last()


def beyond(keys: Sequence[SortKey], values: Sequence[Any], *, before: bool) -> ColumnElement[bool]:
    """The rows that come after (or before) the row with these values in the order."""
    directions = {key.descending for key in keys}
    if len(directions) == 1 and not any(key.nullable for key in keys):
        left, right = tuple_(*(key.expression for key in keys)), tuple_(*values)
        return left < right if directions.pop() != before else left > right
    found: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for key, value in zip(keys, values, strict=True):
        found.append(and_(*equal, _past(key, value, before=before)))
        equal.append(
            or_(key.expression == value, and_(key.expression.is_(None), value.is_(None)))
            if key.nullable
            else key.expression == value
        )
    return or_(*found)


def _past(key: SortKey, value: Any, *, before: bool) -> ColumnElement[bool]:
    past = key.expression < value if key.descending != before else key.expression > value
    if not key.nullable:
        return past  # type: ignore[no-any-return]
    if before:
        return or_(past, and_(value.is_(None), key.expression.is_not(None)))
    return or_(past, and_(value.is_not(None), key.expression.is_(None)))


def cursor_values(params: Params, cursor: Any, keys: Sequence[SortKey], bound_to: str, argument: str) -> list[Any]:
    """Parameters for the sort keys in a cursor; the cursor is checked at each run."""

    def opened(text: str, run: Any) -> list[Any]:
        values = run.cursors.open(text, f"{run.bound_to}|{bound_to}")
        if values is None or len(values) != len(keys):
            raise bad_input(
                f"{argument} is no cursor of this list for you: give a cursor that this list, in this order, "
                "answered to you, acting for the same organisation; or leave it out to begin at the start."
            )
        return values  # type: ignore[no-any-return]

    def value_at(position: int, key: SortKey) -> Callable[[Any, Any], Any]:
        read = reader_for(key.expression.type.python_type)
        return lambda text, run: read(opened(text, run)[position])

    def check(text: str, run: Any) -> None:
        opened(text, run)

    params.check(cursor, check)
    return [params.bind(cursor, key.expression.type, value_at(position, key)) for position, key in enumerate(keys)]
