"""The desk: operations answered, whatever brought them. Who asks, what it may cost, the answer, its log entry.

An answer leaves only when its access log entry is on disk.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from ascms.audit import AccessLog, AccessRecord
from ascms.identity import Authenticator, IdentityUnavailable, OrganisationRefused, Unauthenticated, Viewer
from ascms.imports import Imports
from ascms.models import Role
from ascms.planning.changing import Retry, change
from ascms.planning.document import Asked, RequestErrors
from ascms.planning.facts import Facts
from ascms.planning.plan import Plan
from ascms.planning.service import Answer, Operations
from ascms.resolvers.workshop import Workshop
from ascms.settings import Settings
from ascms.storage import Incoming, Storage

from .files import FileAddresses, largest_file
from .rates import Rates
from .requests import GraphQLRequest, Receiving
from .unreadable import Unreadable

LOGGER = logging.getLogger("ascms.server")


class OverTheLimit(Exception):  # noqa: N818 (named as the answer it leads to)
    """The person asks for more than one person may, for now: HTTP 429."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


@dataclass(frozen=True)
class Problem:
    """Why something is not answered, as HTTP says it and as GraphQL does."""

    status: int
    errors: list[dict[str, Any]]
    headers: Mapping[str, str] = field(default_factory=dict)


def _problem(status: int, message: str, code: str, headers: Mapping[str, str] | None = None) -> Problem:
    return Problem(status, [{"message": message, "extensions": {"code": code}}], headers or {})


def problem_of(error: Exception) -> Problem:
    """What is said of an error. One that nobody expected is logged, and named by a reference only."""
    match error:
        case Unauthenticated():
            return _problem(401, error.message, "UNAUTHENTICATED", {"WWW-Authenticate": error.www_authenticate})
        case OrganisationRefused():
            return _problem(403, error.message, "FORBIDDEN")
        case IdentityUnavailable():
            return _problem(503, error.message, "UNAVAILABLE", {"Retry-After": "5"})
        case OverTheLimit():
            return _problem(429, error.message, "RATE_LIMITED", {"Retry-After": str(error.retry_after)})
        case Unreadable():
            return _problem(error.status, error.message, "BAD_USER_INPUT", error.headers)
        case RequestErrors():
            forbidden = all((one.extensions or {}).get("code") == "FORBIDDEN" for one in error.errors)
            return Problem(403 if forbidden else 400, [dict(one.formatted) for one in error.errors])
    reference = uuid4().hex
    LOGGER.error("request %s failed", reference, exc_info=error)
    message = f"Something went wrong on our side. Try again; if it stays so, tell the service desk {reference}."
    return _problem(500, message, "INTERNAL")


@dataclass(frozen=True)
class Desk:
    """What all transports share."""

    operations: Operations
    authenticator: Authenticator
    access_log: AccessLog
    files: FileAddresses
    rates: Rates
    workshop: Workshop
    storage: Storage
    incoming: Incoming
    imports: Imports

    @property
    def settings(self) -> Settings:
        """The installation's settings."""
        return self.operations.settings

    async def viewer(self, headers: Mapping[str, str]) -> Viewer:
        """Who asks. Raises Unauthenticated, OrganisationRefused or IdentityUnavailable."""
        return await self.authenticator.authenticate(headers)

    def receiving(self, viewer: Viewer) -> Receiving:
        """How files are taken that come with a request of the viewer's."""
        return Receiving(self.incoming, largest_file(self.operations.policy, self.settings, viewer))

    async def prepared(self, asked: GraphQLRequest, viewer: Viewer) -> tuple[Asked, Plan]:
        """The operation and its plan. Raises RequestErrors."""
        return await self.operations.prepared(asked.query, asked.operation_name, asked.variables, viewer)

    def facts(self, plan: Plan, viewer: Viewer, now: datetime) -> Facts:
        """What running the plan brings along; its cost is taken off. Raises OverTheLimit."""
        cost = plan.nodes + 1
        rate = self.rates.spend(viewer.user_id, cost, now)
        if rate is None:
            message = f"This minute's points do not suffice: the operation costs {cost}. Try again shortly."
            raise OverTheLimit(message, 60 - now.second)
        offers = {
            "sign_file": self.files.sign,
            "rate_limit": rate,
            "workshop": self.workshop,
            "storage": self.storage,
            "imports": self.imports,
        }
        return self.operations.facts(viewer, now, offers)

    async def answer(
        self,
        asked: GraphQLRequest,
        operation: Asked,
        plan: Plan,
        facts: Facts,
        headers: Mapping[str, str],
        retry: Retry | None,
    ) -> Answer:
        """The answer to a query or mutation, logged. Raises RequestErrors."""
        if operation.reads_only:
            answer = await self.operations.answer(
                operation, plan, facts.viewer, facts.now, facts.offers, asked.variables
            )
        else:
            again = self._again(headers, facts.viewer)
            answer = await change(self.operations, operation, plan, facts, retry, again, asked.variables)
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
                roles=tuple(role.value for role in Role if role in viewer.roles),
                operation_name=answer.asked.name,
                operation_hash=answer.asked.document.hash,
                disclosed=answer.plan.disclosed,
                redacted=answer.plan.redacted,
                students=tuple(answer.subjects),
            )
        )


def retry_of(key: Any, asked: GraphQLRequest) -> Retry | None:
    """The client's idempotency key with the hash of what it asks. Raises Unreadable for what is no key."""
    if key is None:
        return None
    if not isinstance(key, str) or not 0 < len(key) <= 255 or not (key.isascii() and key.isprintable()):
        raise Unreadable(400, "Idempotency-Key is 1 to 255 printable ASCII characters; a random UUID does.")
    return Retry(key, asked.digest())
