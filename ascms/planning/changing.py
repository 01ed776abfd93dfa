"""Mutations: done one after another, each payload read when its change is on disk, with the rights held by then.

An operation that takes too long is stopped where that leaves no doubt: until a change is committed, which then is none,
and when its payload is read, which then is left out. A commit that has begun is awaited.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

from ascms.faults import fault_of
from ascms.identity.viewer import Viewer
from ascms.settings import Execution
from ascms.snapshots import Fetch, read
from ascms.telemetry.exchange import present_name

from .document import Asked
from .facts import Facts
from .level import Run, no_rows
from .payloads import Payload
from .plain import run_plainly
from .plan import Plan, parameters_of
from .problems import failed, not_done, out_of_time, unavailable
from .selection import Selected
from .sources import Act, Outcome
from .values import filled_throughout

if TYPE_CHECKING:
    from .service import Answer, Operations

LOGGER = logging.getLogger("ascms.planning")


@dataclass(frozen=True)
class Retry:
    """The client's `Idempotency-Key`, and the hash of the request that it names."""

    key: str
    body_hash: bytes


@dataclass(frozen=True)
class Call:
    """One root field of a mutation: what is asked, by whom, when. `position` counts the operation's root fields."""

    name: str
    position: int
    arguments: Mapping[str, Any]
    facts: Facts
    retry: Retry | None
    limit: asyncio.Timeout
    deadline: float

    def begins(self) -> None:
        """From here on it is undone when it takes too long."""
        self.limit.reschedule(self.deadline)

    def commits(self) -> None:
        """From here on it is not broken off: nobody could say what came of it."""
        self.limit.reschedule(None)


async def change(
    operations: "Operations",
    asked: Asked,
    plan: Plan,
    facts: Facts,
    retry: Retry | None,
    again: Callable[[], Awaitable[Viewer]],
    variables: Mapping[str, Any],
) -> "Answer":
    """Do a mutation. One root field that is not the viewer's refuses the whole, before anything is done.

    `again` gives the viewer anew: their rights may be others once a change is made.
    """
    from .service import Answer

    if plan.forbidden:
        refused = {forbidden.selected.key: forbidden.error(facts.viewer) for forbidden in plan.forbidden}
        told = [refused.get(selected.key) or not_done(selected) for selected, _ in plan.roots]
        return Answer({selected.key: None for selected, _ in plan.roots}, told, plan, asked)
    data: dict[str, Any] = {}
    errors: list[GraphQLError] = []
    subjects: set[int] = set()
    seconds = operations.settings.operation_seconds
    deadline = asyncio.get_running_loop().time() + seconds
    for position, (selected, bring) in enumerate(plan.roots):
        if not isinstance(bring, Payload):
            data[selected.key] = selected.type_name
            continue
        doing, reading = asyncio.timeout_at(deadline), asyncio.timeout_at(deadline)
        try:
            _refuse_lost(plan, selected, facts.viewer)
            # What the payload's arguments are worth (a cursor) is known before anything is done.
            plan.params.fill(asked.leaves, _run(operations, facts))
            arguments = _arguments(asked, selected)
            async with doing:
                call = Call(selected.name, position, arguments, facts, retry, doing, deadline)
                outcome = await _perform(selected, call)
            async with reading:
                facts = replace(facts, viewer=await again())
                plan = await operations.planned(asked, facts.viewer)
                run = _run(operations, facts)
                data[selected.key] = await _payload(operations, asked, plan, position, run, outcome, variables)
            subjects |= run.subjects
        except GraphQLError as error:
            error.path = [selected.key]
            errors.append(error)
            data[selected.key] = None
        except Exception as error:
            if isinstance(error, TimeoutError) and (doing.expired() or reading.expired()):
                data[selected.key] = None
                errors.append(out_of_time(selected, seconds, done=reading.expired()))
                continue
            fault = fault_of(error)
            if fault is not None and not data:
                raise  # the whole request is answered so, and may be sent again
            data[selected.key] = None
            reference = present_name()
            if fault is not None:
                LOGGER.error("%s: %s (%s)", selected.name, fault, reference)
                errors.append(unavailable(selected))
                continue
            LOGGER.exception("%s failed (%s)", selected.name, reference)
            errors.append(failed(selected, reference))
    return Answer(data, errors, plan, asked, subjects)


def _run(operations: "Operations", facts: Facts) -> Run:
    return Run(no_rows, facts, operations.cursors, dict(parameters_of(facts.viewer)))


def _refuse_lost(plan: Plan, selected: Selected, viewer: Viewer) -> None:
    """Raise where an earlier field of the operation has taken the right to this one away."""
    for forbidden in plan.forbidden:
        if forbidden.selected.key == selected.key:
            raise forbidden.error(viewer)


async def _perform(selected: Selected, call: Call) -> Outcome:
    assert selected.declared is not None
    source = selected.declared.source
    assert isinstance(source, Act)
    return await source.perform(call)


def _arguments(asked: Asked, selected: Selected) -> Mapping[str, Any]:
    return {name: filled_throughout(value, asked.leaves) for name, value in selected.arguments.items()}


async def _payload(
    operations: "Operations", asked: Asked, plan: Plan, position: int, run: Run, outcome: Outcome,
    variables: Mapping[str, Any],
) -> Any:  # fmt: skip
    selected, payload = plan.roots[position]
    assert isinstance(payload, Payload)
    if operations.settings.execution is Execution.PLAIN:
        return (await run_plainly(operations, asked, plan, run, variables, only=position, outcome=outcome))[
            selected.key
        ]

    async def planned(fetch: Fetch) -> Any:
        run.fetch = fetch
        run.parameters.update(plan.params.fill(asked.leaves, run))
        return await payload.bring(run, asked.leaves, outcome)

    return await read(operations.engine, planned)
