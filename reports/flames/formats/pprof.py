"""A profile for pprof (https://github.com/google/pprof) and what reads its format: profile.proto, encoded. Pure.

Field numbers are those of proto/profile.proto there, the encoding that of https://protobuf.dev/programming-guides/encoding/.
The few messages that a profile of stacks needs are encoded here, since the runtime of protobuf with generated code
would weigh more than all of reports/flames.
"""

from collections.abc import Iterable

from reports.flames.formats.sampled_stacks import SampledStacks, place

NANOSECONDS_PER_MS = 1e6
# Fields of Profile, and of the messages in it.
_SAMPLE_TYPE, _SAMPLE, _LOCATION, _FUNCTION, _STRING, _TIME_NS = 1, 2, 4, 5, 6, 9
_PERIOD_TYPE, _PERIOD, _COMMENT, _DEFAULT_SAMPLE_TYPE = 11, 12, 13, 14


def pprof(sampled: SampledStacks) -> bytes:
    """A Profile message, not compressed: samples/count, and cpu_per_gib/nanoseconds where that is known."""
    strings: dict[str, int] = {"": 0}
    functions: dict[tuple[int, int], int] = {}
    locations: dict[tuple[int, int], int] = {}

    def text(value: str) -> int:
        return strings.setdefault(value, len(strings))

    def location_of(frame: str) -> int:
        at = place(frame)
        function = functions.setdefault((text(at.name), text(at.file or "")), len(functions) + 1)
        return locations.setdefault((function, at.line or 0), len(locations) + 1)

    cost_ns = None if sampled.ms_per_sample is None else sampled.ms_per_sample * NANOSECONDS_PER_MS
    types = [("samples", "count"), *([] if cost_ns is None else [("cpu_per_gib", "nanoseconds")])]
    parts = [_message(_SAMPLE_TYPE, _numbers(1, text(name)), _numbers(2, text(unit))) for name, unit in types]
    for stack, count in sampled.counts.items():
        values = [count, *([] if cost_ns is None else [round(count * cost_ns)])]
        ids = [location_of(frame) for frame in reversed(stack)]
        parts.append(_message(_SAMPLE, _packed(1, ids), _packed(2, values)))
    for (function, line), number in locations.items():
        where = _message(4, _numbers(1, function), _numbers(2, line))
        parts.append(_message(_LOCATION, _numbers(1, number), where))
    for (name, file), number in functions.items():
        parts.append(_message(_FUNCTION, _numbers(1, number), _numbers(2, name), _numbers(3, name), _numbers(4, file)))
    parts.append(_numbers(_COMMENT, *(text(f"{name}: {value}") for name, value in sampled.facts.items())))
    parts.append(_numbers(_DEFAULT_SAMPLE_TYPE, text(types[-1][0])))
    parts.append(_numbers(_TIME_NS, round(sampled.started_s * 1e9)))
    if cost_ns is not None:
        cost, unit = types[-1]
        parts.append(_message(_PERIOD_TYPE, _numbers(1, text(cost)), _numbers(2, text(unit))))
        parts.append(_numbers(_PERIOD, round(cost_ns)))
    return b"".join([*parts, *(_bytes(_STRING, each.encode()) for each in strings)])


def _message(field: int, *parts: bytes) -> bytes:
    return _bytes(field, b"".join(parts))


def _packed(field: int, values: Iterable[int]) -> bytes:
    return _bytes(field, b"".join(map(_varint, values)))


def _numbers(field: int, *values: int) -> bytes:
    return b"".join(_varint(field << 3) + _varint(value) for value in values)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow. value: not negative."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
