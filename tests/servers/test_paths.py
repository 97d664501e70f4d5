"""A path leads to a regular file inside the root, or to an error."""

import ctypes
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_from_bytes

import psutil
import pytest

from errors import UserError
from servers import discovery, files
from tests.conftest import eventually
from tests.servers.conftest import Serve
from tests.servers.raw import Connection, get

SENDFILE = discovery.import_mode("sendfile")[1]
NOBODY = 65534


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "path",
    [
        "/absent",
        "//",
        "/.",
        "/..",
        "/sub",
        "/sub/",
        "/one/",
        "/one/x",
        "/../outside.bin",
        "/%2e%2e/outside.bin",
        "/..%2foutside.bin",
        "/sub/../../outside.bin",
        "/sub/%2E%2E/%2E%2E/outside.bin",
        "/../root-twin/secret",
        "/../../../../../../../../etc/passwd",
        "//etc/passwd",
        "/etc/passwd",
        "/..\\outside.bin",
        "/one%00",
        "/%00",
        "/one%00/../one",
        "/" + "a" * 255,
        "/" + "a" * 256,
        "/" + "a" * 10_000,
        "/" + "a/" * 5_000,
        "/sub" + "/.." * 3_000,
        "/proc/self/environ",
    ],
)
def test_what_is_absent_or_outside_is_404(any_port: int, root: Path, path: str) -> None:
    put(root / "sub" / "inner", b"inner")
    put(root.with_name("root-twin") / "secret", b"secret")
    response = get(any_port, path)
    assert response.status == 404
    assert response.body == b"404 Not Found: there is no such file\n"


