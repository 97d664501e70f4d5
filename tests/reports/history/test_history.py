"""The list of all runs: the folders are the truth, and no folder brings the list down."""

from pathlib import Path

import pytest
from rich.console import Console

from reports.history import page, terminal, trend_chart
from reports.history.entries import History
from reports.history.entries import history as read_history
from tests.reports import several_runs
from tests.reports.tags import Tags
from tests.reports.test_hostile import HOSTILE


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    return tmp_path / "reports"


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    folder = tmp_path / "profiles"
    for day, name in enumerate(["monday", "tuesday"], 1):
        several_runs.write(
            folder, name, seed=day, started_at=f"2026-03-0{day}T12:00:00+00:00", dearer=1 + 0.2 * (day - 1)
        )
    return folder


def names(history: History) -> list[str]:
    return [entry.name for entry in history.entries]


def test_runs_are_listed_by_date_with_their_verdicts_and_machine(profiles: Path, reports: Path) -> None:
    history = read_history(profiles)
    assert names(history) == ["monday", "tuesday"]
    monday = history.entries[0]
    assert (monday.validity, monday.state, monday.rounds, monday.kernel) == ("valid", "done", 8, "Linux 6.18.0")
    assert monday.machine == "Example CPU @ 3.0 GHz, 2 CPUs, kvm"
    sendfile = monday.modes[1]
    assert sendfile.kind == "less" and sendfile.sentence is not None and "sendfile uses 0.33x" in sendfile.sentence
    assert sendfile.ratio and None not in sendfile.ratio and sendfile.cost and None not in sendfile.cost


def test_a_run_with_a_void_mode_is_valid_and_counts_it(profiles: Path, reports: Path) -> None:
    several_runs.write(profiles, "wednesday", failing="read-whole", started_at="2026-03-03T12:00:00+00:00")
    history = read_history(profiles)
    assert (history.entries[2].validity, history.entries[2].badge) == ("valid", "valid; 1 mode void")
    assert "✓ valid; 1 mode void" in Tags(page.write_history(history, reports).read_text()).text


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"name": "x"}', "\x00", '{"name": "\\ud800"}'], ids=lambda text: repr(text)
)
def test_a_folder_that_is_no_run_is_one_line_and_not_the_end(profiles: Path, reports: Path, content: str) -> None:
    (profiles / "broken").mkdir()
    (profiles / "broken" / "run.json").write_text(content)
    (profiles / "empty").mkdir()
    (profiles / ".hidden").mkdir()
    (profiles / "a file").write_text("")
    history = read_history(profiles)
    assert names(history) == ["monday", "tuesday", "broken", "empty"]
    assert all(entry.broken and "\n" not in entry.broken for entry in history.entries[2:])


def test_a_sweep_is_not_taken_for_a_broken_run(profiles: Path, reports: Path) -> None:
    (profiles / "sizes").mkdir()
    (profiles / "sizes" / "sweep.json").write_text("{}")
    assert names(read_history(profiles)) == ["monday", "tuesday"]


