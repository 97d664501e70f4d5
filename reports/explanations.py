"""Sentences derived from records: why a mode costs what it costs, what limited it, where it ran.

Its rule: say what the records hold, mark what is only a model, and say "not on record" for the rest.
"""

import re
from collections.abc import Iterator

from profiles.store.records import Floor, Run
from reports.analysis.bottleneck import client_full, cores, probed, server_full
from reports.analysis.paired_ratio import percent
from reports.analysis.rounds import Dataset
from reports.analysis.text import UNKNOWN, middle, number, plural, quantity
from reports.analysis.workload import rate_of, turn
from reports.flames.perf_profile import reasons
from reports.run_data import RunData

FEWEST_FAULTS = 1000  # per GiB, to be worth a sentence
STEADY = 0.95  # of the most users at once, on average: their number is not worth a word


def why(run: RunData, mode: str) -> str:
    """One line: the model's copies, then where the measured difference lies: functions, kernel or server, faults."""
    baseline = run.run.baseline
    if mode in run.void:
        return "Its numbers are void, so there is nothing to explain."
    ours, theirs = run.target(mode), run.target(baseline)
    parts = []
    if ours.copies and theirs.copies:
        parts.append(f"{ours.cpu_copies} CPU copies per byte, {baseline} {theirs.cpu_copies} (model).")
    if functions := where(run, mode):
        parts.append(f"Seen by perf: {functions}.")
    parts += _split(run.dataset, mode)
    parts += _faults(run.dataset, mode)
    return " ".join(parts) or "Nothing on record explains it."


def where(run: RunData, mode: str) -> str | None:
    """−0.21 s/GiB in _copy_to_iter, −0.095 in _copy_from_iter: the functions in which a mode differs from the baseline.

    None without a perf profile of both, where no function differs clearly, or where the numbers are void.
    """
    ours, theirs = run.perf.get(mode), run.perf.get(run.run.baseline)
    return None if ours is None or theirs is None or mode in run.void else reasons(ours, theirs)


def _split(dataset: Dataset, mode: str) -> Iterator[str]:
    ours, theirs = (
        [dataset.spread(each, f"server_{part}_s", per_gib=True) for part in ("system", "user")]
        for each in (mode, dataset.run.baseline)
    )
    parts = [a.median - b.median for a, b in zip(ours, theirs, strict=True) if a and b]
    if len(parts) == 2:
        kernel, own = (f"{number(abs(each))} CPU s/GiB {'more' if each > 0 else 'less'}" for each in parts)
        yield f"Measured: {kernel} in the kernel and {own} in the server's own code."


def _faults(dataset: Dataset, mode: str) -> Iterator[str]:
    ours, theirs = (dataset.spread(each, "minor_faults", per_gib=True) for each in (mode, dataset.run.baseline))
    if ours is None or theirs is None:
        return
    few, many = sorted((ours.median, theirs.median))
    if many >= max(FEWEST_FAULTS, 10 * few):
        baseline = f"{dataset.run.baseline} {number(theirs.median)}"
        yield f"{number(ours.median)} page faults per GiB, {baseline}: each enters the kernel to map memory."


def limit(dataset: Dataset, mode: str) -> str:
    """What was full while this mode ran, by the median of its rounds; and with doubled users, where tried."""
    probes = [probe for probe in dataset.probes if probe.cell.mode == mode]
    return "; ".join([_limit(dataset, mode), *(probed(each, dataset.cells_of(mode), dataset.run) for each in probes)])


def _limit(dataset: Dataset, mode: str) -> str:
    cells = dataset.cells_of(mode)
    server = middle([busy for cell in cells if (busy := cores(cell, "server")) is not None])
    client = middle([busy for cell in cells if (busy := cores(cell, "client")) is not None])
    if server is None or client is None:
        return "unknown: CPU time of server or client not on record"
    numbers = f"server {number(server)}, client {number(client)} of a core"
    if dataset.run.question == "paced":
        return f"the offered rate, {rate_of(dataset.run)} ({numbers})"
    server_is_full = server >= server_full(dataset.run)
    client_is_full = client >= client_full(dataset.run)
    if client_is_full and not server_is_full:
        return f"the client ({numbers}): throughput is a lower bound"
    full = "server and client" if client_is_full else "the server" if server_is_full else "neither server nor client"
    return f"{full} ({numbers})"


