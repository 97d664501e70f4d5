"""What follows from a busy process: its clock leaves out steal, counts it, or nothing can be told."""

import pytest

from profiles.store.clock_check import ClockCheck, Spell


def spell(steal_s: float, missing_s: float, waited_s: float = 0.0, interrupts_s: float = 0.0) -> Spell:
    return Spell(1, 5.0, 5.0 - missing_s - waited_s, waited_s, steal_s, interrupts_s)


# On a rented machine whose kernel leaves out steal: 5 s each, in most of them almost alone on the CPU.
RECORDED = [
    (0.03, 0.023, 0.0),
    (0.03, 0.030, 0.0),
    (0.02, 0.021, 0.0),
    (0.02, 0.018, 0.0),
    (0.02, 0.0252, 0.015),
    (0.08, 0.0651, 0.023),
    (0.09, 0.0906, 0.030),
    (0.15, 0.1248, 0.410),
]
# The same machine, while another process had half of the CPU: 1 s each.
SHARED = [(0.03, 0.0021, 0.5247), (0.07, 0.0073, 0.5238), (0.08, 0.0082, 0.5151), (0.02, 0.0025, 0.4080)]


def decided(*spells: Spell) -> bool | None:
    return ClockCheck(spells).excludes_steal


@pytest.mark.parametrize(("steal_s", "missing_s", "waited_s"), RECORDED)
def test_as_much_as_was_stolen_is_missing_where_the_clock_leaves_it_out(
    steal_s: float, missing_s: float, waited_s: float
) -> None:
    assert decided(spell(steal_s, missing_s, waited_s)) is True
    assert decided(spell(steal_s, 0.0)) is False


def test_nothing_or_too_little_is_missing_where_the_clock_counts_steal() -> None:
    assert decided(spell(0.3, 0.0)) is False
    assert decided(spell(0.3, 0.0, waited_s=0.1)) is False
    assert decided(spell(0.3, 0.02, interrupts_s=0.02)) is False
    assert decided(spell(0.3, 0.2)) is False


@pytest.mark.parametrize("steal_s", [0.0, 0.01])
@pytest.mark.parametrize("missing_s", [0.0, 0.009, 0.02])
def test_one_tick_tells_nothing(steal_s: float, missing_s: float) -> None:
    assert decided(spell(steal_s, missing_s)) is None
    assert "next to nothing was stolen" in ClockCheck((spell(steal_s, missing_s),)).text


@pytest.mark.parametrize(("steal_s", "missing_s", "waited_s"), SHARED)
def test_stolen_time_that_waiting_may_hide_tells_nothing(steal_s: float, missing_s: float, waited_s: float) -> None:
    shared = spell(steal_s, missing_s, waited_s)
    assert decided(shared) is None
    assert "other processes or interrupts had the CPU as well" in ClockCheck((shared,)).text
    assert decided(spell(0.3, 0.2, waited_s=0.1)) is True


def test_interrupts_are_not_taken_for_steal() -> None:
    assert decided(spell(0.02, 0.02, interrupts_s=0.02)) is None
    assert decided(spell(0.3, 0.32, interrupts_s=0.02)) is True


def test_more_missing_than_was_stolen_tells_nothing() -> None:
    stopped = spell(0.03, 1.0)
    assert decided(stopped) is None
    assert "more is missing than was stolen" in ClockCheck((stopped,)).text


def test_checks_add_up_and_what_tells_nothing_spoils_nothing() -> None:
    calm, shared = ClockCheck((spell(0.0, 0.0),)), ClockCheck(tuple(spell(*each) for each in SHARED))
    telling = ClockCheck((spell(0.03, 0.028),), kernel_option=True)
    together = calm + shared + telling
    assert (calm.excludes_steal, shared.excludes_steal, together.excludes_steal) == (None, None, True)
    assert "(5.0 s of a busy process on CPU 1: 0.03 s stolen, 0.028 s missing" in together.text
    late = ClockCheck((spell(0.03, 0.0),))  # the steal was of the time before, and counted late
    assert (late.excludes_steal, (late + telling + telling + telling).excludes_steal) == (False, True)


def test_the_line_says_the_outcome_the_figures_and_what_the_kernel_says() -> None:
    counted = ClockCheck((Spell(0, 1.0, 1.0, 0.0, 0.3, 0.0), Spell(3, 1.0, 0.999, 0.0, 0.1, 0.0)), kernel_option=False)
    assert counted.text == (
        "process CPU time includes steal here (2.0 s of a busy process on CPU 0, 3: 0.40 s stolen, 0.001 s missing "
        "from its CPU time, beside 0.000 s of waiting for other processes); kernel built without "
        "CONFIG_PARAVIRT_TIME_ACCOUNTING"
    )
    assert ClockCheck((spell(0.03, 0.03),)).text.startswith("process CPU time excludes steal here (5.0 s")
    unseen = ClockCheck(reason="/proc/stat has no CPU 7")
    assert unseen.excludes_steal is None
    assert unseen.text == "it cannot be told whether process CPU time excludes steal here: /proc/stat has no CPU 7"
