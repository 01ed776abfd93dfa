"""The pages: what they say, to whom, and that they let nothing in from elsewhere."""

import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from graphql import build_schema as graphql_schema, parse, validate
from starlette.applications import Starlette
from starlette.routing import Route

from ascms.models import Role
from ascms.permissions.matrix import effective_matrix
from ascms.schema import build_schema
from ascms.schema.export import sdl
from ascms.server import pages
from ascms.server.documents import DOCUMENTS
from ascms.server.pages import DemoPerson, ide_page, page_routes
from ascms.settings import OfficeSupportReading, Settings

PEOPLE: list[DemoPerson] = [
    {
        "email": "lead@test-college.school.nz",
        "displayName": "Hēmi <b>Lead</b>",
        "organisations": [{"number": "1234", "name": "Test College", "roles": ["ATTENDANCE_LEAD"]}],
    },
    {
        "email": "testperson@test-college.school.nz",
        "displayName": "Testperson",
        "organisations": [
            {"number": "1234", "name": "Test College", "roles": ["ATTENDANCE_LEAD"]},
            {"number": "78912", "name": "Test College ISP", "roles": ["WORKFLOW_LEAD", "CASE_MANAGER"]},
        ],
    },
]
EVERY_PAGE = ("/", "/attendance-service", "/permissions", "/graphql", "/graphql?plain", "/ide/callback")


async def _people() -> Sequence[DemoPerson]:
    return PEOPLE


def browser(settings: Settings) -> httpx.AsyncClient:
    """A client of an application that has the pages and nothing else."""
    routes = page_routes(settings, _people if settings.demo else None)
    app = Starlette(routes=[Route("/graphql", ide_page), *routes])
    app.state.settings = settings
    app.state.policy = build_schema(settings.office_support).policy
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000")


@pytest.fixture
def demo() -> httpx.AsyncClient:
    return browser(Settings(demo=True))


@pytest.fixture
def served() -> httpx.AsyncClient:
    return browser(Settings())


