"""From a request's headers to the viewer: the roles held now, where the person acts now, and what is missing."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.datastructures import Headers

from ascms.identity import Authenticator, OrganisationRefused, Portal, Unauthenticated, Viewer
from ascms.models import (
    AccountEvent,
    Organisation,
    OrganisationKind,
    OrganisationStatus,
    Role,
    RoleAssignment,
    User,
    fold,
)
from tests.support.issuer import NOW, Issuer

BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
SIGNED_IN = datetime.fromtimestamp(NOW, UTC)


class World:
    """A few people and organisations, and the system that lets them in."""

    def __init__(self, engine: AsyncEngine, issuer: Issuer) -> None:
        self.engine = engine
        self.issuer = issuer
        self.authenticator = Authenticator(issuer.settings(), engine, issuer.verifier())

    async def person(self, username: str, **values: Any) -> int:
        row = {
            "username": username, "email": username, "display_name": username, "display_name_folded": fold(username),
            "subject": None, **values,
        }  # fmt: skip
        return await self._insert(User, row)

    async def organisation(self, number: str, kind: OrganisationKind, **values: Any) -> int:
        name = values.pop("name", f"Organisation {number}")
        row = {"number": number, "kind": kind, "name": name, "name_folded": fold(name), **values}
        return await self._insert(Organisation, row)

    async def grant(self, user_id: int, organisation_id: int, role: Role, **values: Any) -> int:
        row = {
            "user_id": user_id, "organisation_id": organisation_id, "role": role, "granted_at": BEFORE,
            "approved_at": BEFORE, **values,
        }  # fmt: skip
        return await self._insert(RoleAssignment, row)

    async def enter(self, header: str | None = None, **claims: Any) -> Viewer:
        headers = {"Authorization": f"Bearer {self.issuer.token(**claims)}"}
        if header is not None:
            headers["X-ASCMS-Organisation"] = header
        return await self.authenticator.authenticate(Headers(headers))

    async def count(self, table: type[Any]) -> int:
        async with self.engine.connect() as connection:
            return await connection.scalar(select(func.count()).select_from(table)) or 0

    async def user(self, **where: Any) -> Any:
        async with self.engine.connect() as connection:
            return (await connection.execute(select(User.__table__).filter_by(**where))).one()

    async def change(self, table: type[Any], identifier: int, **values: Any) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(update(table).where(table.id == identifier).values(values))

    async def _insert(self, table: type[Any], row: dict[str, Any]) -> int:
        async with self.engine.begin() as connection:
            result = await connection.execute(insert(table).values(row).returning(table.id))
            return int(result.scalar_one())


@pytest.fixture
async def world(engine: AsyncEngine, issuer: Issuer) -> World:
    """`esl-1` leads attendance at 1234 and runs the queue of 78912."""
    world = World(engine, issuer)
    person = await world.person(
        "lead@test-college.school.nz", subject="esl-1", training_completed_at=BEFORE, last_signed_in_at=SIGNED_IN
    )
    school = await world.organisation("1234", OrganisationKind.SCHOOL, name="Test College", region="Waikato")
    provider = await world.organisation("78912", OrganisationKind.IN_SCHOOL_PROVIDER, name="Test College ISP")
    await world.organisation("1235", OrganisationKind.SCHOOL, name="Second School")
    await world.grant(person, school, Role.ATTENDANCE_LEAD)
    await world.grant(person, provider, Role.WORKFLOW_LEAD)
    return world


@contextmanager
def statements(engine: AsyncEngine) -> Iterator[list[str]]:
    """The statements that run meanwhile, beginnings and ends of transactions left out."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine.sync_engine, "before_cursor_execute", note)


async def test_the_token_says_who_and_where(world: World) -> None:
    viewer = await world.enter(org_id="1234")
    assert viewer.roles == {Role.ATTENDANCE_LEAD}
    assert viewer.acting is not None
    assert (viewer.acting.number, viewer.acting.name, viewer.acting.region) == ("1234", "Test College", "Waikato")
    assert viewer.acting.portal is Portal.SCHOOL_PORTAL
    assert [context.number for context in viewer.contexts] == ["1234", "78912"]
    assert viewer.missing == ()


async def test_roles_held_elsewhere_do_not_count(world: World) -> None:
    viewer = await world.enter(org_id="78912")
    assert viewer.roles == {Role.WORKFLOW_LEAD}


@pytest.mark.parametrize("claim", ["1234", 1234, " 1234 "])
async def test_organisation_numbers_come_as_text_or_number(world: World, claim: object) -> None:
    assert (await world.enter(org_id=claim)).roles == {Role.ATTENDANCE_LEAD}


