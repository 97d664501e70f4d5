"""What can be swept: the axes, their points, and what runs at one of them.

Its rule: nothing but the axis differs between points. A point compares variants, the baseline first; on most axes they
are the modes.
"""

from dataclasses import dataclass

from errors import UsageError
from profiles.store.sweep_folder import AxisName, Sweep
from profiles.targets import catalog
from profiles.targets.variants import Variant
from units import GIB, KIB, MIB, format_size, parse_size

ALIGNED, SHIFTED = "read-send@aligned", "read-send@shifted"
MOST_CONNECTIONS = 2000


@dataclass(frozen=True, slots=True)
class Axis:
    """coarse and fine: its points, ascending (profiles/store/sweep_folder.py). least and most: limits of POINTS."""

    name: AxisName
    coarse: tuple[int, ...]
    fine: tuple[int, ...]
    modes: tuple[str, ...]
    least: int
    most: int

    def parse(self, text: str) -> int:
        """Raises UsageError."""
        value = parse_size(text)
        if not self.least <= value <= self.most:
            limits = f"{self.format(self.least)} to {self.format(self.most)}"
            raise UsageError(f"POINTS={text}: AXIS={self.name} goes from {limits}")
        return value

    def format(self, value: int) -> str:
        return f"{value:,}" if self.name in ("connections", "buffer-offset") else format_size(value)


def _powers_of_four(first: int, last: int) -> tuple[int, ...]:
    return tuple(first << shift for shift in range(0, 64, 2) if first << shift <= last)


_OFFSETS = (0, 8, 16, 32, 64, 128, 256, 512, 2048)  # the offsets of glibc bug 30994, and powers of two beyond
_TWO = ("read-send", "sendfile")


def _axis(name: AxisName, coarse: tuple[int, ...], least: int, most: int) -> Axis:
    """The fine points are the powers of two between powers of four."""
    return Axis(name, coarse, tuple(2 * value for value in coarse[:-1]), _TWO, least, most)


AXES: dict[str, Axis] = {
    axis.name: axis
    for axis in (
        _axis("size", _powers_of_four(4 * KIB, GIB), 1, 1 << 40),
        _axis("chunk", _powers_of_four(4 * KIB, 4 * MIB), 512, catalog.MAX_OPTION_BYTES),
        _axis("connections", _powers_of_four(1, 256), 1, MOST_CONNECTIONS),
        Axis("buffer-offset", _OFFSETS, (), ("read-send",), 0, 4095),
    )
}


def check_modes(axis: Axis, modes: tuple[str, ...]) -> None:
    """Raises UsageError where there is nothing to compare, or nothing that the axis changes."""
    known = catalog.discover()
    if axis.name == "buffer-offset":
        if modes != ("read-send",):
            raise UsageError("AXIS=buffer-offset compares read-send with itself: leave MODES out")
        return
    if len(modes) < 2:
        raise UsageError(f"a sweep compares modes: give two or more MODES, not {' '.join(modes)}")
    if axis.name == "chunk" and not any("chunk" in known[mode].facts.options for mode in modes):
        having = [name for name, target in known.items() if "chunk" in target.facts.options]
        raise UsageError(f"none of {' '.join(modes)} has the option chunk: AXIS=chunk needs one of {', '.join(having)}")


def variants(sweep: Sweep, value: int) -> dict[str, Variant]:
    """The variants at this point by name, the baseline first. Names are the same at all points.

    A mode without the swept option runs unchanged.
    """
    if sweep.axis == "buffer-offset":
        given = sweep.options.get("read-send", {})
        shifts = {ALIGNED: 0, SHIFTED: value}
        return {name: Variant(name, "read-send", given | {"buffer-offset": at}) for name, at in shifts.items()}
    known = catalog.discover()
    swept = {"chunk": value} if sweep.axis == "chunk" else {}
    return {
        mode: Variant(mode, mode, sweep.options.get(mode, {}) | (swept if "chunk" in known[mode].facts.options else {}))
        for mode in sweep.modes
    }


def file_bytes(sweep: Sweep, value: int) -> int:
    return value if sweep.axis == "size" else sweep.file_bytes
