"""A sweep says beforehand what its minutes buy."""

from dataclasses import replace

import pytest

from load.sweep.forecast import forecast
from profiles.store.sweep_folder import Sweep

SWEEP = Sweep(
    name="s", axis="size", state="running", modes=("read-send", "sendfile"), points=(1, 4, 16), fine=(2, 8),
    window_s=1.8, warm_up_s=0.0, users=4, sink="discard", seed=7, most_rounds=40, file_bytes=0, pin=True, options={},
    proofs=(), host={}, sittings=(), left_out={}, command="make sweep",
)  # fmt: skip


@pytest.mark.parametrize(
    ("done", "minutes", "said"),
    [
        ((0, 0, 0), 0.5, "5 rounds: {} 0 of 3 coarse points; all of them take about MINUTES=2"),
        ((0, 0, 0), 1, "10 rounds: {} 1 of 3 coarse points; all of them take about MINUTES=2"),
        ((0, 0, 0), 3, "30 rounds: {} 3 of 3 coarse points, and 12 rounds to see where curves cross"),
        ((6, 6, 3), 0.3, "3 rounds: {} 3 of 3 coarse points"),
    ],
)
def test_minutes_are_rounds_and_rounds_are_intervals(done: tuple[int, ...], minutes: float, said: str) -> None:
    buys = f"{minutes:g} min buy about {said.format('an interval (6 rounds) at')}"
    assert forecast(SWEEP, done, 2, minutes) == buys  # a round takes 2 x (1.8 s + 1.2 s)


def test_rounds_that_never_give_an_interval_are_said() -> None:
    said = forecast(replace(SWEEP, most_rounds=5), (0, 0, 0), 2, 3)
    assert said.endswith("but ROUNDS=5 gives no interval at any point: 6 rounds or more do")
