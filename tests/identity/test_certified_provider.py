"""Signing in through a certified OpenID provider, from outside: `ascms serve`, and oidc-provider as its issuer."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from tests.contract.world import global_id
from tests.storage.documents import PDF
from tests.support.databases import Databases
from tests.support.installation import Installation
from tests.support.issuer import rsa_key
from tests.support.live import opened
from tests.support.provider import CLIENT, CertifiedProvider, require_provider
from tests.support.server import Answer
from tests.support.sql import rows

LEAD = "lead@test-college.school.nz"
OFFICE = "office@test-college.school.nz"
ADMINISTRATOR = "admin@ministry.nz"
PEOPLE = {LEAD: "1234", OFFICE: "1234", ADMINISTRATOR: None}
ALGORITHMS: dict[str, Key] = {
    "PS256": RSAKey.generate_key(2048, {"kid": "PS256", "use": "sig", "alg": "PS256"}),
    "ES256": ECKey.generate_key("P-256", {"kid": "ES256", "use": "sig", "alg": "ES256"}),
    "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "Ed25519", "use": "sig", "alg": "Ed25519"}),
}
ME = "{ viewer { user { id email } roles actingFor { number } missing } }"
SIGHT = "{ cases(first: 1) { nodes { number student { ethnicities { code } } } } }"


@pytest.fixture(scope="module")
def provider(world: str) -> Iterator[CertifiedProvider]:
    subjects = dict(rows(world, "SELECT username, subject FROM user_account WHERE subject IS NOT NULL"))
    accounts = {
        email: {"sub": subjects[email], "email": email, "email_verified": True, "org_id": number}
        for email, number in PEOPLE.items()
    }
    with CertifiedProvider([rsa_key("first"), *ALGORITHMS.values()], accounts) as provider:
        yield provider


@pytest.fixture(scope="module")
def world(databases_of: Callable[[str], Databases]) -> Iterator[str]:
    require_provider()
    from tests.conftest import build_world

    databases = databases_of("sqlite")
    url = databases.copy("world", build_world)
    yield url
    databases.drop(url)


@pytest.fixture(scope="module")
def server(world: str, provider: CertifiedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Keys age quickly here: what takes an hour elsewhere is seen at once."""
    folder = tmp_path_factory.mktemp("served")
    with Installation(
        world, folder, provider.address, points_a_minute="1000000000", issuer_keys_age="0.3", issuer_keys_pause="0.1"
    ) as server:
        yield server
        assert "Traceback" not in server.log()


def until(wanted: Callable[[Answer], bool], ask: Callable[[], Answer]) -> Answer:
    """Ask until it is answered as wanted: keys have to age first."""
    while not wanted(answer := ask()):
        assert answer.status in {200, 401, 503}, answer.text
    return answer


def accepted(answer: Answer) -> bool:
    return answer.status == 200


def refused(answer: Answer) -> bool:
    return answer.status == 401


def test_a_person_signs_in_and_sees_what_their_role_may(server: Installation, provider: CertifiedProvider) -> None:
    for email, role, redacted in (
        (LEAD, "ATTENDANCE_LEAD", set()),
        (OFFICE, "OFFICE_SUPPORT", {"Student.ethnicities"}),
    ):
        token = provider.sign_in(email)["access_token"]
        viewer = until(accepted, lambda token=token: server.send(token, ME)).data["viewer"]  # type: ignore[misc]
        assert viewer["roles"] == [role]
        assert viewer["actingFor"] == {"number": "1234"}
        answer = server.send(token, SIGHT)
        assert answer.data["cases"]["nodes"]
        assert set(answer.redacted) == redacted


def test_the_id_token_is_for_the_client_only(server: Installation, provider: CertifiedProvider) -> None:
    tokens = provider.sign_in(LEAD)
    answer = server.send(tokens["id_token"], ME)
    assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"])
    assert server.send(tokens["access_token"], ME).status == 200


def test_a_renewed_token_is_the_same_person_and_no_new_sign_in(
    server: Installation, provider: CertifiedProvider
) -> None:
    tokens = provider.sign_in(LEAD, "openid offline_access", prompt="consent")
    before = server.send(tokens["access_token"], ME).data["viewer"]
    renewed = provider.renew(tokens["refresh_token"])["access_token"]
    assert renewed != tokens["access_token"]
    assert server.send(renewed, ME).data["viewer"] == before
    assert refused(server.send(tokens["refresh_token"], ME))


