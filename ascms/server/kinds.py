"""Which classes the application is made of: those that make spans, where a setting asks for them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.audit import AccessLog
from ascms.planning.service import Operations
from ascms.settings import Settings

from .desk import Desk

if TYPE_CHECKING:
    from ascms.telemetry.tracing import Tracing


@dataclass(frozen=True)
class Kinds:
    """Makers, given what their classes are. `tracing` is what spans go to, None where there are none."""

    operations: Callable[..., Operations] = Operations
    access_log: Callable[..., AccessLog] = AccessLog
    desk: Callable[..., Desk] = Desk
    tracing: "Tracing | None" = None

    async def aclose(self) -> None:
        """Send the spans that are left."""
        if self.tracing is not None:
            await asyncio.to_thread(self.tracing.close)


def kinds_of(settings: Settings, engine: AsyncEngine) -> Kinds:
    """The makers for the settings. Raises ValueError where spans are asked for and cannot be made."""
    if settings.traces_url is None:
        return Kinds()
    try:
        from ascms.telemetry.tracing import Tracing

        from .traced import TracedAccessLog, TracedDesk, TracedOperations, trace_statements
    except ModuleNotFoundError as error:
        raise ValueError(f"ASCMS_TRACES_URL is set, but {error.name} is missing; install ascms[telemetry]") from None
    tracing = Tracing(str(settings.traces_url), settings.traces_share)
    trace_statements(engine, tracing)

    def operations(*given: Any) -> Operations:
        made = TracedOperations(*given)
        made.tracing = tracing
        return made

    def access_log(*given: Any) -> AccessLog:
        made = TracedAccessLog(*given)
        made.tracing = tracing
        return made

    return Kinds(operations, access_log, TracedDesk, tracing)
