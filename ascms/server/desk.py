"""The desk: operations answered, whatever brought them. Who asks, what it may cost, the answer, its log entry.

An answer leaves only when its access log entry is on disk.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Final

from ascms.audit import AccessLog, AccessRecord
from ascms.faults import RECENT, RETRY_AFTER, fault_of
from ascms.identity import Authenticator, IdentityUnavailable, OrganisationRefused, Unauthenticated, Viewer
from ascms.identity.authentication import Identified
from ascms.identity.viewer import Standing
from ascms.imports import Imports
from ascms.models import Role
from ascms.planning.changing import Retry, change
from ascms.planning.deadline import DeadlineExceeded, in_time
from ascms.planning.document import Asked, RequestErrors
from ascms.planning.facts import Facts
from ascms.planning.plan import Plan
from ascms.planning.service import Answer, Operations
from ascms.resolvers.workshop import Workshop
from ascms.settings import Settings
from ascms.storage import Incoming, Storage
from ascms.telemetry.exchange import PRESENT, Exchange, present_name

from .admission import Admission, Overloaded
from .files import FileAddresses, largest_file
from .persisted import NOT_TRUSTED, Persisted
from .rates import Headers, Rates, UnderWay
from .requests import GraphQLRequest, Receiving
from .unreadable import Unreadable

LOGGER = logging.getLogger("ascms.server")
OUT_OF_TIME: Final = "The operation took more than {:g} s and was stopped. It changed nothing. Ask for less at a time."

UNAVAILABLE: Final = (
    "The service cannot answer just now. Try again in a few seconds. A change may have been made all the same: "
    "send it again with the same Idempotency-Key, and it is made once."
)


class OverTheLimit(Exception):  # noqa: N818 (named as the answer it leads to)
    """The person asks for more than one person may, for now: HTTP 429."""

    def __init__(self, code: str, message: str, retry_after: int, headers: Headers = ()) -> None:
        """`retry_after`: in how many seconds it is worth another try."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.headers = {"Retry-After": str(retry_after), **dict(headers)}


class BrokenOff(Exception):  # noqa: N818 (named as the answer it leads to)
    """The server ends, and has no more time for what it was asked: HTTP 503."""


@dataclass(frozen=True)
class Problem:
    """Why something is not answered, as HTTP says it and as GraphQL does."""

    status: int
    errors: list[dict[str, Any]]
    headers: Mapping[str, str] = field(default_factory=dict)


REFUSED: Final = Counter[str]()
"""How often this process has said that it does not answer, by the code of the first error: for the metrics."""


def problem_of(error: Exception) -> Problem:
    """What is said of an error, counted. One that nobody expected is logged, and named by a reference only."""
    problem = _problem_of(error)
    code = (problem.errors[0].get("extensions") or {}).get("code") if problem.errors else None
    REFUSED[str(code)] += 1
    return problem


def _problem(status: int, message: str, code: str, headers: Mapping[str, str] | None = None) -> Problem:
    return Problem(status, [{"message": message, "extensions": {"code": code}}], headers or {})


def _problem_of(error: Exception) -> Problem:
    match error:
        case Unauthenticated():
            return _problem(401, error.message, "UNAUTHENTICATED", {"WWW-Authenticate": error.www_authenticate})
        case OrganisationRefused():
            return _problem(403, error.message, "FORBIDDEN")
        case IdentityUnavailable():
            return _problem(503, error.message, "UNAVAILABLE", {"Retry-After": "5"})
        case BrokenOff():
            return _problem(503, UNAVAILABLE, "UNAVAILABLE", {"Retry-After": str(RETRY_AFTER)})
        case Overloaded():
            return _problem(503, error.message, "OVERLOADED", {"Retry-After": str(error.retry_after)})
        case OverTheLimit():
            extensions = {"code": error.code, "retryAfter": error.retry_after}
            return Problem(429, [{"message": error.message, "extensions": extensions}], error.headers)
        case DeadlineExceeded():
            return _problem(504, OUT_OF_TIME.format(error.seconds), "DEADLINE_EXCEEDED")
        case Unreadable():
            return _problem(error.status, error.message, error.code, error.headers)
        case RequestErrors():
            forbidden = all((one.extensions or {}).get("code") in {"FORBIDDEN", NOT_TRUSTED} for one in error.errors)
            return Problem(403 if forbidden else 400, [dict(one.formatted) for one in error.errors])
    reference = present_name()
    fault = fault_of(error)
    if fault is not None:
        RECENT.note(fault)
        LOGGER.error("request %s: %s (%s)", reference, fault, type(error).__name__)
        return _problem(503, UNAVAILABLE, "UNAVAILABLE", {"Retry-After": str(RETRY_AFTER)})
    LOGGER.error("request %s failed", reference, exc_info=error)
    message = f"Something went wrong on our side. Try again; if it stays so, tell the service desk {reference}."
    return Problem(500, [{"message": message, "extensions": {"code": "INTERNAL", "requestId": reference}}])


