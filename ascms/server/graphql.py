"""The endpoint: reads the request, knows the viewer, has the operation answered, has the access logged, answers.

Nothing is read of a request before its token is verified. An answer leaves only when its access log entry is on
disk.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response

from ascms.audit import AccessLog, AccessRecord
from ascms.identity import Authenticator, IdentityUnavailable, OrganisationRefused, Unauthenticated, Viewer
from ascms.models import Role
from ascms.planning.changing import Retry, change
from ascms.planning.document import RequestErrors
from ascms.planning.service import Answer, Operations
from ascms.resolvers.workshop import Workshop

from .files import FileAddresses
from .pages import ide_page
from .rates import Rates
from .requests import GRAPHQL, JSON, GraphQLRequest, Unreadable, answer_type, prefers_page, read_request

LOGGER = logging.getLogger("ascms.server")
NEVER_CACHED = {"Cache-Control": "no-store", "Vary": "Accept, Authorization, X-ASCMS-Organisation"}


class Endpoint:
    """`/graphql`: POST for operations, GET for queries and, in a browser, the IDE."""

    def __init__(
        self,
        operations: Operations,
        authenticator: Authenticator,
        access_log: AccessLog,
        files: FileAddresses,
        rates: Rates,
        workshop: Workshop,
    ) -> None:
        self._operations = operations
        self._authenticator = authenticator
        self._access_log = access_log
        self._files = files
        self._rates = rates
        self._workshop = workshop
        self._maximum_body = operations.settings.maximum_body

    async def handle(self, request: Request) -> Response:
        """Answer an HTTP request."""
        if request.method == "GET" and prefers_page(request):
            return await ide_page(request)
        media = answer_type(request)
        try:
            viewer = await self._authenticator.authenticate(request.headers)
            if media is None:
                raise Unreadable(406, f"Accept allows neither {GRAPHQL} nor {JSON}, which are what is answered.")
            asked = await read_request(request, self._maximum_body)
            return await self._answer(request, asked, viewer, media)
        except Unauthenticated as error:
            return problem(401, error.message, "UNAUTHENTICATED", media, {"WWW-Authenticate": error.www_authenticate})
        except OrganisationRefused as error:
            return problem(403, error.message, "FORBIDDEN", media)
        except IdentityUnavailable as error:
            return problem(503, error.message, "UNAVAILABLE", media, {"Retry-After": "5"})
        except Unreadable as error:
            return problem(error.status, error.message, "BAD_USER_INPUT", media, error.headers)
        except Exception:
            reference = uuid4().hex
            LOGGER.exception("request %s failed", reference)
            message = f"Something went wrong on our side. Try again; if it stays so, tell the service desk {reference}."
            return problem(500, message, "INTERNAL", media)

    async def _answer(self, request: Request, asked: GraphQLRequest, viewer: Viewer, media: str) -> Response:
        now = datetime.now(UTC)
        try:
            operation, plan = await self._operations.prepared(
                asked.query, asked.operation_name, asked.variables, viewer
            )
            if request.method == "GET" and not operation.reads_only:
                raise Unreadable(405, "GET is for queries only; send other operations with POST.", {"Allow": "POST"})
            rate = self._rates.spend(viewer.user_id, plan.nodes + 1, now)
            if rate is None:
                message = (
                    f"This minute's points do not suffice: the operation costs {plan.nodes + 1}. Try again shortly."
                )
                return problem(429, message, "RATE_LIMITED", media, {"Retry-After": str(60 - now.second)})
            offers = {"sign_file": self._files.sign, "rate_limit": rate, "workshop": self._workshop}
            if operation.reads_only:
                answer = await self._operations.answer(operation, plan, viewer, now, offers, asked.variables)
            else:
                facts = self._operations.facts(viewer, now, offers)
                again = self._again(request.headers, viewer)
                retry = retry_of(request.headers, asked)
                answer = await change(self._operations, operation, plan, facts, retry, again, asked.variables)
        except RequestErrors as refusal:
            return refused(refusal.errors, media)
        await self._log(answer, viewer, now)
        return respond(200, answer.body(), media)

    def _again(self, headers: Mapping[str, str], viewer: Viewer) -> Callable[[], Awaitable[Viewer]]:
        """The viewer anew, once a change is made; without a context where the change took it away."""

        async def again() -> Viewer:
            try:
                return await self._authenticator.authenticate(headers)
            except OrganisationRefused:
                return Viewer(viewer.user_id, None, ())

        return again

    async def _log(self, answer: Answer, viewer: Viewer, now: datetime) -> None:
        if not answer.subjects:
            return
        await self._access_log.append(
            AccessRecord(
                occurred_at=now,
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


def retry_of(headers: Mapping[str, str], asked: GraphQLRequest) -> Retry | None:
    """The `Idempotency-Key` of a request with the hash of what it asks. Raises Unreadable for what is no key."""
    key = headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= 255 or not (key.isascii() and key.isprintable()):
        raise Unreadable(400, "Idempotency-Key is 1 to 255 printable ASCII characters; a random UUID does.")
    return Retry(key, asked.digest())


def respond(status: int, body: Any, media: str | None, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response in the negotiated media type."""
    return Response(
        orjson.dumps(body),
        status,
        media_type=f"{media or JSON}; charset=utf-8",
        headers={**NEVER_CACHED, **(headers or {})},
    )


def problem(
    status: int, message: str, code: str, media: str | None, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer without data: one error, and nothing that was looked up."""
    return respond(status, {"errors": [{"message": message, "extensions": {"code": code}}]}, media, headers)


def refused(errors: Sequence[GraphQLError], media: str) -> Response:
    """A GraphQL request that is not executed: 200 in plain JSON, as the specification has it, else 403 or 400."""
    forbidden = all((error.extensions or {}).get("code") == "FORBIDDEN" for error in errors)
    status = 200 if media == JSON else 403 if forbidden else 400
    return respond(status, {"errors": [error.formatted for error in errors]}, media)
