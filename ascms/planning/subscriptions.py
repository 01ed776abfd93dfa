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
    """An open subscription: the operation, and the row that is followed, where one is."""

    operations: "Operations"
    text: str
    operation_name: str | None
    variables: Mapping[str, Any]
    key: int | None = None
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
            self.key = await told.followed(self._run(fetch, facts, asked, plan))
        topics: Sequence[Topic] = told.source.topics(facts.viewer, self.key)
        return topics

    async def tell(self, asked: Asked, plan: Plan, facts: Facts, signal: Signal) -> "list[Answer]":
        """What the viewer is sent for a signal: nothing, where it concerns no row that they reach now."""
        from .service import Answer

        position, told = _told(plan)
        selected, _ = plan.roots[position]
        answers = []
        async with snapshot(self.operations.engine) as fetch:
            for outcome in await self._outcomes(told, self._run(fetch, facts, asked, plan), signal):
                run = self._run(fetch, facts, asked, plan)
                if not await told.may_be_told(run, outcome, signal.what, signal.item):
                    continue
                if self.operations.settings.execution is Execution.PLAIN:
                    read = await run_plainly(
                        self.operations, asked, plan, run, self.variables, only=position, outcome=outcome
                    )
                    value = read[selected.key]
                else:
                    value = await told.bring(run, asked.leaves, outcome)
                if value is not None:
                    answers.append(Answer({selected.key: value}, [], plan, asked, run.subjects))
        return answers

    async def _outcomes(self, told: Told, run: Run, signal: Signal) -> Sequence[Outcome]:
        if signal.kind == "gap":
            missed = await told.missed(run, signal.at)
            if missed is not None:
                return [self._remembered(told, key) for key in missed if key not in self._sent]
        outcome = told.source.outcome(signal, self.key)
        if told.sends_row:
            self._sent.append(outcome.keys[told.source.name] or 0)
        return [outcome]

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
