"""Answering operations: the plan found or made, run in one transaction, and the answer put together."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Generic, TypeVar

from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLSchema, execute_sync
from graphql.language import FieldNode, OperationDefinitionNode, SelectionSetNode
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.identity.viewer import Viewer
from ascms.permissions.policy import Policy
from ascms.settings import Execution, Settings
from ascms.snapshots import Fetch, read

from .cursors import Cursors
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

K = TypeVar("K")
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """A cache whose entries weigh `most` at most, all together; the longest unused goes first."""

    def __init__(self, most: int, weigh: Callable[[V], int]) -> None:
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._changing = Lock()

    def find(self, key: K) -> V | None:
        """The entry for `key`, if there is one."""
        with self._changing:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The entry for `key`, made if it is not there."""
        value = self.find(key)
        if value is None:
            value = make()
            with self._changing:
                if key not in self._entries:
                    self._weight += self._weigh(value)
                self._entries[key] = value
                while self._weight > self._most and len(self._entries) > 1:
                    self._weight -= self._weigh(self._entries.popitem(last=False)[1])
        return value


@dataclass
class Answer:
    """What an operation brought. `subjects` are the students whose data it discloses."""

    data: dict[str, Any]
    errors: list[GraphQLError]
    plan: Plan
    asked: Asked
    subjects: set[int] = field(default_factory=set)

    def body(self) -> dict[str, Any]:
        """The response as JSON has it."""
        body: dict[str, Any] = {"errors": [error.formatted for error in self.errors]} if self.errors else {}
        body["data"] = self.data
        body["extensions"] = {"access": {"redacted": self.plan.access()}}
        return body


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
        return await loop.run_in_executor(self._planner, self.prepare, text, operation_name, variables, viewer)

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
        document = self._documents.get(text, lambda: read_document(self.schema, text))
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
        viewer: Viewer,
        now: datetime,
        offers: Mapping[str, Any],
        variables: Mapping[str, Any],
    ) -> Answer:
        """Run a prepared operation. Raises RequestErrors where an argument does not hold (a cursor)."""
        facts = self.facts(viewer, now, offers)
        run = Run(no_rows, facts, self.cursors, dict(parameters_of(viewer)))
        try:
            data = await self._data(asked, plan, run, variables)
        except GraphQLError as error:
            raise RequestErrors([error]) from None
        errors = [forbidden.error(viewer) for forbidden in plan.forbidden]
        data |= self._introspected(asked, plan, variables)
        ordered = {selected.key: data[selected.key] for selected, _ in plan.roots}
        return Answer(ordered, errors, plan, asked, run.subjects)

    async def _data(self, asked: Asked, plan: Plan, run: Run, variables: Mapping[str, Any]) -> dict[str, Any]:
        if self.settings.execution is Execution.PLANNED:

            async def planned(fetch: Fetch) -> dict[str, Any]:
                run.fetch = fetch
                return await plan.run(run, asked.leaves)

            return await read(self.engine, planned)
        return await run_plainly(self, asked, plan, run, variables)

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
