"""What Prometheus reads of an agent: valid, with units in its names, behind the token, and without a lease."""

import contextlib
import http.client
from pathlib import Path

import pytest

from errors import UserError
from profiles.metrics.process import METRICS
from profiles.open_metrics import CONTENT_TYPE, Family, families_of, text_of
from profiles.protocol import TimedSample
from tests.conftest import eventually
from tests.open_metrics import parsed
from tests.profiles.agent.listening import TOKEN, listening

FACTS = [metric.facts for metric in METRICS]


def test_a_name_says_its_unit_and_whether_it_is_a_counter() -> None:
    values: dict[str, float | None] = {"cpu_s": 1.25, "voluntary_switches": 7, "rss_bytes": 1e10, "threads": 2}
    machine: dict[str, float | None] = {"user_s": 3.5, "swapped_bytes": None, "tcp_retransmits": 0}
    samples = [
        TimedSample(1.0, "sendfile", 5, values | {"disk_read_bytes": None}),
        TimedSample(1.0, "sampler", 0, {"cpu_s": 0.5}),
        TimedSample(1.0, "machine", 0, machine),
    ]
    assert parsed(text_of(families_of(samples, FACTS))) == {
        ("bench_process_cpu_seconds_total", "sendfile"): 1.25,
        ("bench_process_cpu_seconds_total", "sampler"): 0.5,
        ("bench_process_voluntary_switches_total", "sendfile"): 7,
        ("bench_process_rss_bytes", "sendfile"): 1e10,
        ("bench_process_threads", "sendfile"): 2,
        ("bench_machine_user_seconds_total", ""): 3.5,
        ("bench_machine_tcp_retransmits_total", ""): 0,
    }
    assert parsed(text_of(())) == {}


def test_every_metric_of_a_process_has_a_name_there() -> None:
    sample = TimedSample(1.0, "sendfile", 5, {facts.name: 1.0 for facts in FACTS})
    assert len(parsed(text_of(families_of([sample], FACTS)))) == len(FACTS)


@pytest.mark.parametrize("name", ['a"b', "a\nb", "a\\nb", "# EOF", "read-send@chunk=64KiB", "é{}"])
def test_no_name_of_a_process_breaks_the_text(name: str) -> None:
    family = Family("cpu_s", "counter", f"time of {name}", {name: 1.0})
    assert parsed(text_of([family])) == {("bench_cpu_seconds_total", name): 1.0}


def test_what_cannot_be_a_name_is_refused() -> None:
    with pytest.raises(UserError, match="no metric can be called 'cpu s'"):
        Family("cpu s", "counter", "time", {})


def test_an_agent_answers_with_its_newest_samples_to_whoever_has_the_token(served: Path) -> None:
    def ask(port: int, token: str) -> tuple[int, str | None, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"})
            response = connection.getresponse()
            return response.status, response.getheader("Content-Type"), response.read().decode()

    with listening(served) as port:
        assert ask(port, TOKEN[:-1])[0] == 403
        eventually(lambda: "bench_machine" in ask(port, TOKEN)[2])
        status, kind, text = ask(port, TOKEN)
    assert (status, kind) == (200, CONTENT_TYPE)
    values = parsed(text)
    assert values["bench_machine_user_seconds_total", ""] > 0
    assert values["bench_process_cpu_seconds_total", "sampler"] > 0
