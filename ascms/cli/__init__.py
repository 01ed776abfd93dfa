"""The command line: thin commands over the rooms, which it imports only when a command needs them.

What a person can mend (a wrong number, a missing file) is one line on standard error, without a traceback.
"""

from . import contract, data, demo, serving
from .root import main

__all__ = ["contract", "data", "demo", "main", "serving"]