class Elements(HTMLParser):
    """Every start tag of a page with its attributes, and the page's text by table row."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self._in_table = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_table = self._in_table or tag == "table"
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_table = self._in_table and tag != "table"

    def handle_data(self, data: str) -> None:
        if self._in_table and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip()


@pytest.mark.parametrize("path", EVERY_PAGE)
async def test_a_page_lets_in_nothing_inline_and_nothing_from_elsewhere(demo: httpx.AsyncClient, path: str) -> None:
    response = await demo.get(path)
    policy = dict(part.strip().split(" ", 1) for part in response.headers["content-security-policy"].split(";"))
    assert response.status_code == 200
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", EVERY_PAGE)
async def test_a_page_needs_only_files_that_are_here(demo: httpx.AsyncClient, path: str) -> None:
    page = Elements((await demo.get(path)).text)
    attributes = [(tag, values) for tag, values in page.tags if tag in {"script", "link", "img"}]
    files = [str(values.get("src") or values.get("href")) for _, values in attributes if values.get("id") != "config"]
    assert ("html", {"lang": "en-NZ"}) in page.tags
    assert files
    for file in files:
        assert file.startswith("/static/")
        assert (await demo.get(file)).status_code == 200
    for _, values in page.tags:
        assert not [name for name in values if name == "style" or name.startswith("on")]


async def test_only_the_ide_may_style_inline(
    demo: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ide").mkdir()
    (tmp_path / "ide" / "ide.js").touch()
    monkeypatch.setattr(pages, "STATIC", tmp_path)
    policies = {path: (await demo.get(path)).headers["content-security-policy"] for path in EVERY_PAGE}
    assert [path for path, policy in policies.items() if "unsafe" in policy] == ["/graphql"]


async def test_without_a_built_ide_the_plain_page_serves(
    demo: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "STATIC", tmp_path)
    page = (await demo.get("/graphql")).text
    assert "/static/plain.js" in page
    assert "make ide" in page


async def test_the_home_page_says_how_to_be_each_person_of_the_demo(demo: httpx.AsyncClient) -> None:
    html = (await demo.get("/")).text
    rows = Elements(html).rows
    assert rows[1] == [
        "Hēmi <b>Lead</b>lead@test-college.school.nz",
        "Test College(1234)",
        "Attendance Lead",
        ".venv/bin/ascms token lead@test-college.school.nz",
    ]
    assert rows[3][2:] == [
        "Workflow LeadCase Manager",
        ".venv/bin/ascms token testperson@test-college.school.nz --organisation 78912",
    ]
    assert "<b>Lead</b>" not in html
    assert "http://127.0.0.1:8000/graphql" in html
    for link in ("/graphql", "/schema.graphql", "/permissions", "/attendance-service", "/healthz"):
        assert f'href="{link}"' in html


@pytest.mark.parametrize("path", EVERY_PAGE)
async def test_outside_the_demo_no_page_knows_its_people(served: httpx.AsyncClient, path: str) -> None:
    html = (await served.get(path)).text
    assert "ascms token" not in html
    assert "lead@test-college.school.nz" not in html
    assert "The demo is running" not in html


async def test_anyone_signed_out_can_search_the_services(served: httpx.AsyncClient) -> None:
    found = Elements((await served.get("/attendance-service", params={"search": "ABSÉNCE"})).text)
    nothing = (await served.get("/attendance-service", params={"search": "<script>"})).text
    assert found.rows[1][0] == "Chronic Absence request for support"
    assert "No service has “&lt;script&gt;”" in nothing
    assert Elements(nothing).rows == []


async def test_help_is_as_the_settings_say() -> None:
    settings = Settings(
        support_phone="0800 11 22", support_training=None, support_known_issues="https://example.nz/known"
    )
    html = (await browser(settings).get("/attendance-service")).text
    assert 'href="tel:08001122"' in html
    assert "Online training module" not in html
    assert "https://example.nz/known" in html


async def test_the_published_contract_can_be_read(served: httpx.AsyncClient) -> None:
    response = await served.get("/schema.graphql")
    assert response.text == sdl()
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("reading", OfficeSupportReading)
async def test_the_matrix_page_shows_what_is_enforced(reading: OfficeSupportReading) -> None:
    rows = Elements((await browser(Settings(office_support=reading)).get("/permissions")).text).rows
    shown: dict[tuple[str, str], dict[Role, str]] = {}
    type_name = ""
    for row in rows[1:]:
        if len(row) == 1:
            type_name = row[0]
        else:
            shown[type_name, row[0]] = dict(zip(Role, row[1:], strict=True))
    assert shown == effective_matrix(build_schema(reading).policy)


@pytest.mark.parametrize("path", ["/graphql", "/graphql?plain"])
async def test_the_ide_is_told_where_to_sign_in_and_what_is_prepared(demo: httpx.AsyncClient, path: str) -> None:
    found = re.search(
        r'<script type="application/json" id="config">(.*?)</script>', (await demo.get(path)).text, re.DOTALL
    )
    assert found
    config = json.loads(found[1])
    assert config["demo"] is True
    assert config["clientId"] == "ascms-portal"
    assert (await demo.get(config["callback"])).status_code == 200
    assert [document["text"] for document in config["documents"]] == [document.text() for document in DOCUMENTS]


async def test_files_named_by_their_content_are_kept_and_others_asked_for_anew(
    tmp_path: Path, demo: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ide" / "assets").mkdir(parents=True)
    (tmp_path / "ide" / "assets" / "editor.worker-DEFT_Yb2.js").touch()
    monkeypatch.setattr(pages, "STATIC", tmp_path)
    kept = await browser(Settings()).get("/static/ide/assets/editor.worker-DEFT_Yb2.js")
    anew = await demo.get("/static/style.css")
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert anew.headers["cache-control"] == "no-cache"
    assert (await demo.get("/static/style.css", headers={"if-none-match": anew.headers["etag"]})).status_code == 304
    assert (await demo.get("/static/%2e%2e/pages.py")).status_code == 404


def test_a_prepared_document_is_valid_as_it_stands() -> None:
    schema = graphql_schema(sdl())
    for document in DOCUMENTS:
        operation = parse(document.text()).definitions[0].to_dict()
        declared = {variable["variable"]["name"]["value"] for variable in operation.get("variable_definitions") or ()}
        assert validate(schema, parse(document.text())) == [], document.file
        assert declared == set(document.variables), document.file
