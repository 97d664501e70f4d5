"""The contract of a mode, for every mode that is discovered."""

import ctypes
from dataclasses import replace

import pytest

from errors import UsageError
from servers import discovery
from servers.mechanisms import buffers


def test_names_and_ports_are_one_of_a_kind() -> None:
    modes = list(discovery.discover().values())
    assert len({facts.port for facts in modes}) == len(modes)
    assert [facts.name for facts in sorted(modes, key=lambda facts: facts.port)] == [facts.name for facts in modes]
    assert all(1024 <= facts.port <= 65535 for facts in modes)


def test_the_modes_of_the_course_have_their_ports() -> None:
    ports = {name: facts.port for name, facts in discovery.discover().items()}
    assert {"read-send": 8081, "sendfile": 8082, "read-whole": 8083}.items() <= ports.items()


def test_an_unknown_mode_is_named_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"there is no mode 'telepathy'.*sendfile"):
        discovery.import_mode("telepathy")


def test_the_buffer_of_read_send_lies_where_it_was_asked_to() -> None:
    for offset in (0, 16, 2048):
        buffer = buffers.reused(4096, offset)
        assert len(buffer) == 4096
        assert ctypes.addressof(ctypes.c_char.from_buffer(buffer)) % 4096 == offset


def test_an_option_of_one_name_is_the_same_in_every_mode() -> None:
    """The command line has it once: one summary and one range; defaults are the modes' own."""
    every = (option for facts in discovery.discover().values() for option in facts.options)
    options = {replace(option, default_bytes=0) for option in every}
    assert len({option.name for option in options}) == len(options)
