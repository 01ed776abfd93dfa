"""The access log (who saw what of whom), the change log (who changed what), and the proof that both are as written.

`AccessLog.append` stands between an answer and its way out; `ChangeLog.append` is part of the change. `verify` finds
entries that were changed, removed or cut off, by keyed hashes (the key is not in the database) and heads kept outside
it. What it cannot find is told at `AccessLog`. Knows nothing of GraphQL, HTTP or rules.
"""

from .changes import Change, ChangeLog
from .log import AccessLog, NotLoggedError
from .records import AccessRecord
from .report import Kind, Problem, Report
from .verification import verify, verify_database

__all__ = [
    "AccessLog",
    "AccessRecord",
    "Change",
    "ChangeLog",
    "Kind",
    "NotLoggedError",
    "Problem",
    "Report",
    "verify",
    "verify_database",
]