def test_who_asks_for_no_file_is_told_which_there_are(any_port: int, root: Path) -> None:
    put(root / "sub" / "inner", b"inner")
    put(root / "a\nb c", b"")
    (root / "outside").symlink_to("/etc/passwd")
    response = get(any_port, "/")
    assert (response.status, response.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    said = response.body.decode()
    assert said.startswith("200 OK: there is ") and said.endswith("\n") and said.count("\n") == 1
    paths = said.removeprefix("200 OK: there is ").strip().split(", ")
    assert "/a%0Ab%20c" in paths and "/one" in paths and not {"/outside", "/sub"} & {*paths}
    assert all(get(any_port, path).status == 200 for path in paths)
    for number in range(30):
        put(root / f"many-{number}", b"")
    assert get(any_port, "/").body.decode().endswith(", …\n")


@pytest.mark.parametrize(
    "name", ["with space", "a+b", "a%b", "a#b?c", "é", "..hidden", "...", "a\nb", "\\", "%2e", "-", "b'\xff"]
)
def test_any_name_can_be_asked_for(any_port: int, root: Path, name: str) -> None:
    put(root / name, name.encode())
    assert get(any_port, "/" + quote(name)).body == name.encode()


def test_names_are_bytes(any_port: int, root: Path) -> None:
    name = b"\xff\x80 not UTF-8"
    put(root / os.fsdecode(name), b"yes")
    assert get(any_port, "/" + quote_from_bytes(name)).body == b"yes"


@pytest.mark.parametrize(
    "path",
    ["/sub/inner", "//sub//inner", "/sub/../sub/./inner", "/sub/inner?q=/../x", "/%73ub/inner", "http://x/sub/inner"],
)
def test_ways_to_write_one_path(any_port: int, root: Path, path: str) -> None:
    put(root / "sub" / "inner", b"inner")
    assert get(any_port, path).body == b"inner"


def test_a_way_out_and_back_in_is_a_way_in(any_port: int, root: Path) -> None:
    assert get(any_port, f"/../{root.name}/one").body == b"1"


def test_a_path_may_be_as_long_as_the_kernel_takes(any_port: int, root: Path) -> None:
    assert get(any_port, "/." * 1500 + "/one").body == b"1"


def test_links_are_followed_inside_the_root_only(any_port: int, root: Path) -> None:
    put(root / "sub" / "inner", b"inner")
    links = {
        "inside": "sub/inner",
        "inside-absolute": str(root / "sub" / "inner"),
        "folder": "sub",
        "outside": "../outside.bin",
        "outside-absolute": "/etc/passwd",
        "outside-folder": "/etc",
        "to-outside": "outside",
        "dangling": "nothing",
        "loop": "loop",
        "zero": "/dev/zero",
        "stdin": "/proc/self/fd/0",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    (root / "sub" / "up").symlink_to("..")
    for path in ("/inside", "/inside-absolute", "/folder/inner", "/sub/up/sub/inner"):
        assert get(any_port, path).body == b"inner", path
    for path in (
        "/outside",
        "/outside-absolute",
        "/outside-folder/passwd",
        "/to-outside",
        "/dangling",
        "/loop",
        "/zero",
    ):
        assert get(any_port, path).status == 404, path
    assert get(any_port, "/stdin").status == 404
    assert get(any_port, "/folder/../outside.bin").status == 404


def test_what_is_no_regular_file_is_404_and_blocks_nothing(any_port: int, root: Path) -> None:
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        folder = os.open(root, os.O_DIRECTORY)
        listener.bind(f"/proc/self/fd/{folder}/socket")  # sockaddr_un takes 107 bytes
        os.close(folder)
        for path in ("/fifo", "/socket"):
            assert get(any_port, path).status == 404, path


@pytest.mark.parametrize("other", ["pipe", "link outside"])
def test_what_is_exchanged_while_it_is_opened_is_judged_again(
    any_port: int, root: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    """Between stat() and open(): a pipe is not waited for, and what lies outside is not sent."""
    stat, descriptors = os.stat, psutil.Process().num_fds()

    def stat_and_exchange(path: bytes | str | Path) -> os.stat_result:
        facts = stat(path)
        if path == os.fsencode(root / "one"):
            (root / "one").unlink()
            if other == "pipe":
                os.mkfifo(root / "one")
            else:
                (root / "one").symlink_to("../outside.bin")
        return facts

    with Connection(any_port) as connection, monkeypatch.context() as patched:
        patched.setattr(os, "stat", stat_and_exchange)
        assert connection.get("/one").status == 404
    eventually(lambda: psutil.Process().num_fds() == descriptors)


def replace(root: Path) -> None:
    put(root / "beside", b"another").rename(root / "one")


def rewrite(root: Path) -> None:
    with (root / "one").open("r+b") as file:
        file.write(b"2")


def delete(root: Path) -> None:
    (root / "one").unlink()


def move_out(root: Path) -> None:
    """The same file, but no longer inside."""
    (root / "one").rename(root.parent / "moved")
    (root / "one").symlink_to("../moved")


def turn_a_folder(root: Path) -> None:
    """As a release does that is a link's new target: the file stays as it is."""
    (root / "now").unlink()
    (root / "now").symlink_to("new")


@pytest.mark.parametrize(
    ("path", "change", "status", "body"),
    [
        ("/one", replace, 200, b"another"),
        ("/one", rewrite, 200, b"2"),
        ("/one", delete, 404, None),
        ("/one", move_out, 404, None),
        ("/now/file", turn_a_folder, 200, b"new"),
    ],
)
def test_a_file_that_stays_open_for_its_connection_is_not_served_when_its_path_leads_elsewhere(
    any_port: int, root: Path, path: str, change: Callable[[Path], None], status: int, body: bytes | None
) -> None:
    put(root / "old" / "file", b"old")
    put(root / "new" / "file", b"new")
    (root / "now").symlink_to("old")
    with Connection(any_port) as connection:
        first = connection.get(path).body
        assert connection.get(path).body == first
        change(root)
        answer = connection.get(path)
        assert answer.status == status
        assert body is None or answer.body == body


def test_a_connection_holds_one_file_open_and_none_when_it_has_ended(any_port: int, root: Path) -> None:
    put(root / "two", b"2")

    def held() -> list[str]:
        return [file.path for file in psutil.Process().open_files() if Path(file.path).parent == root]

    with Connection(any_port) as connection:
        for path in ("/one", "/two", "/two"):
            assert connection.get(path).status == 200
        assert held() == [str(root / "two")]
        assert connection.get("/absent").status == 404
        assert held() == []
        assert connection.get("/one").status == 200
    eventually(lambda: held() == [])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a device")
def test_a_device_is_404(any_port: int, root: Path) -> None:
    try:
        os.mknod(root / "zero", 0o020666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this container lets nobody make a device")
    assert get(any_port, "/zero").status == 404


def test_the_root_may_be_a_link_and_end_in_a_slash(serve: Serve, root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("root")
    with serve(SENDFILE, folder=Path(f"{tmp_path}/link/")) as running:
        assert get(running.port, "/one").body == b"1"
        assert get(running.port, "/../outside.bin").status == 404


def test_the_root_may_be_the_file_system(serve: Serve, root: Path) -> None:
    with serve(SENDFILE, folder=Path("/")) as running:
        assert get(running.port, quote(str(root / "one"))).body == b"1"


@pytest.fixture
def open_root() -> Iterator[Path]:
    """A folder that any user can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="root-for-nobody-"))
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


def become_nobody() -> None:
    """Let this thread and those that it starts meet files as an ordinary user (setfsuid(2) is a thread's own)."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).setfsuid(NOBODY)


def test_what_may_not_be_read_is_403(serve: Serve, open_root: Path, tmp_path: Path) -> None:
    put(open_root / "secret", b"secret").chmod(0)
    put(open_root / "open", b"open").chmod(0o644)
    put(open_root / "locked" / "inner", b"inner")
    (open_root / "locked").chmod(0)
    put(tmp_path / "out" / "secret", b"secret")
    (tmp_path / "out").chmod(0)
    (open_root / "way-out").symlink_to(tmp_path / "out" / "secret")
    try:
        with serve(SENDFILE, before=become_nobody, folder=open_root) as running:
            assert get(running.port, "/open").body == b"open"
            assert get(running.port, "/secret").status == 403
            assert get(running.port, "/locked/inner").status == 403
            assert get(running.port, "/way-out").status == 404  # whatever lies out there
    finally:
        (tmp_path / "out").chmod(0o755)


@pytest.mark.parametrize("name", ["absent", "one", "loop", "one/below", "x" * 300])
def test_a_root_that_cannot_be_served_is_a_clear_error(root: Path, name: str) -> None:
    (root / "loop").symlink_to("loop")
    with pytest.raises(UserError, match=f"^cannot serve .*{name}: .*; .*director"):
        files.resolve_root(root / name)
