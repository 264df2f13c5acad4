"""A Chromium for all tests of the page, a stub of the recorder for each.

What needs selenium is imported only when a test runs: a conftest cannot be skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.ops.web.browser import documents
from tests.ops.web.browser.stub import Stub

if TYPE_CHECKING:
    from selenium import webdriver

    from tests.ops.web.browser.page import Page


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process runs all of them, so that one Chromium is enough."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("chromium"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[webdriver.Chrome]:
    """A browser; the tests are skipped where there is none."""
    from tests.ops.web.browser.page import start_chromium

    driver = start_chromium()
    yield driver
    driver.quit()


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A healthy recorder, which was asked for nothing but what it offers."""
    stub = Stub(documents.healthy())
    stub.come()
    yield stub
    stub.go()
    assert stub.unexpected == []


@pytest.fixture
def page(chromium: webdriver.Chrome, stub: Stub) -> Iterator[Page]:
    """The page of the stub, not yet opened; in the end its console has no complaints."""
    from tests.ops.web.browser.page import Page

    page = Page(chromium, stub.url)
    page.size(1280)
    page.prefer(color_scheme="light", reduced_motion="reduce")
    yield page
    errors = page.errors()
    chromium.get("about:blank")  # ends the stream, so that the stub can go
    assert errors == []
