"""Synthetic runs from a seed: real records in a real folder, with known numbers."""

import dataclasses
import random
from pathlib import Path
from typing import Any

from hdrh.histogram import HdrHistogram

from profiles.store.proof import Proof
from profiles.store.records import Cell, DeepProfile, Profile, Run, Sample
from profiles.store.run_facts import FileFacts, MetricFacts, TargetFacts
from profiles.store.run_folder import RunFolder
from servers.mode import Copy
from units import GIB, MIB

COPIES = (
    Copy("disk", "page cache", "dma"),
    Copy("page cache", "user buffer", "cpu"),
    Copy("user buffer", "socket buffer", "cpu"),
    Copy("socket buffer", "NIC", "dma"),
)
BY_REFERENCE = (Copy("disk", "page cache", "dma"), Copy("page cache", "NIC", "dma"))
SIZE_BYTES = 16 * MIB

# Server CPU s/GiB (user, system), GiB/s, voluntary switches per GiB, page faults per GiB, peak memory.
COSTS: dict[str, tuple[float, float, float, float, float, int]] = {
    "read-send": (0.03, 0.41, 2.1, 900, 40, 24 * MIB),
    "sendfile": (0.004, 0.14, 4.4, 60, 12, 23 * MIB),
    "read-whole": (0.05, 1.62, 0.55, 300, 262_144, 540 * MIB),
}

METRICS = (
    MetricFacts("server_user_s", "s", "counter", "CPU time of the server in its own code", per_gib=True),
    MetricFacts("server_system_s", "s", "counter", "CPU time of the server in the kernel", per_gib=True),
    MetricFacts("server_cpu_s_per_gib", "s/GiB", "derived", "CPU time of the server per GiB received"),
    MetricFacts("client_user_s", "s", "counter", "CPU time of the load generator in its own code", per_gib=True),
    MetricFacts("client_system_s", "s", "counter", "CPU time of the load generator in the kernel", per_gib=True),
    MetricFacts("client_cpu_s_per_gib", "s/GiB", "derived", "CPU time of the load generator per GiB received"),
    MetricFacts("machine_cpu_s_per_gib", "s/GiB", "derived", "CPU time of the whole machine per GiB received"),
    MetricFacts("gib_per_s", "GiB/s", "derived", "bytes received per second"),
    MetricFacts("voluntary_switches", "", "counter", "switches of threads that waited", per_gib=True),
    MetricFacts("involuntary_switches", "", "counter", "switches of threads that were put aside", per_gib=True),
    MetricFacts("minor_faults", "", "counter", "page faults without the disk", per_gib=True),
    MetricFacts("major_faults", "", "counter", "page faults that waited for the disk", per_gib=True),
    MetricFacts("rss_bytes", "bytes", "gauge", "resident memory"),
    MetricFacts("peak_rss_bytes", "bytes", "gauge", "largest resident memory"),
    MetricFacts("threads", "", "gauge", "threads of the server"),
    MetricFacts("stopped_s", "s", "counter", "seen stopped"),
    MetricFacts("steal_s", "s", "counter", "CPU time that the hypervisor took"),
    MetricFacts("swapped_bytes", "bytes", "derived", "swapped in and out"),
    MetricFacts("tcp_retransmits", "segments", "derived", "sent again"),
    MetricFacts("throttled_s", "s", "derived", "stopped by the CPU limit"),
    MetricFacts("sampler_cpu_s", "s", "counter", "CPU time of the sampler"),
    MetricFacts("resident_share", "share", "derived", "of the file's pages in the page cache"),
    MetricFacts("latency_p50_us", "us", "derived", "half of the downloads took at most this"),
    MetricFacts("latency_p99_us", "us", "derived", "99 % of the downloads took at most this"),
)


def target(name: str) -> TargetFacts:
    copies = BY_REFERENCE if name == "sendfile" else COPIES
    return TargetFacts(
        name, 8081, f"how {name} sends a file", copies, {"chunk": 262_144} if name == "read-send" else {}
    )


def run(modes: tuple[str, ...] = ("read-send", "sendfile"), rounds: int = 10, **changes: Any) -> Run:
    whole = Run(
        name="synthetic",
        state="done",
        started_at="2025-03-01T12:00:00+00:00",
        ended_at="2025-03-01T12:02:00+00:00",
        command=f'make load MODES="{" ".join(modes)}" ROUNDS={rounds}',
        question="saturated",
        seed=7,
        order=tuple(modes if number % 2 else modes[::-1] for number in range(1, rounds + 1)),
        baseline=modes[0],
        users=4,
        sink="discard",
        warm_up_s=0.5,
        window_s=2.0,
        sample_interval_s=0.25,
        file=FileFacts("data/test-file.bin", SIZE_BYTES, "ab" * 32, "ext4", 1.0, 1.0),
        targets=tuple(target(mode) for mode in modes),
        metrics=METRICS,
        host={
            "cpu_model": "Example CPU @ 3.0 GHz",
            "cpus": 2,
            "memory_bytes": 8 * GIB,
            "kernel": "Linux 6.18.0",
            "virtualisation": "kvm",
            "governor": None,
            "interface": "loopback",
            "congestion_control": "cubic",
        },
        software={"python": "3.11.7", "locust": "2.47.0", "git_revision": "c153f5f", "git_dirty": 0},
    )
    return dataclasses.replace(whole, **changes)


