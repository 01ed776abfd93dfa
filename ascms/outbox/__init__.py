"""The outbox: sends what changes have written into it, at least once, told apart by its key.

A message waits in the database from the change's own transaction on. It is sent by whichever process claims it
first; nothing is lost while the mail server is away. Whom it may reach is asked when it is sent, not when it was
written. A message names a case or a request and leads to it; it never names a person.
"""

from .delivery import Outbox
from .messages import forget_old, waiting

__all__ = ["Outbox", "forget_old", "waiting"]
