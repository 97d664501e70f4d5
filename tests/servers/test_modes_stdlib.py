"""The standard library's sendfile functions silently fall back to copying; these modes do not."""

import errno
import os
import socket
from pathlib import Path

import pytest

from profiles.contract.subject import Pair, opened
from servers import discovery


@pytest.mark.parametrize("name", ["stdlib-sendfile", "asyncio-sendfile"])
@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM])
def test_a_refusal_is_an_error_and_nothing_is_copied_instead(
    pair: Pair, root: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> None:
    def refused(*_: int) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "sendfile", refused)
    with opened(root / "file.bin") as fd, pytest.raises(OSError) as caught:
        discovery.import_mode(name)[1](pair[0], fd, 10, 1000)
    assert caught.value.errno == number
    pair[0].shutdown(socket.SHUT_WR)
    assert pair[1].recv(1) == b""
    assert os.get_blocking(pair[0].fileno())


def test_asyncio_is_not_imported_by_the_servers_of_other_modes() -> None:
    import subprocess
    import sys

    from tests.conftest import PROJECT

    program = "import sys; from servers import discovery; discovery.discover(); print('asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
