"""The mail server is away; another process holds SQLite's file."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ascms.database import sqlite_path
from tests.contract.people import ISP_WORKFLOW
from tests.faults.clients import CASE, Client, lacking, refused
from tests.faults.crowd import MAILING
from tests.faults.killable import KillableServer
from tests.support.databases import Databases
from tests.support.forking import Zygote
from tests.support.mail import MailServer
from tests.support.postgres import free_port
from tests.support.sql import rows

SmallWorld = Callable[[str], tuple[Databases, str]]
WAITING = "SELECT count(*) FROM outbox_message WHERE delivered_at IS NULL"
SHARE = """mutation Share($number: String!) {
  addComment(input: {number: $number, body: "Once.", visibility: SHARED}) { problems { message } }
}"""


def test_letters_wait_for_a_mail_server_that_is_away_and_nobody_else_does(
    zygote: Zygote, small_world: SmallWorld, tmp_path: Path
) -> None:
    databases, url = small_world("sqlite")
    port = free_port()
    with KillableServer(zygote, url, tmp_path, smtp_url=f"smtp://127.0.0.1:{port}", **MAILING) as server:
        answer = server.ask(ISP_WORKFLOW.email, SHARE, {"number": CASE})
        assert answer.data["addComment"]["problems"] == []
        assert lacking(server) == set()
        while "e-mails wait" not in server.log():
            time.sleep(0.02)
        [(waiting,)] = rows(url, WAITING)
        assert waiting > 0
        # As when the time has come to try them again, which is half a minute at first.
        with sqlite3.connect(sqlite_path(url) or "") as connection:
            connection.execute("UPDATE outbox_message SET next_attempt_at = NULL")
        connection.close()
        with MailServer(port=port) as mail:
            while rows(url, WAITING) != [(0,)]:
                time.sleep(0.02)
        assert len({arrived.key for arrived in mail.mails}) == len(mail.mails) == waiting
    databases.drop(url)


@pytest.mark.nightly
def test_whoever_holds_the_file_of_sqlite_for_long_has_others_told_to_come_again(
    zygote: Zygote, small_world: SmallWorld, tmp_path: Path
) -> None:
    """For ten seconds the server waits by itself."""
    databases, url = small_world("sqlite")
    with KillableServer(zygote, url, tmp_path) as server:
        client = Client(server)
        client.is_served()
        holder = sqlite3.connect(sqlite_path(url) or "", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with client.waiting() as change:
            assert lacking(server) == set(), "who only looks is not kept from it"
            refused(change.result())
        refused(client.read())
        holder.execute("ROLLBACK")
        holder.close()
        client.is_served()
    databases.drop(url)
