"""What a person does in a browser at `/graphql`: be one person, then another, and see how the answers differ.

Runs where Chromium and the `playwright` package are; nothing is downloaded for it.
"""

import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from ascms.server.pages import STATIC
from tests.support.server import DemoServer

playwright: Any = pytest.importorskip(
    "playwright.sync_api", reason="NOT TESTED: the package playwright is not installed"
)
PATIENCE = 120_000
"""How long something is waited for at most, in ms: on a busy machine, signing in has taken over five seconds."""
playwright.expect.set_options(timeout=PATIENCE)
Browser = Any  # the package may be missing, and then so are its types
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="NOT TESTED: there is no Chromium here")

needs_build = pytest.mark.skipif(not (STATIC / "ide" / "ide.js").is_file(), reason="NOT TESTED: `make ide` has not run")
LEAD, OFFICE, CONTACT = (f"{name}@test-college.school.nz" for name in ("lead", "office", "contact"))


class Visit:
    """A page in a browser of its own, and all that it asked of anybody or complained of."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.page.set_default_timeout(PATIENCE)
        self.asked: set[str] = set()
        self.complaints: list[str] = []
        self.page.context.on("request", lambda request: self.asked.add(request.url))
        self.page.on("websocket", lambda socket: self.asked.add(socket.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.goto(url)

    def _heard(self, kind: str, text: str) -> None:
        if kind == "error":
            self.complaints.append(text)

    def become(self, email: str, role: str) -> None:
        """Choose a person in the switch, and wait until the page says who one is."""
        self.page.get_by_label("Person").select_option(email)
        playwright.expect(self.page.get_by_role("status").filter(has_text=role).first).to_be_visible()

    def redacted(self) -> set[str]:
        """The fields that the panel lists."""
        return set(self.page.get_by_role("rowheader").all_text_contents())

    def hosts(self) -> set[str | None]:
        return {urlsplit(url).hostname for url in self.asked if urlsplit(url).scheme not in {"data", "blob"}}


@pytest.fixture(scope="module")
def demo(launch: Callable[..., DemoServer]) -> DemoServer:
    return launch("sqlite")


@pytest.fixture(scope="module")
def browser(demo: DemoServer) -> Iterator[Browser]:
    """A browser, started when the server stands: from then on its event loop runs in this thread."""
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@needs_build
def test_the_ide_answers_the_same_query_to_each_as_they_may_see(browser: Browser, demo: DemoServer) -> None:
    visit = Visit(browser, f"{demo.url}/graphql")
    page = visit.page
    response = page.get_by_role("region", name="Result Window")

    visit.become(LEAD, "Attendance Lead")
    page.get_by_role("tab", name="CaseView").click()
    page.get_by_role("button", name="Execute query").click()
    playwright.expect(response).to_contain_text("2010-01-01")
    as_lead = visit.redacted()

    visit.become(OFFICE, "Office Support")
    playwright.expect(page.get_by_role("rowheader", name="Student.ethnicities")).to_be_visible()
    playwright.expect(response).not_to_contain_text("2010-01-01")
    as_office = visit.redacted()

    visit.become(CONTACT, "Primary Contact")
    playwright.expect(response).to_contain_text("2010-01-01")
    as_contact = visit.redacted()

    assert {"Student.ethnicities", "Student.dateOfBirth", "Student.caregivers"} <= as_office
    assert "Student.ethnicities" not in as_lead | as_contact
    assert "Student.caregivers" in as_contact - as_lead
    assert visit.hosts() == {"127.0.0.1"}
    assert visit.complaints == []


@needs_build
def test_the_ide_opens_a_prepared_document_in_a_tab_of_its_own(browser: Browser, demo: DemoServer) -> None:
    visit = Visit(browser, f"{demo.url}/graphql")
    visit.become(OFFICE, "Office Support")
    visit.page.get_by_label("Documents").select_option("A refused filter")
    playwright.expect(visit.page.get_by_role("tab", name="BornLater")).to_be_visible()
    visit.page.get_by_role("button", name="Execute query").click()
    playwright.expect(visit.page.get_by_role("region", name="Result Window")).to_contain_text("FORBIDDEN")


@needs_build
def test_the_ide_acts_for_the_organisation_that_was_chosen(browser: Browser, demo: DemoServer) -> None:
    visit = Visit(browser, f"{demo.url}/graphql")
    visit.become("testperson@test-college.school.nz", "Attendance Lead")
    visit.page.get_by_label("Acting for").select_option("78912")
    playwright.expect(visit.page.get_by_role("status").filter(has_text="Workflow Lead")).to_be_visible()
    assert visit.complaints == []


def test_the_plain_page_does_the_same(browser: Browser, demo: DemoServer) -> None:
    visit = Visit(browser, f"{demo.url}/graphql?plain")
    page = visit.page
    page.get_by_label("Prepared document").select_option("Case view")

    visit.become(LEAD, "Attendance Lead")
    page.get_by_role("button", name="Run").click()
    playwright.expect(page.locator("#response")).to_contain_text("2010-01-01")
    as_lead = visit.redacted()

    visit.become(OFFICE, "Office Support")
    playwright.expect(page.locator("#response")).to_be_empty()
    page.get_by_role("button", name="Run").click()
    playwright.expect(page.get_by_role("rowheader", name="Student.ethnicities")).to_be_visible()

    assert visit.redacted() > as_lead
    assert visit.hosts() == {"127.0.0.1"}
    assert visit.complaints == []


@pytest.mark.parametrize("path", ["/", "/attendance-service", "/permissions", "/graphql?plain"])
def test_a_page_fits_the_width_of_a_telephone(browser: Browser, demo: DemoServer, path: str) -> None:
    visit = Visit(browser, f"{demo.url}{path}")
    visit.page.set_viewport_size({"width": 320, "height": 640})
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 320
    assert visit.hosts() == {"127.0.0.1"}
