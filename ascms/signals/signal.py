"""A signal: that something changed, by keys alone."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

MOST_BYTES = 4_000
"""Of a signal as JSON: PostgreSQL carries less than 8,000 at once."""

Kind = Literal["case", "alert", "rights", "gap"]
Topic = tuple[str, *tuple[int, ...]]
"""What can be waited for: a kind of row, and the keys that say which."""


@dataclass(frozen=True, slots=True)
class Signal:
    """That something changed. `what` is the change's name (`pauseCase`), `at` when it was made.

    `case`: the case `case_id`, which `provider_ids` held before or hold after; where the change is one of an `item` on
    it (the model's name and the key), not of the case's own row. `alert`: `alert_id` for `user_id` in
    `organisation_id`. `rights`: what `user_id` may do, or everybody in `organisation_id` where no user is named.
    `gap`: signals since `at` may have been missed; everybody hears it.
    """

    kind: Kind
    what: str
    at: datetime
    case_id: int | None = None
    alert_id: int | None = None
    user_id: int | None = None
    organisation_id: int | None = None
    provider_ids: tuple[int, ...] = ()
    item: tuple[str, int] | None = None

    def topics(self) -> list[Topic]:
        """What must be waited for to hear it; empty where everybody does."""
        match self.kind, self.user_id, self.organisation_id:
            case "case", _, _:
                of_case: list[Topic] = [] if self.case_id is None else [("case", self.case_id)]
                return [*of_case, *(("provider", key) for key in self.provider_ids)]
            case "alert", int(user), int(organisation):
                return [("alerts", user, organisation)]
            case "rights", int(user), _:
                return [("user", user)]
            case "rights", None, int(organisation):
                return [("organisation", organisation)]
        return []

    @property
    def same(self) -> Hashable:
        """Equal for signals of which one that waits need hear only the latest."""
        if self.kind == "rights":
            return "rights"
        return None if self.kind == "gap" else (self.kind, self.what, self.case_id, self.item, self.alert_id)

    def to_json(self) -> str:
        """The signal as it travels. Raises ValueError where it is too long to."""
        members = {name: value for name in self.__slots__ if (value := getattr(self, name)) not in (None, ())}
        text = orjson.dumps(members)
        if len(text) > MOST_BYTES:
            raise ValueError(f"a signal has {len(text):,} bytes, {MOST_BYTES:,} at most travel; name fewer rows")
        return text.decode()

    @classmethod
    def from_json(cls, text: str) -> "Signal":
        """The signal that travelled as `text`. Raises ValueError for what is none."""
        try:
            members: dict[str, Any] = orjson.loads(text)
            at = datetime.fromisoformat(members.pop("at"))
            for name in ("provider_ids", "item"):
                if name in members:
                    members[name] = tuple(members[name])
            return cls(at=at, **members)
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise ValueError(f"this is no signal: {error}") from error


def case_changed(
    case_id: int, what: str, at: datetime, providers: Iterable[int | None], item: tuple[str, int] | None = None
) -> Signal:
    """A case was changed, or an item on it; `providers` are those that held it before and that hold it after."""
    held_by = tuple(sorted({key for key in providers if key is not None}))
    return Signal("case", what, at, case_id=case_id, provider_ids=held_by, item=item)


def alert_raised(alert_id: int, user_id: int, organisation_id: int, at: datetime) -> Signal:
    """An alert was written for a person in an organisation."""
    return Signal("alert", "alert", at, alert_id=alert_id, user_id=user_id, organisation_id=organisation_id)


def rights_changed(
    what: str, at: datetime, *, user_id: int | None = None, organisation_id: int | None = None
) -> Signal:
    """What a person may do is another now: a role, an approval, a training, a block; or everybody's somewhere."""
    return Signal("rights", what, at, user_id=user_id, organisation_id=organisation_id)
