"""A real browser: Debian's Chromium, driven by Playwright, which `.ci/run` installs."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import ROOT

AXE = ROOT / ".node" / "node_modules" / "axe-core" / "axe.min.js"

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install 'adrun[browser]'")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Start Chromium once."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("needs Chromium: apt install chromium")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Opened:
    """A page that is open, and what it said and asked for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: self.asked.append(request.url))

    def settle(self) -> None:
        """Wait until the page has drawn all that it draws."""
        self.page.locator("#epoch[data-settled]").wait_for(state="attached")

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """Return the value of an expression in the page."""
        return self.page.evaluate(script, argument)

    def violations(self) -> list[tuple[str, list[str]]]:
        """Return what axe finds in a page that was opened with bypass_csp: rules, and the elements that break them."""
        assert AXE.exists(), "needs axe-core: npm install --prefix .node axe-core"
        self.page.add_script_tag(content=AXE.read_text("utf-8"))
        found = self.evaluate("axe.run().then(result => result.violations)")
        return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    """Return a function that opens a file; afterwards, nothing must have been said or asked for."""
    contexts = []

    def open_file(path: Path, width: int = 1200, scheme: str = "light", **options: Any) -> Opened:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
        contexts.append(context)
        page = Opened(context.new_page())
        page.page.goto(path.resolve().as_uri())
        page.settle()
        return page

    yield open_file
    for context in contexts:
        context.close()
