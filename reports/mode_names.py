"""What is made out of a mode's name on a page: its colour, the name of a file to save, the mode that it varies.

Its rule: a name comes from outside and is only ever text; nothing but `file_name` makes a part of a path out of it, and
no id or class holds one. A variant is named after its mode: sendfile@chunk=64KiB, read-send@again.
"""

import re
from collections.abc import Sequence

MODE_COLOURS = 6
SHADES = (100, 55, 30)  # percent of the mode's colour in that of the mode, its first variant, and further ones


def plain(mode: str) -> str:
    """The mode without what a variant changes."""
    return mode.partition("@")[0] or mode


def file_name(mode: str, ending: str) -> str:
    """sendfile@chunk=64KiB.folded: any sign that a file system or a link may not take becomes a low line."""
    return re.sub(r"[^\w.@=+-]", "_", mode) + ending


def mode_colours(modes: Sequence[str]) -> dict[str, str]:
    """The colour of each mode in charts and tables: a CSS colour, for light and dark.

    A mode and its variants share a hue; the later ones lie nearer to the colour of text.
    """
    families: dict[str, list[str]] = {}
    for mode in modes:
        family = families.setdefault(plain(mode), [])
        family.insert(0 if mode == plain(mode) else len(family), mode)
    colours = {
        mode: _shade(hue, shade) for hue, family in enumerate(families.values()) for shade, mode in enumerate(family)
    }
    return {mode: colours[mode] for mode in modes}


def _shade(hue: int, shade: int) -> str:
    colour = f"var(--mode-{hue % MODE_COLOURS})"
    share = SHADES[min(shade, len(SHADES) - 1)]
    return colour if share == 100 else f"color-mix(in srgb, {colour} {share}%, var(--ink))"
