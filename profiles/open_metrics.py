"""Samples as OpenMetrics text, which Prometheus and Grafana read (https://prometheus.io/docs/specs/om/open_metrics_spec/).

Its rule: a name says its unit, a counter stays a counter, and what is unknown is left out. It is written here, since
importing prometheus_client costs an agent more than all of this; the tests read it with that library's parser.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from errors import UserError
from profiles.protocol import TimedSample
from profiles.store.run_facts import MetricFacts

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
UNITS = {"s": "seconds", "bytes": "bytes"}  # by the last word of our names
MACHINE = "machine"
_NAME = re.compile("[a-z][a-z0-9_]*")
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


@dataclass(frozen=True, slots=True)
class Family:
    """name: one of ours, like cpu_s. values: by the process that they are of; "" for the one value without a label.
    Raises UserError where the name cannot be one."""

    name: str
    kind: Literal["counter", "gauge"]
    summary: str
    values: Mapping[str, float]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UserError(f"no metric can be called {self.name!r}")

    def lines(self) -> Iterator[str]:
        stem, _, word = self.name.rpartition("_")
        unit = UNITS.get(word)
        name = f"bench_{f'{stem}_{unit}' if unit else self.name}"
        yield f"# HELP {name} {self.summary.translate(_ESCAPES)}"
        yield f"# TYPE {name} {self.kind}"
        if unit:
            yield f"# UNIT {name} {unit}"
        total = "_total" if self.kind == "counter" else ""
        for process, value in self.values.items():
            label = "" if process == "" else f'{{process="{process.translate(_ESCAPES)}"}}'
            yield f"{name}{total}{label} {float(value)!r}"


def families_of(samples: Sequence[TimedSample], metrics: Iterable[MetricFacts]) -> Iterator[Family]:
    """samples: one of each process and of the machine. metrics: of processes."""
    processes = {sample.process: sample.values for sample in samples if sample.process != MACHINE}
    for metric in metrics:
        known = {name: value for name, values in processes.items() if (value := values.get(metric.name)) is not None}
        if known:
            kind: Literal["counter", "gauge"] = "counter" if metric.kind == "counter" else "gauge"
            yield Family(f"process_{metric.name}", kind, metric.summary, known)
    for machine in (sample.values for sample in samples if sample.process == MACHINE):
        for name, value in machine.items():
            if value is not None:
                yield Family(f"machine_{name}", "counter", "of the whole machine, summed over its cores", {"": value})


def text_of(families: Iterable[Family]) -> str:
    return "".join(f"{line}\n" for family in families for line in family.lines()) + "# EOF\n"
