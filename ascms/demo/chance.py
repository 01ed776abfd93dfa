"""Repeatable chance. Only `Random.random()` is used: its sequence is the same on every Python and machine."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """A stream of choices named by its key: the same key gives the same choices, whatever ran before."""

    __slots__ = ("random",)

    def __init__(self, *key: object) -> None:
        self.random = Random(":".join(map(str, key))).random  # noqa: S311 - repeatable is the point

    def pick(self, items: Sequence[T]) -> T:
        return items[int(self.random() * len(items))]

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different ones of `items` (all of them where there are fewer), in chance order."""
        pool = list(items)
        return [pool.pop(int(self.random() * len(pool))) for _ in range(min(count, len(pool)))]

    def likely(self, probability: float) -> bool:
        return self.random() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def weighted(self, choices: Sequence[tuple[T, int]]) -> T:
        """One of `choices`, each as likely as its whole-number weight."""
        left = int(self.random() * sum(weight for _, weight in choices))
        for item, weight in choices:
            left -= weight
            if left < 0:
                return item
        raise ValueError("weighted() needs at least one choice with a positive weight")
