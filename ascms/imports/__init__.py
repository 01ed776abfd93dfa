"""Imports: ENROL's nightly file, and the former system's cases.

A file is read line by line into staging, outside the live tables, in a process of its own; compared there by sets; and
only what differs is then changed, in one short transaction. A file that fails changes nothing, one that is given twice
changes nothing the second time, and reads go on meanwhile. `docs/imports.md` tells what the files are.
"""

from .cases import Cases
from .enrolments import Enrolments, OnMove
from .kinds import Import, ImportKind
from .runs import UNDER_WAY, Claim, Imports, ImportState, OpenWork, enter
from .staging import AlreadyRunningError

__all__ = [
    "UNDER_WAY",
    "AlreadyRunningError",
    "Cases",
    "Claim",
    "Enrolments",
    "Import",
    "ImportKind",
    "ImportState",
    "Imports",
    "OnMove",
    "OpenWork",
    "enter",
]
