"""Backups: the database as it was at one moment, with what belongs to it outside, in one archive; and back again.

Never the keys: they are kept apart, and without them nothing of a backup can be verified.
"""

from .archive import DamagedError, Manifest
from .restoring import restore
from .taking import take

__all__ = ["DamagedError", "Manifest", "restore", "take"]
