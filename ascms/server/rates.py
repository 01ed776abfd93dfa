"""How much one person may ask in a minute, in cost points: the nodes that their operations may bring."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class Rate:
    """Where a person stands in the present minute, the operation at hand counted."""

    limit: int
    remaining: int
    reset_at: datetime
    cost: int


class Rates:
    """Counts by person and minute, within this process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._minute = datetime.min.replace(tzinfo=UTC)
        self._spent: dict[int, int] = {}

    def spend(self, user_id: int, cost: int, now: datetime) -> Rate | None:
        """Take `cost` off; None where it is more than is left. A refused operation costs nothing."""
        minute = now.replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute, self._spent = minute, {}
        spent = self._spent.get(user_id, 0) + cost
        if spent > self._limit:
            return None
        self._spent[user_id] = spent
        return Rate(self._limit, self._limit - spent, minute + timedelta(minutes=1), cost)
