"""Those who wait for signals in this process, each with a queue of its own that does not grow without end."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import replace
from time import monotonic
from types import TracebackType
from typing import Self

from .signal import Signal, Topic

MOST_WAITING = 256
"""Signals that wait for one subscriber, equal ones counted once."""
PATIENCE = 30.0
"""Seconds for which a subscriber may take nothing of a full queue."""


class TooSlow(Exception):  # noqa: N818 (named as the reason it gives)
    """The subscriber was ended: for too long it took nothing of a queue that was full."""


class Subscription:
    """Signals on certain topics since it was opened, as an asynchronous iterator; a context manager that ends it.

    A queue that is full becomes one gap (`read again`), since a burst is nobody's fault. If it is full again when
    the gap has waited for longer than `patience`, iterating raises TooSlow.
    """

    def __init__(self, hub: "Hub", topics: Iterable[Topic], most: int, patience: float) -> None:
        self.topics = frozenset(topics)
        self._hub = hub
        self._most = most
        self._patience = patience
        self._waiting: OrderedDict[Hashable, Signal] = OrderedDict()
        self._ready = asyncio.Event()
        self._full_since: float | None = None
        self._too_slow = False
        self._closed = False

    def offer(self, signal: Signal) -> None:
        """Have the signal wait to be taken."""
        if self._closed or self._too_slow:
            return
        earlier = self._waiting.get(signal.same)
        if earlier is not None:
            self._waiting[signal.same] = _earliest(signal, [earlier]) if signal.kind == "gap" else signal
        elif len(self._waiting) < self._most:
            self._waiting[signal.same] = signal
        else:
            self._empty(signal)
        self._ready.set()

    def _empty(self, signal: Signal) -> None:
        """The queue is full: one gap stands for all of it."""
        now = monotonic()
        self._full_since = now if self._full_since is None else self._full_since
        if now - self._full_since > self._patience:
            self._waiting.clear()
            self._too_slow = True
            return
        gap = _earliest(Signal("gap", "gap", signal.at), self._waiting.values())
        self._waiting = OrderedDict({gap.same: gap})

    def turn_to(self, topics: Iterable[Topic]) -> None:
        """Hear what is signalled on these topics instead, from now on."""
        wanted = frozenset(topics)
        if wanted != self.topics and not self._closed:
            self._hub.remove(self)
            self.topics = wanted
            self._hub.add(self)

    def close(self) -> None:
        """Hear no more; who iterates comes to the end."""
        self._closed = True
        self._waiting.clear()
        self._ready.set()
        self._hub.remove(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Signal:
        while not self._waiting:
            if self._too_slow:
                raise TooSlow
            if self._closed:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        self._full_since = None
        return self._waiting.popitem(last=False)[1]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _earliest(gap: Signal, others: Iterable[Signal]) -> Signal:
    """The gap, since the earliest of all that it stands for."""
    return replace(gap, at=min([gap.at, *(other.at for other in others)]))


class Hub:
    """Hands each signal to those who wait for one of its topics; the others cost nothing."""

    def __init__(self, most_waiting: int = MOST_WAITING, patience: float = PATIENCE) -> None:
        self._most_waiting = most_waiting
        self._patience = patience
        self._by_topic: dict[Topic, dict[Subscription, None]] = {}
        self._all: dict[Subscription, None] = {}

    def subscribe(self, topics: Iterable[Topic]) -> Subscription:
        """A subscription that hears everything from now on."""
        subscription = Subscription(self, topics, self._most_waiting, self._patience)
        self.add(subscription)
        return subscription

    def add(self, subscription: Subscription) -> None:
        """Have a subscription hear of its topics."""
        self._all[subscription] = None
        for topic in subscription.topics:
            self._by_topic.setdefault(topic, {})[subscription] = None

    def remove(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        self._all.pop(subscription, None)
        for topic in subscription.topics:
            waiting = self._by_topic.get(topic, {})
            waiting.pop(subscription, None)
            if not waiting:
                self._by_topic.pop(topic, None)

    def deliver(self, signal: Signal) -> None:
        """Tell those whom the signal concerns, each once."""
        if signal.kind == "gap":
            concerned = dict(self._all)
        else:
            concerned = {one: None for topic in signal.topics() for one in self._by_topic.get(topic, ())}
        for subscription in concerned:
            subscription.offer(signal)

    def close(self) -> None:
        """End every subscription."""
        for subscription in list(self._all):
            subscription.close()
