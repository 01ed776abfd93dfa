"""Imports put together: their runs, and the workshop that writes down what they change."""

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.casework.work import Actor, Work
from ascms.imports import Imports

from .workshop import Workshop


def imports_of(workshop: Workshop) -> Imports:
    """The imports whose changes the workshop writes down."""

    def open_work(engine: AsyncEngine, actor: Actor, action: str, now: datetime) -> AbstractAsyncContextManager[Work]:
        return replace(workshop, engine=engine).open(actor, action, now)

    return Imports(workshop.engine, workshop.settings, open_work)
