"""Facts about the machine, the software and the served file (docs/method.md §8). What cannot be read is None."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
from hashlib import file_digest
from pathlib import Path

import psutil

from errors import UserError
from profiles.host import network
from profiles.host.network import LOOPBACK
from profiles.host.page_cache import filesystem_of, resident_share_of
from profiles.metrics import cgroup
from profiles.metrics.cgroup import text_of
from profiles.store.run_facts import Fact, FileFacts

CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")  # of Docker, and of Podman (podman-run(1))


def boot() -> str | None:
    """random/boot_id, proc(5): the same in every container and namespace on a machine until it restarts."""
    return text_of("/proc/sys/kernel/random/boot_id")


def host_facts(interface: str | None = LOOPBACK) -> dict[str, Fact]:
    """The machine, in the order to be shown. interface: the one that the traffic goes through."""
    link = {} if interface == LOOPBACK else {"link_speed": network.speed(interface)}
    return {
        "cpu_model": _cpu_model(),
        "cpus": os.cpu_count(),
        "fsrm": _fsrm(),
        "affinity": ",".join(str(cpu) for cpu in sorted(os.sched_getaffinity(0))),
        "governor": text_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "smt_active": text_of("/sys/devices/system/cpu/smt/active"),
        "load_average": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "memory_bytes": psutil.virtual_memory().total,
        "swap_bytes": psutil.swap_memory().total,
        "virtualisation": _virtualisation(),
        "cgroup_cpu_max": cgroup.cpu_limit(),
        "cgroup_memory_max": cgroup.memory_limit(),
        "kernel": f"{platform.system()} {platform.release()}",
        "kernel_version": platform.version(),
        "kernel_command_line": text_of("/proc/cmdline"),
        "boot_id": boot(),
        "mitigations": _mitigations(),
        "transparent_hugepages": _chosen("/sys/kernel/mm/transparent_hugepage/enabled"),
        "clock_source": text_of("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        "clock_tick_hz": os.sysconf("SC_CLK_TCK"),
        "interface": network.described(interface),
        **link,
        "mtu": network.mtu(interface),
        "queueing": network.queueing(interface),
        "offloads": network.offloads(interface),
        "congestion_control_default": _sysctl("net.ipv4.tcp_congestion_control"),
        "congestion_control_allowed": _sysctl("net.ipv4.tcp_allowed_congestion_control"),
        "tcp_rmem": _sysctl("net.ipv4.tcp_rmem"),
        "tcp_wmem": _sysctl("net.ipv4.tcp_wmem"),
        "tcp_mem": _sysctl("net.ipv4.tcp_mem"),
        "server_socket_options": network.SERVER_SOCKET_OPTIONS,
        "socket_buffers_default": network.default_buffers(),
        "perf_event_paranoid": _number("/proc/sys/kernel/perf_event_paranoid"),
        "ptrace_scope": _number("/proc/sys/kernel/yama/ptrace_scope"),
        "user": "root" if os.geteuid() == 0 else "unprivileged",
    }


def software_facts(project: Path) -> dict[str, Fact]:
    """Python, libraries and the revision of this project."""
    revision = _git(project, "rev-parse", "HEAD")
    status = _git(project, "status", "--porcelain")
    packages = ("locust", "gevent", "psutil", "py-spy", "httptools")
    return {
        "git_revision": revision,
        "git_dirty": None if status is None else "yes" if status else "no",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libc": " ".join(platform.libc_ver()) or None,
        **{package: _version(package) for package in packages},
    }


def file_facts(path: Path) -> FileFacts:
    """The served file; its digest is checked, and reading it also brings it into the page cache.

    Raises UserError when it is missing, cannot be read, or is not what `make test-file` made.
    """
    beside = path.with_name(path.name + ".sha256")
    try:
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        recorded = beside.read_text().split()[0]
    except (OSError, IndexError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is empty"
        at = error.filename if isinstance(error, OSError) else beside
        raise UserError(f"cannot read {at}: {why}; `make test-file` makes the test file and its digest") from error
    if digest != recorded:
        raise UserError(
            f"{path} is not what {beside.name} says (sha256 {digest[:12]}…, not {recorded[:12]}…): remove both, "
            f"then run `make test-file`"
        )
    return FileFacts(
        path=path.name,
        size_bytes=size_bytes,
        sha256=digest,
        filesystem=filesystem_of(path),
        resident_share_before=resident_share_of(path),
    )


def _cpu_model() -> str | None:
    for line in (text_of("/proc/cpuinfo") or "").splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()


def _fsrm() -> str | None:
    """Whether the CPU copies short pieces fast (fast short rep mov), which the kernel's copies make use of. None where
    it has no such flag: it is not an x86."""
    flags = next((line for line in (text_of("/proc/cpuinfo") or "").splitlines() if line.startswith("flags")), None)
    return None if flags is None else "yes" if "fsrm" in flags.split() else "no"


def _virtualisation() -> str | None:
    """Container and hypervisor, by systemd-detect-virt(1); without it, by the CPU's flags and marker files."""
    if shutil.which("systemd-detect-virt"):
        container, machine = (_detected(f"--{kind}") for kind in ("container", "vm"))
        return machine if container == "none" else f"{container} in {'no vm' if machine == 'none' else machine}"
    flagged = "vm" if " hypervisor" in (text_of("/proc/cpuinfo") or "") else None
    if not any(Path(mark).exists() for mark in CONTAINER_MARKS):
        return flagged
    return f"container in {flagged}" if flagged else "container"


def _detected(kind: str) -> str:
    done = subprocess.run(["systemd-detect-virt", kind], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _mitigations() -> str | None:
    folder = Path("/sys/devices/system/cpu/vulnerabilities")
    if not folder.is_dir():
        return None
    found = {path.name: text_of(path) or "" for path in sorted(folder.iterdir())}
    return "; ".join(f"{name}: {text}" for name, text in found.items() if not text.startswith("Not affected"))


def _git(project: Path, *arguments: str) -> str | None:
    if not shutil.which("git"):
        return None
    done = subprocess.run(["git", *arguments], cwd=project, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _sysctl(name: str) -> str | None:
    text = text_of("/proc/sys/" + name.replace(".", "/"))
    return " ".join(text.split()) if text else text


def _number(path: str) -> int | None:
    text = text_of(path)
    return None if text is None else int(text)


def _chosen(path: str) -> str | None:
    """The one in brackets, as in "always [madvise] never"."""
    text = text_of(path)
    return None if text is None else text.partition("[")[2].partition("]")[0] or text