def test_hostile_names_neither_steer_the_terminal_nor_the_page(
    profiles: Path, reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    several_runs.write(profiles, "hostile", modes=("read-send", HOSTILE), host={"cpu_model": f"\x1b[2J{HOSTILE}"})
    (profiles / "\x1b[31m<img src=x onerror=alert(1)>").mkdir()
    (profiles / "\udcff").mkdir()  # bytes that are no UTF-8
    history = read_history(profiles)
    terminal.show_history(history)
    printed = capsys.readouterr().out
    assert "\x1b" not in printed and HOSTILE in printed
    tags = Tags(page.write_history(history, reports).read_text())
    assert "img" not in [tag for tag, _ in tags.elements] and HOSTILE in "".join(tags.words)


def test_the_list_fits_into_80_columns_with_names_whole_and_the_machine_once(
    profiles: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "2026-03-03_12-00-00-before-an-update-of-the-kernel"
    several_runs.write(profiles, "sendfile-of-two-kernels-2026-03", started_at="2026-03-02T13:00:00+00:00")
    several_runs.write(profiles, long, host={"kernel": "Linux 7.0"}, started_at="2026-03-02T14:00:00+00:00")
    monkeypatch.setattr(terminal, "open_console", lambda: Console(width=80, highlight=False))
    terminal.show_history(read_history(profiles))
    lines = capsys.readouterr().out.splitlines()
    table = [line for line in lines if line[:1] in "┏┃┡│└"]
    assert table and {len(line) for line in table if line} and max(map(len, table)) <= 80
    first = ["".join(line.split("│")[1].split()) for line in lines if line.startswith("│")]
    assert "sendfile-of-two-kernels-2026-03" in first and long in "".join(first)
    said = [line for line in lines if line.startswith("Runs on ")]
    assert said[0] == "Runs on Example CPU @ 3.0 GHz, 2 CPUs, kvm, Linux 6.18.0"
    assert len(said) == 2 and said[1].endswith(", Linux 7.0")
    assert sum("8 rounds" in line for line in lines) == 4 and "…" not in "".join(lines)


def test_a_trend_needs_two_runs_of_one_machine_and_one_question(profiles: Path, reports: Path) -> None:
    several_runs.write(profiles, "elsewhere", host={"cpu_model": "another", "cpus": 64})
    several_runs.write(profiles, "copying", sink="copy")
    (group,) = trend_chart.comparable_runs(read_history(profiles))
    assert [entry.name for entry in group.runs] == ["monday", "tuesday"]


def test_a_trend_shows_the_change_and_leaves_void_numbers_out(profiles: Path, reports: Path) -> None:
    several_runs.write(profiles, "wednesday", seed=3, started_at="2026-03-03T12:00:00+00:00", failing="sendfile")
    history = read_history(profiles)
    (group,) = trend_chart.comparable_runs(history)
    spec = trend_chart.ratio_trend(group)
    assert spec is not None
    rows = [row for rows in spec["datasets"].values() for row in rows]
    values = {row["run"]: row["value"] for row in rows if row.get("mode") == "sendfile"}
    assert set(values) == {"monday", "tuesday"} and 1.15 < values["tuesday"] / values["monday"] < 1.25


def test_the_page_has_the_runs_and_a_chart_for_each_number(profiles: Path, reports: Path) -> None:
    html = page.write_history(read_history(profiles), reports).read_text()
    tags = Tags(html)
    assert html.count('<figure class="chart">') == 2 and "between-run variation unknown" in tags.text
    assert tags.text.index("tuesday") < tags.text.index("monday")


def test_no_run_at_all_is_no_error(tmp_path: Path, reports: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = read_history(tmp_path / "nowhere")
    assert history.entries == ()
    terminal.show_history(history)
    assert "there is no run yet" in capsys.readouterr().out
    assert "There is no run yet" in page.write_history(history, reports).read_text()


def test_each_run_of_the_page_has_its_verdict_as_a_sign_and_a_small_forest(profiles: Path, reports: Path) -> None:
    several_runs.write(profiles, "wednesday", seed=3, started_at="2026-03-03T12:00:00+00:00", failing="sendfile")
    (reports / "monday").mkdir(parents=True)
    (reports / "monday" / "index.html").write_text("a report")
    path = page.write_history(read_history(profiles), reports)
    assert path == reports / "index.html"
    html = path.read_text()
    tags = Tags(html)
    assert [
        attributes["href"] for tag, attributes in tags.elements if tag == "a" and "#" not in attributes["href"]
    ] == ["monday/index.html"]
    assert "↓ sendfile 0.33x [" in tags.text and "✕ sendfile void" in tags.text
    others = len(several_runs.MODES) - 1
    assert html.count('<svg class="strip"') == 3 * others - 1, "a void number is not drawn"
    assert any("sendfile uses 0.33x" in attributes.get("title", "") for _, attributes in tags.elements)
