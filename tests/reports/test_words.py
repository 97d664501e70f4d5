"""One of a thing is not several, and what is not there is not said to be unknown."""

from dataclasses import replace
from pathlib import Path

import pytest

from profiles.store.records import Probe
from reports import page
from reports.analysis.bottleneck import probed
from reports.analysis.text import plural
from reports.comparison.differences import machine
from reports.run_data import read_run
from tests.reports import synthetic
from tests.reports.tags import Tags


def test_one_is_singular() -> None:
    assert (plural(1, "round"), plural(2, "round"), plural(0, "round")) == ("1 round", "2 rounds", "0 rounds")


@pytest.mark.parametrize(("cpus", "said"), [(1, " 1 CPU, "), (2, " 2 CPUs, "), (None, " unknown CPUs, ")])
def test_a_machine_with_one_cpu_has_no_cpus(cpus: int | None, said: str) -> None:
    run = synthetic.run()
    assert said in machine(replace(run, host=run.host | {"cpus": cpus}))


@pytest.mark.parametrize(("users", "said"), [(1, "1 user was too few"), (4, "4 users were too few")])
def test_one_user_was_too_few(users: int, said: str) -> None:
    scored = [synthetic.bare_cell("sendfile", number, 1, gib_per_s=4.4) for number in range(1, 7)]
    cpu = {"server_user_s": 0.0, "server_system_s": 1.0, "client_user_s": 0.0, "client_system_s": 1.0}
    cell = synthetic.bare_cell("sendfile", 0, 1, gib_per_s=6.6, **cpu)
    assert said in probed(Probe(cell, 2 * users), scored, synthetic.run(users=users))


@pytest.mark.parametrize(
    ("state", "reason", "said"), [("done", None, "done"), ("failed", "no disk", "failed: no disk")]
)
def test_a_run_that_ended_well_has_no_reason(tmp_path: Path, state: str, reason: str | None, said: str) -> None:
    run = synthetic.run(rounds=6, state=state, reason=reason)
    text = Tags(page.page(read_run(synthetic.write(tmp_path, run, flame=None, sampled=False)))).text
    assert f"state{said} started" in " ".join(text.split()).replace("started2025", " started").replace("  ", " ")
    assert "reasonunknown" not in text and "reason: unknown" not in text
