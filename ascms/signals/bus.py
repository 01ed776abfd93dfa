"""The bus: signals go in with a change, and come out once it is on disk."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from sqlalchemy.pool import NullPool

from ascms.database import Transaction, engine_for
from ascms.settings import Settings

from .hub import Hub, Subscription
from .postgres import PostgresBus
from .signal import Signal, Topic


class Bus(Protocol):
    """Carries signals from changes to subscribers. A change calls `publish_in`, commits, and calls `after_commit`."""

    async def start(self) -> None:
        """Begin to listen. Returns at once, whether or not the database can be reached."""

    async def aclose(self) -> None:
        """End every subscription, and listen no more."""

    async def publish_in(self, transaction: Transaction, signals: Sequence[Signal]) -> None:
        """Have the signals go out when the transaction is committed, and not if it is not."""

    def after_commit(self, signals: Sequence[Signal]) -> None:
        """The transaction is committed."""

    def subscribe(self, topics: Iterable[Topic]) -> Subscription:
        """Hear what is signalled on these topics from now on."""


class LocalBus:
    """Within this process: for SQLite, which one process serves."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def start(self) -> None:
        """Nothing is to be begun."""

    async def aclose(self) -> None:
        """End every subscription."""
        self._hub.close()

    async def publish_in(self, transaction: Transaction, signals: Sequence[Signal]) -> None:
        """Nothing yet: a transaction may still fail."""

    def after_commit(self, signals: Sequence[Signal]) -> None:
        """Tell the subscribers."""
        for signal in signals:
            self._hub.deliver(signal)

    def subscribe(self, topics: Iterable[Topic]) -> Subscription:
        """Hear what is signalled on these topics from now on."""
        return self._hub.subscribe(topics)


def create_bus(settings: Settings) -> Bus:
    """The bus for the database of `settings`. Start it before use, close it afterwards."""
    engine = engine_for(settings.database_url, poolclass=NullPool)
    hub = Hub(patience=settings.subscriber_patience)
    return PostgresBus(engine, hub) if engine.dialect.name == "postgresql" else LocalBus(hub)
