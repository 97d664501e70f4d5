"""What the documents name exists: sections of the method, links, files."""

import re
import shlex
from pathlib import Path

import pytest

import knobs
from scripts import make
from tests.conftest import PROJECT
from tests.test_imports import ROOMS

README = PROJECT / "README.md"
SUBJECTS = tuple(sorted((PROJECT / "docs").glob("*.md")))
DOCUMENTS = (README, PROJECT / "CONTRIBUTING.md", *SUBJECTS)
MOST_README_LINES = 170
TEXT_SUFFIXES = frozenset({".py", ".js", ".html", ".css"})

_CITED = re.compile(r"method\.md\s+((?:§\d+)(?:(?:,| and)\s+§\d+)*)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(rf"(?<![\w./-])(?:{'|'.join((*ROOMS, 'tests', 'docs', 'examples'))})/[\w./-]*")
_OUTPUT = re.compile(r"(?:profiles|reports)/out/")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def anchors(path: Path) -> set[str]:
    """The fragments of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", text_of(path)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def cited_sections() -> dict[str, set[str]]:
    """Section number to the files of the product and the tests that cite it."""
    cited: dict[str, set[str]] = {}
    for room in (*ROOMS, "tests"):
        for path in (PROJECT / room).rglob("*"):
            if path.suffix in TEXT_SUFFIXES and "node_modules" not in path.parts and path != Path(__file__):
                for sections in _CITED.findall(text_of(path)):
                    for number in re.findall(r"§(\d+)", sections):
                        cited.setdefault(number, set()).add(str(path.relative_to(PROJECT)))
    return cited


def test_every_cited_section_of_the_method_exists() -> None:
    sections = set(re.findall(r"^## (\d+)\. ", text_of(PROJECT / "docs" / "method.md"), re.MULTILINE))
    cited = cited_sections()
    assert cited and {number: files for number, files in cited.items() if number not in sections} == {}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in _LINK.findall(text_of(document)):
        if "://" in link:
            continue
        name, _, fragment = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), f"{link} of {document.name}"
        assert not fragment or fragment in anchors(target), f"{link} of {document.name}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_is_named_exists(document: Path) -> None:
    named = {found.rstrip(".") for found in _NAMED.findall(text_of(document)) if not _OUTPUT.match(found)}
    assert {name for name in named if not (PROJECT / name).exists()} == set()


def commands_of_make(text: str) -> list[str]:
    """The lines that begin with make, behind a prompt or in a workflow's `run`, without comments."""
    found = re.findall(r"^(?:\$ | *(?:- )?(?:run: )?)(make [^\n]*)", text, re.MULTILINE)
    return [re.sub(r"\s+#.*", "", line) for line in found]


@pytest.mark.parametrize("document", [*DOCUMENTS, *(PROJECT / "examples" / "ci").iterdir()], ids=lambda path: path.name)
def test_make_knows_every_command_that_is_shown(document: Path) -> None:
    blocks = "".join(_FENCED.findall(text_of(document))) if document.suffix == ".md" else text_of(document)
    for line in commands_of_make(blocks):
        _, name, *words = shlex.split(line)
        given = dict(word.split("=", 1) for word in words if "=" in word)
        assert name in make.COMMANDS or not given, line
        if name in make.COMMANDS:
            knobs.refuse_unknown(name, given.keys() - make.OF_THE_MAKEFILE.keys())
            knobs.check_texts(name, given)


def test_the_commands_of_the_workflow_are_seen() -> None:
    workflow = text_of(PROJECT / "examples" / "ci" / "compare.yml")
    assert [line.split()[1] for line in commands_of_make(workflow)] == ["target"] * 2 + ["load"] + ["export"] * 3


def test_the_readme_is_short() -> None:
    assert len(text_of(README).splitlines()) <= MOST_README_LINES


def test_the_readme_leads_to_every_document() -> None:
    linked = {PROJECT / link.partition("#")[0] for link in _LINK.findall(text_of(README))}
    assert set(SUBJECTS) - linked == set()
