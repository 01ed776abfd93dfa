"""A person who changes and reads one case while something is wrong, and what they are told."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from ascms.server.health import FRESH
from tests.contract.people import LEAD
from tests.support.server import Answer, DemoServer
from tests.support.sql import rows

CASE: Final = "00307473"
READ: Final = "query Read($number: String!) { case(number: $number) { student { fullName } } }"
COMMENT: Final = """mutation Comment($number: String!, $body: String!) {
  addComment(input: {number: $number, body: $body}) { comment { id } case { student { fullName } } problems { code } }
}"""
INSIDE: Final = re.compile(
    r"sqlite|postgres|asyncpg|sql|disk|/tmp|\.py|traceback|errno|errcode|heads|Error\b", re.IGNORECASE
)
"""What nobody is told who asks."""


@dataclass
class Client:
    """Somebody at Test College. `sent` are the comments they made, answered or not, by their keys."""

    server: DemoServer
    sent: dict[str, str] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)

    def read(self) -> Answer:
        """A read that discloses."""
        return self.server.ask(LEAD.email, READ, {"number": CASE})

    def change(self) -> Answer:
        """A new comment, under a key of its own."""
        key = uuid4().hex
        self.sent[key] = f"Comment {key}"
        return self.send(key)

    def send(self, key: str) -> Answer:
        """That comment, for the first time or again."""
        given = {"number": CASE, "body": self.sent[key]}
        answer = self.server.ask(LEAD.email, COMMENT, given, headers={"Idempotency-Key": key})
        if answer.status == 200:
            assert answer.data["addComment"]["problems"] == [], answer.text
            self.answered.add(key)
        else:
            refused(answer)
        return answer

    def until_refused(self) -> Answer:
        """Comment until one is refused, as whatever had room before fills up."""
        while (answer := self.change()).status == 200:
            pass
        return answer

    # What must hold ------------------------------------------------------------------------------------------

    def is_refused(self) -> None:
        """Neither is possible now, and that is told clearly."""
        refused(self.change())
        refused(self.read())

    def is_served(self) -> None:
        """Both are possible; what was refused before is sent again; each comment is there once."""
        assert self.server.client.get("/healthz").json() == {"status": "ok"}
        assert self.read().data["case"]["student"]["fullName"] == "Test Student Name"
        assert self.change().status == 200
        for key in self.sent.keys() - self.answered:
            assert self.send(key).status == 200, self.server.log()
        found = rows(self.server.database, "SELECT body FROM comment WHERE body LIKE 'Comment %'")
        mine = sorted(body for (body,) in found if body in set(self.sent.values()))
        assert mine == sorted(self.sent.values()), self.server.log()

    @contextmanager
    def waiting(self) -> Iterator[Future[Answer]]:
        """A change that is sent beside what is done in the context; over at its end."""
        with ThreadPoolExecutor(1) as thread:
            yield thread.submit(self.change)


def refused(answer: Answer) -> None:
    """503, when to come again, and nothing of the inside."""
    assert (answer.status, answer.codes) == (503, ["UNAVAILABLE"]), answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert "data" not in answer.body
    assert not INSIDE.search(answer.text), answer.text


def lacking(server: DemoServer) -> set[str]:
    """What `/readyz` says that the server lacks; the process itself lives in any case."""
    assert server.client.get("/healthz").json() == {"status": "ok"}
    time.sleep(FRESH)
    answer = server.client.get("/readyz")
    named = {name for name, check in answer.json()["checks"].items() if not check["ok"]}
    assert answer.status_code == (503 if named else 200)
    return named
