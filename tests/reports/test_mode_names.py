"""A variant is told apart from its mode everywhere, and no name breaks a file's name, a link or an id."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from reports import page
from reports.mode_names import file_name, mode_colours, plain
from reports.run_data import read_run
from tests.reports import sliced
from tests.reports.tags import Tags


@pytest.mark.parametrize(
    ("mode", "name"),
    [("sendfile", "sendfile"), ("sendfile@chunk=64KiB", "sendfile"), ("read-send@again", "read-send"), ("@x", "@x")],
)
def test_a_variant_is_named_after_its_mode(mode: str, name: str) -> None:
    assert plain(mode) == name


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("sendfile@chunk=64KiB", "sendfile@chunk=64KiB.raw"),
        ("a+b.c", "a+b.c.raw"),
        ("../etc/passwd", ".._etc_passwd.raw"),
        ("a b?#%<x>", "a_b____x_.raw"),
    ],
)
def test_a_file_to_save_is_named_after_its_mode_and_leads_nowhere_else(mode: str, name: str) -> None:
    assert file_name(mode, ".raw") == name


def test_a_mode_and_its_variants_share_a_hue_and_no_colour() -> None:
    colours = mode_colours(("read-send@again", "sendfile", "read-send", "sendfile@a", "sendfile@b"))
    assert list(colours) == ["read-send@again", "sendfile", "read-send", "sendfile@a", "sendfile@b"]
    assert colours["read-send"] == "var(--mode-0)" and colours["sendfile"] == "var(--mode-1)"
    assert "var(--mode-0)" in colours["read-send@again"]
    assert all("var(--mode-1)" in colours[f"sendfile@{name}"] for name in "ab")
    assert len(set(colours.values())) == len(colours)


def test_a_report_of_variants_holds_together(tmp_path: Path) -> None:
    run = sliced.run(sliced.VARIANTS)
    html = page.page(read_run(sliced.write(tmp_path, run, deep=True)))
    tags = Tags(html)
    ids = [attributes["id"] for _, attributes in tags.elements if "id" in attributes]
    assert len(ids) == len(set(ids)) and all(re.fullmatch(r"[\w-]+", each) for each in ids)
    links = [attributes["href"] for tag, attributes in tags.elements if tag == "a"]
    assert {unquote(link[1:]) for link in links if link.startswith("#")} <= set(ids)
    saved = {attributes["download"] for tag, attributes in tags.elements if tag == "a" and "download" in attributes}
    assert {f"{mode}.folded.gz" for mode in sliced.VARIANTS} <= saved
    classes = [attributes.get("class", "") for _, attributes in tags.elements]
    named = [each for each in classes if each.split()[:1] == ["mode"]]
    assert named == ["mode", "mode", "mode variant", "mode variant"]
