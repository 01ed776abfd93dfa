"""The mail server is away; another process holds SQLite's file."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ascms.database import sqlite_path
from tests.faults.clients import Client, lacking, refused
from tests.faults.crowd import MAILING
from tests.faults.killable import KillableServer
from tests.faults.letters import arrive_once, share, waiting_letters
from tests.support.databases import Databases
from tests.support.forking import Zygote
from tests.support.postgres import free_port

SmallWorld = Callable[[str], tuple[Databases, str]]


def test_letters_wait_for_a_mail_server_that_is_away_and_nobody_else_does(
    zygote: Zygote, small_world: SmallWorld, tmp_path: Path
) -> None:
    databases, url = small_world("sqlite")
    port = free_port()
    with KillableServer(zygote, url, tmp_path, smtp_url=f"smtp://127.0.0.1:{port}", **MAILING) as server:
        share(server)
        assert lacking(server) == set()
        waiting = waiting_letters(server)
        # As when the time has come to try them again, which is half a minute at first.
        with sqlite3.connect(sqlite_path(url) or "") as connection:
            connection.execute("UPDATE outbox_message SET next_attempt_at = NULL")
        connection.close()
        arrive_once(server, port, waiting)
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