@pytest.mark.parametrize("claim", [True, ["1234"], {"id": "1234"}, "", 12.5])
async def test_other_organisation_claims_are_refused(world: World, claim: object) -> None:
    with pytest.raises(Unauthenticated, match="org_id"):
        await world.enter(org_id=claim)


async def test_one_statement_a_request(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.enter(org_id="1234")
    with statements(world.engine) as written, caplog.at_level("DEBUG", "ascms.statements"):
        await world.enter(org_id="1234")
    assert len(caplog.records) == 1
    assert not written


async def test_without_claim_or_header_there_is_no_context(world: World) -> None:
    viewer = await world.enter()
    assert viewer.acting is None
    assert viewer.roles == frozenset()
    assert "Test College (1234), Test College ISP (78912)" in viewer.missing[0]


async def test_a_header_chooses_where_the_token_does_not(world: World) -> None:
    assert (await world.enter(header="78912")).roles == {Role.WORKFLOW_LEAD}


async def test_a_header_cannot_choose_what_is_not_ones_own(world: World) -> None:
    for header in ("1235", "9999", "1234'--", "78912 1234"):
        with pytest.raises(OrganisationRefused, match=r"\(1234\).*\(78912\)") as refusal:
            await world.enter(header=header)
        assert "Second School" not in refusal.value.message


async def test_a_header_must_agree_with_the_claim(world: World) -> None:
    assert (await world.enter(org_id="1234", header="1234")).roles == {Role.ATTENDANCE_LEAD}
    with pytest.raises(OrganisationRefused, match="1234"):
        await world.enter(org_id="1234", header="78912")


async def test_headers_are_sent_once(world: World) -> None:
    bearer = (b"authorization", f"Bearer {world.issuer.token()}".encode())
    with pytest.raises(Unauthenticated, match="once"):
        await world.authenticator.authenticate(Headers(raw=[bearer, bearer]))
    chosen = [(b"x-ascms-organisation", b"1234"), (b"x-ascms-organisation", b"78912")]
    with pytest.raises(OrganisationRefused, match="once"):
        await world.authenticator.authenticate(Headers(raw=[bearer, *chosen]))


async def test_a_claim_for_where_nothing_is_held_now_gives_no_context(world: World) -> None:
    viewer = await world.enter(org_id="1235")
    assert viewer.acting is None
    assert viewer.roles == frozenset()
    assert "1235" in viewer.missing[0]


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"Authorization": "Basic eDp5"}, {"Cookie": "a=b"}])
async def test_without_a_bearer_token_nobody_is_signed_in(world: World, headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        await world.authenticator.authenticate(headers)
    assert refusal.value.www_authenticate == 'Bearer realm="ascms"'


async def test_a_refused_token_is_told_in_the_challenge(world: World) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        await world.authenticator.authenticate({"authorization": "bearer nonsense"})
    challenge = refusal.value.www_authenticate
    assert challenge.startswith('Bearer realm="ascms", error="invalid_token", error_description="')
    assert challenge.isascii()


async def test_provider_roles_need_training(world: World) -> None:
    person = await world.person("untrained@waikato-attendance.nz", subject="esl-2")
    provider = await world.organisation(
        "5001", OrganisationKind.ATTENDANCE_SERVICE_PROVIDER, name="Waikato Attendance Service"
    )
    await world.grant(person, provider, Role.CASE_MANAGER)
    await world.grant(person, provider, Role.DELEGATED_AUTHORISER)
    viewer = await world.enter(sub="esl-2", org_id="5001")
    assert viewer.roles == {Role.DELEGATED_AUTHORISER}
    (missing,) = viewer.missing
    assert missing == (
        "The role Case Manager at Waikato Attendance Service (5001) has no effect until the mandatory training "
        "is completed; ask your delegated authoriser to record it."
    )
    await world.change(User, person, training_completed_at=BEFORE)
    viewer = await world.enter(sub="esl-2", org_id="5001")
    assert viewer.roles == {Role.DELEGATED_AUTHORISER, Role.CASE_MANAGER}
    assert viewer.missing == ()


async def test_school_roles_need_none(world: World) -> None:
    person = await world.person("office@test-college.school.nz", subject="esl-3")
    await world.grant(person, 1, Role.OFFICE_SUPPORT)
    assert (await world.enter(sub="esl-3", org_id="1234")).roles == {Role.OFFICE_SUPPORT}


async def test_a_role_waits_for_approval(world: World) -> None:
    person = await world.person("authoriser@test-college.school.nz", subject="esl-4")
    await world.grant(person, 1, Role.DELEGATED_AUTHORISER)
    waiting = await world.grant(person, 1, Role.ATTENDANCE_LEAD, approved_at=None)
    viewer = await world.enter(sub="esl-4", org_id="1234")
    assert viewer.roles == {Role.DELEGATED_AUTHORISER}
    assert "Attendance Lead at Test College (1234) has no effect until it is approved" in viewer.missing[0]
    await world.change(RoleAssignment, waiting, approved_at=BEFORE)
    assert Role.ATTENDANCE_LEAD in (await world.enter(sub="esl-4", org_id="1234")).roles


async def test_a_role_given_up_is_gone_with_the_next_request(world: World) -> None:
    await world.change(RoleAssignment, 1, ended_at=BEFORE)
    viewer = await world.enter(org_id="1234")
    assert viewer.acting is None
    assert [context.number for context in viewer.contexts] == ["78912"]


async def test_a_closed_organisation_gives_no_roles(world: World) -> None:
    await world.change(Organisation, 1, status=OrganisationStatus.CLOSED)
    viewer = await world.enter(org_id="1234")
    assert viewer.roles == frozenset()
    assert "closed" in viewer.missing[0]


@pytest.mark.parametrize(
    ("kind", "roles"),
    [
        (OrganisationKind.SCHOOL, {Role.ATTENDANCE_LEAD, Role.PRIMARY_CONTACT, Role.OFFICE_SUPPORT}),
        (OrganisationKind.IN_SCHOOL_PROVIDER, {Role.WORKFLOW_LEAD, Role.CASE_MANAGER}),
        (OrganisationKind.ATTENDANCE_SERVICE_PROVIDER, {Role.WORKFLOW_LEAD, Role.CASE_MANAGER}),
        (
            OrganisationKind.MINISTRY,
            {Role.MINISTRY_ADVISER, Role.MINISTRY_ANALYST, Role.PRIVACY_OFFICER, Role.MINISTRY_ADMINISTRATOR},
        ),
    ],
)
async def test_roles_count_only_at_organisations_of_their_kind(
    world: World, kind: OrganisationKind, roles: set[Role]
) -> None:
    person = await world.person("all@ministry.nz", subject="esl-5", training_completed_at=BEFORE)
    organisation = await world.organisation("7000", kind)
    for role in Role:
        await world.grant(person, organisation, role)
    viewer = await world.enter(sub="esl-5", org_id="7000")
    assert viewer.roles == roles | {Role.DELEGATED_AUTHORISER}
    assert len(viewer.missing) == len(Role) - len(viewer.roles)


async def test_a_scope_only_takes_roles_away(world: World) -> None:
    await world.grant(1, 1, Role.OFFICE_SUPPORT)
    everything = {Role.ATTENDANCE_LEAD, Role.OFFICE_SUPPORT}
    assert (await world.enter(org_id="1234", scope="openid profile")).roles == everything
    narrowed = await world.enter(org_id="1234", scope="openid role:OFFICE_SUPPORT role:PRIVACY_OFFICER")
    assert narrowed.roles == {Role.OFFICE_SUPPORT}
    assert "Attendance Lead" in narrowed.missing[0]
    assert (await world.enter(org_id="1234", scope=["role:OFFICE_SUPPORT"])).roles == {Role.OFFICE_SUPPORT}
    assert (await world.enter(org_id="1234", scope="role:NOBODY")).roles == frozenset()


async def test_a_scope_narrows_in_whichever_form_it_comes(world: World) -> None:
    await world.grant(1, 1, Role.OFFICE_SUPPORT)
    assert (await world.enter(org_id="1234", scp=["role:OFFICE_SUPPORT"])).roles == {Role.OFFICE_SUPPORT}
    assert (await world.enter(org_id="1234", scp="openid role:office_support")).roles == frozenset()
    assert (await world.enter(org_id="1234", scope="role:")).roles == frozenset()


async def test_a_machine_client_is_a_user_of_its_own(world: World) -> None:
    """Also one that was registered under the subject of a person, or brings a person's address."""
    for name in ("client_id", "azp"):
        claims: dict[str, Any] = {
            "client_id": "x",
            name: "esl-1",
            "email": "lead@test-college.school.nz",
            "email_verified": True,
        }
        viewer = await world.enter(**claims)
        assert viewer.user_id != 1
        assert viewer.roles == frozenset()
        assert (await world.user(id=viewer.user_id)).subject == "client:esl-1"
    assert (await world.user(id=1)).subject == "esl-1"


async def test_a_machine_client_is_not_an_invited_person(world: World) -> None:
    invited = await world.person("new@test-college.school.nz")
    viewer = await world.enter(sub="job", client_id="job", email="new@test-college.school.nz", email_verified=True)
    assert viewer.user_id != invited
    assert (await world.user(id=invited)).subject is None


async def test_what_cannot_be_shown_is_in_no_name(world: World) -> None:
    viewer = await world.enter(
        sub="esl-7", name="Ma\x00ia\x1b[31m \u202eNgata", email="a\x00@b.nz", email_verified=True
    )
    row = await world.user(id=viewer.user_id)
    assert (row.display_name, row.username, row.email) == ("Maia[31m Ngata", "subject:esl-7", "")


async def test_claims_about_roles_give_none(world: World) -> None:
    viewer = await world.enter(org_id="1234", roles=["PRIVACY_OFFICER"], role="MINISTRY_ADMINISTRATOR")
    assert viewer.roles == {Role.ATTENDANCE_LEAD}


async def test_an_invited_person_is_bound_at_the_first_sign_in(world: World) -> None:
    invited = await world.person("new@test-college.school.nz")
    await world.grant(invited, 1, Role.PRIMARY_CONTACT)
    arriving: dict[str, Any] = {
        "sub": "esl-9",
        "email": "New@Test-College.school.nz",
        "email_verified": True,
        "org_id": "1234",
    }
    assert (await world.enter(**arriving)).roles == {Role.PRIMARY_CONTACT}
    assert (await world.user(id=invited)).subject == "esl-9"
    assert (await world.enter(sub="esl-9", org_id="1234")).user_id == invited


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {},
        {"email_verified": "true"},
        {"email_verified": True, "email": ["invited@test-college.school.nz"]},
        {"email_verified": True, "email": "invited@test-college.school.nz.attacker.example"},
        # The Kelvin sign and the long s fold into k and s.
        {"email_verified": True, "email": "invited@test-college.ſchool.nz"},
        {"email_verified": True, "email": "invited@test-college.school.nz%"},
    ],
)
async def test_an_address_that_nobody_vouches_for_binds_nobody(world: World, claims: dict[str, Any]) -> None:
    invited = await world.person("invited@test-college.school.nz")
    await world.grant(invited, 1, Role.ATTENDANCE_LEAD)
    viewer = await world.enter(**{"sub": "attacker", "email": "invited@test-college.school.nz", **claims})
    assert viewer.user_id != invited
    assert viewer.contexts == ()
    assert (await world.user(id=invited)).subject is None


