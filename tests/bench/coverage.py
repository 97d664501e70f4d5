"""Does an interval hold the truth as often as it says, with this machine's own noise? (docs/method.md §4)

Its rule: the slices are recorded here and now, by the command that users type, and the truth is known without
measuring: two halves of one mode's slices (recorded_noise.py), of which one is made dearer by a known share.
"""

from collections.abc import Sequence
from statistics import median

from rich.table import Table

from profiles.store.records import Slice
from reports.analysis.paired_ratio import TARGET_HALF_WIDTH, looks, percent
from tests.bench import product_runs, recorded_noise
from tests.bench.contests import Outcome, Verdict, new_table
from tests.bench.field import Field
from tests.bench.recorded_noise import CONFIDENCE, Coverage, Round, by_mode

MODES = ("read-send", "sendfile")
RECORDED = ("--modes", *MODES, "--rounds", "24", "--window", "2.4", "--precision", "0", "--profile", "0")
CAMPAIGNS = 4000
EFFECTS = (1.00, 1.02, 1.10)
TARGETS = (TARGET_HALF_WIDTH, TARGET_HALF_WIDTH / 2)
LOWEST, HIGHEST = 0.96, 0.99  # of a nominal 97.5 %
MOST_WRONG = 0.025
LAGS = 8


def outcome(field: Field) -> Outcome:
    return said(product_runs.load(field, *RECORDED).slices)


def said(slices: Sequence[Slice], campaigns: int = CAMPAIGNS) -> Outcome:
    """Everything that these recorded slices say."""
    modes = by_mode(slices)
    result = _coverage(modes, campaigns)
    result.tables += [_autocorrelation(modes), _scatter(modes), _choices(slices, next(iter(modes)))]
    return result


def verdict(found: Coverage) -> Verdict:
    return "within" if LOWEST <= found.covered <= HIGHEST and found.wrong <= MOST_WRONG else "above"


def _coverage(modes: dict[str, list[Round]], campaigns: int) -> Outcome:
    title = f"Coverage of the {percent(CONFIDENCE)} interval in {campaigns:,} campaigns drawn from recorded slices; "
    title += f"bound: {percent(LOWEST)} to {percent(HIGHEST)}, wrong verdicts ≤ {percent(MOST_WRONG)}"
    table = new_table(title, "halves of", "truth", "stops at", "covered", "wrong verdicts", "rounds", "half width", "")
    result = Outcome([table])
    for mode, rounds in modes.items():
        for target in TARGETS:
            for effect in EFFECTS:
                name = f"coverage of {mode}, {effect:.2f}x, ±{percent(target)}"
                found = recorded_noise.coverage(rounds, effect, target, campaigns, name)
                result.verdicts[name] = verdict(found)
                table.add_row(
                    mode,
                    f"{effect:.2f}x",
                    f"±{percent(target)}",
                    f"{found.covered:.1%}",
                    f"{found.wrong:.1%}",
                    f"{found.rounds:.1f}",
                    f"±{found.half_width:.1%}",
                    result.verdicts[name],
                )
    return result


def _autocorrelation(modes: dict[str, list[Round]]) -> Table:
    lags = (f"lag {lag}" for lag in range(1, LAGS + 1))
    table = new_table("The noise of slices: autocorrelation by turns of the mode", "", "scatter", "a lag", *lags)
    for mode, rounds in modes.items():
        scatter, shares = recorded_noise.autocorrelation(rounds, LAGS)
        table.add_row(
            mode, f"{scatter:.3f}", f"{recorded_noise.lag_s(rounds):.2f} s", *(f"{one:.2f}" for one in shares)
        )
    return table


def _scatter(modes: dict[str, list[Round]]) -> Table:
    """Longer slices are made of shorter ones in a row, so that all columns come from the same seconds."""
    lengths = min((recorded_noise.lengths(rounds) for rounds in modes.values()), key=len)
    headings = ("one", *(f"{length} in a row" for length in lengths[1:]))
    table = new_table("Scatter of a round's log ratio between halves, by slices in a row", "", "slice", *headings)
    for mode, rounds in modes.items():
        slice_s = median(one.wall_s for turns in rounds for one in turns)
        table.add_row(
            mode, f"{slice_s:.2f} s", *(f"{recorded_noise.scatter(rounds, length):.4f}" for length in lengths)
        )
    return table


def _choices(slices: Sequence[Slice], baseline: str) -> Table:
    look_at = looks(CONFIDENCE, recorded_noise.MOST_ROUNDS)
    target = percent(TARGET_HALF_WIDTH)
    title = f"What fewer sweeps would have given against {baseline}: half width of the widest interval, the middle one"
    headings = [f"{look} rounds" for look in look_at]
    table = new_table(title, "sweeps", "a round", *headings, f"±{target} in 9 of 10")
    for one in recorded_noise.choices(slices, baseline, TARGET_HALF_WIDTH):
        widths = (f"±{one.half_widths[look]:.1%}" for look in look_at)
        time = "not reached" if one.to_target_s is None else f"{one.to_target_s:.0f} s"
        table.add_row(str(one.sweeps), f"{one.round_s:.1f} s", *widths, time)
    return table
