"""The demo's provider, met as a client and a browser meet it, and the tokens it gives met by the API's own verifier."""

import base64
import contextlib
import hashlib
import html
import json
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import KeySet
from pydantic import HttpUrl
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ascms.database import engine_for, state_directory
from ascms.demo.authorisation import CODE_LIFETIME, is_loopback
from ascms.demo.directory import Directory
from ascms.demo.kept_identity import FIRST_ISSUER, KeptIdentity, kept_identity
from ascms.demo.provider import Provider
from ascms.demo.tokens import issue
from ascms.identity import Authenticator, TokenVerifier, Unauthenticated
from ascms.models import Organisation, OrganisationKind, Role, RoleAssignment, User, fold
from ascms.settings import Settings
from tests.support.issuer import encoded

ISSUER = "http://127.0.0.1:8765"
CALLBACK = "http://127.0.0.1:5173/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
LEAD = "lead@test-college.school.nz"
BOTH_WAYS = "testperson@test-college.school.nz"


async def fill(engine: AsyncEngine) -> None:
    """Two people: one with one organisation, one with two."""
    granted = datetime(2026, 1, 1, tzinfo=UTC)
    organisations = [
        {"id": 1, "number": "1234", "name": "Test College", "kind": OrganisationKind.SCHOOL},
        {"id": 2, "number": "78912", "name": "Test College ISP", "kind": OrganisationKind.IN_SCHOOL_PROVIDER},
    ]
    people = [(1, LEAD, "Hana <Lead>", "esl-1"), (2, BOTH_WAYS, "Testperson", None)]
    held = [(1, 1, Role.ATTENDANCE_LEAD), (2, 1, Role.ATTENDANCE_LEAD), (2, 2, Role.WORKFLOW_LEAD)]
    async with engine.begin() as connection:
        await connection.execute(
            insert(Organisation), [row | {"name_folded": fold(str(row["name"]))} for row in organisations]
        )
        await connection.execute(
            insert(User),
            [
                {
                    "id": key, "username": username, "email": username, "display_name": name, "subject": subject,
                    "display_name_folded": fold(name), "training_completed_at": granted,
                }
                for key, username, name, subject in people
            ],
        )  # fmt: skip
        await connection.execute(
            insert(RoleAssignment),
            [
                {"user_id": user, "organisation_id": organisation, "role": role, "granted_at": granted,
                 "approved_at": granted}
                for user, organisation, role in held
            ],
        )  # fmt: skip


class Demo:
    """The provider and a resource server behind one address."""

    def __init__(self, engine: AsyncEngine, identity: KeptIdentity) -> None:
        self.identity = identity
        self.provider = Provider(identity, Directory(engine))
        app = Starlette(routes=[*self.provider.routes(), Route("/who", self._who)])
        self.transport = httpx.ASGITransport(app)
        self.http = httpx.AsyncClient(transport=self.transport, base_url=ISSUER)
        settings = Settings(issuer=HttpUrl(ISSUER), former_issuers=identity.issuers)
        self.authenticator = Authenticator(settings, engine, TokenVerifier(settings, self.http))

    async def _who(self, request: Request) -> Response:
        try:
            viewer = await self.authenticator.authenticate(request.headers)
        except Unauthenticated as refusal:
            return JSONResponse({"refused": refusal.message}, 401)
        acting = viewer.acting.number if viewer.acting is not None else None
        return JSONResponse({"user": viewer.user_id, "acting": acting, "roles": sorted(viewer.roles)})

    async def who(self, token: str) -> Any:
        return (await self.http.get("/who", headers={"Authorization": f"Bearer {token}"})).json()

    def query(self, **changed: str | None) -> dict[str, str]:
        values = {
            "response_type": "code", "client_id": "ascms-portal", "redirect_uri": CALLBACK, "scope": "openid profile",
            "state": "s-1", "nonce": "n-1", "code_challenge": CHALLENGE, "code_challenge_method": "S256", **changed,
        }  # fmt: skip
        return {name: value for name, value in values.items() if value is not None}

    async def choose(self, email: str, organisation: str, **changed: str | None) -> dict[str, str]:
        """Press a button of the sign-in page; gives what the client is told."""
        answer = await self.http.post(
            "/oauth/authorize", params=self.query(**changed), data={"email": email, "organisation": organisation}
        )
        assert answer.status_code == 302
        return told(answer, CALLBACK)

    async def redeem(self, code: str, **changed: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code", "client_id": "ascms-portal", "code": code, "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER, **changed,
        }  # fmt: skip
        return await self.http.post("/oauth/token", data=form)


