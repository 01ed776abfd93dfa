"""The pages people look at: what is here, the IDE, the permission matrix, the public catalogue of services.

No page shows anything of a case or a student: what needs a sign-in is asked of `/graphql`, by the reader's browser,
with the reader's token. Nothing here asks another host for anything. The demo hands in its people; without it, pages
name none.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TypedDict

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from ascms.casework.catalogue import services
from ascms.models import Role
from ascms.permissions.matrix import effective_matrix
from ascms.schema.export import sdl
from ascms.settings import Settings, TrustedDocuments

from .documents import DOCUMENTS
from .html import EDITOR, page

STATIC = Path(__file__).parent / "static"
CLIENT_ID = "ascms-portal"
"""The public client that the IDE signs in as, with PKCE."""
CALLBACK = "/ide/callback"
"""Where the identity provider sends the IDE back to; the client's one redirect address."""


class PersonContext(TypedDict):
    """An organisation in which a demo person holds roles (whether in effect or not)."""

    number: str
    name: str
    roles: Sequence[str]


class DemoPerson(TypedDict):
    """A demo person, as `/demo/people` lists them too."""

    email: str
    displayName: str
    organisations: Sequence[PersonContext]


People = Callable[[], Awaitable[Sequence[DemoPerson]]]
MatrixByType = list[tuple[str, list[tuple[str, list[str]]]]]


def page_routes(settings: Settings, people: People | None = None) -> list[BaseRoute]:
    """Every page but `/graphql` itself, whose endpoint calls `ide_page` for a browser. Reads `app.state.policy`.

    `people` lists the people of the demo; leave it out elsewhere.
    """

    async def home(request: Request) -> Response:
        return page(
            "home.html",
            settings=settings,
            people=await people() if people is not None else (),
            origin=str(request.base_url).rstrip("/"),
            documents=DOCUMENTS,
        )

    async def attendance_service(request: Request) -> Response:
        search = request.query_params.get("search", "").strip()
        return page("attendance_service.html", settings=settings, search=search, services=services(search))

    async def permissions(request: Request) -> Response:
        matrix = by_type(effective_matrix(request.app.state.policy))
        return page("permissions.html", types=matrix, reading=settings.office_support)

    return [
        Route("/", home),
        Route("/attendance-service", attendance_service),
        Route("/schema.graphql", _schema),
        Route("/permissions", permissions),
        Route(CALLBACK, _callback),
        Mount("/static", OwnFiles(directory=STATIC), name="static"),
    ]


async def ide_page(request: Request) -> Response:
    """`/graphql` for a browser: the IDE where it is built, else the plain page. Reads `app.state.settings`."""
    settings: Settings = request.app.state.settings
    if settings.trusted_documents_mode is TrustedDocuments.ONLY:
        return page("only_trusted.html")
    built = (STATIC / "ide" / "ide.js").is_file()
    config = {
        "demo": settings.demo,
        "graphql": "/graphql",
        "people": "/demo/people",
        "authorize": "/oauth/authorize",
        "token": "/oauth/token",  # nosec B105 (a path)
        "callback": CALLBACK,
        "clientId": CLIENT_ID,
        "documents": [document.as_json() for document in DOCUMENTS],
    }
    if built and "plain" not in request.query_params:
        return page("ide.html", policy=EDITOR, config=config)
    return page("plain.html", settings=settings, config=config, built=built)


async def _schema(request: Request) -> Response:
    settings: Settings = request.app.state.settings
    if not settings.introspection:
        return PlainTextResponse("The schema is not shown here (ASCMS_INTROSPECTION).\n", 404)
    return PlainTextResponse(_sdl(), headers={"Cache-Control": "no-cache"})


@cache  # it costs a moment to make, and never changes
def _sdl() -> str:
    return sdl()


def by_type(matrix: Mapping[tuple[str, str], Mapping[Role, str]]) -> MatrixByType:
    """The matrix for reading: types in order, in each its fields with one cell per role. A missing cell is hidden."""
    return [
        (name, [(field, [str(cells.get(role, "H")) for role in Role]) for (_, field), cells in rows])
        for name, rows in groupby(matrix.items(), key=lambda row: row[0][0])
    ]


async def _callback(request: Request) -> Response:
    return page("callback.html")


class OwnFiles(StaticFiles):
    """Our static files. A name that carries a hash of its content never changes; all others are asked for anew."""

    _hashed = re.compile(r"^ide/assets/.+-[\w-]{8}\.\w+$")

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        lasting = self._hashed.match(path) is not None
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "no-cache"
        response.headers["Content-Security-Policy"] = "default-src 'self'"
        return response
