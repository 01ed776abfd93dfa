"""The effective matrix, derived from the permission classes at the fields: for people, programs and the tests."""

import csv
import io
from collections.abc import Collection
from typing import Any

from ascms.models import Role

from .audience import Cell
from .audiences import AsPath
from .policy import Policy

SEES_ALL = frozenset({Role.MINISTRY_ADMINISTRATOR, Role.DELEGATED_AUTHORISER})


def coordinates(policy: Policy) -> list[tuple[str, str]]:
    """The fields that have a rule of their own, in the schema's order; what is as visible as its path has none."""
    return [
        (type_name, field)
        for type_name, rule in policy.rules.items()
        for field, audience in rule.fields.items()
        if audience is not AsPath
    ]


def effective_matrix(policy: Policy) -> dict[tuple[str, str], dict[Role, Cell]]:
    """What each role sees of each field."""
    return {
        (type_name, field): {role: policy.cell(type_name, field, role) for role in Role}
        for type_name, field in coordinates(policy)
    }


def rules_for(policy: Policy, roles: Collection[Role]) -> list[dict[str, Any]]:
    """The matrix as `accessMatrix` shows it: the roles' own columns, or all."""
    shown = [role for role in Role if SEES_ALL & set(roles) or role in roles]
    return [
        {"type": type_name, "field": field, "role": role, "access": cells[role].name}
        for (type_name, field), cells in effective_matrix(policy).items()
        for role in shown
    ]


def render(policy: Policy, form: str) -> str:
    """The matrix as `csv`, `md` (Markdown) or `table` (text). Raises ValueError for any other form."""
    header = ["type", "field", *(role.value for role in Role)]
    rows = [
        [type_name, field, *(cells[role].value for role in Role)]
        for (type_name, field), cells in effective_matrix(policy).items()
    ]
    if form == "csv":
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([header, *rows])
        return out.getvalue()
    if form == "md":
        return "".join(f"| {' | '.join(line)} |\n" for line in [header, ["---"] * len(header), *rows])
    if form == "table":
        widths = [max(len(line[column]) for line in [header, *rows]) for column in range(len(header))]
        return "".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
            for line in [header, *rows]
        )
    raise ValueError(f"format is {form!r}; give table, csv or md")