def told(answer: httpx.Response, address: str) -> dict[str, str]:
    location = answer.headers["location"]
    assert location.startswith(f"{address}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> KeptIdentity:
    return kept_identity(tmp_path_factory.mktemp("state"), ISSUER)


@pytest.fixture
async def demo(engine: AsyncEngine, identity: KeptIdentity) -> AsyncIterator[Demo]:
    await fill(engine)
    demo = Demo(engine, identity)
    yield demo
    await demo.http.aclose()


async def test_a_client_signs_in_with_the_discovery_document_alone(demo: Demo) -> None:
    metadata = (await demo.http.get("/.well-known/openid-configuration")).json()
    assert metadata["issuer"] == ISSUER
    secure = json.loads(json.dumps(metadata).replace("http://", "https://"))
    OpenIDProviderMetadata(secure).validate()
    page = await demo.http.get(metadata["authorization_endpoint"], params=demo.query(nonce="n-7"))
    assert page.status_code == 200
    action = html.unescape(re.findall(r'<form method="post" action="([^"]+)"', page.text)[0])
    back = told(await demo.http.post(action, data={"email": LEAD, "organisation": "1234"}), CALLBACK)
    form = {"grant_type": "authorization_code", "client_id": "ascms-portal", "redirect_uri": CALLBACK}
    token = (
        await demo.http.post(metadata["token_endpoint"], data={**form, "code": back["code"], "code_verifier": VERIFIER})
    ).json()
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    info = (await demo.http.get(metadata["userinfo_endpoint"], headers=bearer)).json()
    assert info["sub"] == "esl-1"
    assert info["org_id"] == "1234"
    keys = KeySet.import_key_set((await demo.http.get(metadata["jwks_uri"])).json())
    identity = jwt.decode(token["id_token"], keys, ["RS256"])
    claims = CodeIDToken(
        identity.claims, identity.header, {"iss": {"value": ISSUER}, "aud": {"value": "ascms-portal"}},
        {"nonce": "n-7", "client_id": "ascms-portal", "access_token": token["access_token"]},
    )  # fmt: skip
    claims.validate()
    assert await demo.who(token["access_token"]) == {"user": 1, "acting": "1234", "roles": ["ATTENDANCE_LEAD"]}


async def test_what_an_access_token_says(demo: Demo) -> None:
    given = (await demo.redeem((await demo.choose(LEAD, "1234"))["code"])).json()
    token = jwt.decode(given["access_token"], demo.identity.key, ["RS256"])
    assert token.header == {"alg": "RS256", "typ": "at+jwt", "kid": demo.identity.key.kid}
    claims = token.claims
    assert claims["exp"] - claims["iat"] == 3600
    for varying in ("exp", "iat", "jti", "auth_time"):
        del claims[varying]
    assert claims == {
        "iss": ISSUER, "sub": "esl-1", "aud": "ascms", "client_id": "ascms-portal", "scope": "openid profile",
        "email": LEAD, "email_verified": True, "name": "Hana <Lead>", "org_id": "1234", "org_name": "Test College",
    }  # fmt: skip


async def test_the_id_token_is_not_for_the_api(demo: Demo) -> None:
    given = (await demo.redeem((await demo.choose(LEAD, "1234"))["code"])).json()
    assert "refused" in await demo.who(given["id_token"])


async def test_the_organisation_can_be_chosen_later(demo: Demo) -> None:
    token = (await demo.redeem((await demo.choose(BOTH_WAYS, ""))["code"])).json()["access_token"]
    assert await demo.who(token) == {"user": 2, "acting": None, "roles": []}
    header = {"Authorization": f"Bearer {token}", "X-ASCMS-Organisation": "78912"}
    assert (await demo.http.get("/who", headers=header)).json()["roles"] == ["WORKFLOW_LEAD"]


async def test_the_client_is_told_state_and_issuer(demo: Demo) -> None:
    answer = await demo.choose(LEAD, "1234")
    assert (answer["state"], answer["iss"]) == ("s-1", ISSUER)


async def test_a_code_is_good_once(demo: Demo) -> None:
    code = (await demo.choose(LEAD, "1234"))["code"]
    assert (await demo.redeem(code)).status_code == 200
    again = await demo.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_a_wrong_verifier_is_refused_and_spends_the_code(demo: Demo) -> None:
    code = (await demo.choose(LEAD, "1234"))["code"]
    wrong = await demo.redeem(code, code_verifier="w" * 64)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    assert (await demo.redeem(code)).status_code == 400


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": ""},
        {"code_verifier": CHALLENGE},
        {"redirect_uri": "http://127.0.0.1:5173/other"},
        {"client_id": "other"},
        {"client_secret": "x"},
        {"grant_type": "password"},
        {"grant_type": "client_credentials"},
        {"grant_type": "refresh_token"},
        {"code": "invented"},
    ],
    ids=str,
)
async def test_token_requests_that_do_not_fit(demo: Demo, changed: dict[str, str]) -> None:
    code = (await demo.choose(LEAD, "1234"))["code"]
    answer = await demo.redeem(code, **changed) if "code" not in changed else await demo.redeem(changed["code"])
    assert answer.status_code == 400
    assert "access_token" not in answer.text


