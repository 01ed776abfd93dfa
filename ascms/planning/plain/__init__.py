"""The plain execution: the definition of what a plan must mean. Short, obviously right, slow.

graphql-core walks the operation, Strawberry's own permission mechanism asks the permission classes, and a generic
resolver per kind of source reads one row and one field at a time. Lists are read whole, sorted and cut in
Python. Checks that come before anything runs, and entries about redactions, are those of the plan.
"""

from .fields import PlainReader, run_plainly
from .rows import raw_info

__all__ = ["PlainReader", "raw_info", "run_plainly"]
