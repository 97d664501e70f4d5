"""What each mode costs, in absolute numbers: two charts and a table."""

from collections.abc import Iterable

from markupsafe import Markup

from reports.analysis.latency import ENOUGH, Latencies, latencies
from reports.analysis.rounds import PRIMARY, Spread
from reports.analysis.text import UNKNOWN, extent, median, number, plural, quantity
from reports.charts.comparison import cost, cost_edge, throughput
from reports.charts.figure import HALF_WIDTH_PX, figure
from reports.run_data import RunData
from reports.templating import fragment

TITLE = "What each mode costs"
ORDER = 101
HINT = "absolute numbers of every mode, with their range over the rounds"
PER_WORKLOAD = True


Row = tuple[str, str, str, str, list[tuple[str, str]]]  # CSS class, label, unit, note; per mode its value and range

# CSS class, label, unit, metric, whether to divide it by the GiB received.
_METRICS: tuple[tuple[str, str, str, str, bool], ...] = (
    ("main", "Server CPU", "s/GiB", PRIMARY, False),
    ("sub", "user, in its own code", "s/GiB", "server_user_s", True),
    ("sub", "system, in the kernel", "s/GiB", "server_system_s", True),
    ("", "Throughput", "GiB/s", "gib_per_s", False),
    ("", "Client CPU", "s/GiB", "client_cpu_s_per_gib", False),
    ("", "Whole machine's CPU", "s/GiB", "machine_cpu_s_per_gib", False),
    ("", "Context switches, voluntary", "per GiB", "voluntary_switches", True),
    ("", "Context switches, involuntary", "per GiB", "involuntary_switches", True),
    ("", "Page faults, minor", "per GiB", "minor_faults", True),
    ("", "Page faults, major", "per GiB", "major_faults", True),
    ("", "Read from disk", "per GiB", "disk_read_bytes", True),
    ("", "Peak memory", "", "peak_rss_bytes", False),
)
SHOWN = frozenset(name for _, _, _, name, _ in _METRICS) | {"latency_p50_us", "latency_p99_us"}


def render(run: RunData) -> Markup:
    rows = [_row(run, *metric) for metric in _METRICS] + [*_totals(run), *_latency(run)]
    return fragment(
        "absolutes.html",
        modes=run.dataset.modes,
        void=run.void,
        rows=rows,
        rounds=len(run.dataset.rounds),
        cost=figure(run.on_page("cost"), cost(run.dataset), _cost_caption(run), HALF_WIDTH_PX),
        throughput=figure(run.on_page("throughput"), throughput(run.dataset), _THROUGHPUT_CAPTION, HALF_WIDTH_PX),
    )


_THROUGHPUT_CAPTION = "Dot: one round. Tick: the median. Read together with CPU cost."


def _cost_caption(run: RunData) -> str:
    _, beyond = cost_edge(run.dataset)
    caption = "Bar: medians of user and system time. Dot: total of one round."
    if beyond:
        caption += f" {plural(len(beyond), 'dot')} beyond the right edge, up to {number(beyond[-1])} s/GiB."
    return caption


def _row(run: RunData, kind: str, label: str, unit: str, metric: str, per_gib: bool) -> Row:
    spreads = [run.dataset.spread(mode, metric, per_gib=per_gib) for mode in run.dataset.modes]
    return kind, label, unit, "", spread_cells(spreads, "bytes" if metric.endswith("_bytes") else "")


def spread_cells(spreads: Iterable[Spread | None], unit: str) -> list[tuple[str, str]]:
    """Per mode the median, and the range below it."""
    return [(median(spread, unit), extent(spread, unit)) for spread in spreads]


def _totals(run: RunData) -> list[Row]:
    cells = [run.dataset.cells_of(mode) for mode in run.dataset.modes]
    downloads = [(f"{sum(cell.downloads for cell in found):,}", "") for found in cells]
    received = [(quantity(sum(cell.received_bytes for cell in found), "bytes"), "") for found in cells]
    unit = "in all rounds"
    return [("", "Downloads completed", unit, "", downloads), ("", "Received", unit, "", received)]


def _latency(run: RunData) -> list[Row]:
    found = [latencies(run.dataset, mode) for mode in run.dataset.modes]
    return [
        ("", f"Download latency, p{share:.0f}", "ms", "", [_percentile(each, share) for each in found])
        for share in (50.0, 99.0)
    ]


def _percentile(found: Latencies | None, share: float) -> tuple[str, str]:
    if found is None:
        return UNKNOWN, ""
    if not found.percentiles_us:
        return f"n < {ENOUGH:,}", plural(found.count, "download")
    return number(found.percentiles_us[share] / 1000), ""
