"""Names that earlier versions stored, and today's: old runs are read through these tables."""

from typing import Any

METRICS = {"core_loop_us": "cpu_probe_us"}  # keys of cells, and names of metrics in run.json
TARGET_FIELDS = {"guest": "external"}
FAILURES = {
    "ConnectError": "no connection",
    "WrongStatusError": "wrong status",
    "WrongLengthError": "wrong length",
    "EncodedError": "not the file's bytes",
    "ShortBodyError": "the connection ended before the body did",
    "ConnectionLostError": "connection lost",
    "TimedOutError": "timed out",
    "BadHeadError": "no HTTP answer",
    "SliceTimedOut": "its users were not back from a slice in time",
}


def translated_cell(cell: dict[str, Any]) -> dict[str, Any]:
    """A line of rounds.jsonl, with today's names of metrics, and failures in words."""
    failures = cell.get("failure_names")
    named = {"failure_names": _renamed(failures, FAILURES)} if isinstance(failures, dict) else {}
    return {**_renamed(cell, METRICS), **named}


def translated_run(run: Any) -> Any:
    """run.json with today's names of metrics and of the fields of targets; of another shape, as it is."""
    if (
        not isinstance(run, dict)
        or not isinstance(run.get("metrics"), list)
        or not isinstance(run.get("targets"), list)
    ):
        return run
    metrics = [_with_todays_name(metric) for metric in run["metrics"]]
    targets = [_renamed(target, TARGET_FIELDS) for target in run["targets"]]
    return run | {"metrics": metrics, "targets": targets}


def _with_todays_name(metric: Any) -> Any:
    name = metric.get("name") if isinstance(metric, dict) else None
    return metric | {"name": METRICS[name]} if isinstance(name, str) and name in METRICS else metric


def _renamed(row: Any, names: dict[str, str]) -> Any:
    return {names.get(name, name): value for name, value in row.items()} if isinstance(row, dict) else row
