"""Peak memory of every mode with a small and a large file: no mode's memory grows with the file, read-whole aside.

Its rule: the measure is the peak resident set of a fresh server after one download (VmHWM, proc_pid_status(5)). It
counts pages of the file too while they are mapped, which belong to the page cache; but windows are 16 MiB at most, the
same for both files. So it is the stricter measure, and of anonymous memory alone the kernel keeps no peak.
"""

from load.users.connection import DownloadConnection
from profiles.metrics.process import ProcessReader
from servers import discovery, payload
from tests.bench.contests import Outcome, Verdict, new_table
from tests.bench.field import Field
from tests.servers.probe import why_missing
from units import MIB, format_size

SMALL_BYTES = 16 * MIB
GROWTH_BOUND_BYTES = 4 * MIB
GROWS = "read-whole"  # it reads the whole file into memory: that is what it is there to show


def outcome(field: Field) -> Outcome:
    """Measure every mode that this machine has."""
    large_bytes = max(field.large_bytes, 2 * SMALL_BYTES)
    sizes = [format_size(size_bytes) for size_bytes in (SMALL_BYTES, large_bytes)]
    title = "Peak resident memory of a fresh server after one download, mapped pages of the file included"
    table = new_table(title, "", *sizes, "growth", "bound", "")
    result = Outcome([table])
    for name in discovery.names():
        reason = why_missing(name)
        if reason is not None:
            result.sentences.append(f"skipped: {name} is missing here: {reason}")
            continue
        small, large = (_peak_bytes(field, name, size_bytes) for size_bytes in (SMALL_BYTES, large_bytes))
        verdict = _verdict(name, large - small)
        if verdict != "not judged":
            result.verdicts[f"memory of {name}"] = verdict
        bound = "–" if name == GROWS else f"≤ {format_size(GROWTH_BOUND_BYTES)}"
        table.add_row(name, *(f"{peak / MIB:.1f} MiB" for peak in (small, large, large - small)), bound, verdict)
    return result


def _verdict(name: str, growth_bytes: float) -> Verdict:
    if name == GROWS:
        return "not judged"
    return "within" if growth_bytes <= GROWTH_BOUND_BYTES else "above"


def _peak_bytes(field: Field, name: str, size_bytes: int) -> float:
    """The peak of a fresh server after one download over one connection."""
    field.make_file(size_bytes)
    with field.ours(name, ()) as server:
        tls = discovery.import_mode(name)[0].tls is not None
        connection = DownloadConnection(("127.0.0.1", server.port), "discard", lambda _: None, size_bytes, tls=tls)
        connection.download(f"/{size_bytes}/{payload.NAME}")
        peak_bytes = ProcessReader(server.pids[0]).read()["peak_rss_bytes"]
        connection.close()
    assert peak_bytes is not None
    return peak_bytes