def layout(run: Run) -> str:
    """How a round is laid out over time (docs/method.md §2); the first design had windows."""
    if run.slice_s is None:
        window = f"a window of {number(run.window_s)} s after {number(run.warm_up_s)} s of warm-up"
        return f"each mode once, in {window if run.cache == 'warm' else 'one download'}"
    return f"{plural(run.sweeps, 'mirrored sweep')} over the modes, in slices of {turn(run)}"


def rounds_line(run: RunData) -> str:
    """How many rounds there are, how each is laid out, how many were left out of the result, and what ended them."""
    judged = len(run.dataset.rounds)
    left_out = len(run.dataset.all_rounds) - judged
    more = f"; {plural(left_out, 'more round')} left out, too disturbed to be judged" if left_out else ""
    ended = f" What ended the rounds: {run.run.stopped}." if run.run.stopped else ""
    return f"{plural(judged, 'round')} of fresh servers: {layout(run.run)}{more}.{ended}"


def floor_text(floor: Floor | None, run: str) -> str:
    """The machine's A/A floor, and the run that measured it."""
    if floor is None:
        return "this machine's A/A floor is unknown: `make load CALIBRATE=1` measures it"
    where = "in this run" if floor.run == run else f"in run {floor.run}, {floor.at}"
    extent = f"{floor.low:.3f}x to {floor.high:.3f}x for two equals, {where}"
    return f"this machine's A/A floor is {percent(round(floor.reach, 4))} ({extent})"


def machine_line(run: RunData) -> str:
    """The machine in one line; what is not on record is unknown."""
    host, software = run.run.host, run.run.software
    memory = host.get("memory_bytes")
    known = (
        host.get("cpu_model") or "CPU model unknown",
        plural(int(cpus), "CPU") if isinstance(cpus := host.get("cpus"), int | float) else "number of CPUs unknown",
        quantity(memory, "bytes") + " memory" if isinstance(memory, int | float) else "memory unknown",
        host.get("kernel") or "kernel unknown",
        host.get("virtualisation") or "virtualisation unknown",
        _python(software.get("python")),
    )
    return " · ".join(str(item) for item in known)


def _python(version: str | int | float | None) -> str:
    """3.11.7 becomes Python 3.11.7; CPython 3.11.7 stays."""
    name = str(version or f"Python {UNKNOWN}")
    return f"Python {name}" if name[0].isdigit() else name


def network_line(run: RunData) -> str:
    host = run.run.host
    interface = _interface(run.run)
    control = host.get("congestion_control") or _default_control(host.get("congestion_control_default"))
    hosts = [f"{role} on {where}" for role in ("servers", "load") if (where := host.get(f"{role}_on"))]
    parts = (interface, *hosts, f"congestion control {control}", users_of(run.run))
    return " · ".join((*parts, _sink(run), f"pinning: {host.get('pinning') or UNKNOWN}"))


def users_of(run: Run) -> str:
    """4 users in 2 workers; of an interactive load also: 6 users at most, 4.2 on average, as the shape Steps said"""
    users = plural(run.users, "user") + (f" in {plural(run.workers, 'worker')}" if run.workers else "")
    mean = sum(count.mean for count in run.user_counts.values())
    if not run.user_counts or (run.shape is None and mean > STEADY * run.users):
        return users
    return f"{users} at most, {mean:.1f} on average" + (f", as the shape {run.shape} said" if run.shape else "")


def _interface(run: Run) -> str:
    """What the bytes went through."""
    interface = run.host.get("interface")
    if interface in ("loopback", "lo"):
        return "loopback: no network card took part"
    held = f", held to {limit}" if (limit := held_to(run)) else ""
    return f"{interface or 'interface unknown'}, MTU {run.host.get('mtu') or UNKNOWN}{held}"


def held_to(run: Run) -> str | None:
    """The rate limit of the servers' interface, as tc-tbf(8) names it; None without one."""
    found = re.search(r"\btbf\b.*?\brate (\S+)", str(run.host.get("queueing") or ""))
    return found[1] if found else None


def _default_control(default: str | int | float | None) -> str:
    return f"{UNKNOWN} ({default} is the machine's default)" if default else UNKNOWN


def _sink(run: RunData) -> str:
    """What the client does with the bytes; what arrives encrypted must be decrypted, so it is copied."""
    encrypted = [target.name for target in run.run.targets if target.tls is not None]
    if run.run.sink == "copy" or not encrypted:
        return f"sink {run.run.sink}"
    return f"sink {run.run.sink} (copy for {', '.join(encrypted)}: the client must decrypt TLS)"
