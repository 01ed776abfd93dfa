"""Alembic's environment. It runs on the connection that `ascms.database` gives it; there is no alembic.ini."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from ascms.models import Base, UtcDateTime
from ascms.models.base import Identifier, Sorted


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Name the portable types as script.py.mako defines them: a migration does not change with the models."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        return "INSTANT"
    if item is Identifier:
        return "KEY"
    return "TEXT" if item is Sorted else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_item=render_item,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
