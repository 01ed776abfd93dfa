"""A server that is killed between sending and noting it: the message comes again, and is known by its key."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import build_world
from tests.outbox.conftest import CASE
from tests.support.databases import Databases
from tests.support.mail import TAKEN, MailServer
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

COMMENT = """mutation Comment($number: String!) {
  addComment(input: {number: $number, body: "Once.", visibility: SHARED}) { problems { message } }
}"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_message_that_a_killed_server_had_sent_is_sent_again_under_the_same_key(
    kind: str, databases_of: Callable[[str], Databases], tmp_path: Path
) -> None:
    databases = databases_of(kind)
    url = databases.copy("world", build_world)
    with MailServer() as mail:
        settings = {"smtp_url": mail.url, "mail_from": "no-reply@example.nz", "public_url": "https://portal.example.nz"}
        with DemoServer(url, tmp_path, **settings) as server:

            def kill(taken: object) -> str:
                os.kill(server.process.pid, signal.SIGKILL)
                return TAKEN

            mail.on_data = kill
            server.ask("workflow@test-college-isp.school.nz", COMMENT, {"number": CASE})
            server.process.wait()
        assert len(mail.mails) == 1
        assert rows(url, "SELECT count(*) FROM outbox_message WHERE delivered_at IS NULL") == [(1,)]
        mail.on_data = lambda taken: TAKEN
        execute(url, "UPDATE outbox_message SET next_attempt_at = NULL")  # as after its lease
        with DemoServer(url, tmp_path, **settings):
            while rows(url, "SELECT count(*) FROM outbox_message WHERE delivered_at IS NULL") != [(0,)]:
                time.sleep(0.02)
        first, second = mail.mails
        assert first.key == second.key
        assert first.content == second.content
    databases.drop(url)
