"""A real browser for the pages: Debian's Chromium, driven by its chromedriver through Selenium.

Its rule: nothing is downloaded, neither a driver nor a page. Without Chromium, missing() says what to install.
"""

import base64
import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
CHROMEDRIVER = shutil.which("chromedriver")
PATIENCE_S = 30.0
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --force-color-profile=srgb"
)


def missing() -> str | None:
    """Why pages cannot be tested here; None if they can."""
    lacking = [name for name, path in (("chromium", CHROMIUM), ("chromium-driver", CHROMEDRIVER)) if path is None]
    return f"no browser to test pages in: install {' and '.join(lacking)}" if lacking else None


needed = pytest.mark.skipif(missing() is not None, reason=missing() or "")


@dataclass(frozen=True, slots=True)
class Browser:
    """One headless Chromium. Sizes in CSS pixels."""

    driver: webdriver.Chrome

    def show(self, url: str, width: int = 1280, height: int = 900, *, dark: bool = False) -> None:
        """Load a page at this size; below 600 it says that it is a phone."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        calm = {"name": "prefers-reduced-motion", "value": "reduce"}  # a click must not miss what is still scrolling
        self.command("Emulation.setDeviceMetricsOverride", size)
        self.command("Emulation.setEmulatedMedia", {"features": [scheme, calm]})
        self.command("Emulation.setScrollbarsHidden", {"hidden": True})  # they would move what is beside
        self.driver.get(url)

    def command(self, name: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a command of the Chrome DevTools protocol."""
        return cast(dict[str, Any], self.driver.execute_cdp_cmd(name, arguments or {}))

    def run(self, script: str, *arguments: object) -> Any:
        """What a line of JavaScript returns."""
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def wait_for(self, script: str, *arguments: object) -> Any:
        """Until an expression of JavaScript is true; its value."""
        return WebDriverWait(self.driver, PATIENCE_S, 0.05).until(lambda _: self.run(f"return {script}", *arguments))

    def complaints(self) -> list[str]:
        """What the console held since the last time: errors, warnings, and whatever a script said."""
        entries = self.driver.execute("getLog", {"type": "browser"})["value"]
        return [f"{entry['level']}: {entry['message']}" for entry in entries]

    def picture(self, width: int, height: int, top: int = 0) -> bytes:
        """A part of the page as it looks, as PNG."""
        clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
        taken = self.command("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
        return base64.b64decode(taken["data"])

    def paper(self) -> bytes:
        """The page as it is printed, as PDF."""
        return base64.b64decode(self.command("Page.printToPDF", {"printBackground": True})["data"])


@contextlib.contextmanager
def browser(*, scripts: bool = True) -> Iterator[Browser]:
    """A fresh browser. scripts: whether pages may run theirs. Raises RuntimeError where one is missing()."""
    if reason := missing():
        raise RuntimeError(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in _FLAGS.split():
        options.add_argument(flag)
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(CHROMEDRIVER))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
