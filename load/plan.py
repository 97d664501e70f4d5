"""The order of cells: who runs when, in which round.

Its rule: pure and seeded, so that an order is a text that can be tested, stored and repeated. Every round is a block
with each mode once; over the rounds each mode stands equally often in each position (method.md §2): for two modes
A B, B A, …; for more the rows of a Latin square, in random order and with random names.
"""

import random


def order(modes: tuple[str, ...], rounds: int, seed: int) -> tuple[tuple[str, ...], ...]:
    """rounds tuples, each a permutation of the modes; positions differ in count by at most one per mode."""
    chance = random.Random(seed)
    planned: list[tuple[str, ...]] = []
    while len(planned) < rounds:
        planned += _square(modes, chance)
    return tuple(planned[:rounds])


def _square(modes: tuple[str, ...], chance: random.Random) -> list[tuple[str, ...]]:
    """A cyclic Latin square over shuffled modes, its rows shuffled: each mode once in each row and column."""
    names = chance.sample(modes, len(modes))
    rows = [tuple(names[start:] + names[:start]) for start in range(len(names))]
    return chance.sample(rows, len(rows))
