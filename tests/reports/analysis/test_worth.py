"""What a server of the user's own pays beside our sendfile and read-send, paired within rounds."""

from dataclasses import replace

from reports.analysis.rounds import Dataset, build
from reports.analysis.worth import worth
from tests.reports import synthetic


def dataset(external: str) -> Dataset:
    run = synthetic.run(("read-send", "sendfile", "splice"))
    targets = tuple(replace(one, external="command" if one.name == external else None) for one in run.targets)
    run = replace(run, targets=targets)
    return build(run, tuple(synthetic.cells(run)))


def test_only_a_server_of_the_users_own_is_held_against_ours() -> None:
    assert worth(dataset("nobody"), ()) == ()
    (line,) = worth(dataset("splice"), ())
    assert line.startswith("splice pays ") and " of sendfile's server CPU per GiB" in line
    assert "of read-send's" in line and "% CI)" in line


def test_a_void_one_is_not() -> None:
    assert worth(dataset("splice"), {"splice"}) == ()
    (line,) = worth(dataset("splice"), {"read-send"})
    assert "read-send" not in line
