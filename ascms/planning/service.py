"""Answering operations: the plan found or made, run in one transaction, and the answer put together."""

import asyncio
from collections.abc import Mapping, Sequence, Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import orjson
from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLSchema, execute_sync
from graphql.language import FieldNode, OperationDefinitionNode, SelectionSetNode
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.bounded import Bounded
from ascms.identity.viewer import RightsChanged, Standing, Viewer
from ascms.permissions.policy import Policy
from ascms.settings import Execution, Settings
from ascms.snapshots import Fetch, Pace, T, Work, read, read_row

from .bundle import Bundle
from .cursors import Cursors
from .deadline import in_time
from .document import Asked, Document, RequestErrors, ask, read_document
from .facts import Facts
from .identifiers import decode
from .level import Run, no_rows
from .plain import run_plainly
from .plan import Plan, make_plan, parameters_of
from .registry import Registry

REMEMBERED_TEXT = 4_000_000
"""Characters of documents that are kept parsed."""
REMEMBERED_FIELDS = 50_000
"""Fields of the plans that are kept."""


class Answer:
    """What an operation brought. `subjects` are the students whose data it discloses.

    It is encoded at once, and what was read is let go. An answer waits for its entry in the access log; to go through
    all of its rows after others have had the core's caches costs a fifth of a whole request (decision 14).
    """

    __slots__ = ("asked", "encoded", "plan", "subjects")

    def __init__(
        self,
        data: Mapping[str, Any],
        errors: Sequence[GraphQLError],
        plan: Plan,
        asked: Asked,
        subjects: AbstractSet[int] = frozenset(),
    ) -> None:
        self.plan = plan
        self.asked = asked
        self.subjects = subjects
        told = b'"errors":%b,' % orjson.dumps([error.formatted for error in errors]) if errors else b""
        self.encoded: bytes = b'{%b"data":%b,"extensions":%b}' % (told, orjson.dumps(data), plan.extensions)
        """The response, as JSON."""


