"""Open subscriptions of this process, as their transports send them: who may have how many, and how each ends."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Final

from ascms.identity import OrganisationRefused, Viewer
from ascms.planning.deadline import in_time
from ascms.planning.subscriptions import Following
from ascms.signals import Bus, Signal, Subscription, TooSlow, Topic

from .desk import Desk, OverTheLimit
from .requests import GraphQLRequest

AT_ONCE: Final = 4
"""Answers that are made at the same time, so that much that changes leaves connections to those who ask."""
SLOW: Final = "More was to be told than was taken. Read again what you show, and subscribe anew."


class Stream:
    """An open subscription: answers to send, until it ends. Rights are asked for anew at each.

    Iterating raises what `problem_of` puts into words where it does not end well.
    """

    def __init__(
        self,
        streams: "Streams",
        following: Following,
        signals: Subscription,
        viewer: Viewer,
        headers: Mapping[str, str],
    ) -> None:
        self._streams = streams
        self._desk = streams.desk
        self._following = following
        self._signals = signals
        self._headers = headers
        self._acting = viewer.acting
        self.broken_off = False
        """Whether it ends because the server does: its client is to subscribe anew."""
        self.user_id = viewer.user_id

    def close(self) -> None:
        """Have it come to its end."""
        self._signals.close()
        self._streams.forget(self)

    async def bodies(self) -> AsyncIterator[bytes]:
        """The answers, as JSON has them."""
        try:
            while (signal := await self._next()) is not None:
                async with self._streams.turn:
                    bodies = await in_time(self._told(signal), self._desk.settings.operation_seconds)
                for body in bodies:
                    yield body
        finally:
            self.close()

    async def _next(self) -> Signal | None:
        """The next signal, None at the end. Raises Unauthenticated when the token expires, signal or none."""
        while True:
            left = await self._desk.authenticator.seconds_left(self._headers)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    try:
                        return await anext(self._signals)
                    except StopAsyncIteration:
                        return None
                    except TooSlow:
                        raise OverTheLimit("TOO_SLOW", SLOW, 1) from None

    async def _told(self, signal: Signal) -> list[bytes]:
        viewer = await self._desk.viewer(self._headers)
        now = datetime.now(UTC)
        asked, plan = await self._following.plan(viewer)
        if viewer.acting is None or self._acting is None or viewer.acting.number != self._acting.number:
            raise OrganisationRefused("The organisation that the subscription is for is no longer acted for.")
        if signal.kind == "rights":
            return []
        facts = self._desk.facts(plan, viewer, now)
        answers = await self._following.tell(asked, plan, facts, signal)
        self._signals.turn_to([*self._following.topics(plan, viewer), *_rights_of(viewer)])
        for answer in answers:
            await self._desk.log(answer, facts)
        return [answer.encoded for answer in answers]


class Streams:
    """All open subscriptions of this process."""

    def __init__(self, desk: Desk, bus: Bus) -> None:
        self.desk = desk
        self._bus = bus
        self._open: dict[Stream, None] = {}
        self._of_person: Counter[int] = Counter()
        self._ended = False
        self.turn = asyncio.Semaphore(AT_ONCE)

    @property
    def number_open(self) -> int:
        return len(self._open)

    async def open(self, asked: GraphQLRequest, viewer: Viewer, headers: Mapping[str, str]) -> Stream:
        """Subscribe: from here on nothing is missed. Raises RequestErrors, or OverTheLimit for one too many."""
        following = Following(self.desk.operations, asked.query, asked.operation_name, asked.variables)
        operation, plan = await following.plan(viewer)
        beginning = following.begin(operation, plan, self.desk.facts(plan, viewer, datetime.now(UTC)))
        topics = await in_time(beginning, self.desk.settings.operation_seconds)
        most = self.desk.settings.maximum_subscriptions
        if self._of_person[viewer.user_id] >= most:
            message = f"You have {most} subscriptions open, the most that one person may; end some."
            raise OverTheLimit("TOO_MANY_SUBSCRIPTIONS", message, 60)
        signals = self._bus.subscribe([*topics, *_rights_of(viewer)])
        stream = Stream(self, following, signals, viewer, headers)
        self._open[stream] = None
        self._of_person[stream.user_id] += 1
        if self._ended:
            self.close()
        return stream

    def forget(self, stream: Stream) -> None:
        """The stream has ended."""
        if stream in self._open:
            del self._open[stream]
            self._of_person[stream.user_id] -= 1
            self._of_person += Counter()  # keeps no one who has none

    def close(self) -> None:
        """Have every stream come to its end, since the server does."""
        for stream in list(self._open):
            stream.broken_off = True
            stream.close()
        self._ended = True


def _rights_of(viewer: Viewer) -> list[Topic]:
    """What tells that the viewer's rights may be others now."""
    acting = viewer.acting
    of_organisation: list[Topic] = [("organisation", acting.organisation_id)] if acting is not None else []
    return [("user", viewer.user_id), *of_organisation]
