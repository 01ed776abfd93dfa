"""Subscriptions: what is waited for, and what a signal leads to, planned and read like any query.

An open subscription holds no rights. For each signal its viewer is known anew, the plan is one for the roles held
now, and the row must be in their reach now.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, OperationType

from ascms.identity.viewer import Viewer
from ascms.settings import Execution
from ascms.signals import Signal, Topic
from ascms.snapshots import snapshot

from .document import Asked, RequestErrors
from .facts import Facts
from .level import Run
from .plain import run_plainly
from .plan import Plan, parameters_of
from .problems import bad_input
from .sources import Outcome
from .watching import Told

if TYPE_CHECKING:
    from .service import Answer, Operations

REMEMBERED_ROWS = 256
"""Rows sent last, which are not sent again after a gap."""


def is_subscription(asked: Asked) -> bool:
    """Whether the operation is one that goes on."""
    return asked.operation.operation is OperationType.SUBSCRIPTION


@dataclass
class Following:
    """An open subscription: the operation, and the rows that are followed, where some are."""

    operations: "Operations"
    text: str
    operation_name: str | None
    variables: Mapping[str, Any]
    keys: tuple[int, ...] = ()
    _sent: deque[int] = field(default_factory=lambda: deque(maxlen=REMEMBERED_ROWS))

    async def plan(self, viewer: Viewer) -> tuple[Asked, Plan]:
        """The operation and its plan for the viewer. Raises RequestErrors, FORBIDDEN where it is not theirs."""
        asked, plan = await self.operations.prepared(self.text, self.operation_name, self.variables, viewer)
        if plan.forbidden:
            raise RequestErrors([forbidden.error(viewer) for forbidden in plan.forbidden])
        if not any(isinstance(bring, Told) for _, bring in plan.roots):
            raise RequestErrors([bad_input("The subscription asks for nothing; ask for one field of Subscription.")])
        return asked, plan

    async def begin(self, asked: Asked, plan: Plan, facts: Facts) -> Sequence[Topic]:
        """What to wait for. Raises RequestErrors where an argument does not hold."""
        _, told = _told(plan)
        async with snapshot(self.operations.engine) as fetch:
            self.keys = await told.followed(self._run(fetch, facts, asked, plan))
        return self.topics(plan, facts.viewer)

    def topics(self, plan: Plan, viewer: Viewer) -> Sequence[Topic]:
        """What to wait for: other than before, where the rows that are followed are others now."""
        topics: Sequence[Topic] = _told(plan)[1].source.topics(viewer, self.keys)
        return topics

    async def tell(self, asked: Asked, plan: Plan, facts: Facts, signal: Signal) -> "list[Answer]":
        """What the viewer is sent for a signal: nothing, where it concerns no row that they reach now."""
        _, told = _told(plan)
        answers = []
        async with snapshot(self.operations.engine) as fetch:
            run = self._run(fetch, facts, asked, plan)
            self.keys = await told.followed(run)
            for alternatives in await self._outcomes(told, run, signal):
                for outcome in alternatives:
                    run = self._run(fetch, facts, asked, plan)
                    if await told.may_be_told(run, outcome, signal.what, signal.item):
                        answers += await self._answer(asked, plan, run, outcome)
                        break
        return answers

    async def _answer(self, asked: Asked, plan: Plan, run: Run, outcome: Outcome) -> "list[Answer]":
        from .service import Answer

        position, told = _told(plan)
        key, operations = plan.roots[position][0].key, self.operations
        if operations.settings.execution is Execution.PLAIN:
            read = await run_plainly(operations, asked, plan, run, self.variables, only=position, outcome=outcome)
            value = read[key]
        else:
            value = await told.bring(run, asked.leaves, outcome)
        return [] if value is None else [Answer({key: value}, [], plan, asked, run.subjects)]

    async def _outcomes(self, told: Told, run: Run, signal: Signal) -> Sequence[Sequence[Outcome]]:
        """What the signal brought; of alternatives, the first that may be told is."""
        if signal.kind == "gap":
            missed = await told.missed(run, signal.at)
            if missed is not None:
                return [[self._remembered(told, key)] for key in missed if key not in self._sent]
        if told.source.follows is not None:
            return [[told.source.outcome(signal, key) for key in self.keys]]
        outcome = told.source.outcome(signal, None)
        if told.sends_row:
            self._sent.append(outcome.keys[told.source.name] or 0)
        return [[outcome]]

    def _remembered(self, told: Told, key: int) -> Outcome:
        self._sent.append(key)
        return Outcome({told.source.name: key})

    def _run(self, fetch: Any, facts: Facts, asked: Asked, plan: Plan) -> Run:
        run = Run(fetch, facts, self.operations.cursors, dict(parameters_of(facts.viewer)))
        try:
            run.parameters.update(plan.params.fill(asked.leaves, run))
        except GraphQLError as error:
            raise RequestErrors([error]) from None
        return run


def _told(plan: Plan) -> tuple[int, Told]:
    for position, (_, bring) in enumerate(plan.roots):
        if isinstance(bring, Told):
            return position, bring
    raise AssertionError("unreachable: a subscription has one root field")
