"""A real `ascms serve`: the demo's people and rows, and the sign-in of whichever issuer the test has."""

import json
from pathlib import Path
from typing import Any

import httpx

from ascms.database import normalise_url
from tests.support.serve import KEYS
from tests.support.server import Answer, DemoServer
from tests.support.sql import rows


class ServedServer(DemoServer):
    """`ascms serve` over a demo world, with tokens of `issuer`. As DemoServer otherwise, but it makes no tokens."""

    def __init__(self, database: str, folder: Path, issuer: str, **settings: str) -> None:
        state = folder / "state"
        required = {
            "database_url": normalise_url(database),
            "state_directory": str(state),
            "issuer": issuer,
            "secret_key": KEYS["ASCMS_SECRET_KEY"],
            "audit_key": KEYS["ASCMS_AUDIT_KEY"],
        }
        super().__init__(database, folder, **(required | settings))

    def command(self) -> list[str]:
        return ["serve"]

    def is_ready(self) -> bool:
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def subject(self, email: str) -> str:
        """What the issuer calls a person of the demo."""
        found: str = rows(self.database, "SELECT subject FROM user_account WHERE username = :name", name=email)[0][0]
        return found

    def send(self, token: str | None, query: str, variables: Any = None, **headers: str) -> Answer:
        """What is answered to who brings this token."""
        signed_in = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.ask(None, query, variables, headers=signed_in | headers)

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
