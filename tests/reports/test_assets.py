"""The script that the pages carry is the one that its source says, with the licences of what is in it."""

import hashlib
import json

from reports.page import FLAMES

BUILD = FLAMES.parent / "build"


def test_the_bundle_was_made_from_the_sources_beside_it() -> None:
    names = (*sorted(path.name for path in BUILD.glob("*.js")), "package.json", "package-lock.json")
    sources = b"".join((BUILD / name).read_bytes() for name in names)
    made_from = FLAMES.read_text().partition("\n")[0]
    assert hashlib.sha256(sources).hexdigest() in made_from, "run `make assets`"


def test_it_can_stand_in_a_page_and_carries_its_licences() -> None:
    assert "</script" not in FLAMES.read_text().lower()
    licences = FLAMES.with_name("flames.LICENSE.txt").read_text()
    for name, version in json.loads((BUILD / "package.json").read_text())["dependencies"].items():
        assert f"{name} {version} (" in licences
    assert "d3-flame-graph 5.0.0 (Apache-2.0)" in licences
