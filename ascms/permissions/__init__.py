"""Who may see and do what: roles, permission classes, scopes and actions.

The permission classes stand at the fields (`audiences`), each role's reach is a SQL predicate per table
(`scopes`), and `policy` answers the two questions asked of them: which rows, and which fields of a row. The
matrix that results is derived (`matrix`), never written down twice.
"""

from .audience import Audience, Cell
from .policy import Me, Policy, Visibility

__all__ = ["Audience", "Cell", "Me", "Policy", "Visibility"]
