"""Short lists of plain values, brought as one piece of JSON in the row that they hang on.

SQLite makes JSON of a text, a number or null as the answer has it. So a list whose members are no more than that
needs no statement of its own, no key to be found again by, and no work in Python.
"""

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import JSON, Boolean, LargeBinary, Numeric, func, literal, select
from sqlalchemy.orm import aliased

from ascms.permissions.policy import Visibility

from .conditions import guarded, ordered
from .leaves import as_json
from .selection import Selected
from .sources import Column, Many, Row, key_of

if TYPE_CHECKING:
    from .compiler import Compiler

MOST_MEMBERS: Final = 50
"""Twice as many arguments, and the function's own, are about what SQLite's functions take."""
OTHERWISE_IN_JSON: Final = (Boolean, Numeric, LargeBinary, JSON)
"""Types whose values SQLite stores as something else than what JSON has for them, or writes less exactly."""


def inlined(compiler: "Compiler", row: Row, selected: Selected, source: Many) -> Any:
    """The list under `row` as an expression; None where it must be read by a statement of its own."""
    target, selections = next(iter(selected.below.items()))
    if compiler.dialect.name != "sqlite" or source.link.key is None or not 0 < len(selections) <= MOST_MEMBERS:
        return None
    alias = aliased(source.link.model)
    member = Row(alias, constants=source.constants)
    read = [_expression(compiler, member, inner) for inner in selections]
    if any(expression is None for expression in read):
        return None
    shown = [_shown(compiler, member, inner, expression) for inner, expression in zip(selections, read, strict=True)]
    members = (
        select(*(expression.label(f"m{place}") for place, expression in enumerate(shown)))
        .where(
            getattr(alias, key_of(source.link.key)) == row.id,
            *compiler.link_conditions(source.link, target, member, selected.type_name),
        )
        .order_by(*(ordered(getattr(alias, name)) for name in source.order))
        .correlate(row.entity)
        .subquery()
    )
    pairs = [part for place, inner in enumerate(selections) for part in (literal(inner.key), members.c[f"m{place}"])]
    return select(func.json_group_array(func.json_object(*pairs))).select_from(members).scalar_subquery()


def _expression(compiler: "Compiler", member: Row, selected: Selected) -> Any:
    """What to select for a member; None where it is no plain value."""
    if selected.declared is None:
        return literal(selected.type_name)
    if not isinstance(selected.declared.source, Column):
        return None
    expression, convert = as_json(
        selected.declared.source.expression(member, compiler.me), selected.leaf, compiler.dialect
    )
    return None if convert is not None or isinstance(expression.type, OTHERWISE_IN_JSON) else expression


def _shown(compiler: "Compiler", member: Row, selected: Selected, expression: Any) -> Any:
    """The expression where the viewer sees the member, null elsewhere."""
    return guarded(Visibility.ALWAYS if selected.declared is None else compiler.decide(selected, member), expression)
