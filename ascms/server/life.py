"""Where the life of the server is, for load balancers; and how those are told who wait for nothing else.

Who is not answered when its time is over is told to come back, and not left with nothing: what runs for them is
cancelled then, and may take a while to notice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Stage(StrEnum):
    """Where the life of the server is. `/readyz` says so."""

    STARTING = "starting"
    SERVING = "serving"
    STOPPING = "stopping"


class Unanswered:
    """The way an answer takes, until the first of it is sent; then another one cannot take its place."""

    __slots__ = ("_given", "_life", "_receive", "_scope", "_send")

    def __init__(self, life: "Life", scope: Scope, receive: Receive, send: Send) -> None:
        self._life = life
        self._scope, self._receive, self._send = scope, receive, send
        self._given = False

    async def serve(self, app: ASGIApp) -> None:
        """Have the application answer."""
        waiting = self._life.unanswered
        waiting.add(self)
        try:
            await app(self._scope, self._receive, self._sending)
        except asyncio.CancelledError:
            if not self._given:
                raise
        finally:
            waiting.discard(self)

    def _sending(self, message: Message) -> Awaitable[None]:
        self._life.unanswered.discard(self)
        return _nothing() if self._given else self._send(message)

    async def give(self, answer: Callable[[Scope], ASGIApp]) -> None:
        """Send this instead of what the application has not begun to send, and will not send any more."""
        self._given = True
        await answer(self._scope)(self._scope, self._receive, self._send)


async def _nothing() -> None:
    """What the application sends too late goes nowhere."""


class Life:
    """The stage of the server, and what ends the streams and sockets that would never end by themselves."""

    def __init__(self, end_streams: Callable[[], Awaitable[None]], broken_off: Callable[[Scope], ASGIApp]) -> None:
        self.stage = Stage.STARTING
        self.end_streams = end_streams
        """Returns when their clients have been told, and what ran on the sockets is answered."""
        self.unanswered: set[Unanswered] = set()
        """The requests of which no answer has begun."""
        self._broken_off = broken_off

    def serves(self) -> None:
        """Everything runs. Whoever was told to stop meanwhile goes on stopping."""
        if self.stage is Stage.STARTING:
            self.stage = Stage.SERVING

    def stops(self) -> None:
        """The first signal has come."""
        self.stage = Stage.STOPPING

    async def break_off(self) -> None:
        """The time is over: tell all who are not answered to come back. What runs for them is to be cancelled now."""
        late, self.unanswered = list(self.unanswered), set()
        await asyncio.gather(*(one.give(self._broken_off) for one in late), return_exceptions=True)
