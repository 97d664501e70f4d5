"""docker-compose.yml and the Dockerfile as they are written; no engine is needed to judge that."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.compose.program import WHY_NOT, docker_compose
from tests.conftest import PROJECT
from tests.test_imports import LEAVES

STANDING = {"prepare", "agent", "master", "worker"}  # what `docker compose up` starts


def config(folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    program = docker_compose()
    if program is None:
        pytest.skip(WHY_NOT)
    command = [program, "--file", str(folder / "docker-compose.yml"), *options]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("BENCH_", "COMPOSE_"))}
    return subprocess.run(command, env=env | variables, capture_output=True, text=True, check=False, timeout=50)


def services(**variables: str) -> dict[str, dict[str, Any]]:
    """What compose makes of the file, services of every profile included."""
    done = config(PROJECT, "--profile", "*", "config", "--format", "json", **variables)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)["services"]
    return found


def test_it_is_valid_and_an_error_in_it_would_be_found(tmp_path: Path) -> None:
    done = config(PROJECT, "config", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    broken = (PROJECT / "docker-compose.yml").read_text().replace("depends_on:", "depends_of:", 1)
    (tmp_path / "docker-compose.yml").write_text(broken)
    assert config(tmp_path, "config", "-q").returncode != 0


def test_up_starts_the_ui_and_what_it_needs_and_load_starts_on_demand() -> None:
    assert set(config(PROJECT, "config", "--services").stdout.split()) == STANDING
    assert set(services()) == STANDING | {"load"}


def test_every_service_is_locked_in() -> None:
    for name, service in services().items():
        assert service["user"] == "1000:1000", name
        assert service["read_only"] and service["tmpfs"] == ["/tmp:size=256m"], name
        assert int(service["mem_limit"]) == 4 << 30 and 0 < service["pids_limit"] < 1 << 15, name
        assert service["cap_drop"] == ["ALL"] and not service.get("cap_add"), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not {"privileged", "pid", "ipc", "devices"} & set(service), name
        assert service.get("network_mode", "none") == "none", name


def test_it_runs_as_the_user_who_is_named() -> None:
    found = services(BENCH_USER="4321:8765").values()
    assert {service["user"] for service in found} == {"4321:8765"}
    assert {service["build"]["args"]["BENCH_USER"] for service in found} == {"4321:8765"}  # whom the volumes belong to


def test_the_ui_alone_is_published_and_to_this_machine_alone() -> None:
    ports = {name: service["ports"] for name, service in services().items() if service.get("ports")}
    (port,) = ports.pop("master")
    assert (port["host_ip"], port["published"], port["target"], ports) == ("127.0.0.1", "8089", 8089, {})


def test_workers_are_in_a_network_without_the_agent_and_without_a_way_out() -> None:
    networks = {name: {*service["networks"]} for name, service in services().items() if service.get("networks")}
    both = {"control", "downloads"}
    assert networks == {"agent": both, "master": both, "load": both, "worker": {"downloads"}}
    listening = [word for word in services()["agent"]["command"] if word.startswith(("--listen", "--serve-on"))]
    assert listening == ["--listen=agent.control:8070", "--serve-on=agent.downloads"]
    found = json.loads(config(PROJECT, "config", "--format", "json").stdout)["networks"]
    assert (found["downloads"].get("internal"), found["control"].get("internal")) == (True, None)


def test_each_waits_for_what_it_needs() -> None:
    needed = {
        (name, other, of["condition"])
        for name, service in services().items()
        for other, of in service.get("depends_on", {}).items()
    }
    assert needed == {
        ("agent", "prepare", "service_completed_successfully"),
        ("master", "agent", "service_healthy"),
        ("worker", "master", "service_healthy"),
        ("load", "agent", "service_healthy"),
    }
    assert all("healthcheck" in services()[other] for _, other, condition in needed if condition == "service_healthy")


def test_folders_of_the_checkout_are_there_before_docker_makes_them_as_root() -> None:
    mounts = [
        mount for service in services().values() for mount in service.get("volumes", []) if mount["type"] == "bind"
    ]
    assert {Path(mount["source"]) for mount in mounts} == {PROJECT / "profiles" / "out", PROJECT / "reports" / "out"}
    assert all((Path(mount["source"]) / ".gitignore").is_file() for mount in mounts)
    assert all(not mount["bind"].get("create_host_path") for mount in mounts)


def test_the_token_stands_in_a_volume_and_nowhere_in_the_file() -> None:
    text = (PROJECT / "docker-compose.yml").read_text()
    assert set(re.findall(r"TOKEN\w*: *(\S+)", text)) == {"token/agent"}
    mounts = {
        name: mount.get("read_only", False)
        for name, service in services().items()
        for mount in service.get("volumes", [])
        if (mount["type"], mount["target"]) == ("volume", "/bench/token")
    }
    assert mounts == {"prepare": False, "agent": True, "master": True, "load": True}


def test_the_folders_of_volumes_are_their_owners_alone() -> None:
    text = (PROJECT / "Dockerfile").read_text()
    assert 'mkdir -p -m 700 data token && chown "$BENCH_USER" data token' in text and "777" not in text


def test_the_image_is_pinned_and_asks_no_registry_for_a_syntax() -> None:
    text = (PROJECT / "Dockerfile").read_text()
    assert re.search(r"^ARG BASE_IMAGE=python:3\.1[1-9]\.\d+-slim-\w+@sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    assert "syntax=" not in text and "--require-hashes" in text
    for name in ("pip install", "COPY . ."):
        assert name in text
    assert text.index("pip install") < text.index("COPY . .")  # an edited source does not install everything anew


def test_the_image_has_every_module_that_lies_beside_the_rooms() -> None:
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    assert [name for name in (*LEAVES, "locustfile") if f"!{name}.py" not in ignored] == []