class Operations:
    """Answers operations over one schema and database."""

    def __init__(
        self, schema: GraphQLSchema, registry: Registry, policy: Policy, settings: Settings, engine: AsyncEngine
    ) -> None:
        self.schema = schema
        self.registry = registry
        self.policy = policy
        self.settings = settings
        self.engine = engine
        self.cursors = Cursors(settings.require_key("secret_key"))
        self._documents: Bounded[str, Document] = Bounded(REMEMBERED_TEXT, lambda document: len(document.text))
        self._plans: Bounded[Any, Plan] = Bounded(REMEMBERED_FIELDS, lambda plan: plan.fields)
        self._planner = ThreadPoolExecutor(1, "planner")

    @property
    def caches(self) -> Mapping[str, Bounded[Any, Any]]:
        """What is kept: documents, which weigh their characters, and plans, which weigh their fields."""
        return {"documents": self._documents, "plans": self._plans}

    def close(self) -> None:
        """Plan no more."""
        self._planner.shutdown(wait=False, cancel_futures=True)

    async def prepared(
        self, text: str, operation_name: str | None, variables: Mapping[str, Any], viewer: Viewer
    ) -> tuple[Asked, Plan]:
        """As `prepare`; what is not known yet is planned beside the event loop, so that others go on meanwhile."""
        document = self._documents.find(text)
        if document is not None:
            asked = ask(self.schema, document, operation_name, variables)
            plan = self._plans.find(_plan_key(asked, viewer))
            if plan is not None:
                return asked, plan
        loop = asyncio.get_running_loop()
        planning = loop.run_in_executor(self._planner, self.prepare, text, operation_name, variables, viewer)
        return await in_time(planning, self.settings.operation_seconds)

    def read(self, text: str) -> Document:
        """The document, parsed, validated, and kept so for who asks it. Raises RequestErrors."""
        return self._documents.get(text, lambda: read_document(self.schema, text, self.settings))

    async def planned(self, asked: Asked, viewer: Viewer) -> Plan:
        """A plan for what was asked already, for the roles that the viewer holds now."""
        key = _plan_key(asked, viewer)
        plan = self._plans.find(key)
        if plan is not None:
            return plan
        loop = asyncio.get_running_loop()
        make = lambda: self._plans.get(key, lambda: self._make_plan(asked, viewer))  # noqa: E731
        return await loop.run_in_executor(self._planner, make)

    def prepare(
        self, text: str, operation_name: str | None, variables: Mapping[str, Any], viewer: Viewer
    ) -> tuple[Asked, Plan]:
        """The operation and its plan for the viewer's roles. Raises RequestErrors."""
        document = self._documents.get(text, lambda: read_document(self.schema, text, self.settings))
        asked = ask(self.schema, document, operation_name, variables)
        return asked, self._plans.get(_plan_key(asked, viewer), lambda: self._make_plan(asked, viewer))

    def _make_plan(self, asked: Asked, viewer: Viewer) -> Plan:
        dialect = self.engine.dialect
        return make_plan(self.schema, self.registry, self.policy, self.settings, asked, viewer.roles, dialect)

    def facts(self, viewer: Viewer, now: datetime, offers: Mapping[str, Any]) -> Facts:
        """What a request brings along."""
        return Facts(viewer, now, self.policy, self.settings, offers)

    async def answer(
        self,
        asked: Asked,
        plan: Plan,
        facts: Facts,
        variables: Mapping[str, Any],
        standing: Standing | None = None,
    ) -> Answer:
        """Run a prepared operation.

        Raises RequestErrors where an argument does not hold (a cursor), and RightsChanged where `standing` does not.
        """
        run = Run(no_rows, facts, self.cursors, parameters_of(facts.viewer))
        try:
            data = await self._data(asked, plan, run, variables, standing)
        except GraphQLError as error:
            raise RequestErrors([error]) from None
        errors = [forbidden.error(facts.viewer) for forbidden in plan.forbidden]
        if plan.introspects or self.settings.execution is Execution.PLAIN:
            data |= self._introspected(asked, plan, variables)
            data = {selected.key: data[selected.key] for selected, _ in plan.roots}
        return Answer(data, errors, plan, asked, run.subjects)

    async def _data(
        self, asked: Asked, plan: Plan, run: Run, variables: Mapping[str, Any], standing: Standing | None
    ) -> dict[str, Any]:
        planned = self.settings.execution is Execution.PLANNED
        if planned and plan.bundle is not None:
            return await self._at_once(asked, plan, plan.bundle, run, standing)

        async def work(fetch: Fetch) -> dict[str, Any]:
            if standing is not None and not await standing.holds(fetch):
                raise RightsChanged
            run.fetch = fetch
            run.subjects.clear()
            return await plan.run(run, asked.leaves) if planned else {}

        data = await self._read(work, plan.pace)
        return data if planned else await run_plainly(self, asked, plan, run, variables)

    async def _read(self, work: Work[T], pace: Pace) -> T:
        return await read(self.engine, work, pace)

    async def _read_row(self, text: str, parameters: Sequence[Any]) -> Sequence[Any]:
        return await read_row(self.engine, text, parameters)

    async def _at_once(
        self, asked: Asked, plan: Plan, bundle: Bundle, run: Run, standing: Standing | None
    ) -> dict[str, Any]:
        """The data by one statement."""
        given = {**run.parameters, **plan.params.fill(asked.leaves, run)}
        brought = await bundle.read(self._read_row, given, standing)
        if standing is not None and not await standing.holds(brought.fetch):
            raise RightsChanged
        run.fetch = brought.fetch
        return await plan.run(run, asked.leaves)

    def _introspected(self, asked: Asked, plan: Plan, variables: Mapping[str, Any]) -> dict[str, Any]:
        """What graphql-core says of the schema, where the operation asks."""
        nodes = tuple(node for selected, bring in plan.roots if bring is None for node in selected.nodes)
        if not nodes:
            return {}
        result = execute_sync(self.schema, narrowed(asked, nodes), variable_values=dict(variables))
        assert isinstance(result, ExecutionResult)
        return result.data or {}


def narrowed(asked: Asked, nodes: tuple[FieldNode, ...]) -> DocumentNode:
    """The document with the operation reduced to these root fields."""
    operation = asked.operation
    reduced = OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=operation.variable_definitions,
        directives=operation.directives,
        selection_set=SelectionSetNode(selections=nodes),
    )
    return DocumentNode(definitions=(reduced, *asked.document.fragments.values()))


def _plan_key(asked: Asked, viewer: Viewer) -> tuple[Any, ...]:
    return (asked.document.hash, asked.name, viewer.roles, asked.shape, _node_types(asked))


def _node_types(asked: Asked) -> tuple[str | None, ...]:
    """The types that the identifiers among the variables name: a plan for `node` is one for a type."""
    names = []
    for leaf in asked.leaves:
        identifier = decode(leaf) if isinstance(leaf, str) and len(leaf) < 64 else None
        names.append(identifier.type_name if identifier else None)
    return tuple(names)
