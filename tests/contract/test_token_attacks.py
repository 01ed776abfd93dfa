"""Tokens that are forged, spoilt or misused get nobody in, by whichever way they come: the table of `token_attacks`.

Over HTTP each is answered 401 with RFC 6750's challenge, over a WebSocket by a close; with the address of a file
nothing is there. Nothing is repeated of the token, and nothing told of what is inside.
"""

import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.contract.token_attacks import ATTACKS, NOT_IN_A_HEADER, Forger, publish
from tests.storage.documents import PDF
from tests.support.databases import Databases
from tests.support.installation import Installation
from tests.support.issuer import LiveIssuer
from tests.support.live import Closed, opened
from tests.support.sql import execute, rows

LEAD = "lead@test-college.school.nz"
QUERY = "{ viewer { user { email } actingFor { number } } }"
SUBSCRIPTION = "subscription { caseQueueChanged { __typename } }"
INSIDE = ("Traceback", "joserfc", "cryptography", "orjson", "sqlalchemy", ".py", "Error", "None")


@pytest.fixture(scope="module")
def issuer() -> Iterator[LiveIssuer]:
    with LiveIssuer() as issuer:
        publish(issuer)
        yield issuer


@pytest.fixture(scope="module")
def server(
    issuer: LiveIssuer, databases_of: Callable[[str], Databases], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    from tests.conftest import build_world

    databases = databases_of("sqlite")
    url = databases.copy("world", build_world)
    with Installation(url, tmp_path_factory.mktemp("attacked"), issuer.address, points_a_minute="1000000000") as server:
        yield server
        assert "failed" not in server.log()
        assert "Traceback" not in server.log()
    databases.drop(url)


@pytest.fixture(scope="module")
def forger(issuer: LiveIssuer, server: Installation) -> Forger:
    return Forger(issuer, server.subject(LEAD))


@pytest.fixture(scope="module")
def file(server: Installation, forger: Forger) -> str:
    """The address of a file, given to the victim."""
    return server.added_file(forger.good, "00307473", PDF)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def by_post(server: Installation, headers: Mapping[str, str]) -> httpx.Response:
    return server.client.post("/graphql", json={"query": QUERY}, headers=headers)


def by_events(server: Installation, headers: Mapping[str, str]) -> httpx.Response:
    """Asks for a stream of events, of a query that has its end."""
    return server.client.get("/graphql", params={"query": QUERY}, headers={"Accept": "text/event-stream", **headers})


async def by_socket(server: Installation, payload: Mapping[str, Any], headers: Mapping[str, str]) -> Closed | None:
    """How a socket is closed that is opened so; None where it is acknowledged."""
    try:
        async with opened(server, headers=headers) as socket:
            await socket.send("connection_init", payload=payload)
            try:
                await socket.receive()
            except ConnectionClosed:
                return await socket.closed()
            return None
    except InvalidStatus as refusal:
        return Closed(refusal.response.status_code, "Forbidden: the handshake")


def assert_refused(response: httpx.Response, *, error: bool = True) -> None:
    """401, with RFC 6750's challenge, and not a word too much."""
    assert response.status_code == 401, response.text
    challenge = response.headers["www-authenticate"]
    assert challenge.startswith(
        'Bearer realm="ascms"' + (', error="invalid_token", error_description="' if error else "")
    )
    assert set(response.json()) == {"errors"}
    (problem,) = response.json()["errors"]
    assert problem["extensions"] == {"code": "UNAUTHENTICATED"}
    assert_silent(problem["message"] + challenge)


def assert_silent(said: str) -> None:
    assert len(said) < 400
    for inside in INSIDE:
        assert inside not in said
    for of_the_token in ("esl-", "attacker", "1234", "portal", "/etc", "DROP"):
        assert of_the_token not in said


async def test_the_good_token_gets_in_by_every_way(server: Installation, forger: Forger, file: str) -> None:
    """What makes the table's refusals mean something: they differ from this in one thing each."""
    good = _bearer(forger.good)
    for response in (by_post(server, good), by_events(server, good)):
        assert response.status_code == 200
        assert LEAD in response.text
    assert await by_socket(server, good, {}) is None
    assert await by_socket(server, {}, good) is None
    assert server.client.get(file, headers=good).status_code == 200


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_token_that_is_not_good_gets_nobody_in(
    server: Installation, forger: Forger, file: str, attack: str
) -> None:
    spoilt = _bearer(ATTACKS[attack](forger).encode().decode("latin-1"))
    assert_refused(by_post(server, spoilt))
    assert_refused(by_events(server, spoilt))
    for payload, upgrade in ((spoilt, {}), ({}, spoilt), (spoilt, _bearer(forger.good))):
        closed = await by_socket(server, payload, upgrade)
        assert closed is not None
        # A header of more than 8 kB is no handshake.
        assert closed.code == (400 if len(upgrade.get("Authorization", "")) > 8000 else 4403)
        assert closed.reason.startswith("Forbidden: ")
        assert_silent(closed.reason)
    response = server.client.get(file, headers=spoilt)
    assert (response.status_code, response.headers["content-type"]) == (404, "text/plain; charset=utf-8")


@pytest.mark.parametrize("attack", NOT_IN_A_HEADER)
async def test_a_token_in_disguise_gets_nobody_in(server: Installation, forger: Forger, attack: str) -> None:
    closed = await by_socket(server, _bearer(NOT_IN_A_HEADER[attack](forger)), {})
    assert closed is not None
    assert closed.code == 4403


def test_no_attack_made_the_server_ask_where_the_attacker_says(issuer: LiveIssuer) -> None:
    """Nor ask the issuer more often than every half minute."""
    assert issuer.asked["attacker"] == 0
    assert issuer.asked["keys"] < len(ATTACKS) / 4


# The way that a token comes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        {"params": {"access_token": "{good}"}},
        {"params": {"token": "{good}", "Authorization": "Bearer {good}"}},
        {"data": {"access_token": "{good}", "query": QUERY}},
        {"json": {"query": QUERY, "access_token": "{good}", "Authorization": "Bearer {good}"}},
        {"json": {"query": QUERY, "extensions": {"Authorization": "Bearer {good}"}}},
        {"headers": {"Cookie": "access_token={good}; Authorization=Bearer {good}"}},
        {"headers": {"X-Authorization": "Bearer {good}"}},
        {"headers": {"X-Forwarded-Authorization": "Bearer {good}", "X-Forwarded-User": LEAD, "Remote-User": LEAD}},
        {"headers": {"Proxy-Authorization": "Bearer {good}"}},
        {"headers": {"Authorization": "{good}"}},
        {"headers": {"Authorization": "Bearer"}},
        {"headers": {"Authorization": "Bearer\t{good}"}},
        {"headers": {"Authorization": "Bearer:{good}"}},
        {"headers": {"Authorization": "Basic {good}"}},
        {"headers": {"Authorization": "DPoP {good}"}},
        {"headers": {"Authorization": "JWT {good}"}},
        {"headers": {"Authorization": "xBearer {good}"}},
        {"headers": {"Authorization": "Basic x, Bearer {good}"}},
        {"headers": {"Authorization": ""}},
    ],
    ids=str,
)
def test_a_token_counts_in_its_header_only(server: Installation, forger: Forger, sent: dict[str, Any]) -> None:
    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: filled(one) for name, one in value.items()}
        return value.replace("{good}", forger.good)

    for method in ("POST", "GET"):
        given = (
            filled(sent)
            if method == "POST"
            else {name: filled(sent[name]) for name in sent.keys() & {"params", "headers"}}
        )
        given["headers"] = {"Accept": "*/*"} | given.get("headers", {})
        response = server.client.request(method, "/graphql", **({"params": {"query": QUERY}} | given))
        assert_refused(response, error=False)
        assert "error=" not in response.headers["www-authenticate"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer "])
def test_the_scheme_is_written_in_any_letters(server: Installation, forger: Forger, scheme: str) -> None:
    assert by_post(server, {"Authorization": f"{scheme} {forger.good}"}).status_code == 200


@pytest.mark.parametrize("others", [["Bearer x"], ["{good}"], ["Basic eDp5"], [""], ["{good}", "{good}"]], ids=str)
@pytest.mark.parametrize("order", [1, -1])
async def test_several_headers_are_no_choice(
    server: Installation, forger: Forger, others: list[str], order: int
) -> None:
    """Not the first, not the last: a proxy and a server could read different ones."""
    good = f"Bearer {forger.good}"
    values = [good, *(good if one == "{good}" else one for one in others)][::order]
    names = ("Authorization", "authorization", "AUTHORIZATION")
    said = _spoken(server, *(f"{name}: {value}" for name, value in zip(names, values, strict=False)))
    assert said.startswith("HTTP/1.1 401 "), said
    assert "www-authenticate: Bearer" in said
    closed = await by_socket(server, {}, Headers([("Authorization", value) for value in values]))
    assert closed is not None
    assert closed.code == 4403


def _spoken(server: Installation, *headers: str) -> str:
    """What the server says to a request that a well-behaved client would not make."""
    body = '{"query": "{ __typename }"}'
    sent = ["POST /graphql HTTP/1.1", "Host: localhost", "Connection: close", "Content-Type: application/json"]
    head = "\r\n".join([*sent, f"Content-Length: {len(body)}", *headers])
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(f"{head}\r\n\r\n{body}".encode())
        said = b""
        while part := connection.recv(65_536):
            said += part
    return said.decode()


# What the server remembers -----------------------------------------------------------------------------------


def test_a_known_token_lends_nothing_to_what_looks_like_it(server: Installation, forger: Forger) -> None:
    """The cache of verified tokens knows them by all their bytes, and what was refused spoils nothing."""
    fresh = forger.issue(jti="cache")
    head, claims, signature = fresh.split(".")
    alike = [
        f"{fresh}=", f"{fresh}==", f"{fresh}A", f"{fresh}.", f"{fresh} x", fresh[:-1],
        f"{head}.{claims}.{signature[:-1]}-", f"{head}.{claims}.{signature.swapcase()}", fresh.lower(), fresh.upper(),
        f"{head}.{claims}.", f"{head}.{forger.parts()[1]}.{signature}", f"{head}.{claims}.{forger.parts()[2]}",
    ]  # fmt: skip
    for _ in range(2):
        for other in alike:
            if other != fresh:
                assert_refused(by_post(server, _bearer(other)))
        for _ in range(3):
            assert by_post(server, _bearer(fresh)).status_code == 200


def test_whose_token_it_is_is_not_mixed_up(server: Installation, forger: Forger) -> None:
    """Many people in turn, each recognised by their own token and organisation."""
    people = [
        "contact@test-college.school.nz",
        "office@test-college.school.nz",
        LEAD,
        "workflow@test-college-isp.school.nz",
    ]
    tokens = {email: forger.issue(sub=server.subject(email), org_id=None) for email in people}
    shown = dict(rows(server.database, "SELECT username, email FROM user_account"))
    assert len({shown[email] for email in people}) == len(people)
    for _ in range(3):
        for email, token in tokens.items():
            number = "78912" if "isp" in email else "1234"
            answer = server.send(token, QUERY, headers={"X-ASCMS-Organisation": number})
            assert answer.data["viewer"] == {"user": {"email": shown[email]}, "actingFor": {"number": number}}


# Another organisation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("claimed", [None, "1234"])
async def test_an_organisation_of_others_is_refused_and_nothing_is_told_of_it(
    server: Installation, forger: Forger, claimed: str | None
) -> None:
    """One that there is and one that there is not are answered alike, by each way, however often they are tried."""
    token = forger.issue(org_id=claimed)
    own = {**_bearer(token), "X-ASCMS-Organisation": "1234"}
    numbers = ["1235", "5001", "99999", "1234 1235", "1234'--", "0", "01234", "1234,1235", "*"]
    tried = [own | {"X-ASCMS-Organisation": number} for number in numbers]
    for _ in range(2):
        assert by_post(server, own).status_code == 200
        bodies = {by_post(server, headers).text for headers in tried} | {
            by_events(server, headers).text for headers in tried
        }
        assert len(bodies) == 1
        for headers in tried:
            response = by_post(server, headers)
            assert response.status_code == 403
            assert "data" not in response.json()
    closes = {await by_socket(server, headers, {}) for headers in tried} | {
        await by_socket(server, {}, headers) for headers in tried
    }
    assert len(closes) == 1
    (closed,) = closes
    assert closed is not None
    assert closed.code == 4403


def test_the_organisation_is_named_once(server: Installation, forger: Forger) -> None:
    token = forger.issue(org_id=None)
    twice = ("X-ASCMS-Organisation: 1234", "x-ascms-organisation: 1235")
    said = _spoken(server, f"Authorization: Bearer {token}", *twice)
    assert said.startswith("HTTP/1.1 403 "), said


# After the right is gone -------------------------------------------------------------------------------------

CASES = "{ cases(first: 1) { totalCount } }"
ROLE_ENDS = "UPDATE role_assignment SET ended_at = '2026-01-01' WHERE user_id = {user} AND ended_at IS NULL"
ENDINGS = {
    "the role ended": ROLE_ENDS,
    "the role's approval taken back": "UPDATE role_assignment SET approved_at = NULL WHERE user_id = {user}",
    "the organisation closed": "UPDATE organisation SET status = 'CLOSED' WHERE number = '1235'",
    "the person's subject taken away": "UPDATE user_account SET subject = 'esl-gone' WHERE id = {user}",
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_token_is_good_for_nothing_from_the_next_request_on(
    forger: Forger, server: Installation, ending: str
) -> None:
    """Recognised or not, by each way: the rights are those of now. The person is restored afterwards."""
    email = "lead@second-school.school.nz"
    user, subject = rows(server.database, "SELECT id, subject FROM user_account WHERE email = :email", email=email)[0]
    kept = rows(
        server.database, f"SELECT id, approved_at FROM role_assignment WHERE user_id = {user} AND ended_at IS NULL"
    )
    stranger = f"SELECT id FROM user_account WHERE subject = '{subject}' AND id <> {user}"
    token = forger.issue(sub=subject, org_id="1235")
    async with opened(server) as socket:
        await socket.initialise(token)
        for _ in range(3):
            assert server.send(token, CASES).data["cases"] is not None
        before = await socket.subscribe(CASES)
        assert (await socket.next(before))["data"]["cases"] is not None
        execute(server.database, ENDINGS[ending].format(user=user))
        try:
            for _ in range(2):
                assert server.send(token, CASES).codes == ["FORBIDDEN"]
                response = server.client.get(
                    "/graphql", params={"query": CASES}, headers={**_bearer(token), "Accept": "text/event-stream"}
                )
                assert "FORBIDDEN" in response.text
            after = await socket.subscribe(CASES)
            assert (await socket.next(after))["data"]["cases"] is None
        finally:
            execute(
                server.database,
                *(
                    f"UPDATE role_assignment SET ended_at = NULL, approved_at = '{at}' WHERE id = {key}"
                    for key, at in kept
                ),
                "UPDATE organisation SET status = 'OPEN' WHERE number = '1235'",
                f"DELETE FROM account_event WHERE user_id IN ({stranger})",
                f"DELETE FROM user_account WHERE id IN ({stranger})",
                f"UPDATE user_account SET subject = '{subject}' WHERE id = {user}",
            )
    assert server.send(token, CASES).data["cases"] is not None
