"""What is said of a run in one line is what its record says."""

import dataclasses
from pathlib import Path

from profiles.store.records import UserCount
from reports import run_data
from reports.explanations import network_line, users_of
from tests.reports import synthetic


def test_what_must_be_decrypted_is_not_said_to_be_discarded(tmp_path: Path) -> None:
    plain = synthetic.run()
    assert "sink discard · " in network_line(run_data.read_run(synthetic.write(tmp_path, plain)))
    targets = tuple(dataclasses.replace(each, tls="user") for each in plain.targets if each.name == "sendfile")
    encrypted = dataclasses.replace(plain, name="encrypted", targets=(plain.targets[0], *targets))
    line = network_line(run_data.read_run(synthetic.write(tmp_path, encrypted)))
    assert "sink discard (copy for sendfile: the client must decrypt TLS)" in line


def test_of_a_load_by_hand_it_says_how_many_users_there_really_were() -> None:
    run = dataclasses.replace(
        synthetic.run(), users=6, user_counts={"sendfile": UserCount(3.98, 4), "splice": UserCount(2.0, 2)}
    )
    assert users_of(run) == "6 users"
    ramped = dataclasses.replace(run, user_counts={"sendfile": UserCount(1.6, 4), "splice": UserCount(1.0, 2)})
    assert users_of(ramped) == "6 users at most, 2.6 on average"
    assert users_of(dataclasses.replace(ramped, shape="Steps")).endswith(", as the shape Steps said")
