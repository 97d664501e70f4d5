"""axe (https://github.com/dequelabs/axe-core) looks for faults that keep people from using a page.

Its rule: nothing is downloaded by a test. `make test-all` installs the version that package-lock.json pins; without it
the tests are skipped, and missing() says why.
"""

from pathlib import Path
from typing import Any

import pytest

from tests import browser
from tests.browser import Browser

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")  # axe's words for its upper two of four
RUN = (
    "const [done] = arguments; "
    "axe.run(document, {iframes: false, resultTypes: ['violations']}).then(done, (error) => done(`${error}`));"
)


def missing() -> str | None:
    """Why pages cannot be checked here; None if they can."""
    lacking = None if AXE.exists() else "no axe to check pages with: `npm ci` in tests/axe installs it"
    return browser.missing() or lacking


needed = pytest.mark.skipif(missing() is not None, reason=missing() or "")


def faults(chromium: Browser) -> list[str]:
    """The serious ones of the page that is shown, a line for each place. Raises RuntimeError where axe fails."""
    chromium.run(AXE.read_text())
    chromium.driver.set_script_timeout(browser.PATIENCE_S * 2)
    found: Any = chromium.driver.execute_async_script(RUN)
    if not isinstance(found, dict):
        raise RuntimeError(f"axe could not check {chromium.driver.current_url}: {found}")
    return [
        f"{fault['id']}, {fault['impact']}: {' '.join(node['target'])}: {node['failureSummary']}"
        for fault in found["violations"]
        if fault["impact"] in GRAVE
        for node in fault["nodes"]
    ]
