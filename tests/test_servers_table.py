"""The table of docs/servers.md is a run's, and what stands around it stays."""

from dataclasses import replace
from pathlib import Path

import pytest

from errors import UserError
from reports.run_data import RunData, read_run
from tests.reports import synthetic
from tests.servers_table import BEGIN, DOCUMENT, END, rewritten

TEXT = f"# Servers\n\n{BEGIN}old\n{END}The end.\n"


def run_with(folder: Path, external: str) -> RunData:
    run = synthetic.run(("read-send", "sendfile", "splice"))
    targets = tuple(replace(one, external="command" if one.name == external else None) for one in run.targets)
    return read_run(synthetic.write(folder, replace(run, targets=targets), flame=None, sampled=False))


def test_a_server_has_its_row_with_its_cost_beside_ours(tmp_path: Path) -> None:
    run = run_with(tmp_path, "splice")
    text = rewritten(TEXT, run)
    assert text.startswith(f"# Servers\n\n{BEGIN}") and text.endswith(f"{END}The end.\n") and "old" not in text
    (row,) = (line for line in text.splitlines() if line.startswith("| `splice`"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == 6 and all("[" in cell and "x" in cell for cell in cells[4:])
    assert f"`{run.run.command}`" in text
    assert rewritten(text, run) == text


def test_without_a_server_or_a_place_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="measured no external server"):
        rewritten(TEXT, run_with(tmp_path, "nobody"))
    with pytest.raises(UserError, match="has no place for the table"):
        rewritten("# Servers\n", run_with(tmp_path / "other", "splice"))


def test_the_document_has_a_row_for_every_example() -> None:
    text = DOCUMENT.read_text()
    examples = (DOCUMENT.parent.parent / "examples" / "targets.toml").read_text().splitlines()
    names = [line.strip("[]") for line in examples if line.startswith("[")]
    assert [name for name in names if f"\n| `{name}` |" not in text] == []
