"""python -m tests.fuzz.target NAME CORPUS… -OPTION=…: what libFuzzer runs; its options are libFuzzer's.

Its rule: only the packages that the target names are instrumented, so that an input counts as new when it takes a new
branch there.
"""

import importlib
import sys
import zlib
from pathlib import Path

import atheris

FOUND = Path(__file__).with_name("found")
# Read before anything of the product is imported.
INSTRUMENTED = {
    "heads": ["servers"],
    "agent": ["profiles.agent", "errors"],
    "page": ["load.web", "load.campaign.options", "units", "errors"],
}

if __name__ == "__main__":
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=INSTRUMENTED[name]):
        target = importlib.import_module(f"tests.fuzz.{name}")

    def once(data: bytes) -> None:
        try:
            wrong = target.broken(data)
            assert wrong is None, wrong
        except Exception:  # libFuzzer keeps none from a process that gevent has patched
            (FOUND / f"{name}-{zlib.crc32(data):08x}").write_bytes(data)
            raise

    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
