"""What each mode costs, in absolute numbers: the table, and two pictures of it."""

from dataclasses import dataclass

from markupsafe import Markup

from reports.analysis.latency import ENOUGH, latencies
from reports.analysis.rounds import PRIMARY
from reports.analysis.text import UNKNOWN, extent, median, number, plural, quantity
from reports.charts.comparison import cost, cost_edge, throughput
from reports.charts.figure import HALF_WIDTH_PX, figure
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "What each mode costs"
ORDER = 101
HINT = "every number of every mode, with its range over the rounds"
PER_WORKLOAD = True


@dataclass(frozen=True, slots=True)
class Row:
    """One number of every mode: its middle, and the smallest to the largest round under it."""

    label: str
    unit: str
    cells: tuple[tuple[str, str], ...]
    sub: bool = False


# Which metrics stand here, as what, and whether they are counted per GiB; the rest has a section of its own.
_METRICS: tuple[tuple[str, str, str, bool, bool], ...] = (
    ("Server CPU", "s/GiB", PRIMARY, False, False),
    ("user, in its own code", "s/GiB", "server_user_s", True, True),
    ("system, in the kernel", "s/GiB", "server_system_s", True, True),
    ("Throughput", "GiB/s", "gib_per_s", False, False),
    ("Client CPU", "s/GiB", "client_cpu_s_per_gib", False, False),
    ("Whole machine's CPU", "s/GiB", "machine_cpu_s_per_gib", False, False),
    ("Context switches, voluntary", "per GiB", "voluntary_switches", True, False),
    ("Context switches, involuntary", "per GiB", "involuntary_switches", True, False),
    ("Page faults, minor", "per GiB", "minor_faults", True, False),
    ("Page faults, major", "per GiB", "major_faults", True, False),
    ("Read from the disk", "per GiB", "disk_read_bytes", True, False),
    ("Peak memory", "", "peak_rss_bytes", False, False),
)
SHOWN = frozenset(name for _, _, name, _, _ in _METRICS) | {"latency_p50_us", "latency_p99_us"}


def render(run: RunData) -> Markup:
    rows = [_row(run, *metric) for metric in _METRICS] + [*_totals(run), *_latency(run)]
    return fragment(
        "absolutes.html",
        modes=run.dataset.modes,
        void=run.void,
        rows=rows,
        rounds=len(run.dataset.rounds),
        cost=figure(run.on_page("cost"), cost(run.dataset), _cost_caption(run), HALF_WIDTH_PX),
        throughput=figure(
            run.on_page("throughput"),
            throughput(run.dataset),
            "Dot: a round. Tick: the median. Never read it without the CPU.",
            HALF_WIDTH_PX,
        ),
    )


def _cost_caption(run: RunData) -> str:
    _, beyond = cost_edge(run.dataset)
    caption = "Bar: median of user and of system time. Dot: a round's total."
    if beyond:
        caption += f" {plural(len(beyond), 'dot')} beyond the right edge, up to {number(beyond[-1])} s/GiB."
    return caption


def _row(run: RunData, label: str, unit: str, metric: str, per_gib: bool, sub: bool) -> Row:
    shown_unit = "bytes" if metric.endswith("_bytes") else ""
    spreads = [run.dataset.spread(mode, metric, per_gib=per_gib) for mode in run.dataset.modes]
    return Row(label, unit, tuple((median(found, shown_unit), extent(found, shown_unit)) for found in spreads), sub)


def _totals(run: RunData) -> list[Row]:
    downloads, received = [], []
    for mode in run.dataset.modes:
        cells = run.dataset.cells_of(mode)
        downloads.append((f"{sum(cell.downloads for cell in cells):,}", ""))
        received.append((quantity(sum(cell.received_bytes for cell in cells), "bytes"), ""))
    return [
        Row("Downloads completed", "in all rounds", tuple(downloads)),
        Row("Received", "in all rounds", tuple(received)),
    ]


def _latency(run: RunData) -> list[Row]:
    found = [latencies(run.dataset, mode) for mode in run.dataset.modes]
    rows = []
    for share in (50.0, 99.0):
        cells = tuple(
            (UNKNOWN if of_mode is None else number(of_mode.percentiles_us[share] / 1000), "")
            if of_mode is None or of_mode.percentiles_us
            else (f"n < {ENOUGH:,}", f"{of_mode.count:,} downloads")
            for of_mode in found
        )
        rows.append(Row(f"Latency of a download, p{share:.0f}", "ms", cells))
    return rows
