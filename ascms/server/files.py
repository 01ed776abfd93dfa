"""Addresses of files, and fetching them: for one person, acting for one organisation, during a few minutes.

An address is signed, so that it cannot be made up or turned into another file's. It is opened by a browser, which
sends no token with it; where one is sent, it must be the same person's. It promises nothing: when it is fetched, the
person's roles, the rows they reach and what they see are asked anew. Whatever is not to be had is answered alike, so
that an address tells nothing of its file.
"""

import hmac
import logging
import unicodedata
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from ascms.audit import AccessLog, AccessRecord
from ascms.faults import RECENT, RETRY_AFTER, fault_of
from ascms.identity import Authenticator, IdentityUnavailable, OrganisationRefused, Unauthenticated, Viewer
from ascms.models import File, Role
from ascms.permissions.policy import Me, Policy, Visibility, subject_of
from ascms.planning.facts import Facts
from ascms.planning.plan import parameters_of
from ascms.settings import Settings
from ascms.storage import MOST_BYTES, NotStored, Storage, download_name

from .requests import GraphQLRequest

LOGGER: Final = logging.getLogger("ascms.server")
GOOD_FOR: Final = timedelta(minutes=5)
CLOCKS_DIFFER: Final = timedelta(seconds=30)
"""By how much the clocks of several hosts may."""
DISCLOSED: Final = "File.downloadUrl"
"""What fetching a file discloses, for the access log."""
OPERATION: Final = "fetchFile"
"""What it is called there."""
OPERATION_HASH: Final = sha256(b"GET /files/{address}").hexdigest()


@dataclass(frozen=True, slots=True)
class Claims:
    """What an address says: the file's key, and whom it was given to, acting for whom in which roles."""

    file_id: int
    user_id: int
    organisation_id: int
    roles: frozenset[Role]
    expires: int


class FileAddresses:
    """Signs addresses of files and reads them, with the installation's secret key."""

    def __init__(self, secret: bytes) -> None:
        self._key = sha256(b"ascms file address" + secret).digest()

    def sign(self, file_id: int, facts: Facts) -> str:
        """The address of a file for the viewer, as a path on this server."""
        viewer = facts.viewer
        acting = viewer.acting.organisation_id if viewer.acting else 0
        roles = sum(1 << position for position, role in enumerate(Role) if role in viewer.roles)
        expires = int((facts.now + GOOD_FOR).timestamp())
        claims = f"{file_id}.{viewer.user_id}.{acting}.{roles}.{expires}"
        return f"/files/{claims}.{self._signature(claims)}"

    def read(self, address: str, now: datetime) -> Claims | None:
        """What the address says; None for one that was not given out here, or is no longer good."""
        claims, _, signature = address.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(claims).encode()):
            return None
        file_id, user_id, acting, held, expires = (int(claim) for claim in claims.split("."))
        # One that is good for longer than any is was given out by a clock that was ahead, and would be for as long.
        if not now <= datetime.fromtimestamp(expires, UTC) <= now + GOOD_FOR + CLOCKS_DIFFER:
            return None
        roles = frozenset(role for position, role in enumerate(Role) if held >> position & 1)
        return Claims(file_id, user_id, acting, roles, expires)

    def _signature(self, claims: str) -> str:
        return urlsafe_b64encode(hmac.digest(self._key, claims.encode(), "sha256")).decode().rstrip("=")


IMPORTS: Final = ("importEnrolments", "importCases")
"""The mutations that take larger files than others."""


def largest_file(policy: Policy, settings: Settings, viewer: Viewer) -> Callable[[GraphQLRequest], int]:
    """How many bytes a file may have that comes with a request of the viewer's: more where they import."""
    fields = policy.rules["Mutation"].fields
    theirs = [name for name in IMPORTS if name in fields and viewer.roles & set(policy.visible_to("Mutation", name))]

    def largest(asked: GraphQLRequest) -> int:
        return settings.maximum_import if any(name in asked.query for name in theirs) else MOST_BYTES

    return largest


