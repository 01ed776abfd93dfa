"""Caches that stay as small as they are told to."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """A cache whose entries weigh `most` at most, all together; the longest unused goes first."""

    def __init__(self, most: int, weigh: Callable[[V], int]) -> None:
        self._entries: OrderedDict[K, V] = OrderedDict()
        self.most = most
        self._weigh = weigh
        self._changing = Lock()
        self.weight = 0
        self.hits = self.made = self.dropped = 0
        """How often an entry was found, had to be made, and gave way to others."""

    @property
    def entries(self) -> int:
        """How many there are."""
        return len(self._entries)

    def find(self, key: K) -> V | None:
        """The entry for `key`, if there is one."""
        with self._changing:
            if key in self._entries:
                self.hits += 1
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The entry for `key`, made if it is not there."""
        value = self.find(key)
        if value is None:
            value = make()
            with self._changing:
                self.made += 1
                if key not in self._entries:
                    self.weight += self._weigh(value)
                self._entries[key] = value
                while self.weight > self.most and len(self._entries) > 1:
                    self.weight -= self._weigh(self._entries.popitem(last=False)[1])
                    self.dropped += 1
        return value
