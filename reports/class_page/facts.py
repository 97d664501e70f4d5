"""What is known of a machine that was handed in, as words for a table and as values for a chart.

Its rule: a fact that the report does not hold is "unknown", and a stranger's text is cut to a line's length.
"""

import re
from dataclasses import dataclass

from profiles.store.records import Run
from profiles.store.run_facts import Fact
from reports.analysis.text import UNKNOWN
from reports.class_page.hand_ins import shown

LONGEST = 48  # characters
_KERNEL = re.compile(r"\b(\d{1,3}\.\d{1,3})\b")
BARE = "bare metal"


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """kernel_series: 6.18. virtual: the hypervisor or container, or bare metal. copies_gib_per_s: memory, None if
    unknown."""

    cpu: str
    cpus: str
    kernel: str
    kernel_series: str
    python: str
    virtual: str
    fsrm: str
    file_system: str
    copies_gib_per_s: float | None


def facts(run: Run) -> MachineFacts:
    host, speed = run.host, run.host.get("memory_copy_gib_per_s")
    series = _KERNEL.search(str(host.get("kernel") or ""))
    virtual = _text(host.get("virtualisation"))
    return MachineFacts(
        cpu=_text(host.get("cpu_model")),
        cpus=_text(host.get("cpus")),
        kernel=_text(host.get("kernel")).removeprefix("Linux "),
        kernel_series=series[1] if series else UNKNOWN,
        python=_text(run.software.get("python")).removeprefix("CPython "),
        virtual=BARE if virtual == "none" else virtual,
        fsrm=_text(host.get("fsrm")),
        file_system=shown(run.file.filesystem.partition(" (")[0] or UNKNOWN, LONGEST),
        copies_gib_per_s=float(speed) if isinstance(speed, int | float) and speed > 0 else None,
    )


def _text(fact: Fact) -> str:
    return UNKNOWN if fact in (None, "") else shown(str(fact), LONGEST)