class Downloads:
    """The route behind the addresses."""

    def __init__(
        self,
        addresses: FileAddresses,
        authenticator: Authenticator,
        engine: AsyncEngine,
        policy: Policy,
        storage: Storage,
        access_log: AccessLog,
    ) -> None:
        self._addresses = addresses
        self._authenticator = authenticator
        self._engine = engine
        self._policy = policy
        self._storage = storage
        self._access_log = access_log

    async def serve(self, request: Request) -> Response:
        """The file of an address, logged before its first byte leaves; 404 whatever the reason that it is not."""
        try:
            return await self._serve(request)
        except Exception as error:
            fault = fault_of(error)
            if fault is None:
                raise
            RECENT.note(fault)
            LOGGER.error("a file was not served: %s (%s)", fault, type(error).__name__)
            headers = _HEADERS | {"Retry-After": str(RETRY_AFTER)}
            return PlainTextResponse("The file cannot be had just now; try again shortly.\n", 503, headers=headers)

    async def _serve(self, request: Request) -> Response:
        now = datetime.now(UTC)
        claims = self._addresses.read(request.path_params["address"], now)
        try:
            viewer = await self._viewer(claims, request) if claims is not None else None
        except IdentityUnavailable as error:
            return PlainTextResponse(f"{error.message}\n", 503, headers=_HEADERS | {"Retry-After": "5"})
        file = await self._file(claims.file_id, viewer) if claims is not None and viewer is not None else None
        if file is None or viewer is None:
            return _nothing()
        try:
            content = await self._storage.open(file["storage_key"])
        except NotStored:
            return _nothing()
        await self._log(viewer, file["student_id"], now)
        return _download(file, content)

    async def _viewer(self, claims: Claims, request: Request) -> Viewer | None:
        """Whom the address was given to, as they stand now; None where a token says that somebody else fetches."""
        if "authorization" in request.headers:
            try:
                asking = await self._authenticator.authenticate(request.headers)
            except (Unauthenticated, OrganisationRefused):
                return None
            if asking.user_id != claims.user_id:
                return None
        return await self._authenticator.viewer_of(claims.user_id, claims.organisation_id, claims.roles)

    async def _file(self, file_id: int, viewer: Viewer) -> RowMapping | None:
        """The file as the policy lets the viewer fetch it now; None for any other. Not one entered in error."""
        me = Me(self._policy, viewer.roles)
        visible = me.sees("File", "downloadUrl", File)
        if visible is Visibility.NEVER:
            return None
        columns = (File.name, File.media_type, File.size_bytes, File.sha256, File.storage_key)
        statement = select(*columns, subject_of(File, File).label("student_id")).where(  # type: ignore[union-attr]
            File.id == file_id, File.in_error_at.is_(None), me.row_scope("File", File)
        )
        if not isinstance(visible, Visibility):
            statement = statement.where(visible)
        async with self._engine.connect() as connection:
            return (await connection.execute(statement, dict(parameters_of(viewer)))).mappings().one_or_none()

    async def _log(self, viewer: Viewer, student_id: int | None, now: datetime) -> None:
        if student_id is None:  # of a draft that is for nobody yet
            return
        await self._access_log.append(
            AccessRecord(
                occurred_at=now,
                user_id=viewer.user_id,
                organisation_id=viewer.acting.organisation_id if viewer.acting else None,
                roles=tuple(role.value for role in Role if role in viewer.roles),
                operation_name=OPERATION,
                operation_hash=OPERATION_HASH,
                disclosed=(DISCLOSED,),
                redacted=(),
                students=(student_id,),
            )
        )


def _nothing() -> Response:
    text = "There is nothing for you at this address; ask for File.downloadUrl again.\n"
    return PlainTextResponse(text, 404, headers=_HEADERS)


_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
"""Whatever a file is, no browser takes it for a page of ours, nor keeps it."""


def _download(file: RowMapping, content: AsyncIterator[bytes]) -> Response:
    disposition = content_disposition(download_name(file["name"], file["media_type"]))
    headers = _HEADERS | {"Content-Disposition": disposition, "Content-Length": str(file["size_bytes"])}
    return StreamingResponse(_verified(content, file["sha256"]), media_type=file["media_type"], headers=headers)


async def _verified(content: AsyncIterator[bytes], digest: str) -> AsyncIterator[bytes]:
    """The content; its last piece only where all of it is what was stored, so that no one takes another for it."""
    seen, held = sha256(), b""
    async for piece in content:
        seen.update(piece)
        if held:
            yield held
        held = piece
    if seen.hexdigest() != digest:
        raise RuntimeError("a stored file is not what was put there; compare the storage with its backup")
    yield held


def content_disposition(name: str) -> str:
    """The header that has a browser save a file under the name (RFC 6266), with ASCII for old ones."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = "".join("_" if letter in '"\\%' else letter for letter in plain)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
