"""Every mode keeps the contract: the same table of checks that `make lab-check` holds a new one to."""

from pathlib import Path

import pytest

from profiles.contract.checks import CHECKS, Check
from profiles.contract.subject import Subject
from servers import discovery
from servers.mode import SendFile


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.name)
def test_every_mode_keeps_the_contract(mode_name: str, send_file: SendFile, check: Check, tmp_path: Path) -> None:
    check.run(Subject(mode_name, discovery.import_mode(mode_name)[0], send_file, tmp_path))