def cell(mode: str, number: int, position: int, seed: int = 1, **changes: Any) -> Cell:
    """A cell with 3 % of noise that it shares with its round, and 1 % of its own."""
    shared = random.Random(f"{seed} {number}").lognormvariate(0, 0.03)
    own = random.Random(f"{seed} {number} {mode}")
    user, system, rate, switches, faults, peak = COSTS.get(mode, COSTS["read-send"])
    wall_s = 2.0
    received = round(rate * wall_s * GIB / shared * own.lognormvariate(0, 0.02))
    gib, noise = received / GIB, shared * own.lognormvariate(0, 0.01)
    client_s, server_s = 0.16 * gib * noise, (user + system) * gib * noise
    metrics: dict[str, float | None] = {
        "server_user_s": user * gib * noise,
        "server_system_s": system * gib * noise,
        "server_cpu_s_per_gib": (user + system) * noise,
        "client_user_s": client_s * 0.2,
        "client_system_s": client_s * 0.8,
        "client_cpu_s_per_gib": 0.16 * noise,
        "machine_cpu_s_per_gib": (client_s + server_s + 0.04) / gib,
        "gib_per_s": gib / wall_s,
        "voluntary_switches": round(switches * gib * noise),
        "involuntary_switches": round(20 * gib * noise),
        "minor_faults": round(faults * gib),
        "major_faults": 0,
        "rss_bytes": peak - MIB,
        "peak_rss_bytes": peak,
        "threads": 5,
        "stopped_s": 0.0,
        "steal_s": 0.01,
        "swapped_bytes": 0.0,
        "tcp_retransmits": 0.0,
        "throttled_s": 0.0,
        "sampler_cpu_s": 0.006,
        "resident_share": 1.0,
        "latency_p50_us": None,
        "latency_p99_us": None,
    }
    downloads = received // SIZE_BYTES
    whole = Cell(
        number, position, mode, 3.0 * (3 * number + position), wall_s, received, downloads, 0, {},
        histogram(downloads, 4e6 * SIZE_BYTES / received * wall_s, own), metrics,
    )  # fmt: skip
    return dataclasses.replace(whole, **changes)


def bare_cell(mode: str, number: int, position: int, **metrics: float | None) -> Cell:
    """An undisturbed cell, with a histogram that is made only once per mode; metrics as given."""
    found = _BARE.get(mode) or _BARE.setdefault(mode, cell(mode, 1, 1))
    return dataclasses.replace(found, round=number, position=position, metrics=found.metrics | metrics)


_BARE: dict[str, Cell] = {}


def histogram(count: int, around_us: float, rng: random.Random) -> str:
    recorded = HdrHistogram(1, 3_600_000_000, 3)
    for _ in range(count):
        recorded.record_value(int(around_us * rng.lognormvariate(0, 0.15)))
    return str(recorded.encode().decode())


def cells(of: Run, seed: int = 1) -> list[Cell]:
    return [
        cell(mode, number, position, seed)
        for number, modes in enumerate(of.order)
        for position, mode in enumerate(modes)
    ]


def samples(of: list[Cell], per_cell: int = 8) -> list[Sample]:
    """Counters of a fresh process in each cell, of the load generator and the machine over all of them."""
    found: list[Sample] = []
    load = {"user_s": 0.0, "system_s": 0.0, "voluntary_switches": 0.0, "involuntary_switches": 0.0}
    machine = {"user_s": 10.0, "system_s": 20.0, "idle_s": 100.0, "steal_s": 0.0}
    for pid, one in enumerate(of, 4000):
        rng = random.Random(pid)
        server = dict.fromkeys(load, 0.0)
        for step in range(per_cell + 1):
            at = one.started_s + one.wall_s * step / per_cell
            found.append(Sample(at, one.mode, pid, dict(server)))
            found.append(Sample(at, "load", 3999, dict(load)))
            found.append(Sample(at, "machine", 0, dict(machine)))
            for name in server:
                added = (one.metrics.get(f"server_{name}" if name.endswith("_s") else name) or 0) / per_cell
                server[name] += added * rng.uniform(0.8, 1.2)
                load[name] += 0.4 * added if name.endswith("switches") else 0.05
            machine["system_s"] += (server["system_s"] + 0.4) / 8
    return found


