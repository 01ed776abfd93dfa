"""A real `ascms serve`, as an operator runs it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ascms.database import normalise_url
from benchmarks.asking import PEOPLE, Issuer
from tests.support.commands import KEYS, environment
from tests.support.postgres import free_port
from tests.support.server import Process, Server
from tests.support.sql import rows

Tokens = Callable[[str, str | None], str]
"""A token for the person of an address, to act for the organisation of a number where they have several."""


class Installation(Server):
    """`ascms serve`, its `state` in `folder`. Its `issuer` is an address at which nobody is, unless it is given.

    Without `tokens` nobody is asked as by their address: bring a token of the issuer's, with `send`.
    """

    def __init__(
        self,
        database: str,
        folder: Path,
        issuer: str | None = None,
        *,
        tokens: Tokens | None = None,
        workers: int = 1,
        **settings: str,
    ) -> None:
        self.state = folder / "state"
        self._tokens = tokens
        self._workers = workers
        required = KEYS | {
            "database_url": normalise_url(database),
            "state_directory": str(self.state),
            "issuer": issuer or f"http://127.0.0.1:{free_port()}",
        }
        super().__init__(database, folder, **(required | settings))

    def command(self) -> list[str]:
        return ["serve", "--workers", str(self._workers)]

    def begun(self) -> Process:
        """Several workers are started by one that was not forked itself, as an operator's are."""
        if self._workers == 1:
            return super().begun()
        command = [sys.executable, "-u", "-m", "ascms.cli", *self.arguments()]
        with self._output.open("ab") as log:
            return subprocess.Popen(command, cwd=self.folder, env=environment(**self.settings), stdout=log, stderr=log)

    def token(self, email: str, organisation: str | None = None) -> str:
        if self._tokens is None:
            raise LookupError(f"nobody makes a token for {email} here; bring one, with `send`")
        return self._tokens(email, organisation)

    def subject(self, email: str) -> str:
        """What the issuer calls a person of the demo."""
        found: str = rows(self.database, "SELECT subject FROM user_account WHERE username = :name", name=email)[0][0]
        return found

    def added_file(self, token: str, number: str, content: bytes) -> str:
        """The address of a file that who brings the token adds to a case."""
        add = "mutation($input: AddFileInput!) { addFile(input: $input) { file { downloadUrl } } }"
        operations = {"query": add, "variables": {"input": {"number": number, "file": None}}}
        response = self.client.post(
            "/graphql",
            data={"operations": json.dumps(operations), "map": '{"0": ["variables.input.file"]}'},
            files={"0": ("letter.pdf", content, "application/octet-stream")},
            headers={"Authorization": f"Bearer {token}"},
        )
        address: str = response.json()["data"]["addFile"]["file"]["downloadUrl"]
        return address


@contextmanager
def serving(database: str, folder: Path, *, workers: int = 1, **settings: str) -> Iterator[Installation]:
    """An installation over a demo's world, with an issuer that vouches for the benchmarks' people at Test College."""
    subjects = {address: who for who, (_, address) in PEOPLE.items()}
    with (
        Issuer(folder / "issuer") as issuer,
        Installation(
            database,
            folder,
            issuer.address,
            tokens=lambda email, _: issuer.token(subjects[email]),
            workers=workers,
            **settings,
        ) as installation,
    ):
        yield installation