def test_a_machine_client_is_a_user_whose_scope_takes_roles_away(
    server: Installation, provider: CertifiedProvider
) -> None:
    """It begins with nothing, is given a role as any person is, and a token of less scope does less."""
    at_school = {"X-ASCMS-Organisation": "1234"}
    nobody = server.send(provider.machine_token(), ME).data["viewer"]
    assert nobody["roles"] == []
    assert "hold no role" in nobody["missing"][0]
    assert server.send(provider.machine_token(), SIGHT).codes == ["FORBIDDEN"]
    assert server.send(provider.machine_token(), ME, headers=at_school).status == 403

    school = rows(server.database, "SELECT id FROM organisation WHERE number = '1234'")[0][0]
    give: dict[str, Any] = {"user": nobody["user"]["id"], "organisation": global_id("Organisation", school)}
    administrator = provider.sign_in(ADMINISTRATOR)["access_token"]
    for role in ("ATTENDANCE_LEAD", "OFFICE_SUPPORT"):
        given = server.send(
            administrator,
            "mutation($input: AssignRoleInput!) { assignRole(input: $input) { problems { message } } }",
            {"input": give | {"role": role}},
            headers={"X-ASCMS-Organisation": _number_of(server, "MINISTRY")},
        )
        assert given.data["assignRole"]["problems"] == []

    held = {"ATTENDANCE_LEAD", "OFFICE_SUPPORT"}
    for scope, left in (
        (None, held),
        ("role:ATTENDANCE_LEAD role:OFFICE_SUPPORT", held),
        ("role:OFFICE_SUPPORT", {"OFFICE_SUPPORT"}),
        ("role:OFFICE_SUPPORT role:MINISTRY_ANALYST", {"OFFICE_SUPPORT"}),
        ("role:MINISTRY_ANALYST", set()),
    ):
        token = provider.machine_token(scope)
        assert set(server.send(token, ME, headers=at_school).data["viewer"]["roles"]) == left
        answer = server.send(token, SIGHT, headers=at_school)
        if left:
            (case,) = answer.data["cases"]["nodes"]
            assert (case["student"]["ethnicities"] is None) == (left == {"OFFICE_SUPPORT"})
        else:
            assert answer.codes == ["FORBIDDEN"]
    subject = rows(server.database, "SELECT subject FROM user_account WHERE subject LIKE 'client:%'")
    assert subject == [(f"client:{CLIENT}",)]


def _number_of(server: Installation, kind: str) -> str:
    found = rows(
        server.database,
        "SELECT organisation.number FROM organisation JOIN role_assignment ON organisation_id = organisation.id "
        "JOIN user_account ON user_account.id = user_id WHERE username = :name AND kind = :kind AND ended_at IS NULL",
        name=ADMINISTRATOR,
        kind=kind,
    )
    number: str = found[0][0]
    return number


def test_a_new_key_is_found_and_an_old_one_counts_for_as_long_as_it_is_published(
    server: Installation, provider: CertifiedProvider
) -> None:
    first, *others = provider.keys
    second = rsa_key("second")
    old = provider.sign_in(LEAD)["access_token"]
    assert accepted(server.send(old, ME))
    provider.restart([second, first, *others])
    new = provider.sign_in(LEAD)["access_token"]
    assert _kid(new) == "second"
    assert until(accepted, lambda: server.send(new, ME)).data["viewer"]["roles"] == ["ATTENDANCE_LEAD"]
    assert accepted(server.send(old, ME))
    provider.restart([second, *others])
    until(refused, lambda: server.send(old, ME))
    assert accepted(server.send(new, ME))
    assert refused(server.send(old, ME))


async def test_while_the_provider_is_away_known_keys_go_on(server: Installation, provider: CertifiedProvider) -> None:
    known, kept = (provider.sign_in(email)["access_token"] for email in (LEAD, OFFICE))
    until(accepted, lambda: server.send(known, ME))
    file = server.added_file(known, "00307473", PDF)
    provider.stop()
    stranger = jws.serialize_compact(
        {"alg": "RS256", "typ": "at+jwt", "kid": "third"}, b"{}", rsa_key("third"), algorithms=["RS256"]
    )
    try:
        away = until(lambda answer: answer.status == 503, lambda: server.send(stranger, ME))
        assert away.codes == ["UNAVAILABLE"]
        assert away.headers["retry-after"] == "5"
        assert "identity provider cannot be reached" in away.errors[0]["message"]
        async with opened(server) as socket:
            await socket.send("connection_init", payload={"Authorization": f"Bearer {stranger}"})
            assert (await socket.closed()).code == 1013
        asking = {"Authorization": f"Bearer {stranger}"}
        assert server.client.get(file, headers=asking).status_code == 503
        assert server.client.get(file).status_code == 200
        for token in (known, kept):
            assert accepted(server.send(token, ME))
    finally:
        provider.start()
    until(refused, lambda: server.send(stranger, ME))
    assert accepted(server.send(provider.sign_in(LEAD)["access_token"], ME))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_providers_algorithm_is_spoken(server: Installation, provider: CertifiedProvider, algorithm: str) -> None:
    token = provider.sign_in(LEAD, resource=f"urn:ascms:{algorithm}")["access_token"]
    assert jws.extract_compact(token.encode()).headers()["alg"] == algorithm
    assert until(accepted, lambda: server.send(token, ME)).data["viewer"]["roles"] == ["ATTENDANCE_LEAD"]


def _kid(token: str) -> object:
    return jws.extract_compact(token.encode()).headers()["kid"]
