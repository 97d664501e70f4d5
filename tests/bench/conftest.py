"""What the bench's own tests share."""

import shutil
from pathlib import Path

import pytest

from tests.bench.field import Field
from units import MIB


@pytest.fixture
def field(tmp_path: Path) -> Field:
    if shutil.which("cc") is None:
        pytest.skip("cc is not installed")
    return Field(tmp_path, MIB, 2, 1)
