"""What has changed, told to whoever waits for it: in this process, and between workers and hosts on PostgreSQL.

A signal names rows by their keys and holds nothing that is in them. Whoever hears one reads the rows with the
rights of that moment.
"""

from .bus import Bus, LocalBus, create_bus
from .hub import Subscription, TooSlow
from .postgres import PostgresBus
from .signal import Signal, Topic, alert_raised, case_changed, rights_changed

__all__ = [
    "Bus",
    "LocalBus",
    "PostgresBus",
    "Signal",
    "Subscription",
    "TooSlow",
    "Topic",
    "alert_raised",
    "case_changed",
    "create_bus",
    "rights_changed",
]