async def test_a_code_is_short_lived(demo: Demo) -> None:
    code = (await demo.choose(LEAD, "1234"))["code"]
    server = demo.provider._server
    pending = server.codes[code]
    server.codes[code] = replace(pending, expires_at=pending.expires_at - CODE_LIFETIME - 1)
    assert (await demo.redeem(code)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge": None},
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": "short"},
    ],
    ids=str,
)
async def test_pkce_is_required(demo: Demo, changed: dict[str, str | None]) -> None:
    answer = await demo.http.get("/oauth/authorize", params=demo.query(**changed))
    assert told(answer, CALLBACK)["error"] == "invalid_request"
    assert (await demo.choose(LEAD, "1234", **changed))["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("changed", "error"),
    [({"response_type": "token"}, "unsupported_response_type"), ({"scope": "everything"}, "invalid_scope")],
)
async def test_other_mistakes_are_told_to_the_client(demo: Demo, changed: dict[str, str], error: str) -> None:
    answer = await demo.http.get("/oauth/authorize", params=demo.query(**changed))
    assert told(answer, CALLBACK)["error"] == error


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": "https://attacker.example/"},
        {"redirect_uri": "http://127.0.0.1.attacker.example/"},
        {"redirect_uri": 'http://127.0.0.1/"><script>'},
        {"redirect_uri": "http://127.0.0.1/ā"},
        {"redirect_uri": None},
        {"client_id": "unknown"},
        {"client_id": None},
    ],
    ids=str,
)
async def test_an_untrusted_address_is_never_sent_to(demo: Demo, changed: dict[str, str | None]) -> None:
    for answer in (
        await demo.http.get("/oauth/authorize", params=demo.query(**changed)),
        await demo.http.post("/oauth/authorize", params=demo.query(**changed), data={"email": LEAD}),
    ):
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert "<script>" not in answer.text


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("http://127.0.0.1:8000/", True),
        ("http://localhost/callback?x=1", True),
        ("http://[::1]:3000/", False),
        ("https://127.0.0.1/", False),
        ("http://attacker@127.0.0.1/", False),
        ("http://127.0.0.1@attacker.example/", False),
        ("http://127.0.0.1:99999/", False),
        ("http://127.0.0.1\\@attacker.example/", False),
        ("http://localhost.attacker.example/", False),
        ("//127.0.0.1/", False),
        ("javascript:alert(1)//127.0.0.1", False),
        ("http://127.0.0.1/#fragment", False),
        ("http://127.0.0.1/\r\nx: y", False),
    ],
)
def test_only_this_machine_is_sent_to(address: str, trusted: bool) -> None:
    assert is_loopback(address) is trusted


