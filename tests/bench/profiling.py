"""What deep profiles cost: perf's pass on throughput, and folding and drawing what it saw.

Its rule: perf runs as in a campaign, at its default rate, attached to a fresh server before there are connections; the
same load on a server without it stands beside it in every round. Samples to fold are made up, a minute of a busy core
for each of fourteen modes at more than twice the default rate, and go the way of real ones: perf's text, folded
stacks, records, page.
"""

import contextlib
import random
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from errors import UserError
from profiles.profilers import folded_stacks
from profiles.profilers.perf import RATE_HZ, Perf
from profiles.protocol import Start
from profiles.store.records import DeepProfile
from profiles.store.run_folder import RunFolder
from profiles.targets.catalog import PROJECT, discover
from profiles.targets.supervisor import Supervisor
from tests.bench.contests import MOST_ROUNDS, MOST_S, PRECISION, Outcome, add_pairs, new_contest_table
from tests.bench.field import Field
from tests.bench.paired_slices import SLICE_S, Slice, measure, pairs
from tests.bench.report_speed import MODES, timed_report
from tests.reports import synthetic

MODE, WITH_PERF = "sendfile", "sendfile with perf"
KEPT = 0.9  # of the throughput
RENDER_BOUND_S, RENDER_RATE_HZ, RENDER_S = 15.0, 499, 60


class _NoPerfError(UserError):
    """perf cannot record here: a reason to skip, where a server or a load that fails is none."""


def outcome(field: Field) -> Outcome:
    result = _observer(field)
    folding_s, report_s = _folding(field.folder / "deep-profiles")
    total_s = folding_s + report_s
    result.sentences.append(
        f"a minute at {RENDER_RATE_HZ} Hz for each of {len(MODES)} modes: folded in {folding_s:.1f} s, reported in "
        f"{report_s:.1f} s, {total_s:.1f} s together (bound: {RENDER_BOUND_S:.0f} s)"
    )
    result.verdicts["deep profiles folded and drawn"] = "within" if total_s <= RENDER_BOUND_S else "above"
    return result


def _observer(field: Field) -> Outcome:
    """Seconds per byte with perf, against those without."""
    field.make_file(field.large_bytes)
    sides = {name: partial(_loaded, field, name == WITH_PERF) for name in (WITH_PERF, MODE)}
    try:
        rounds = measure(sides, PRECISION, MOST_S, MOST_ROUNDS)
    except _NoPerfError as error:
        return Outcome(sentences=[f"skipped: what perf costs: {error}"])
    result = Outcome([new_contest_table(f"perf at {RATE_HZ} Hz: time per byte, with and without")])
    add_pairs(result, WITH_PERF, pairs(rounds, WITH_PERF, MODE), 1 / KEPT, 0.95)
    return result


@contextlib.contextmanager
def _loaded(field: Field, with_perf: bool) -> Iterator[Slice]:
    supervisor = Supervisor(discover(), field.folder)
    cpus = field.placement.server_cpus
    perf = None
    try:
        status = supervisor.start(Start(MODE, any_port=True, profiler="perf" if with_perf else None, cpus=cpus))
        if with_perf:
            perf = Perf((status.pid,))
            perf.begin(60, "")
            if (seen := perf.result()).state == "failed":
                raise _NoPerfError(seen.reason)

        def take() -> tuple[float, float]:
            told = field.told(field.load_command(status.port, field.large_bytes, SLICE_S))
            return told["wall_s"], told["received_bytes"]

        yield take
    finally:
        if perf is not None:
            perf.kill()
        supervisor.close()


def _folding(folder: Path) -> tuple[float, float]:
    """Seconds of folding the samples of all modes, and of the report on them."""
    run = synthetic.run(MODES, 10, name="deep")
    stored = synthetic.write(folder, run, sampled=False)
    script = folder / "script"
    spent_s = 0.0
    for number, mode in enumerate(MODES):
        with script.open("w") as out:
            out.writelines(_samples(number))
        began_s = time.monotonic()
        with script.open() as lines:
            seen = folded_stacks.counted(folded_stacks.read_perf(lines, PROJECT))
        folded = folded_stacks.write_folded(folded_stacks.joined(seen, {}, lambda _: ""))
        spent_s += time.monotonic() - began_s
        _store(stored, mode, number, folded)
    script.unlink()
    report_s, _ = timed_report(folder, "deep")
    return spent_s, report_s


def _store(stored: RunFolder, mode: str, number: int, folded: str) -> None:
    stored.write_file(f"{mode}.folded", folded.encode())
    cell = synthetic.cell(mode, 0, number)
    stored.append(DeepProfile(mode, cell, f"{mode}.folded", RENDER_RATE_HZ, cell.wall_s, "trampoline"))


def _samples(seed: int) -> Iterator[str]:
    """A minute of a busy core as `perf script` prints it: some thousand different stacks, 30 frames deep."""
    chance = random.Random(seed)
    kinds = [_stack(chance) for _ in range(3000)]
    weights = [1 / (1 + at) for at in range(len(kinds))]  # few are often seen, most hardly ever
    for at, stack in enumerate(chance.choices(kinds, weights, k=RENDER_RATE_HZ * RENDER_S)):
        yield f"python 4711/4712 {at / RENDER_RATE_HZ:.6f}:\n"
        yield stack


def _stack(chance: random.Random) -> str:
    """Leaf first; what is called depends on the caller, as in a kernel."""
    names = [f"py::send_file:{PROJECT}/servers/modes/read_send.py (/tmp/perf-4711.map)", "os_call (/usr/bin/python3)"]
    called = chance.choice(("tcp_sendmsg", "filemap_read", "_copy_to_iter"))
    for _ in range(chance.randint(12, 30)):
        called = f"{called[:12]}_{chance.choice('abcd')}"
        names.append(f"{called} ([kernel.kallsyms])")
    return "".join(f"\t{chance.randrange(64):16x} {name}\n" for name in reversed(names)) + "\n"