@dataclass(frozen=True)
class Desk:
    """What all transports share."""

    operations: Operations
    authenticator: Authenticator
    access_log: AccessLog
    files: FileAddresses
    rates: Rates
    under_way: UnderWay
    workshop: Workshop
    storage: Storage
    incoming: Incoming
    imports: Imports
    persisted: Persisted
    admission: Admission

    @property
    def settings(self) -> Settings:
        """The installation's settings."""
        return self.operations.settings

    async def viewer(self, headers: Mapping[str, str]) -> Viewer:
        """Who asks. Raises Unauthenticated, OrganisationRefused or IdentityUnavailable."""
        return await self.authenticator.authenticate(headers)

    async def identify(self, headers: Mapping[str, str]) -> Identified:
        """As `viewer`; and what says whether their rights hold still. Raises DeadlineExceeded besides."""
        return await in_time(self.authenticator.identify(headers), self.settings.operation_seconds)

    def recognise(self, authorization: bytes, organisation: bytes) -> Identified | None:
        """Who sent these two headers before, by the rights of then."""
        return self.authenticator.recognise(authorization, organisation)

    def begin(self, viewer: Viewer) -> None:
        """Count an operation of the viewer's as under way, until `end`. Raises OverTheLimit."""
        if not self.under_way.begin(viewer.user_id):
            most = self.under_way.most
            message = f"{most} operations of yours are under way, the most of one person; wait for one of them."
            raise OverTheLimit("TOO_MANY_OPERATIONS", message, 1)

    def end(self, viewer: Viewer) -> None:
        """It is answered."""
        self.under_way.end(viewer.user_id)

    def receiving(self, viewer: Viewer) -> Receiving:
        """How files are taken that come with a request of the viewer's."""
        return Receiving(self.incoming, largest_file(self.operations.policy, self.settings, viewer))

    async def prepared(self, asked: GraphQLRequest, viewer: Viewer, known: Asked | None = None) -> tuple[Asked, Plan]:
        """The operation, as it is `known` where it was read before, and its plan. Raises RequestErrors."""
        if known is not None:
            return known, await in_time(self.operations.planned(known, viewer), self.settings.operation_seconds)
        prepared = await self.operations.prepared(asked.query, asked.operation_name, asked.variables, viewer)
        if asked.keep_as is not None:
            self.persisted.keep(asked.keep_as, asked.query)
        exchange = PRESENT.get()
        if exchange is not None:
            self._note(exchange, prepared[0], viewer)
        return prepared

    def _note(self, exchange: Exchange, operation: Asked, viewer: Viewer) -> None:
        """Have the log say what is asked by whom. A name is the client's own text, unless the document is trusted."""
        exchange.operation = operation.document.hash
        if self.persisted.is_trusted(operation.document.text):
            exchange.operation_name = operation.name
        exchange.user_id = viewer.user_id
        exchange.organisation_id = viewer.acting.organisation_id if viewer.acting else None

    def facts(self, plan: Plan, viewer: Viewer, now: datetime) -> Facts:
        """What running the plan brings along; its cost is taken off. Raises OverTheLimit."""
        cost = plan.nodes + 1
        rate = self.rates.spend(viewer.user_id, cost, now)
        if rate.refused:
            message = (
                f"The operation costs {cost:,} points; {rate.remaining:,} of {rate.limit:,} are left this minute. "
                f"Try again in {rate.seconds} s."
            )
            raise OverTheLimit("RATE_LIMITED", message, rate.seconds, rate.headers)
        return self.operations.facts(viewer, now, {**self._offers, "rate_limit": rate})

    @cached_property
    def _offers(self) -> Mapping[str, Any]:
        return {
            "sign_file": self.files.sign,
            "workshop": self.workshop,
            "storage": self.storage,
            "imports": self.imports,
        }

    async def answer(
        self,
        asked: GraphQLRequest,
        operation: Asked,
        plan: Plan,
        facts: Facts,
        headers: Mapping[str, str],
        retry: Retry | None,
        standing: Standing | None = None,
    ) -> Answer:
        """The answer to a query or mutation, logged.

        Raises RequestErrors; RightsChanged where `standing` fails; DeadlineExceeded for a query.
        """
        if operation.reads_only:
            reading = self._read(asked, operation, plan, facts, standing)
            return await in_time(reading, self.settings.operation_seconds)
        again = self._again(headers, facts.viewer)
        answer = await change(self.operations, operation, plan, facts, retry, again, asked.variables)
        await self.log(answer, facts)
        return answer

    async def _read(
        self, asked: GraphQLRequest, operation: Asked, plan: Plan, facts: Facts, standing: Standing | None
    ) -> Answer:
        answer = await self.operations.answer(operation, plan, facts, asked.variables, standing)
        await self.log(answer, facts)
        return answer

    def _again(self, headers: Mapping[str, str], viewer: Viewer) -> Callable[[], Awaitable[Viewer]]:
        """The viewer anew, once a change is made; without a context where the change took it away."""

        async def again() -> Viewer:
            try:
                return await self.viewer(headers)
            except OrganisationRefused:
                return Viewer(viewer.user_id, None, ())

        return again

    async def log(self, answer: Answer, facts: Facts) -> None:
        """Have the access log say what the answer discloses. Returns when that is on disk."""
        viewer = facts.viewer
        if not answer.subjects:
            return
        await self.access_log.append(
            AccessRecord(
                occurred_at=facts.now,
                user_id=viewer.user_id,
                organisation_id=viewer.acting.organisation_id if viewer.acting else None,
                roles=names_of(viewer.roles),
                operation_name=answer.asked.name,
                operation_hash=answer.asked.document.hash,
                disclosed=answer.plan.disclosed,
                redacted=answer.plan.redacted,
                students=tuple(answer.subjects),
            )
        )
        RECENT.forget()


@lru_cache(maxsize=256)
def names_of(roles: frozenset[Role]) -> tuple[str, ...]:
    """The roles' names, in their order."""
    return tuple(role.value for role in Role if role in roles)


def retry_of(key: Any, asked: GraphQLRequest) -> Retry | None:
    """The client's idempotency key with the hash of what it asks. Raises Unreadable for what is no key."""
    if key is None:
        return None
    if not isinstance(key, str) or not 0 < len(key) <= 255 or not (key.isascii() and key.isprintable()):
        raise Unreadable(400, "Idempotency-Key is 1 to 255 printable ASCII characters; a random UUID does.")
    return Retry(key, asked.digest())