@pytest.mark.parametrize(("email", "organisation"), [("nobody@example.nz", ""), (LEAD, "78912"), ("", "")])
async def test_nobody_signs_in_for_what_is_not_theirs(demo: Demo, email: str, organisation: str) -> None:
    assert (await demo.choose(email, organisation))["error"] == "access_denied"


async def test_the_page_lists_people_and_roles_without_any_script(demo: Demo) -> None:
    page = await demo.http.get("/oauth/authorize", params=demo.query())
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "Hana &lt;Lead&gt;" in page.text
    assert "(1234) Test College | Open" in page.text
    assert "(78912) Test College ISP | Open" in page.text
    assert "Workflow Lead" in page.text
    assert '<html lang="en-NZ">' in page.text
    assert (await demo.http.get("/oauth/provider.css")).headers["content-type"].startswith("text/css")


async def test_the_page_searches_and_keeps_the_request(demo: Demo) -> None:
    page = await demo.http.get("/oauth/authorize", params=demo.query(search="78912"))
    assert BOTH_WAYS in page.text
    assert LEAD not in page.text
    assert f'name="code_challenge" value="{CHALLENGE}"' in page.text


async def test_what_is_in_no_text_finds_nobody(demo: Demo) -> None:
    """On PostgreSQL too, which refuses to be asked for it."""
    page = await demo.http.get("/oauth/authorize", params=demo.query(search="a\0"))
    assert (page.status_code, LEAD in page.text) == (200, False)
    assert (await demo.http.get("/demo/people", params={"search": "\0"})).json() == []
    hinted = await demo.http.get("/oauth/authorize", params=demo.query(login_hint=f"{LEAD}\0"))
    assert hinted.status_code == 200
    refused = await demo.http.post("/oauth/authorize", params=demo.query(), data={"email": "\0"})
    assert told(refused, CALLBACK)["error"] == "access_denied"


async def test_a_hint_preselects(demo: Demo) -> None:
    page = await demo.http.get("/oauth/authorize", params=demo.query(login_hint=BOTH_WAYS, organisation="78912"))
    assert LEAD not in page.text
    assert re.search(r'value="78912" autofocus', page.text)


async def test_silent_sign_in_needs_a_hint(demo: Demo) -> None:
    silent = demo.query(prompt="none", login_hint=LEAD, organisation="1234")
    code = told(await demo.http.get("/oauth/authorize", params=silent), CALLBACK)["code"]
    token = (await demo.redeem(code)).json()["access_token"]
    assert (await demo.who(token))["acting"] == "1234"
    for changed in ({"login_hint": None}, {"login_hint": "nobody@example.nz"}, {"organisation": "78912"}):
        for scope in ("openid", None):
            query = demo.query(**{"prompt": "none", "login_hint": LEAD, **changed, "scope": scope})
            answer = told(await demo.http.get("/oauth/authorize", params=query), CALLBACK)
            assert answer["error"] == "login_required"
            assert answer["state"] == "s-1"


async def test_userinfo_takes_access_tokens_of_this_provider_only(demo: Demo) -> None:
    given = (await demo.redeem((await demo.choose(LEAD, "1234"))["code"])).json()
    unsigned = f"{encoded({'alg': 'none'})}.{encoded({'email': LEAD})}."
    for token in ("", "x", unsigned, given["id_token"]):
        answer = await demo.http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_signing_out_goes_back_to_this_machine_only(demo: Demo) -> None:
    query = {"post_logout_redirect_uri": CALLBACK, "state": "s-2"}
    assert told(await demo.http.get("/oauth/end-session", params=query), CALLBACK) == {"state": "s-2"}
    away = await demo.http.get("/oauth/end-session", params={"post_logout_redirect_uri": "https://attacker.example"})
    assert away.status_code == 200
    assert "attacker" not in away.text


