"""What Prometheus reads of the live page: what servers cost, and what their users received meanwhile."""

from pathlib import Path

import pytest

from tests.conftest import eventually
from tests.load.locust_process import Locust, serving
from tests.open_metrics import Values, parsed

pytestmark = pytest.mark.slow


def values_of(bench: Locust) -> Values:
    return parsed(bench.get("/bench/metrics").decode())


def test_a_load_can_be_watched(served: Path) -> None:
    with serving(served, few=("sendfile", "splice")) as bench:
        bench.ask("/load/start", {"modes": ["sendfile"], "users": 2})
        eventually(lambda: values_of(bench).get(("bench_users", "sendfile")) == 2)
        counters = [(f"bench_{name}_total", "sendfile") for name in ("process_cpu_seconds", "received_bytes")]
        eventually(lambda: {*counters} <= values_of(bench).keys())
        before = values_of(bench)
        eventually(lambda: all(values_of(bench)[name] > before[name] for name in counters))
        bench.ask("/load/stop")
        eventually(lambda: bench.state()["doing"] == "nothing")
        after = values_of(bench)
    assert (after["bench_users", "sendfile"], after["bench_received_bytes_total", "splice"]) == (0, 0)
    assert ("bench_process_cpu_seconds_total", "load") in after
