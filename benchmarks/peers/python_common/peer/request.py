"""What a resolver has at hand: who asks, the sessions, and the loaders of the request."""

from collections.abc import Callable
from typing import Any

from ascms.models import Request

from . import rules
from .batches import Batches
from .database import sessions_for_reads, sessions_for_writes
from .settings import Settings
from .viewer import Authenticator, Viewer


class Loaders:
    """The data loaders of one request by the name of their batch function, each made when it is first asked for."""

    def __init__(self, batches: Batches, make: Callable[[Any], Any]) -> None:
        self._batches = batches
        self._make = make

    def __getattr__(self, name: str) -> Any:
        loader = self._make(getattr(self._batches, name))
        setattr(self, name, loader)
        return loader


class Service:
    """What lives as long as the server: settings, sessions, sign-in."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.reads = sessions_for_reads(settings.database)
        self.writes = sessions_for_writes(settings.database)
        self.authenticator = Authenticator(settings, self.reads)


class Context:
    """The context value of one request."""

    def __init__(self, service: Service, viewer: Viewer, make_loader: Callable[[Any], Any]) -> None:
        self.service = service
        self.settings = service.settings
        self.reads = service.reads
        self.writes = service.writes
        self.viewer = viewer
        self.loaders = Loaders(Batches(service.reads, viewer), make_loader)

    async def request_allowances(self, request: Request) -> list[rules.Allowed]:
        """What the viewer may do to a request. A draft's case and notice are not asked for: they do not matter."""
        queued = told = False
        if rules.asks_further(request):
            queued = request.case_id is not None and await self.loaders.queued.load(request.case_id)
            told = await self.loaders.notices.load(request.id)
        return rules.request_allowances(request, self.viewer, case_queued=queued, notice_given=told)