async def test_the_private_key_is_not_published(demo: Demo) -> None:
    (key,) = (await demo.http.get("/oauth/jwks")).json()["keys"]
    assert {"d", "p", "q"}.isdisjoint(key)


async def test_people_are_listed_for_a_switch(demo: Demo) -> None:
    listed = (await demo.http.get("/demo/people")).json()
    assert [person["email"] for person in listed] == [LEAD, BOTH_WAYS]
    assert listed[1]["organisations"][1] == {
        "number": "78912",
        "name": "Test College ISP",
        "roles": ["WORKFLOW_LEAD"],
        "kind": "IN_SCHOOL_PROVIDER",
    }


async def test_clients_on_other_ports_of_this_machine_may_read_the_token(demo: Demo) -> None:
    for origin, allowed in (("http://localhost:5173", True), ("https://attacker.example", False)):
        answer = await demo.http.options(
            "/oauth/token", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
        )
        assert ("access-control-allow-origin" in answer.headers) is allowed


def run(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call what starts an event loop of its own, from inside one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *arguments).result()


@pytest.fixture
async def filled(database_url: str, tmp_path: Path) -> AsyncIterator[str]:
    engine = engine_for(database_url)
    await fill(engine)
    await engine.dispose()
    with contextlib.chdir(tmp_path):
        yield database_url


async def test_issued_tokens_hold_on_any_port(filled: str) -> None:
    token = run(issue, filled, LEAD)
    assert jwt.decode(token, kept_identity(state_directory(filled)).key, ["RS256"]).claims["iss"] == FIRST_ISSUER
    engine = engine_for(filled)
    later = Demo(engine, kept_identity(state_directory(filled), ISSUER))
    for one in (token, run(issue, filled, LEAD, "1234")):
        assert await later.who(one) == {"user": 1, "acting": "1234", "roles": ["ATTENDANCE_LEAD"]}
    kept_identity(state_directory(filled), "http://127.0.0.1:9999")
    assert (await later.who(run(issue, filled, BOTH_WAYS, "78912")))["roles"] == ["WORKFLOW_LEAD"]
    await later.http.aclose()
    await engine.dispose()


async def test_issuing_says_what_there_is(filled: str) -> None:
    with pytest.raises(ValueError, match=f"(?s)nobody@example.nz.*{LEAD}.*{BOTH_WAYS}"):
        run(issue, filled, "nobody@example.nz")
    with pytest.raises(ValueError, match=r"--organisation: 1234 \(Test College\), 78912 \(Test College ISP\)"):
        run(issue, filled, BOTH_WAYS)
    with pytest.raises(ValueError, match=r"no role in 78912, only in 1234"):
        run(issue, filled, LEAD, "78912")


def test_the_kept_keys_are_their_owners_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = kept_identity(state)
    assert (first.issuer, first.issuers) == (FIRST_ISSUER, (FIRST_ISSUER,))
    moved = kept_identity(state, ISSUER)
    assert (moved.issuer, moved.issuers) == (ISSUER, (FIRST_ISSUER, ISSUER))
    assert kept_identity(state).key.kid == moved.key.kid == first.key.kid
    assert (state / "identity.json").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in state.iterdir()] == ["identity.json"]


def test_a_spoilt_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "identity.json").write_text("{}")
    with pytest.raises(ValueError, match=r"identity\.json cannot be read; delete it"):
        kept_identity(tmp_path)


def test_state_is_kept_beside_the_database() -> None:
    assert state_directory("var/demo.sqlite3") == Path("var/demo.sqlite3.state")
    assert state_directory("sqlite:////srv/a.sqlite3") == Path("/srv/a.sqlite3.state")
    assert state_directory("postgresql://x@127.0.0.1/world") == Path("var/world.state")
