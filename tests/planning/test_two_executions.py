"""The planned execution means what the plain one means: same data, errors, redactions, order and subjects."""

import asyncio
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms import models
from ascms.database import engine_for, upgrade
from ascms.identity.contexts import choose, contexts_of
from ascms.identity.people import find
from ascms.identity.viewer import Viewer
from ascms.models import OrganisationKind, Role
from ascms.planning.document import RequestErrors
from ascms.planning.identifiers import encode
from ascms.planning.service import Operations
from ascms.schema import build_schema
from ascms.server.files import FileAddresses
from ascms.server.rates import Rate
from ascms.settings import Execution, OfficeSupportReading, Settings
from tests.planning.documents import IDENTIFIED, Document, Pool, Writer

NOW = datetime(2026, 5, 7, 3, 0, tzinfo=UTC)
OFFERS = {
    "sign_file": FileAddresses(b"k" * 32).sign,
    "rate_limit": Rate(100, 90, datetime(2026, 5, 7, 3, 1, tzinfo=UTC), 10),
}
PROVIDER_ROLES: Sequence[frozenset[Role]] = (
    frozenset({Role.WORKFLOW_LEAD, Role.CASE_MANAGER}),
    frozenset({Role.CASE_MANAGER, Role.DELEGATED_AUTHORISER}),
)
MORE_ROLES: Mapping[OrganisationKind, Sequence[frozenset[Role]]] = {
    OrganisationKind.SCHOOL: (
        frozenset({Role.PRIMARY_CONTACT, Role.OFFICE_SUPPORT}),
        frozenset({Role.ATTENDANCE_LEAD, Role.OFFICE_SUPPORT, Role.DELEGATED_AUTHORISER}),
        frozenset({Role.PRIMARY_CONTACT}),
        frozenset(),
    ),
    OrganisationKind.IN_SCHOOL_PROVIDER: PROVIDER_ROLES,
    OrganisationKind.ATTENDANCE_SERVICE_PROVIDER: PROVIDER_ROLES,
    OrganisationKind.MINISTRY: (
        frozenset({Role.MINISTRY_ADVISER, Role.PRIVACY_OFFICER}),
        frozenset({Role.MINISTRY_ADVISER, Role.MINISTRY_ADMINISTRATOR}),
        frozenset({Role.MINISTRY_ANALYST, Role.MINISTRY_ADMINISTRATOR}),
    ),
}
"""Sets of roles that nobody in the demo holds, but somebody could."""


class World:
    """A small demo world, and both executions over it for each reading of Office Support."""

    def __init__(self, url: str, folder: Path, runner: asyncio.Runner) -> None:
        self.runner = runner
        self.engine: AsyncEngine = engine_for(url)
        self.pairs: dict[OfficeSupportReading, tuple[Operations, Operations]] = {}
        for reading in OfficeSupportReading:
            served = build_schema(reading)
            self.pairs[reading] = tuple(  # type: ignore[assignment]
                Operations(
                    served.core,
                    served.registry,
                    served.policy,
                    Settings(
                        database_url=url,
                        state_directory=folder,
                        secret_key=SecretStr("k" * 32),
                        execution=execution,
                        office_support=reading,
                    ),
                    self.engine,
                )
                for execution in (Execution.PLAIN, Execution.PLANNED)
            )
        self.viewers: list[Viewer] = runner.run(self._viewers())
        self.pool: Pool = runner.run(self._pool())

    async def _viewers(self) -> list[Viewer]:
        async with self.engine.connect() as connection:
            subjects = (await connection.scalars(select(models.User.subject).order_by(models.User.id))).all()
        viewers = []
        for subject in subjects[:24]:
            assert subject is not None
            person = await find(self.engine, subject)
            assert person is not None
            contexts = contexts_of(person.holdings, trained=person.trained)
            for context in contexts:
                acting, missing = choose(contexts, claim=context.number, header=None)
                viewers.append(Viewer(person.id, acting, contexts, missing))
        mixed = [
            dataclasses.replace(viewer, acting=dataclasses.replace(viewer.acting, roles=roles))
            for viewer in viewers[:20]
            if viewer.acting is not None
            for roles in MORE_ROLES[viewer.acting.kind]
        ]
        blind = {Role.MINISTRY_ANALYST, Role.MINISTRY_ADMINISTRATOR, Role.DELEGATED_AUTHORISER}
        with_rows = [viewer for viewer in (*viewers, *mixed) if viewer.roles - blind]
        return [*viewers, *mixed, *with_rows, *with_rows]

    async def _pool(self) -> Pool:
        async with self.engine.connect() as connection:

            async def values(column: Any) -> list[Any]:
                return list((await connection.scalars(select(column).distinct().order_by(column).limit(40))).all())

            texts = [
                text
                for column in (
                    models.Case.number, models.Request.reference, models.Request.number, models.Student.full_name,
                    models.Organisation.number, models.Organisation.name, models.StudentEthnicity.code,
                    models.CaseBarrier.code, models.Case.outcome_code,
                )
                for text in await values(column)
                if text
            ]  # fmt: skip
            numbers = [
                number
                for column in (models.Case.number, models.Request.number, models.Request.reference)
                for number in await values(column)
                if number
            ]
            instants = [value.isoformat() for value in await values(models.Case.opened_at)]
            days = [value.isoformat() for value in await values(models.Student.date_of_birth) if value]
        identifiers = [encode(name, key) for name in (*IDENTIFIED, "Caregiver") for key in range(1, 30)]
        return Pool([*texts, "%", "_", "\\", "ā"], numbers, [*identifiers, "1234", "Tm9uc2Vuc2U", "…"], instants, days)

    def document(self, random: Random) -> Document:
        return Writer(self.pairs[OfficeSupportReading.FIELDS][0].schema, self.pool, random).document()

    def answers(
        self, document: Document, variables: Mapping[str, Any], viewer: Viewer, reading: OfficeSupportReading
    ) -> list[Any]:
        return [
            self.runner.run(answered(operations, document.text, variables, viewer))
            for operations in self.pairs[reading]
        ]