FLAME = """<?xml version="1.0" standalone="no"?>
<svg version="1.1" width="1200" height="60" onload="init(evt)" xmlns="http://www.w3.org/2000/svg">
<script type="text/ecmascript"><![CDATA[ function init(evt) { if (1 < 2) window.started = true; } ]]></script>
<text id="title" x="50%">100 samples a second</text>
<g id="frames"><rect width="100%" height="20" fill="orange"/>
<text y="14">&lt;module&gt; (server.py:9)</text></g></svg>"""


def proofs(of: Run) -> tuple[Proof, ...]:
    """Every mode did what its model says."""
    return tuple(
        Proof(
            each.name,
            "available",
            model,
            read_copies=float(model > 0),
            by_reference_share=float(model == 0),
            calls_per_gib={"sendfile": 128.0} if model == 0 else {"preadv2": 4224.0, "sendto": 4224.0},
        )
        for each in of.targets
        for model in (sum(copy.by == "cpu" for copy in each.copies),)
    )


# perf's stacks: CPU ms/GiB below the line of Python that makes the call, by what ran.
_CALL = "send_file (servers/modes/{}.py:40)_[p];{};do_syscall_64_[k]"
_TCP = "tcp_sendmsg_[k];tcp_sendmsg_locked_[k]"
STACKS: dict[str, dict[str, int]] = {
    "read-send": {
        _CALL.format("read_send", "os_preadv") + ";do_preadv_[k];filemap_read_[k];_copy_to_iter_[k]": 120,
        _CALL.format("read_send", "sock_sendall") + f";__sys_sendto_[k];{_TCP};_copy_from_iter_[k]": 80,
        _CALL.format("read_send", "sock_sendall") + f";__sys_sendto_[k];{_TCP};tcp_write_xmit_[k]": 160,
        _CALL.format("read_send", "sock_sendall") + f";__sys_sendto_[k];{_TCP};_raw_spin_unlock_irqrestore_[k]": 60,
        "send_file (servers/modes/read_send.py:41)_[p];_PyEval_EvalFrameDefault": 20,
    },
    "sendfile": {
        _CALL.format("sendfile", "os_sendfile") + f";do_splice_direct_[k];{_TCP};tcp_write_xmit_[k]": 110,
        _CALL.format("sendfile", "os_sendfile")
        + f";do_splice_direct_[k];{_TCP};skb_copy_ubufs_[k];__pi_memcpy_[k]": 14,
        _CALL.format("sendfile", "os_sendfile") + ";do_splice_direct_[k];filemap_splice_read_[k]": 20,
    },
}
RATE_HZ = 499


def write_deep(stored: RunFolder, of: Run) -> None:
    """perf's pass with STACKS as samples; modes without an entry get those of read-send."""
    for place, mode in enumerate(of.modes):
        one = cell(mode, 0, place, 98)
        gib = one.received_bytes / GIB
        stacks = STACKS.get(mode, STACKS["read-send"])
        counts = {stack: round(ms / 1e3 * RATE_HZ * gib) for stack, ms in stacks.items()}
        name = f"deep-{place}.folded"
        stored.write_file(name, "".join(f"{stack} {count}\n" for stack, count in counts.items()).encode())
        stored.append(DeepProfile(mode, one, name, RATE_HZ, one.wall_s, "trampoline"))


def write(
    folder: Path,
    of: Run,
    rows: list[Cell] | None = None,
    *,
    flame: str | None = FLAME,
    sampled: bool = True,
    deep: bool = False,
) -> RunFolder:
    """The run's folder, with a py-spy pass. deep: with a perf pass too."""
    rows = cells(of) if rows is None else rows
    stored = RunFolder(folder / of.name)
    stored.create()
    stored.write_run(of)
    for row in rows:
        stored.append(row)
    for proof in proofs(of):
        stored.append(proof)
    last_s = max((row.started_s for row in rows), default=0.0) + 4
    profiled = [
        dataclasses.replace(cell(mode, 0, place, 99), started_s=last_s + 3 * place)
        for place, mode in enumerate(of.modes)
    ]
    for index, row in enumerate(profiled):
        if flame is None:
            stored.append(Profile(row, None, None, "py-spy may not attach: grant it SYS_PTRACE"))
            continue
        stored.write_file(f"flame-{index}.svg", flame.encode())
        stored.write_file(f"flame-{index}.raw", b"<module> (servers/__main__.py:9);send_file 188\n")
        stored.append(Profile(row, f"flame-{index}.svg", f"flame-{index}.raw"))
    if sampled:
        stored.append(*samples([*rows, *profiled]))
    if deep:
        write_deep(stored, of)
    return stored
