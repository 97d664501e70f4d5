"""A run whose students' page is tested, and where that page is."""

import pytest

from profiles.agent import source_excerpts
from profiles.store.run_folder import RunFolder
from reports import page as report
from reports.students import page
from tests.conftest import PROJECT
from tests.reports import synthetic


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = synthetic.write(tmp_path_factory.mktemp("lesson"), synthetic.run(rounds=6), sampled=False)
    code = source_excerpts.read(PROJECT)
    folder.append(*(piece for piece in code if piece.mode in (None, "read-send", "sendfile")))
    return folder


@pytest.fixture(scope="module")
def url(stored: RunFolder) -> str:
    _, path = report.report(stored, stored.path.parent / "reports")
    return path.with_name(page.STUDENTS_FILE).as_uri()
