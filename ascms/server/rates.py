"""How much one person may ask: in a minute, in cost points (the nodes that operations may bring), and at once.

Counted within this process: with several, each allows as much.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

Headers = Iterable[tuple[str, str]]
MINUTE: Final = 60


@dataclass(frozen=True)
class Rate:
    """Where a person stands in the present minute, the operation at hand counted unless it is `refused`."""

    limit: int
    remaining: int
    reset_at: datetime
    cost: int
    seconds: int
    """Until `reset_at`."""
    refused: bool = False

    @property
    def headers(self) -> Headers:
        """The same as HTTP says it: draft-ietf-httpapi-ratelimit-headers-10."""
        return (
            ("RateLimit-Policy", f'"points";q={self.limit};w={MINUTE}'),
            ("RateLimit", f'"points";r={self.remaining};t={self.seconds}'),
        )


class Rates:
    """Counts by person and minute."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._minute = datetime.min.replace(tzinfo=UTC)
        self._spent: dict[int, int] = {}

    def spend(self, user_id: int, cost: int, now: datetime) -> Rate:
        """Take `cost` off; refused where it is more than is left. A refused operation costs nothing."""
        minute = now.replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute, self._spent = minute, {}
        before = self._spent.get(user_id, 0)
        refused = before + cost > self._limit
        spent = before if refused else before + cost
        self._spent[user_id] = spent
        reset_at = minute + timedelta(seconds=MINUTE)
        return Rate(self._limit, self._limit - spent, reset_at, cost, MINUTE - now.second, refused)


class UnderWay:
    """Counts the operations of each person that are under way."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._of_person: dict[int, int] = {}

    def begin(self, user_id: int) -> bool:
        """Count one more; False where it is one too many."""
        under_way = self._of_person.get(user_id, 0)
        if under_way >= self.most:
            return False
        self._of_person[user_id] = under_way + 1
        return True

    def end(self, user_id: int) -> None:
        """One that was counted is over."""
        under_way = self._of_person[user_id] - 1
        if under_way:
            self._of_person[user_id] = under_way
        else:
            del self._of_person[user_id]
