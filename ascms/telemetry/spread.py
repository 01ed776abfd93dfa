"""How values are spread, counted as Prometheus has it: by upper bounds."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence


class Spread:
    """Counts values by the least bound that they do not exceed, and adds them up. Of one thread."""

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def cumulative(self) -> Iterator[tuple[str, int]]:
        """Each bound as text with how many values do not exceed it; `+Inf` at the end.

        >>> spread = Spread((1, 2.5))
        >>> spread.add(1), spread.add(7)
        (None, None)
        >>> list(spread.cumulative())
        [('1.0', 1), ('2.5', 1), ('+Inf', 2)]
        """
        number = 0
        for bound, count in zip((*map(float, self._bounds), "+Inf"), self._counts, strict=True):
            number += count
            yield str(bound), number
