"""python -m tests.fuzz.mutate NAME COUNT: ask about the seeds of a target, and about COUNT seeded mutations of them.

It needs no fuzzer, and is a process of its own, since importing locust patches one.
"""

import random
import sys

from tests.fuzz import seeds
from tests.servers.hostile import MUTATIONS


def main(name: str, count: int) -> int:
    rng, target = random.Random(1), seeds.target(name)
    words = [word.encode() for word in target.WORDS]
    inputs = list(seeds.all_of_them(name))
    for number in range(len(inputs) + count):
        data = inputs[number] if number < len(inputs) else mutated(rng, inputs, words)
        if wrong := target.broken(data):
            print(f"{wrong}; the input was {data!r}")
            return 1
    print(f"the rule held for {len(inputs)} seeds and {count:,} mutations of {name}")
    return 0


def mutated(rng: random.Random, inputs: list[bytes], words: list[bytes]) -> bytes:
    data = rng.choice(inputs)
    for _ in range(rng.choice((1, 1, 2, 4))):
        if rng.random() < 0.4:
            at = rng.randint(0, len(data))
            data = data[:at] + rng.choice(words) + data[at:]
        else:
            data = rng.choice(MUTATIONS)(rng, data)
    return data


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