async def answered(operations: Operations, text: str, variables: Mapping[str, Any], viewer: Viewer) -> Any:
    """All that an answer says, in comparable form."""
    try:
        asked, plan = operations.prepare(text, None, variables, viewer)
        answer = await operations.answer(asked, plan, viewer, NOW, OFFERS, variables)
    except RequestErrors as refusal:
        return {"errors": [error.formatted for error in refusal.errors]}
    return {"body": answer.body(), "subjects": sorted(answer.subjects), "plan": plan.fingerprint}


def found_cursor(data: Any, path: Sequence[str]) -> str | None:
    """The first cursor of a page at a response path, if the document asked for one."""
    if isinstance(data, list):
        return next((cursor for item in data if (cursor := found_cursor(item, path))), None)
    if not isinstance(data, dict):
        return None
    if path:
        return found_cursor(data.get(path[0]), path[1:])
    info = data.get("pageInfo") or {}
    return info.get("startCursor")


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(
    request: pytest.FixtureRequest, databases_of: Callable[[str], Any], tmp_path_factory: Any, runner: asyncio.Runner
) -> Iterator[World]:
    def build_small(url: str) -> None:
        from ascms.demo.world import build

        upgrade(url)
        build(url, schools=6, students=90, cases=60)

    url = databases_of(request.param).copy("small", build_small)
    world = World(url, tmp_path_factory.mktemp("state"), runner)
    yield world
    runner.run(world.engine.dispose())


# A failing document says all that is needed; making it smaller takes minutes.
@given(st.randoms(use_true_random=False), st.data())
@settings(suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_both_executions_answer_the_same(world: World, random: Random, data: st.DataObject) -> None:
    viewer = data.draw(st.sampled_from(world.viewers))
    reading = data.draw(st.sampled_from([OfficeSupportReading.FIELDS, *OfficeSupportReading]))
    document = world.document(random)
    plainly, planned = world.answers(document, document.variables, viewer, reading)
    compare(document, document.variables, viewer, plainly, planned)
    variables = dict(document.variables)
    for variable, path in document.cursors.items():
        variables[variable] = found_cursor((planned.get("body") or {}).get("data"), path)
    if variables != document.variables:
        plainly, planned = world.answers(document, variables, viewer, reading)
        compare(document, variables, viewer, plainly, planned)


def compare(document: Document, variables: Any, viewer: Viewer, plainly: Any, planned: Any) -> None:
    assert orjson.dumps(planned) == orjson.dumps(plainly), (
        f"{document.text}\n{variables}\n{viewer}\nplain:   {plainly}\nplanned: {planned}"
    )
