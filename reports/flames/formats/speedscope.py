"""A profile for speedscope (https://www.speedscope.app): one "sampled" profile with weights. Pure."""

import json

from reports.flames.formats.sampled_stacks import SampledStacks
from reports.flames.tree import strip_suffix

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def speedscope(sampled: SampledStacks) -> bytes:
    """JSON of speedscope's own format."""
    frames: dict[str, int] = {}
    stacks = sampled.weights
    samples = [[frames.setdefault(strip_suffix(frame), len(frames)) for frame in stack] for stack in stacks]
    weights = [round(weight, 4) for weight in stacks.values()]
    profile = {
        "type": "sampled",
        "name": sampled.title,
        "unit": "none" if sampled.ms_per_sample is None else "milliseconds",
        "startValue": 0,
        "endValue": round(sum(weights), 4),
        "samples": samples,
        "weights": weights,
    }
    whole = {"$schema": _SCHEMA, "name": sampled.title, "shared": {"frames": [{"name": frame} for frame in frames]}}
    return json.dumps(whole | {"profiles": [profile]}, separators=(",", ":"), ensure_ascii=False).encode()
