"""Folded stacks as a file for speedscope (https://www.speedscope.app): one "sampled" profile with weights. Pure."""

import json
from collections.abc import Mapping

from reports.flames.copy_tax import Stack
from reports.flames.tree import strip_suffix

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def speedscope(name: str, stacks: Mapping[Stack, float], unit: str) -> bytes:
    """A profile as JSON. unit: of the weights; speedscope knows "milliseconds" and "none", among others."""
    frames: dict[str, int] = {}
    samples = [[frames.setdefault(strip_suffix(frame), len(frames)) for frame in stack] for stack in stacks]
    weights = [round(weight, 4) for weight in stacks.values()]
    profile = {
        "type": "sampled",
        "name": name,
        "unit": unit,
        "startValue": 0,
        "endValue": round(sum(weights), 4),
        "samples": samples,
        "weights": weights,
    }
    whole = {"$schema": _SCHEMA, "name": name, "shared": {"frames": [{"name": frame} for frame in frames]}}
    return json.dumps(whole | {"profiles": [profile]}, separators=(",", ":"), ensure_ascii=False).encode()
