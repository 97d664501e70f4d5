"""targets.toml: what is in it becomes targets; mistakes are said with table and key before anything runs."""

import re
from pathlib import Path

import pytest

from errors import UsageError
from profiles.store.run_facts import TargetFacts
from profiles.targets import catalog, config_file
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
    return {facts.name: (facts, external) for facts, external in config_file.read(path, frozenset({"sendfile"}))}


def test_what_is_in_it_becomes_targets(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    facts, external = found["nginx-sendfile"]
    assert (facts.external, facts.port, facts.path, facts.size_bytes) == ("command", 8200, "/test-file.bin", None)
    assert (external.stop, external.uses("port"), external.uses("root"), external.uses("host")) == (
        3,
        True,
        True,
        False,
    )
    facts, external = found["of-mine"]
    assert (facts.external, external.host, facts.path, facts.size_bytes) == ("pid", "::1", "/files/a.bin", 1 << 20)
    assert facts.sha256 and facts.sha256.startswith("abcdef")


def test_placeholders_are_expanded_and_a_shell_keeps_its_own(tmp_path: Path) -> None:
    _, external = read(tmp_path, GOOD)["nginx-sendfile"]
    expand = external.placeholders(Path("/served"), "::1", 81, Path("/scratch")).expand
    assert expand("listen {port}; root {root}; {path} ${port} {unknown}") == (
        "listen 81; root /served; sendfile on; ${port} {unknown}"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"[a]\n{ADDRESS}\ncommand = 'x'\ncomand = 'y'", "there is no key comand; did you mean command?"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nqqq = 1", "there is no key qqq: there are address, command"),
        (f"[a]\n{ADDRESS}\ncommand = 5", "command: expected str | a list of str, got int"),
        (f"[a]\n{ADDRESS}\ncommand = ['x', 5]", "command: expected str, got int"),
        (f"[a]\n{ADDRESS}\n\ncommand = ''", "command is empty"),
        (f"[a]\n{ADDRESS}\ncommand = '\"x'", "No closing quotation"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nready_within_s = 'soon'", "ready_within_s: expected float"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nready_within_s = 1e9", "ready_within_s: expected float <= 120.0"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nready_within_s = nan", "ready_within_s: expected float >= 0.1"),
        (f"[a]\n{ADDRESS}\ncommand = '''\nx\n{{prot}}'''", "command: there is no placeholder {prot}: there are {root}"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nenv = {{ A = 1 }}", "env: expected str, got int"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\n[a.env]\nA = '{{prot}}'", "env.A: there is no placeholder {prot}"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nfiles = ['../secret']", "../secret is not a file below"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nfiles = ['nothing']", "nothing is not a file below"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nfiles = ['a/root']", "root is a link to the served folder: choose another"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nvalues = {{ root = 'x' }}", "root cannot be a placeholder"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nstop = 'SIGSTOPP'", "there is no signal SIGSTOPP"),
        (f"[a]\n{ADDRESS}\n", "give one of command"),
        (f"\n[a]\n{ADDRESS}\ncommand = 'x'\npid = 5", "give one of command"),
        (f"[a]\n{ADDRESS}\npid = 0", "pid: expected int >= 1"),
        (f"[a]\n{ADDRESS}\npid = 5\nstop = 'SIGTERM'", "stop is for a command"),
        ("[a]\ncommand = 'x'", 'address is missing: add a line like address = "127.0.0.1:8200"'),
        ("[a]\naddress = '127.0.0.1'\ncommand = 'x'", "give host:port"),
        ("[a]\naddress = '127.0.0.1:70000'\ncommand = 'x'", "give host:port"),
        ("[a]\naddress = '[:::]:80'\ncommand = 'x'", ":::"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\npath = 'a b'", "give what a GET asks for"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\npath = '/a\\r\\nX: y'\nx = 1", "there is no key x"),
        (f'[a]\n{ADDRESS}\ncommand = "x"\npath = "/a\\r\\nX: y"', "give what a GET asks for"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nsize = 5", "size and sha256 belong together"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nsize = 5\nsha256 = 'xyz'", "64 hexadecimal digits"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\nsize = '5 parsecs'\nsha256 = '{'a' * 64}'", "is not a size"),
        (f"[sendfile]\n{ADDRESS}\ncommand = 'x'", "sendfile is a name of ours"),
        (f"[machine]\n{ADDRESS}\ncommand = 'x'", "machine is a name of ours"),
        (f"['../a']\n{ADDRESS}\ncommand = 'x'", "is not a valid name"),
        (f"['<script>']\n{ADDRESS}\ncommand = 'x'", "is not a valid name"),
        (f"[a-b]\n{ADDRESS}\ncommand = 'x'\n[ab]\n{ADDRESS}\ncommand = 'x'", "differ by a dash only"),
        ("address = 'x'", "address belongs to no target"),
        (f"[a]\n{ADDRESS}\ncommand = 'x'\n[a]\n", "twice"),
        (f"[a]\n{ADDRESS}\n{ADDRESS}\n", "Cannot overwrite a value"),
        (f"[a]\n{ADDRESS}\ncommand = \n", "Invalid value"),
        ("[a]\naddress = 'x", "Expected"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_where_it_is_and_what_to_do(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        read(tmp_path, text)
    where = r"(\[.+\]: |.+ \(at (line \d+, column \d+|end of document)\): )"
    assert re.match(rf"{tmp_path}/targets\.toml: {where}", str(error.value))
    assert says in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_may_not_be_read_is_said_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nginx.conf").write_text("")
    monkeypatch.setattr("os.access", lambda *_: False)  # root may read everything
    with pytest.raises(UsageError, match=r"\[a\]: files: nginx.conf cannot be read: change its permissions"):
        read(tmp_path, f"[a]\n{ADDRESS}\ncommand = 'x'\nfiles = ['nginx.conf']")


def test_every_target_with_a_mistake_gets_a_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read(tmp_path, f"[b]\n{ADDRESS}\npid = 'x'\nenv = 1\n[a]\n{ADDRESS}\n[c]\n{ADDRESS}\ncommand = 'x'")
    assert [said.split(":")[1] for said in str(error.value).splitlines()] == [" [b]", " [a]"]


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


def test_a_server_of_the_examples_leads_to_their_file() -> None:
    with pytest.raises(
        UsageError, match=r"no mode 'nginx-read' without TARGETS=examples/targets\.toml, which has it \("
    ):
        catalog.choose(["nginx-read", "sendfile"])
