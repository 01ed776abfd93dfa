"""That the server ends: begun by the first signal, told to load balancers, and to those who wait for nothing else."""

from collections.abc import Awaitable, Callable


class Ending:
    """Whether the server ends, and what ends the streams and sockets that would never end by themselves."""

    def __init__(self, end_streams: Callable[[], Awaitable[None]]) -> None:
        self.begun = False
        """From the first signal on; `/readyz` says so."""
        self.end_streams = end_streams
        """Returns when their clients have been told, and what ran on the sockets is answered."""
