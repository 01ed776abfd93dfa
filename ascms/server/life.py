"""Where the life of the server is, for load balancers; and how those are told who wait for nothing else."""

from collections.abc import Awaitable, Callable
from enum import StrEnum


class Stage(StrEnum):
    """Where the life of the server is. `/readyz` says so."""

    STARTING = "starting"
    SERVING = "serving"
    STOPPING = "stopping"


class Life:
    """The stage of the server, and what ends the streams and sockets that would never end by themselves."""

    def __init__(self, end_streams: Callable[[], Awaitable[None]]) -> None:
        self.stage = Stage.STARTING
        self.end_streams = end_streams
        """Returns when their clients have been told, and what ran on the sockets is answered."""

    def serves(self) -> None:
        """Everything runs. Whoever was told to stop meanwhile goes on stopping."""
        if self.stage is Stage.STARTING:
            self.stage = Stage.SERVING

    def stops(self) -> None:
        """The first signal has come."""
        self.stage = Stage.STOPPING