async def test_a_bound_person_is_never_bound_again(world: World) -> None:
    viewer = await world.enter(sub="attacker", email="lead@test-college.school.nz", email_verified=True)
    assert viewer.user_id != 1
    assert viewer.contexts == ()
    assert (await world.user(id=1)).subject == "esl-1"


async def test_an_unverified_address_does_not_take_a_username_in_advance(world: World) -> None:
    await world.enter(sub="attacker", email="tomorrow@test-college.school.nz", email_verified=False)
    invited = await world.person("tomorrow@test-college.school.nz")
    arrived = await world.enter(sub="esl-9", email="tomorrow@test-college.school.nz", email_verified=True)
    assert arrived.user_id == invited


async def test_a_stranger_gets_a_row_and_no_role(world: World) -> None:
    viewer = await world.enter(
        sub="esl-7", email="stranger@example.nz", email_verified=True, given_name="Mārama", family_name="Ngata"
    )
    row = await world.user(id=viewer.user_id)
    assert (row.subject, row.username, row.display_name) == ("esl-7", "stranger@example.nz", "Mārama Ngata")
    assert row.display_name_folded == "marama ngata"
    assert viewer.roles == frozenset()
    assert "hold no role" in viewer.missing[0]


async def test_many_first_requests_at_once_make_one_person(world: World) -> None:
    invited = await world.person("new@test-college.school.nz")
    people = await world.count(User)
    known: dict[str, Any] = {"sub": "esl-9", "email": "new@test-college.school.nz", "email_verified": True}
    viewers = await asyncio.gather(*(world.enter(**known) for _ in range(8)))
    assert {viewer.user_id for viewer in viewers} == {invited}
    strangers = await asyncio.gather(*(world.enter(sub="esl-8") for _ in range(8)))
    assert len({viewer.user_id for viewer in strangers}) == 1
    assert await world.count(User) == people + 1


async def test_a_sign_in_is_noted_once_a_token(world: World) -> None:
    await world.change(User, 1, last_signed_in_at=BEFORE)
    for _ in range(3):
        await world.enter(org_id="1234")
    assert (await world.user(id=1)).last_signed_in_at == SIGNED_IN
    assert await world.count(AccountEvent) == 1
    await asyncio.gather(*(world.enter(org_id="1234", iat=NOW + 20) for _ in range(5)))
    assert await world.count(AccountEvent) == 2


async def test_a_renewed_token_is_no_new_sign_in(world: World) -> None:
    world.issuer.now += 1000
    await world.enter(auth_time=NOW)
    assert await world.count(AccountEvent) == 0


@pytest.mark.parametrize("moment", [10**30, -5, "x", True, None])
async def test_a_strange_time_of_sign_in_does_no_harm(world: World, moment: object) -> None:
    assert (await world.enter(auth_time=moment, org_id="1234")).roles == {Role.ATTENDANCE_LEAD}
