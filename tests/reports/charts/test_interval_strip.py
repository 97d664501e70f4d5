"""A strip shows what the words beside it say, inside its edges, whatever the ratio."""

import re

import pytest

from reports.charts.interval_strip import WIDTH, axis, strip


def numbers(svg: str, name: str) -> list[float]:
    return [float(found) for found in re.findall(rf'\b{name}="([\d.]+)"', svg)]


def test_less_is_left_of_one_and_more_is_right_of_it() -> None:
    on = axis([0.3, 3.0])
    assert on.low < 0.3 and on.high > 3.0
    assert on.x(0.3) < on.x(1) < on.x(3.0)
    assert on.x(1) - on.x(0.5) == pytest.approx(on.x(2) - on.x(1), abs=0.2), "equal factors are equal ways"


@pytest.mark.parametrize("ratio", [1e-9, 0.5, 1.0, 1e9])
def test_nothing_is_drawn_beyond_the_edges(ratio: float) -> None:
    svg = strip(axis([ratio]), ratio, ratio / 2, ratio * 2)
    assert all(0 <= x <= WIDTH for name in ("x1", "x2") for x in numbers(svg, name))
    assert 'aria-hidden="true"' in svg


def test_without_an_interval_there_is_no_bar() -> None:
    assert "range" not in strip(axis([0.5]), 0.5, None, None)


def test_an_axis_of_nothing_has_one_in_it() -> None:
    on = axis([None])
    assert on.low < 1 < on.high
