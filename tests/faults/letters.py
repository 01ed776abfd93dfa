"""A letter that waits for a mail server which is away, and what arrives once one is there."""

import time
from typing import Final

from tests.contract.people import ISP_WORKFLOW
from tests.faults.clients import CASE
from tests.support.mail import MailServer
from tests.support.server import DemoServer
from tests.support.sql import rows

WAITING: Final = "SELECT count(*) FROM outbox_message WHERE delivered_at IS NULL"
SHARE: Final = """mutation Share($number: String!) {
  addComment(input: {number: $number, body: "Once.", visibility: SHARED}) { problems { message } }
}"""


def share(server: DemoServer) -> None:
    """Something that alerts one person at the school."""
    answer = server.ask(ISP_WORKFLOW.email, SHARE, {"number": CASE})
    assert answer.data["addComment"]["problems"] == []


def waiting_letters(server: DemoServer) -> int:
    """How many wait, some at least, once the server says that they do."""
    while "e-mails wait" not in server.log():
        time.sleep(0.02)
    [(waiting,)] = rows(server.database, WAITING)
    assert waiting > 0
    return int(waiting)


def arrive_once(server: DemoServer, port: int, waiting: int) -> None:
    """At a mail server that is now on `port`, as many letters arrive as wait, each of them once."""
    with MailServer(port=port) as mail:
        while rows(server.database, WAITING) != [(0,)]:
            time.sleep(0.02)
    assert len({arrived.key for arrived in mail.mails}) == len(mail.mails) == waiting
