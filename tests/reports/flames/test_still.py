"""A picture for paper has the widths of the graph on the screen, and names where they fit."""

import pytest

from reports.flames.copy_tax import Stack
from reports.flames.still import LEAST_NAMED, MOST_LEVELS, Frame, still
from reports.flames.tree import difference, tree

STACKS = {
    ("send (a.py:1)_[p]", "os_preadv", "_copy_to_iter_[k]"): 60.0,
    ("send (a.py:1)_[p]", "sock_sendall"): 39.0,
    ("send (a.py:2)_[p]",): 0.8,
    ("invisible",): 0.2,
}


def by_name(frames: tuple[Frame, ...]) -> dict[str, Frame]:
    return {frame.name: frame for frame in frames}


def test_the_width_of_a_frame_is_its_share_and_children_stand_side_by_side_below_it() -> None:
    picture = still("mode", tree(STACKS, "mode"))
    frames = by_name(picture.frames)
    assert (frames["mode"].left, frames["mode"].width, frames["mode"].level) == (0, 100, 0)
    assert frames["cp _copy_to_iter"].width == frames["C os_preadv"].width == pytest.approx(60)
    assert frames["cp _copy_to_iter"].left == frames["C os_preadv"].left
    assert frames["C sock_sendall"].left == pytest.approx(frames["C os_preadv"].left + 60)
    assert picture.levels == 4 and not picture.cut


def test_what_is_too_narrow_has_no_name_or_is_left_out() -> None:
    frames = still("mode", tree(STACKS, "mode")).frames
    assert [frame.width for frame in frames if not frame.name] == [pytest.approx(0.8)]
    assert all(frame.width >= 100 * LEAST_NAMED for frame in frames if frame.name)


def test_a_difference_has_signs_and_both_pictures_one_scale() -> None:
    ours: dict[Stack, float] = {("tcp_[k]",): 50.0, ("own_[k]",): 10.0}
    theirs: dict[Stack, float] = {("tcp_[k]",): 100.0}
    dear = by_name(still("b", difference(theirs, ours, "b")).frames)
    cheap = by_name(still("a", difference(ours, theirs, "a"), scale=0.6).frames)
    assert cheap["− tcp"].width == pytest.approx(dear["+ tcp"].width / 2)
    assert (cheap["− tcp"].kind, cheap["− tcp"].strength) == ("less", 100)
    assert (dear["+ tcp"].kind, dear["+ tcp"].strength) == ("more", 50)
    assert cheap["+ own"].kind == "more"


def test_more_levels_than_a_page_of_paper_has_are_cut_and_that_is_said() -> None:
    picture = still("deep", tree({tuple(f"f{level}" for level in range(100)): 1.0}, "deep"))
    assert picture.cut and picture.levels == MOST_LEVELS


def test_an_empty_tree_can_be_drawn() -> None:
    assert still("none", tree({}, "none")).frames == ()
