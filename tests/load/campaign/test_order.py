"""The order of an experiment is part of its result, so it is tested as text."""

from collections import Counter

from load.campaign.schedule import order


def as_text(planned: tuple[tuple[str, ...], ...]) -> str:
    return " | ".join(" ".join(modes) for modes in planned)


def test_two_modes_alternate_who_is_first() -> None:
    assert as_text(order(("A", "B"), 6, seed=1)) == "B A | A B | A B | B A | B A | A B"


def test_three_modes_form_latin_squares() -> None:
    assert as_text(order(("A", "B", "C"), 6, seed=7)) == "C B A | B A C | A C B | B C A | C A B | A B C"


def test_the_same_seed_gives_the_same_order_and_another_seed_another() -> None:
    modes = ("A", "B", "C")
    assert order(modes, 12, seed=3) == order(modes, 12, seed=3)
    assert order(modes, 12, seed=3) != order(modes, 12, seed=4)


def test_every_round_has_every_mode_once_and_positions_are_balanced() -> None:
    modes = ("A", "B", "C", "D", "E")
    for rounds in (1, 4, 5, 10, 13):
        planned = order(modes, rounds, seed=rounds)
        assert len(planned) == rounds
        assert all(sorted(block) == sorted(modes) for block in planned)
        for position in range(len(modes)):
            counts = Counter(block[position] for block in planned)
            assert max(counts.values()) - min(counts[mode] for mode in modes) <= 1


def test_one_mode_alone_has_one_order() -> None:
    assert order(("A",), 3, seed=0) == (("A",), ("A",), ("A",))
