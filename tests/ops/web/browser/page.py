"""The status page in a headless Chromium: what a person does with it, and what they see.

Tests take all that they need of selenium from here, since modules that import this one are skipped,
with the reason, where selenium is not installed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable
from typing import Any

import attrs
import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions import interaction
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

__all__ = ["By", "Keys", "Page", "start_chromium"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
PATIENCE_SECS = 10.0  # until something is on the page; a busy machine needs some of it
GLANCE_SECS = 0.03
ARGUMENTS = (
    "--headless=new",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-component-update",
    "--renderer-process-limit=1",  # each stub is a site of its own, and a process takes a second
    "--disable-site-isolation-trials",
    "--disable-features=SpareRendererForSitePerProcess,BackForwardCache",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing but the stub is there
)


def start_chromium() -> webdriver.Chrome:
    """A new Chromium of its own profile; skips the test where none is installed."""
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("no chromium with a chromedriver (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ARGUMENTS:
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium's sandbox refuses root
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(DRIVER))


@attrs.define
class Page:
    """The page at an address; `allowed_errors` are console errors that a test provokes."""

    driver: webdriver.Chrome
    url: str
    allowed_errors: str = "a^"

    def open(self, fragment: str = "") -> None:
        """Load the page anew."""
        self.driver.get("about:blank")
        self.driver.get(self.url + fragment)

    def size(self, width: int, height: int = 900) -> None:
        """Make the window so large; narrow ones are phones."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.command("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, **features: str) -> None:
        """What the reader's system prefers: color_scheme="dark", reduced_motion="reduce"."""
        wishes = [
            {"name": f"prefers-{name.replace('_', '-')}", "value": value}
            for name, value in features.items()
        ]
        self.command("Emulation.setEmulatedMedia", {"features": wishes})

    def command(self, name: str, arguments: dict[str, Any]) -> object:
        """Say something to Chromium itself."""
        return self.driver.execute_cdp_cmd(name, arguments)

    def run(self, script: str, *arguments: object) -> Any:  # noqa: ANN401 - any value of JSON
        """The value of a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> WebElement:
        """The first element, once it is there."""
        self.until(lambda: self.driver.find_elements(By.CSS_SELECTOR, selector), selector)
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str = "body") -> str:
        """What a person reads there, each kind of space as a plain one."""
        while True:
            # The page may replace an element between finding and reading it.
            with contextlib.suppress(StaleElementReferenceException):
                return re.sub(r"\s+", " ", self.find(selector).text)

    def reads(self, words: str, selector: str = "body") -> None:
        """Wait until these words can be read there."""
        self.until(lambda: words in self.text(selector), f"{words!r} in {selector}")

    def until(self, holds: Callable[[], Any], what: str) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + PATIENCE_SECS
        while not holds():
            if time.monotonic() > deadline:
                shown = self.driver.find_element(By.TAG_NAME, "body").text
                raise AssertionError(f"not seen: {what}; the page reads: {shown}")
            time.sleep(GLANCE_SECS)

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def point(self, element: WebElement, right: int = 0) -> None:
        """Move the mouse to the middle of an element, or so many pixels to the right of it."""
        ActionChains(self.driver).move_to_element_with_offset(element, right, 0).perform()

    def tap(self, element: WebElement) -> None:
        """Touch the middle of an element shortly, with a finger."""
        finger = PointerInput(interaction.POINTER_TOUCH, "finger")  # type: ignore[no-untyped-call]
        actions = ActionBuilder(self.driver, mouse=finger)
        actions.pointer_action.move_to(element).pointer_down().pointer_up()  # type: ignore[no-untyped-call]
        actions.perform()

    def focused(self) -> str:
        """The text or the name of what has the focus."""
        element = self.driver.switch_to.active_element
        return element.text or str(element.get_attribute("id"))

    def errors(self) -> list[str]:
        """What the console complains of, without what is allowed."""
        said = [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]
        return [each for each in said if not re.search(self.allowed_errors, each)]
