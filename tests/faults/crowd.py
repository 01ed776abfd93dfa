"""Clients that write at once, through faults; and whether all is there afterwards that they were told."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from ascms.audit import verify_database
from ascms.database import state_directory
from tests.contract.filing import user
from tests.faults.killable import KillableServer
from tests.faults.ledger import Footprints, half_made, left, students
from tests.faults.stories import PEOPLE, STEPS, Story, begun
from tests.support.mail import MailServer
from tests.support.sql import execute, rows

CLIENTS = 4
AT_ONCE = 40
"""Students that are enrolled together, for stories to come."""
ENOUGH = 20
"""Of these that many wait when clients begin to write: more than they begin stories before a fault is over."""
MAILING = {"mail_from": "no-reply@example.nz", "public_url": "https://portal.example.nz"}


class Crowd:
    """The clients of a server, and all stories that they have begun. `verify` may be asked while nobody writes."""

    def __init__(self, server: KillableServer) -> None:
        self.server = server
        self.people = {person.email: user(server, person) for person in PEOPLE}
        self.stories: list[Story] = []
        self._waiting: list[int] = []
        self._ended: list[Story] = []
        self._turn = threading.Lock()
        self._last_letter = rows(server.database, "SELECT max(id) FROM outbox_message")[0][0] or 0
        self.footprints = self._undisturbed()

    def _undisturbed(self) -> Footprints:
        """What each step leaves when nothing is in its way."""
        self._enrol()
        story = self._next()
        steps = {}
        before = left(self.server.database)[story.student]
        for step in STEPS:
            assert story.advance(self.server), step.name
            after = left(self.server.database)[story.student]
            steps[step.name] = after - before
            before = after
        assert all(steps.values()), "each step leaves something"
        return Footprints(steps)

    def _enrol(self) -> None:
        """Have students for stories to come, while the database is certainly there."""
        if len(self._waiting) < ENOUGH:
            self._waiting += students(self.server.database, AT_ONCE)

    def _next(self) -> Story:
        story = begun(self._waiting.pop(), self.people)
        self.stories.append(story)
        return story

    # Working -------------------------------------------------------------------------------------------------

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Clients write as fast as they are answered, until the end of the context."""
        enough = threading.Event()
        self._enrol()
        under_way = [story for story in self.stories if not story.ended]
        mine = [*under_way, *(self._next() for _ in range(CLIENTS - len(under_way)))]
        with ThreadPoolExecutor(CLIENTS) as threads:
            clients = [threads.submit(self._client, number, story, enough) for number, story in enumerate(mine)]
            try:
                yield
            finally:
                enough.set()
            for client in clients:
                client.result()

    def _client(self, number: int, story: Story, enough: threading.Event) -> None:
        while not enough.is_set():
            if story.advance(self.server):
                story.read(self.server, f"Seen{number}")
            else:
                enough.wait(0.02)
            if story.ended:
                with self._turn:
                    story = self._next()

    def send_again(self) -> None:
        """Send every step again that was not answered. All of them are, now."""
        for story in self.stories:
            if not story.ended:
                assert story.advance(self.server), (story.student, self.server.log())

    # Verifying -----------------------------------------------------------------------------------------------

    def verify(self) -> None:
        """Every acknowledged change is there and none is half there; both logs are whole."""
        assert half_made(self.server.database, self.stories, self.footprints) == []
        self.verify_logs()

    def verify_logs(self) -> None:
        """Both chains fit, and every answer with a child's name has its entry."""
        state = self.server.folder / state_directory(self.server.database)
        key = (state / "audit_key").read_text().strip().encode()
        report = verify_database(self.server.database, state, key)
        assert report.ok, report
        disclosed: Counter[str] = Counter()
        for story in self.stories:
            disclosed.update(story.disclosed)
        entered = "SELECT operation_name, count(*) FROM access_log_entry GROUP BY operation_name"
        logged = Counter({str(name): int(number) for name, number in rows(self.server.database, entered)})
        assert disclosed - logged == Counter(), "answered, and not in the access log"

    def verify_mail(self, mail: MailServer) -> None:
        """Every letter arrives, and one came twice only where a server that had sent it was killed before it knew."""
        waiting = "SELECT count(*) FROM outbox_message WHERE delivered_at IS NULL"
        # As five minutes later: what a killed server had claimed is due again.
        execute(self.server.database, "UPDATE outbox_message SET next_attempt_at = NULL WHERE delivered_at IS NULL")
        while rows(self.server.database, waiting) != [(0,)]:
            threading.Event().wait(0.1)
        written = "SELECT deduplication_key, attempts FROM outbox_message WHERE id > :last"
        letters = rows(self.server.database, written, last=self._last_letter)
        attempts = {str(key): int(claimed) for key, claimed in letters}
        assert len(attempts) > len(self.stories)
        came = Counter(arrived.key.strip("<>").partition("@")[0] for arrived in mail.mails)
        often = {key: (came[key], claimed) for key, claimed in attempts.items() if not 1 <= came[key] <= claimed}
        assert often == {}, "came how often, and was claimed how often"

    @property
    def changes(self) -> int:
        """How many were acknowledged."""
        return sum(story.done for story in self.stories)


def mailing(mail: MailServer) -> dict[str, str]:
    """The settings of a server that sends letters, and that a slow machine does not have break off anything."""
    return {"smtp_url": mail.url, "operation_seconds": "600", **MAILING}


def folder_of(path: Path, name: str) -> Path:
    """A new folder for a server."""
    folder = path / name
    folder.mkdir()
    return folder
