"""The course's client, where the course has it: `python3 benchmark_client.py read-send`, without any set-up."""

import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).resolve().parent / "scripts" / "benchmark_client.py"), run_name="__main__")
