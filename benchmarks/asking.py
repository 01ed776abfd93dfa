"""Who asks what: people with their tokens, operations with their variables, and an issuer that vouches for them."""

import json
import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

ROOT = Path(__file__).parents[1]
ORGANISATION = "1234"
AUDIENCE = "ascms"
HOURS = 20
PEOPLE = {
    "lead": ("esl-000001", "lead@test-college.school.nz"),
    "office": ("esl-000003", "office@test-college.school.nz"),
    "both": ("esl-000014", "both@test-college.school.nz"),
}
"""By the part of the address that tells them apart: the subject, and the address."""

OPERATIONS = ("home", "case", "page", "total", "comment", "mix")
WRITES = frozenset({"comment", "mix"})
MIX = {"home": 40, "case": 35, "page": 10, "total": 10, "comment": 5}
"""A national Monday, in per cent."""
MIXED = 400
"""Bodies in the file of a mix; it is gone through again and again."""
KEPT_FOR_COMMENTS = 20
"""Cases that get the comments and are not asked for otherwise, so that what is read stays as it was."""


def text_of(operation: str, folder: Path | None = None) -> str:
    """The operation's document; a contender's own where it has one in `folder`."""
    places = [folder, ROOT / "benchmarks/operations", ROOT / "queries"]
    for place in places:
        path = place / f"{operation}.graphql" if place is not None else None
        if path is not None and path.exists():
            return path.read_text()
    raise LookupError(f"there is no operation {operation!r}; there are {', '.join(OPERATIONS)}")


@dataclass(frozen=True)
class Question:
    """An operation with its variables."""

    operation: str
    variables: Mapping[str, Any] = field(default_factory=dict)

    def body(self, folder: Path | None = None) -> str:
        """As it is sent, in one line."""
        return json.dumps({"query": text_of(self.operation, folder), "variables": self.variables})


def questions(operation: str, numbers: Sequence[str]) -> list[Question]:
    """What is asked in turn. `numbers` are those of the school's cases, the latest first."""
    shown, commented = numbers[:-KEPT_FOR_COMMENTS], numbers[-KEPT_FOR_COMMENTS:]
    match operation:
        case "case":
            return [Question("case", {"number": number}) for number in shown]
        case "total":
            sets = (["OPEN"], ["OPEN", "PAUSED"], ["PROVIDER_QUEUE", "TRANSITION", "PAUSED"], ["CLOSED"])
            since = [f"2026-{month:02d}-01T00:00:00Z" for month in (1, 3, 5)]
            return [Question("total", {"statuses": one, "since": day}) for one in sets for day in since]
        case "comment":
            text = "They were at school on four days this week. The dean will ring whānau on Friday."
            return [Question("comment", {"number": number, "body": text}) for number in commented]
        case "mix":
            return _mixed(numbers)
    return [Question(operation)]


def _mixed(numbers: Sequence[str]) -> list[Question]:
    chance = random.Random(20260504)
    each = {name: questions(name, numbers) for name in MIX}
    names = [name for name, share in MIX.items() for _ in range(share * MIXED // 100)]
    chance.shuffle(names)
    return [chance.choice(each[name]) for name in names]


class Issuer:
    """An OpenID Connect issuer on a port of this machine, with a key that is kept in `folder`. A context manager."""

    def __init__(self, folder: Path) -> None:
        kept = folder / "issuer.json"
        if not kept.exists():
            folder.mkdir(parents=True, exist_ok=True)
            made = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
            kept.write_text(json.dumps(made.as_dict(private=True)))
        self._key = RSAKey.import_key(json.loads(kept.read_text()))
        self._tokens: dict[str, str] = {}
        self.jwks = folder / "jwks.json"
        self.jwks.write_text(json.dumps({"keys": [self._key.as_dict(private=False)]}))
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answers = {
                    "/.well-known/openid-configuration": json.dumps(
                        {"issuer": issuer.address, "jwks_uri": f"{issuer.address}/jwks"}
                    ),
                    "/jwks": issuer.jwks.read_text(),
                }
                body = answers.get(self.path, "").encode()
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *ignored: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Issuer":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *ignored: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(self, who: str) -> str:
        """The token of one of PEOPLE, always the same one: they have signed in once."""
        if who not in self._tokens:
            self._tokens[who] = self._made(who)
        return self._tokens[who]

    def _made(self, who: str) -> str:
        subject, address = PEOPLE[who]
        now = int(time.time())
        claims = {
            "iss": self.address, "sub": subject, "aud": AUDIENCE, "iat": now - 5, "exp": now + HOURS * 3600,
            "client_id": "benchmarks", "scope": "openid", "org_id": ORGANISATION,
            "email": address, "email_verified": True,
        }  # fmt: skip
        header = {"alg": "RS256", "typ": "at+jwt", "kid": self._key.kid}
        return jwt.encode(header, claims, self._key, algorithms=["RS256"])

    def headers(self, who: str) -> dict[str, str]:
        """The headers of that person's requests."""
        return {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self.token(who)}",
            "X-ASCMS-Organisation": ORGANISATION,
        }
