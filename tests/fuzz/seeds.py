"""What there is to fuzz, and what each begins with: its own seeds, and all that was found before.

Its rule: a target is a module of this folder with `broken(data)`, `seeds()` and `WORDS`.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOUND = Path(__file__).with_name("found")
TARGETS = ("heads", "agent", "page")


def target(name: str) -> Any:
    return importlib.import_module(f"tests.fuzz.{name}")


def all_of_them(name: str) -> Iterator[bytes]:
    yield from target(name).seeds()
    yield from (path.read_bytes() for path in found(name))


def found(name: str) -> list[Path]:
    """The inputs for which the rule did not hold once."""
    return sorted(path for path in FOUND.glob(f"{name}-*") if path.is_file())


def write(name: str, folder: Path) -> int:
    """Write the seeds, and the words as libFuzzer's dictionary, into a folder; how many seeds there are."""
    seeds = folder / "seeds"
    seeds.mkdir(parents=True, exist_ok=True)
    count = 0
    for count, data in enumerate(all_of_them(name), start=1):
        (seeds / f"{count:04}").write_bytes(data)
    # What is between the mutations: libFuzzer puts these words in whole.
    words = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in target(name).WORDS)
    (folder / "words").write_text("".join(f'"{word}"\n' for word in words))
    return count
