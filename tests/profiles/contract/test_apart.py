"""What is wrong with a data path is said in one line, also where it crashes, hangs or cannot be read."""

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from errors import UsageError
from profiles.contract import apart
from profiles.contract.checks import CHECKS
from servers import discovery
from tests.conftest import PROJECT, eventually
from tests.copied import copy_project

HEAD = """import os, signal, socket, sys, time
from servers.mode import THROUGH_USER_BUFFER, FileShrankError, Mode
MODE = Mode("mine", 8199, "a test", THROUGH_USER_BUFFER)
"""
SEND_FILE = "def send_file(sock: socket.socket, fd: int, offset: int, count: int) -> None:\n"
GOOD = """
    while count:
        data = os.pread(fd, min(count, 1 << 20), offset)
        if not data:
            raise FileShrankError(count)
        sock.sendall(data)
        offset += len(data)
        count -= len(data)
"""
Write = Callable[[str], Path]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("project")
    copy_project(tree)
    return tree


@pytest.fixture
def write(project: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes lab/mine.py of the copy, with this body of send_file, or this whole text; returns its path."""
    monkeypatch.setattr(discovery, "LAB", project / "lab")

    def writing(text: str) -> Path:
        path = project / "lab" / "mine.py"
        path.write_text(text if "MODE" in text else HEAD + SEND_FILE + text)
        return path

    return writing


def whole(head: str = HEAD, signature: str = SEND_FILE) -> str:
    return head + signature + GOOD


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


SENT = "    sock.sendall(os.pread(fd, count, offset))"
SHARED = """    global shared
    shared = os.pread(fd, count, offset)
    time.sleep(0.005)
    sock.sendall(shared)
"""
# The check that finds it, what the body or the whole file is, and what is said. {file}: lab/mine.py.
BROKEN = (
    ("is_a_function", "    while count\n", "mine cannot be imported: {file}:5: SyntaxError: expected ':'"),
    ("is_a_function", "MODE = 1\nimport nowhere\n", "{file}:2: ModuleNotFoundError: No module named 'nowhere'"),
    ("is_a_function", "MODE = 1\n", "AttributeError: module 'lab.mine' has no attribute 'send_file'"),
    ("is_a_function", "MODE = send_file = 1\n", "{file}: its MODE is no Mode of servers.mode"),
    ("is_a_function", HEAD + "send_file = 1\n", "send_file is no function, but int"),
    ("named_as_its_file", whole(HEAD.replace('"mine"', '"yours"')), "MODE's name is 'yours', and that of its file"),
    ("port_of_its_own", whole(HEAD.replace("8199", "8082")), "MODE's port is 8082, which is sendfile's"),
    ("port_of_its_own", whole(HEAD.replace("8199", "80")), "MODE's port is 80, which is not from 1024 to 65535"),
    ("copies_from_disk_to_card", whole(HEAD.replace("BUFFER)", "BUFFER[1:])")), "do not lead from the disk to the NIC"),
    ("options_are_keywords", whole(signature=SEND_FILE.replace("offset", "at")), "send_file takes sock, fd, at, count"),
    ("options_are_keywords", whole(signature=SEND_FILE.replace(")", ", *, size: int = 1)")), "MODE no option size"),
    ("exact_bytes", "    raise NotImplementedError('not yet')\n", "{file}:5: NotImplementedError: not yet"),
    ("exact_bytes", "    sock.sendall(bytes(count))\n", "1,000,003 bytes from byte 0 on: byte 0 of 1,000,003 is wrong"),
    ("exact_bytes", SENT.replace("count", "count - 1"), "1,000,002 of 1,000,003 bytes arrived, and it returned"),
    ("exact_bytes", SENT + "; sock.sendall(b'!')", "1,000,004 bytes arrived instead of 1,000,003"),
    ("exact_bytes", "    sock.sendall(os.read(fd, count))\n", "1 bytes from byte 1,000,002 on: byte 0 of 1 is wrong"),
    ("exact_bytes", SENT + "; sock.close()", "it closed sock, which is borrowed"),
    ("exact_bytes", SENT + "; os.close(fd)", "it closed fd, the descriptor of the file, which is borrowed"),
    ("exact_bytes", "    os._exit(3)\n", "it ended the process with exit code 3, which no data path may do"),
    ("exact_bytes", "    sys.exit(3)\n", "it ended the process with exit code 3, which no data path may do"),
    ("exact_bytes", "    os.kill(os.getpid(), signal.SIGSEGV)\n", "it was killed by SIGSEGV at {file}:5"),
    ("short_reads_and_sends", SENT, "of 900,001 bytes arrived, and it returned as if all had been sent"),
    ("short_reads_and_sends", changed("sendall", "send"), "where every call read or sent less than it was asked"),
    ("many_at_once", SHARED, "8 connections at once, each in a thread: byte"),
    ("file_too_short", changed("raise FileShrankError(count)", "return"),
     "a file of 0 bytes, of which 1,000,003 were promised: it returned as if all had been sent, and 0 bytes arrived"),
    ("cut_while_sending", changed("raise FileShrankError(count)", "data = bytes(count)"), "raised no FileShrankError"),
    ("peer_gone", "    try:" + GOOD.replace("\n", "\n    ") + "\n    except OSError: pass\n",
     "it returned as if all had been sent, though the peer had gone"),
    ("peer_stuck", "    sock.settimeout(0.1)" + GOOD, "{file}:10: TimeoutError: timed out"),
    ("nothing_left_open", "    os.dup(fd)" + GOOD, "descriptors are left open after 18 answers: /"),
)  # fmt: skip


@pytest.mark.parametrize(("check", "text", "says"), BROKEN)
def test_what_is_wrong_is_said(write: Write, tmp_path: Path, check: str, text: str, says: str) -> None:
    write(text)
    said = apart.run("mine", CHECKS[check], tmp_path)
    assert said is not None and says.format(file="lab/mine.py") in said
    assert "\n" not in said


def test_every_check_finds_something() -> None:
    found = {check for check, _, _ in BROKEN} | {"every_option", "good_after_bad"}
    assert found == set(CHECKS)


def test_an_option_that_changes_the_bytes_is_found(write: Write, tmp_path: Path) -> None:
    head = HEAD.replace("Mode\n", "Mode, Option\n").replace(
        "BUFFER)", 'BUFFER, (Option("chunk", 1 << 20, "bytes per read"),))'
    )
    body = GOOD.replace("min(count, 1 << 20)", "chunk").replace("= len(data)", "= min(len(data), count)")
    write(head + SEND_FILE.replace("count: int)", "count: int, *, chunk: int = 1 << 20)") + body)
    said = apart.run("mine", CHECKS["every_option"], tmp_path)
    assert said is not None and "with chunk=4096: " in said and "arrived instead of" in said


def test_what_a_bad_answer_leaves_behind_is_found(write: Write, tmp_path: Path) -> None:
    write(
        HEAD
        + "left = []\n"
        + SEND_FILE
        + "    sock.sendall(b''.join(left)); left.append(b'!')"
        + GOOD
        + "    left.clear()\n"
    )
    said = apart.run("mine", CHECKS["good_after_bad"], tmp_path)
    assert said is not None and said.startswith("after a bad answer (file too short): an answer: byte 0")


def test_what_hangs_is_ended_with_all_that_it_started(write: Write, tmp_path: Path) -> None:
    write("    import subprocess; subprocess.Popen(['sleep', '4711'])\n    while True: pass\n")
    said = apart.run("mine", CHECKS["exact_bytes"], tmp_path, limit_s=4.0)
    assert said == "it hung at lab/mine.py:6: the check did not end within 4 s"
    eventually(lambda: not any(each.info["cmdline"] == ["sleep", "4711"] for each in psutil.process_iter(["cmdline"])))


def test_a_file_that_hangs_when_it_is_imported_is_ended(write: Write, tmp_path: Path) -> None:
    write(HEAD + "while True: pass\n")
    assert "it hung at lab/mine.py:4" in str(apart.run("mine", CHECKS["is_a_function"], tmp_path, limit_s=4.0))


def test_it_stops_at_the_first_check_that_fails(write: Write) -> None:
    write(HEAD.replace("8199", "8082") + SEND_FILE + GOOD)
    found = [(check.name, wrong is None) for check, wrong in apart.run_all("mine")]
    assert found == [("is_a_function", True), ("named_as_its_file", True), ("port_of_its_own", False)]


def test_a_good_one_passes_them_all(write: Write) -> None:
    write(GOOD)
    assert [(check.name, wrong) for check, wrong in apart.run_all("mine")] == [(name, None) for name in CHECKS]


def test_an_unknown_name_is_refused_with_what_was_perhaps_meant(write: Write) -> None:
    write(GOOD)
    with pytest.raises(UsageError, match=r"there is no mode 'mien'; did you mean mine\?"):
        next(apart.run_all("mien"))


def test_the_page_for_a_class_names_every_check() -> None:
    page = (PROJECT / "docs" / "lab.md").read_text()
    rows = [line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line.startswith("| ")]
    assert rows[1:] == [check.what for check in CHECKS.values()]
