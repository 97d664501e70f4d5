"""targets.toml: what is in it becomes targets; what is wrong in it is said with its line, before anything runs."""

from pathlib import Path

import pytest

from errors import UsageError
from profiles.store.records import TargetFacts
from profiles.targets import catalog, config_file, toml_positions
from profiles.targets.external import ExternalTarget

GOOD = """
# a comment = with an equals sign
[nginx-sendfile]
command = ["nginx", "-c", "{scratch}/nginx.conf"]
address = "127.0.0.1:8200"
files = ["nginx.conf"]
values = { path = "sendfile on;" }
stop = "SIGQUIT"

[of-mine]
pid = 17
address = "[::1]:8201"
path = "/files/a.bin"
size = "1MiB"
sha256 = "ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
"""
ADDRESS = 'address = "127.0.0.1:8200"'


def read(folder: Path, text: str) -> dict[str, tuple[TargetFacts, ExternalTarget]]:
    (folder / "nginx.conf").write_text("listen {port}; root {root}; {path}")
    path = folder / "targets.toml"
    path.write_text(text)
    return {facts.name: (facts, guest) for facts, guest in config_file.read(path, frozenset({"sendfile"}))}


def test_what_is_in_it_becomes_targets(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    facts, guest = found["nginx-sendfile"]
    assert (facts.guest, facts.port, facts.path, facts.size_bytes) == ("command", 8200, "/test-file.bin", None)
    assert (guest.stop, guest.uses("port"), guest.uses("root"), guest.uses("host")) == (3, True, True, False)
    facts, guest = found["of-mine"]
    assert (facts.guest, guest.host, facts.path, facts.size_bytes) == ("pid", "::1", "/files/a.bin", 1 << 20)
    assert facts.sha256 and facts.sha256.startswith("abcdef")


def test_placeholders_are_filled_in_and_a_shell_keeps_its_own(tmp_path: Path) -> None:
    _, guest = read(tmp_path, GOOD)["nginx-sendfile"]
    filled = guest.filled(Path("/served"), "::1", 81, Path("/scratch"))
    assert filled("listen {port}; root {root}; {path} ${port} {unknown}") == (
        "listen 81; root /served; sendfile on; ${port} {unknown}"
    )


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (f"[a]\n{ADDRESS}\ncommand = 'x'\ncomand = 'y'", 4, "there is no key comand: is command meant?"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nqqq = 1", 4, "there is no key qqq: there are address, command"),
        (f"[a]\n{ADDRESS}\ncommand = 5", 3, "command: expected str | a list of str, got int"),
        (f"[a]\n{ADDRESS}\ncommand = ['x', 5]", 3, "command: expected str, got int"),
        (f"[a]\n{ADDRESS}\n\ncommand = ''", 4, "command is empty"),
        (f"[a]\n{ADDRESS}\ncommand = '\"x'", 3, "No closing quotation"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nready_within_s = 'soon'", 4, "ready_within_s: expected float"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nready_within_s = 1e9", 4, "give 0.1 to 120"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nready_within_s = nan", 4, "give 0.1 to 120"),
        (f"[a]\n{ADDRESS}\ncommand = '''\nx\n{{prot}}'''", 3, "no {prot} to fill in: there are {root}, {port}"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nenv = {{ A = 1 }}", 4, "env: expected str, got int"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\n[a.env]\nA = '{{prot}}'", 5, "there is no {prot} to fill in"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nfiles = ['../secret']", 4, "../secret is not a file below"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nfiles = ['nothing']", 4, "nothing is not a file below"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nvalues = {{ root = 'x' }}", 4, "root cannot be a placeholder"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nstop = 'SIGSTOPP'", 4, "there is no signal SIGSTOPP"),
        (f"[a]\n{ADDRESS}\n", 1, "give one of command"),
        (f"\n[a]\n{ADDRESS}\ncommand = 'x'\npid = 5", 2, "give one of command"),
        (f"[a]\n{ADDRESS}\npid = 0", 3, "pid 0: give the number of a process"),
        (f"[a]\n{ADDRESS}\npid = 5\nstop = 'SIGTERM'", 4, "stop is for a command"),
        ("[a]\ncommand = 'x'", 1, 'address is missing: add a line like address = "127.0.0.1:8200"'),
        ("[a]\naddress = '127.0.0.1'\ncommand = 'x'", 2, "give host:port"),
        ("[a]\naddress = '127.0.0.1:70000'\ncommand = 'x'", 2, "give host:port"),
        ("[a]\naddress = '[:::]:80'\ncommand = 'x'", 2, ":::"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\npath = 'a b'", 4, "give what a GET asks for"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\npath = '/a\\r\\nX: y'\nx = 1", 5, "there is no key x"),
        (f'[a]\n{ADDRESS}\ncommand = "x"\npath = "/a\\r\\nX: y"', 4, "give what a GET asks for"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nsize = 5", 1, "size and sha256 belong together"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nsize = 5\nsha256 = 'xyz'", 5, "64 hexadecimal digits"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nsize = '5 parsecs'\nsha256 = '{'a' * 64}'", 4, "is not a size"),
        (f"[sendfile]\n{ADDRESS}\ncommand = 'x'", 1, "sendfile is a name of ours"),
        (f"[machine]\n{ADDRESS}\ncommand = 'x'", 1, "machine is a name of ours"),
        (f"['../a']\n{ADDRESS}\ncommand = 'x'", 1, "is no name"),
        (f"['<script>']\n{ADDRESS}\ncommand = 'x'", 1, "is no name"),
        (f"[a-b]\n{ADDRESS}\ncommand = 'x'\n[ab]\n{ADDRESS}\ncommand = 'x'", 4, "differ by a dash only"),
        ("address = 'x'", 1, "address belongs to no target"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\n[a]\n", 4, "twice"),
        (f"[a]\n{ADDRESS}\n{ADDRESS}\n", 3, "Cannot overwrite a value"),
        (f"[a]\n{ADDRESS}\ncommand = \n", 3, "Invalid value"),
        ("[a]\naddress = 'x", 2, "Expected"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_its_line_and_what_to_do(tmp_path: Path, text: str, line: int, says: str) -> None:
    with pytest.raises(UsageError) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path}/targets.toml:{line}: ")
    assert says in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_may_not_be_read_is_said_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nginx.conf").write_text("")
    monkeypatch.setattr("os.access", lambda *_: False)  # root may read everything
    with pytest.raises(UsageError, match=r":4: files: nginx.conf cannot be read: change its permissions"):
        read(tmp_path, f"[a]\n{ADDRESS}\ncommand = 'x'\nfiles = ['nginx.conf']")


def test_every_target_with_a_mistake_gets_its_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read(tmp_path, f"[b]\n{ADDRESS}\npid = 'x'\nenv = 1\n[a]\n{ADDRESS}\n[c]\n{ADDRESS}\ncommand = 'x'")
    assert [said.split(":")[1] for said in str(error.value).splitlines()] == ["4", "5"]


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file or directory; give TARGETS"):
        config_file.read(tmp_path / "nothing.toml", frozenset())
    (tmp_path / "latin.toml").write_bytes(b"[a]\n# caf\xe9\n")
    with pytest.raises(UsageError, match=r"latin\.toml:2: not UTF-8"):
        config_file.read(tmp_path / "latin.toml", frozenset())


def test_the_file_in_force_is_the_one_that_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(tmp_path, GOOD)
    monkeypatch.setenv("TARGETS", str(tmp_path / "targets.toml"))
    assert [target.name for target in catalog.choose(["of-mine", "sendfile"])] == ["of-mine", "sendfile"]
    monkeypatch.setenv("TARGETS", "")
    assert "of-mine" not in catalog.discover()
    with pytest.raises(UsageError, match=r"there is no mode 'of-mine'.*targets\.toml"):
        catalog.choose(["of-mine"])


def test_lines_are_those_of_the_keys_whatever_the_values_look_like() -> None:
    text = '''a = """
[no]
b = 1
"""  # [no]
"c d" = [ # ]
  "]", '"',
  { x = 1 },
]
[t."u v"]
w.x = 'a = b'

y = "\\"#"
[[z]]
k = 1
'''
    assert toml_positions.lines(text) == {
        ("a",): 1,
        ("c d",): 5,
        ("t", "u v"): 9,
        ("t", "u v", "w", "x"): 10,
        ("t", "u v", "y"): 12,
        ("z",): 13,
        ("z", "k"): 14,
    }
