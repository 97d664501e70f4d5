"""How long `make load MODES=all` takes until it knows sendfile against read-send to ±5 % (docs/method.md §4).

Its rule: it is the campaign that a user starts, with its defaults, but for the flame graphs, which come after the
rounds. The time goes from the start of the command to the end of the round with which the verdict's own interval was
narrow enough; disturbed rounds cost their time and give nothing.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime

from errors import UserError
from profiles.store.run_folder import RunFolder
from profiles.targets.catalog import PROJECT
from reports.analysis.cpu_speed import cpu_speed
from reports.analysis.paired_ratio import TARGET_HALF_WIDTH, family_confidence, paired_ratio, percent
from reports.analysis.rounds import PRIMARY, Dataset, build
from reports.analysis.text import plural
from tests.bench.contests import Outcome, Readings
from tests.bench.sides import Field

BOUND_S = 180.0
MODE = "sendfile"
NAME = "time to ±5 %"


def outcome(field: Field, _: Readings) -> Outcome:
    root, profiles = field.make_file(field.large_bytes).parent, field.folder / "precision"
    began_s = time.time()
    command = [sys.executable, "-m", "scripts.load", "--modes", "all", "--profile", "0", "--run", "all", "--any-port"]
    command += ["--root", str(root), "--profiles", str(profiles), "--reports", str(profiles)]
    done = subprocess.run(
        command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise UserError(f"the campaign over all modes failed: {done.stderr.strip().splitlines()[-1]}")
    folder = RunFolder(profiles / "all")
    run = folder.read_run()
    records = build(run, folder.read_cells())
    proofs_s = datetime.fromisoformat(run.started_at).timestamp() - began_s  # a run begins once its modes are proved
    return _said(records, proofs_s)


def _said(records: Dataset, before_s: float) -> Outcome:
    level = family_confidence(len(records.others))
    what = f"{MODE} against {records.run.baseline}, {len(records.modes)} modes, {percent(level)} CI"
    what += _cores(records)
    rounds = rounds_to(records.pairs(MODE, PRIMARY), level, TARGET_HALF_WIDTH)
    if rounds is None:
        widest = paired_ratio(records.pairs(MODE, PRIMARY), level).half_width
        width = "no interval" if widest is None else f"±{percent(round(widest, 4))}"
        text = f"{NAME}: not reached in {plural(len(records.rounds), 'judged round')} ({what}): {width}"
        return Outcome(sentences=[text], verdicts={NAME: "above"})
    last = records.rounds[rounds - 1].values()
    took_s = before_s + max(cell.started_s + cell.wall_s for cell in last)
    text = f"{NAME}: {took_s:.0f} s, {plural(rounds, 'judged round')} ({what}; bound: {BOUND_S:.0f} s)"
    return Outcome(sentences=[text], verdicts={NAME: "within" if took_s <= BOUND_S else "above"})


def _cores(records: Dataset) -> str:
    """What the bound takes for granted, quiet cores, and whether these were."""
    speed = cpu_speed(records)
    cores = "unknown" if speed is None else f"{'not quiet' if speed.uneven else 'quiet'}, {speed.ratio:.2f}x"
    return f", cores {cores}; rounds dropped: {len(records.dropped)}"


def rounds_to(pairs: Sequence[tuple[float, float]], level: float, target: float) -> int | None:
    """After how many rounds the interval was this narrow for the first time; None where it never was."""
    for count in range(1, len(pairs) + 1):
        width = paired_ratio(pairs[:count], level).half_width
        if width is not None and width <= target:
            return count
    return None
