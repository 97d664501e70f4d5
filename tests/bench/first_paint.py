"""How soon a report is seen: from asking for the file to the largest part of its first screen, in headless Chromium.

Its rule: the page lies on the disk, as it does for its reader; each time is of a fresh load, and the first, when the
browser has seen nothing yet, is among them.
"""

import statistics
from pathlib import Path

from tests import browser
from tests.bench.contests import Verdict

LOADS, BOUND_S = 7, 1.0

_LARGEST_PAINT_MS = """
    const done = arguments[0];
    const times = (list) => done(Math.max(...list.getEntries().map((entry) => entry.startTime)));
    new PerformanceObserver(times).observe({ type: "largest-contentful-paint", buffered: true });
"""


def first_paint(page: Path) -> tuple[str, Verdict]:
    """A sentence, and the verdict: within or above, or not judged where there is no browser."""
    if reason := browser.missing():
        return f"first screen of the report: {reason}", "not judged"
    with browser.browser() as chromium:
        times_s = [_load_s(chromium, page) for _ in range(LOADS)]
    middle_s, worst_s = statistics.median(times_s), max(times_s)
    numbers = f"{middle_s:.2f} s, the slowest of {LOADS} loads {worst_s:.2f} s (bound: {BOUND_S:.0f} s)"
    return f"first screen of the report painted after {numbers}", "within" if middle_s <= BOUND_S else "above"


def _load_s(chromium: browser.Browser, page: Path) -> float:
    chromium.show(page.as_uri())
    chromium.wait_for("document.readyState === 'complete'")
    return float(chromium.driver.execute_async_script(_LARGEST_PAINT_MS)) / 1000
