"""What is said of a run in one line is what its record says."""

import dataclasses
from pathlib import Path

from reports import run_data
from reports.explanations import network_line
from tests.reports import synthetic


def test_what_must_be_decrypted_is_not_said_to_be_discarded(tmp_path: Path) -> None:
    plain = synthetic.run()
    assert "sink discard · " in network_line(run_data.read_run(synthetic.write(tmp_path, plain)))
    targets = tuple(dataclasses.replace(each, tls="user") for each in plain.targets if each.name == "sendfile")
    encrypted = dataclasses.replace(plain, name="encrypted", targets=(plain.targets[0], *targets))
    line = network_line(run_data.read_run(synthetic.write(tmp_path, encrypted)))
    assert "sink discard (copy for sendfile: the client must decrypt TLS)" in line
