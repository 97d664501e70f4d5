"""A chart on the page: a still picture for paper and readers without JavaScript, and an interactive one.

Its rule: both are drawn from one specification, and need nothing from outside the page.
"""

import contextlib
import re
from functools import cache
from importlib.metadata import version
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup

from errors import UserError
from profiles.store.files import write_file
from reports.charts.theme import TIPS, Spec
from reports.templating import BUILD, embedded_json, fragment, packed, packed_json

STILL_WIDTH_PX, HALF_WIDTH_PX = 760, 560  # of still pictures, which are scaled
MOST_PLAIN = 20_000  # characters; longer specifications are packed
VEGA_LITE = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])


def figure(name: str, spec: Spec | None, caption: str, width_px: int = STILL_WIDTH_PX) -> Markup:
    """The chart; empty if there is no specification. name: unique on the page. width_px: of the still picture."""
    if spec is None:
        return Markup("")
    still = _still(name, spec, width_px)
    plain = embedded_json(spec)
    return fragment(
        "figure.html",
        still=still,
        spec=plain if len(plain) <= MOST_PLAIN else packed_json(spec),
        packed=len(plain) > MOST_PLAIN,
        caption=caption,
        description=spec["description"],
    )


def _still(name: str, spec: Spec, width_px: int) -> Markup:
    fixed: dict[str, Any] = {key: item for key, item in spec.items() if key != "autosize"} | {"width": width_px}
    fixed["padding"] = {"left": 20, "right": 12, "top": 5, "bottom": 5}  # the browser's font may be wider than ours
    fixed["layer"] = [layer for layer in spec["layer"] if layer.get("name") != TIPS]
    svg: str = vl_convert.vegalite_to_svg(fixed, vl_version=VEGA_LITE, allowed_base_urls=[])
    # Every picture numbers its clip paths from 0; names on one page must differ.
    svg = re.sub(r'(id="|url\(#)(clip|gradient)', rf"\1{name}-\2", svg)
    return Markup(svg)  # Vega writes names as text, escaped


@cache
def vega_bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one packed script that sets window.vegaEmbed (see templates/script.js).

    Making it takes a second, so it is cached in build/, which `make clean` removes.
    """
    cached = BUILD / f"vega-{version('vl-convert-python')}-{VEGA_LITE}.js.gz.base64"
    try:
        return cached.read_text()
    except OSError:  # not made yet
        script = packed(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE).encode())
        with contextlib.suppress(UserError):  # a read-only project makes it again every time
            write_file(cached, script.encode())
        return script
