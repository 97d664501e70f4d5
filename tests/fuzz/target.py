"""python -m tests.fuzz.target CORPUS… -OPTION=…: what libFuzzer runs; its options are libFuzzer's.

Its rule: only servers/ is instrumented, so that an input counts as new when it takes a new branch there.
"""

import sys

import atheris

with atheris.instrument_imports(include=["servers"]):
    from tests.fuzz.rule import broken


def once(data: bytes) -> None:
    wrong = broken(data)
    assert wrong is None, wrong


if __name__ == "__main__":
    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
