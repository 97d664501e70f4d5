"""A proxy or a cache before a server is said as what it is: by its headers, its memory, where its bytes come from."""

import shutil
from pathlib import Path

import pytest

from profiles.checks.prove_mode import prove
from profiles.protocol import Start
from profiles.store.sending import sentence
from profiles.targets.external_server import serving
from tests.profiles.targets.external_servers import external, from_table

pytestmark = pytest.mark.slow

HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
listen all
    bind {{host}}:{{port}}
    server origin 127.0.0.1:{origin}
"""
NGINX = """
daemon off;
user root;
pid nginx.pid;
error_log stderr error;
events {{ }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen {{host}}:{{port}};
        location / {{ proxy_pass http://127.0.0.1:{origin}; }}
    }}
}}
"""
THROUGH_A_SOCKET = "of the bytes came to it through a socket (strace)"
# The command, a file for it, and what must be said of it.
PROXIES: dict[str, tuple[list[str], str, tuple[str, ...]]] = {
    "varnishd": (
        ["varnishd", "-F", "-j", "none", "-n", "{scratch}/work", "-a", "{host}:{port}", "-b", "127.0.0.1:ORIGIN"],
        "",
        ("a proxy answers (Via: 1.1", "it keeps files in memory: it sent the old bytes", "from memory of its own"),
    ),
    "haproxy": (["haproxy", "-db", "-f", "{scratch}/conf"], HAPROXY, (THROUGH_A_SOCKET,)),
    "nginx": (["nginx", "-e", "stderr", "-p", ".", "-c", "conf"], NGINX, (THROUGH_A_SOCKET,)),
}


@pytest.mark.parametrize("name", PROXIES)
def test_a_real_proxy_is_named(name: str, served: Path) -> None:
    command, text, says = PROXIES[name]
    if shutil.which(name) is None and shutil.which(f"/usr/sbin/{name}") is None:
        pytest.skip(f"{name} is not installed")
    with serving(external(served), served, Start("external", any_port=True)) as origin:
        (served / "conf").write_text(text.format(origin=origin.port))
        words = [word.replace("ORIGIN", str(origin.port)) for word in command]
        table: dict[str, object] = {
            "command": words,
            "cwd": "{scratch}",
            "address": "127.0.0.1:8398",
            "files": ["conf"],
        }
        proof = prove(from_table(served, name, table), served)
    assert proof.state == "available", proof
    if proof.calls_reason:
        pytest.skip(proof.calls_reason)
    said = str(sentence(proof))
    assert [each for each in says if each not in said] == [], said
