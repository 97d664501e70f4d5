"""In a real browser every chart becomes interactive, on a page that may load nothing."""

import shutil
import subprocess
from pathlib import Path

import pytest

from reports import page
from tests.reports import synthetic

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: the page's JavaScript is not tried")
def test_every_chart_comes_alive(tmp_path: Path) -> None:
    assert CHROMIUM is not None
    _, path = page.report(synthetic.write(tmp_path, synthetic.run(rounds=6)), tmp_path / "reports")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    flags += ["--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'browser'}"]
    command = [CHROMIUM, *flags, "--virtual-time-budget=10000", "--dump-dom", path.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=50, check=True).stdout
    assert dom.count('<figure class="chart') == dom.count('<figure class="chart ready"') == 5
